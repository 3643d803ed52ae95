"""A model's reply is read as a plan, or everything that is wrong with it is said in words that it can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.bids import Profile
from agora.tasks import Check
from agora.values import JsonValue
from agora.workflows.planning.plan import plan_schema
from agora.workflows.planning.reading import MOST_REPLY_CHARS, Reading, read_plan

ABLE = (
    Profile(name="coder", operator="o", kind="function", skills=frozenset({"python", "tests"})),
    Profile(name="reader", operator="o", kind="function", skills=frozenset({"search"})),
)


def part(id: str, *after: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"id": id, "description": f"do {id}", "depends_on": list(after), **more}


def reply(*parts: Mapping[str, JsonValue]) -> str:
    return json.dumps({"subtasks": parts})


def errors(*parts: Mapping[str, JsonValue], verify: Check | None = None, most: int = 50) -> tuple[str, ...]:
    return read_plan(reply(*parts), agents=ABLE, verify=verify, most=most).errors


def ids(reading: Reading) -> list[str]:
    assert reading.plan is not None, reading.errors
    return [one.id for one in reading.plan.parts]


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "```json\n{}\n```",
        "```\n{}\n```",
        "Sure! Here is the plan:\n\n{}\n\nI hope that {{it}} helps.",
        'The schema {{"type": "object"}} asks for it, so: {}',
        '{{"plan": {} }}',
        'First I thought {{"subtasks": [{{"id": "old", "description": "no"}}]}} and now\n{}',
        "<think>{{{{{{</think>{}",
    ],
)
def test_a_plan_is_found_among_fences_and_words(around: str) -> None:
    assert ids(read_plan(around.format(reply(part("a"), part("b", "a"))))) == ["a", "b"]


def test_a_list_of_subtasks_alone_is_a_plan() -> None:
    assert ids(read_plan("Here: " + json.dumps([part("a"), part("b", "a")]))) == ["a", "b"]


def test_what_models_write_for_nothing_is_nothing() -> None:
    blank = part("a", coupling=None, estimated_tokens=None, skills=None, verifier=None) | {"depends_on": None}
    reading = read_plan(reply(blank, part("b", verifier="none", skills=""), part("c", verifier={})))
    assert reading.plan is not None
    first = reading.plan.parts[0]
    assert (first.depends_on, first.coupling, first.skills, first.verifier) == ((), "weak", (), None)


def test_a_dependency_and_a_skill_that_are_stated_twice_are_stated_once() -> None:
    reading = read_plan(reply(part("a"), part("b", "a", "a", skills=["python", "python"])), agents=ABLE)
    assert reading.plan is not None
    assert (reading.plan.parts[1].depends_on, reading.plan.parts[1].skills) == (("a",), ("python",))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((part("a", "c"), part("b", "a"), part("c", "b")), "a -> b -> c -> a"),
        ((part("a"), part("a")), "2 subtasks have the id 'a'"),
        ((part("a", "nobody"),), "depends on 'nobody', and there is no such subtask"),
        ((part("a", "a"),), "depends on itself"),
        ((part("a", skills=["cooking"]),), "nobody has the skill 'cooking'; there are: python, search, tests"),
        ((part("a", skills=["python", "search"]),), "nobody has all the skills python, search"),
        ((part("a", verifier={"kind": "judge"}),), "may not ask for 'judge'"),
        ((part("a", verifier={"kind": "command", "command": "rm -rf /"}),), "may not ask for 'command'"),
        ((part("a", verifier={"kind": "planned", "check": "exact"}),), "may not ask for 'planned'"),
        ((part("a", verifier="tests"),), "may not ask for 'tests'"),
        ((part("a", verifier={"kind": "exact"}),), "verifier exact: "),
        ((part("a", verifier={"kind": "schema", "schema": {"type": 7}}),), "verifier schema: "),
        ((part("a", verifier={"kind": "citation", "path": "../../etc/passwd", "line": 1}),), "leaves the workspace"),
        ((part("a", verifier={"answer": 4}),), "kind is missing"),
        ((part("a", coupling="tight"),), "coupling"),
        ((part("a", estimated_tokens=-1),), "estimated_tokens"),
        ((part("a", estimated_tokens="many"),), "estimated_tokens"),
        ((part("a", workspace="/etc"),), "'workspace' is no part of a subtask"),
        ((part("1 a"),), "begin with a letter"),
        ((part("item"),), "'item' has a meaning of its own"),
        (({"id": "a"},), "description is missing"),
        (({"id": "a", "description": " \n "},), "is empty"),
        (({"id": "a", "description": "x" * 4001},), "description"),
        (({"id": "a", "description": "bell \a"},), "U+0007"),
        (({"id": "a", "description": "half \ud800"},), "unicode"),
    ],
)
def test_a_fault_is_named_with_its_mend(parts: Sequence[Mapping[str, JsonValue]], said: str) -> None:
    found = errors(*parts)
    assert any(said in one for one in found), found
    assert read_plan(reply(*parts), agents=ABLE).plan is None


def test_all_faults_are_told_at_once() -> None:
    found = errors(part("a", "b", "x", skills=["cooking"]), part("b", "a"), {"id": "c"}, part("b"))
    assert len(found) == 5
    for said in ("'x'", "cooking", "a -> b -> a", "'c'", "2 subtasks have the id 'b'"):
        assert any(said in one for one in found), (said, found)


def test_many_faults_are_counted_and_not_all_shown() -> None:
    found = errors(*(part(f"t{number}", "nobody") for number in range(50)))
    assert len(found) == 21
    assert found[-1] == "and 30 more"


@pytest.mark.parametrize("many", [51, 10_000])
def test_too_many_subtasks_are_refused_by_their_number(many: int) -> None:
    (found,) = errors(*(part(f"t{number}") for number in range(many)))
    assert found == f"the plan has {many:,} subtasks, and 50 is the most: join some of them"


def test_a_reply_that_is_too_long_is_not_looked_at() -> None:
    (found,) = read_plan("{" * (MOST_REPLY_CHARS + 1)).errors
    assert "write a shorter plan" in found


@pytest.mark.parametrize("nothing", ["", "I cannot do that.", "{", "[]", '{"subtasks": ', "null", "[" * 50_000])
def test_a_reply_without_a_plan_is_said_to_have_none(nothing: str) -> None:
    (found,) = read_plan(nothing).errors
    assert "there is no plan in the reply" in found


@pytest.mark.parametrize("listed", ['{"subtasks": []}', '{"subtasks": {}}', '{"subtasks": [1]}'])
def test_a_plan_without_subtasks_is_no_plan(listed: str) -> None:
    assert read_plan(listed).plan is None


def test_the_check_of_the_goal_itself_may_be_asked_for_and_nothing_that_only_looks_like_it() -> None:
    verify = Check(kind="command", options={"command": "pytest -q"})
    assert errors(part("a", verifier={"kind": "command", "command": "pytest -q"}), verify=verify) == ()
    assert errors(part("a", verifier={"kind": "command", "command": "pytest -q; x"}), verify=verify) != ()


def test_who_states_no_skills_can_do_anything() -> None:
    anybody = Profile(name="anybody", operator="o", kind="function")
    assert read_plan(reply(part("a", skills=["cooking"])), agents=(*ABLE, anybody)).plan is not None


@given(text=st.text(st.sampled_from('{}[]",: \\ausbtkid01```\n'), max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    reading = read_plan(text)
    assert (reading.plan is None) == bool(reading.errors)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["id", "description", "depends_on", "coupling", "estimated_tokens", "skills", "verifier", "other"]
)
LIKE_PARTS = st.dictionaries(KEYS, JSON | st.sampled_from(["a", "b", "x y", ["a"], ["b"], {"kind": "exact"}]))


@given(parts=st.lists(LIKE_PARTS | JSON, max_size=4))
def test_anything_in_the_shape_of_a_plan_is_a_plan_or_has_errors(parts: list[object]) -> None:
    reading = read_plan(json.dumps({"subtasks": parts}), agents=ABLE)
    assert (reading.plan is None) == bool(reading.errors)
    assert all(len(one) < 2_000 for one in reading.errors)
    if reading.plan is not None:
        known = {one.id for one in reading.plan.parts}
        assert all(set(one.depends_on) <= known - {one.id} for one in reading.plan.parts)


def test_what_the_schema_lets_through_is_read_and_what_it_refuses_in_form_is_not() -> None:
    from jsonschema import Draft202012Validator

    schema = Draft202012Validator(plan_schema(skills=["python", "tests", "search"]))
    good = {"subtasks": [part("a"), part("b", "a", skills=["python"], coupling="strong", estimated_tokens=9)]}
    assert schema.is_valid(good)  # pyright: ignore[reportUnknownMemberType]  # the stub's own
    assert read_plan(json.dumps(good), agents=ABLE).plan is not None
    bad_ones: tuple[dict[str, JsonValue], ...] = (
        {"subtasks": []},
        {"subtasks": [part("1 a")]},
        {"subtasks": [{"id": "a"}]},
        {"subtasks": [part("a", skills=["cooking"])]},
        {"subtasks": [part("a", verifier={"kind": "command"})]},
        {"subtasks": [part("a", more=1)]},
    )
    for bad in bad_ones:
        assert not schema.is_valid(bad)  # pyright: ignore[reportUnknownMemberType]  # the stub's own
        assert read_plan(json.dumps(bad), agents=ABLE).plan is None
