"""Answers in words, numbers, citations and JSON, against what is right."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError, UnknownNameError, VerifierError
from agora.sandbox import best_sandbox
from agora.tasks import Check, Outcome, Task, Verdict, Work
from agora.testing.verifiers import check_verifier
from agora.values import JsonValue
from agora.verifiers import build_verifier
from agora.verifiers.evidence import MAX_EVIDENCE_CHARS, clean
from agora.verifiers.match import last_number

TASK = Task(id="t", goal="Answer.")
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "ages": {"type": "array", "items": {"type": "integer"}}},
}
DOCUMENT = "# Fees\n\nA drill costs  two euros a day.\nA saw costs three euros a day.\n"


async def outcome(kind: str, options: dict[str, JsonValue], output: str, task: Task = TASK) -> Outcome:
    return await build_verifier(Check(kind=kind, options=options)).verify(
        task, Work(output=output), sandbox=best_sandbox()
    )


def library(root: Path) -> Task:
    (root / "docs").mkdir()
    (root / "docs/fees.txt").write_text(DOCUMENT)
    return Task(id="t", goal="How much is a saw?", workspace=str(root))


async def test_every_answer_verifier_conforms(tmp_path: Path) -> None:
    task = library(tmp_path)
    cases: list[tuple[str, dict[str, JsonValue], str, str]] = [
        ("exact", {"answer": "yes"}, "yes\n", "no"),
        ("numeric", {"answer": 42}, "it is 42.", "it is 41."),
        ("schema", {"schema": SCHEMA}, '{"name": "a"}', '{"name": 1}'),
        ("citation", {"path": "docs/fees.txt", "line": 4}, "A saw costs three euros a day.\ndocs/fees.txt:4", "three"),
    ]
    for kind, options, good, bad in cases:
        verifier = build_verifier(Check(kind=kind, options=options))
        await check_verifier(verifier, task, Work(output=good), Work(output=bad), best_sandbox())


@pytest.mark.parametrize(
    ("options", "output", "passed"),
    [
        ({"answer": "Yes"}, " Yes ", True),
        ({"answer": "Yes"}, "yes", False),
        ({"answer": "Yes", "ignore_case": True}, "yES", True),
        ({"answer": "Yes", "strip": False}, "Yes\n", False),
        ({"answer": "Yes"}, "", False),
        ({"answer": "Yes"}, "Yes, or No", False),
    ],
)
async def test_exact_answers(options: dict[str, JsonValue], output: str, passed: bool) -> None:
    assert ((await outcome("exact", options, output)).verdict is Verdict.PASSED) is passed


@pytest.mark.parametrize(
    ("answer", "output", "passed"),
    [
        (42, "6 times 7 is 42.", True),
        (42, "42, or perhaps 43", False),
        (1234567, "about 1,234,567 in all", True),
        ("1,234.5", "1234.50", True),
        (-3, "the result is -3", True),
        (-3, "the result is \u22123", True),
        (3, "10-3", True),
        (45, "45 %", True),
        (0.45, "45%", True),
        ("45%", "0.45", True),
        ("45%", "45", True),
        ("45%", "45%", True),
        (0.45, "45", False),
        (42, "42 or NaN", False),
        (42, "inf", False),
        (42, "", False),
        (42, "forty-two", False),
        (1500, "1.5e3", True),
        (1, "1e999999999", False),
        (1, "9" * 100_000, False),
        (5, "x5", True),
    ],
)
async def test_the_last_number_counts(answer: JsonValue, output: str, passed: bool) -> None:
    assert ((await outcome("numeric", {"answer": answer}, output)).verdict is Verdict.PASSED) is passed


async def test_a_tolerance_is_a_bound() -> None:
    options: dict[str, JsonValue] = {"answer": "3.14", "tolerance": "0.01"}
    assert (await outcome("numeric", options, "3.15")).verdict is Verdict.PASSED
    assert (await outcome("numeric", options, "3.151")).verdict is Verdict.FAILED


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
def test_any_number_is_found_as_it_was_written(value: Decimal) -> None:
    assert last_number(f"1 2 3, so {value:,} ") == (value, False)


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("A saw costs three  euros a day. (docs/fees.txt:4)", ""),
        ("./docs/fees.txt:4: A saw costs three euros a day.", ""),
        ("A saw costs three euros a day.", "cites no line"),
        ("It is three euros. docs/fees.txt:4", "does not quote"),
        ("A drill costs two euros a day. docs/fees.txt:3", "does not answer"),
        ("A saw costs three euros a day. docs/fees.txt:40", "has 4 lines"),
        ("A saw costs three euros a day. docs/fees.txt:0", "has 4 lines"),
        ("A saw costs three euros a day. other/docs/fees.txt:4", "cites no line"),
        (DOCUMENT + " ".join(f"docs/fees.txt:{line}" for line in range(1, 5)), "cites 4 lines"),
        ("", "empty"),
    ],
)
async def test_citations(tmp_path: Path, output: str, why: str) -> None:
    task = library(tmp_path)
    by_line: dict[str, JsonValue] = {"path": "docs/fees.txt", "line": 4}
    by_text: dict[str, JsonValue] = {"document": "docs/fees.txt", "contains": "a SAW costs"}
    for options in (by_line, by_text):
        found = await outcome("citation", options, output, task)
        assert (found.verdict is Verdict.PASSED) is (not why)
        assert why in found.evidence


@pytest.mark.parametrize("options", [{"path": "gone.txt", "line": 1}, {"path": "docs/fees.txt", "line": 9}])
async def test_a_citation_check_of_what_is_not_there_is_the_verifiers_error(
    tmp_path: Path, options: dict[str, JsonValue]
) -> None:
    with pytest.raises(VerifierError, match="mend"):
        await outcome("citation", options, "x", library(tmp_path))


@pytest.mark.parametrize("path", ["../x", "/etc/passwd"])
def test_a_citation_stays_in_the_workspace(path: str) -> None:
    with pytest.raises(ConfigError, match=r"path: leaves the workspace|leaves the workspace"):
        build_verifier(Check(kind="citation", options={"path": path, "line": 1}))


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ('{"name": "a", "ages": [1]}', ""),
        ('```json\n{"name": "a"}\n```', ""),
        ('{"name": "a", "ages": [1, "b"]}', "at $.ages[1]: 'b' is not of type 'integer'"),
        ('{"name": ', "not JSON"),
        ('{"name": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[" * 900 + "]" * 900, "is not of type 'object'"),
        ("x" * 2_000_000, "1000000 is the most"),
        ("9" * 10_000, "not JSON"),
        ("", "empty"),
    ],
    ids=range(10),
)
async def test_output_is_held_against_the_schema(output: str, why: str) -> None:
    found = await outcome("schema", {"schema": SCHEMA}, output)
    assert (found.verdict is Verdict.PASSED) is (not why)
    assert why in found.evidence


async def test_a_pattern_without_end_is_ended() -> None:
    schema: dict[str, JsonValue] = {"type": "string", "pattern": "^(a+)+$"}
    assert (await outcome("schema", {"schema": schema}, '"aaa"')).verdict is Verdict.PASSED
    found = await outcome("schema", {"schema": schema, "timeout_s": 1}, '"' + "a" * 60 + 'b"')
    assert found.verdict is Verdict.FAILED
    assert "more than 1 s" in found.evidence


async def test_a_schema_that_only_refers_to_itself_is_the_verifiers_error() -> None:
    with pytest.raises(VerifierError, match="RecursionError"):
        await outcome("schema", {"schema": {"$ref": "#"}}, "1")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "nothing"}, "not a JSON schema"),
        ({"$ref": "http://127.0.0.1:9/x.json"}, "leaves it"),
        ({"description": "x" * 300_000}, "longer"),
        (3, "schema"),
    ],
)
def test_bad_schemas_are_refused(schema: JsonValue, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_verifier(Check(kind="schema", options={"schema": schema}))


@pytest.mark.parametrize("answer", ["NaN", "inf", "many", ""])
def test_the_right_number_is_a_number(answer: str) -> None:
    with pytest.raises(ConfigError, match="finite number"):
        build_verifier(Check(kind="numeric", options={"answer": answer}))


def test_an_unknown_kind_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'command'"):
        build_verifier(Check(kind="comand"))


@given(st.text(alphabet=st.characters(), max_size=300).map(lambda text: text * 40))
def test_evidence_is_always_clean_and_short(text: str) -> None:
    shown = clean(text)
    assert len(shown) <= MAX_EVIDENCE_CHARS
    assert shown.encode().decode() == shown
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in shown)
