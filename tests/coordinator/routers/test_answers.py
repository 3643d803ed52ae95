"""When two answers are the same, and what kind of answer one is."""

from __future__ import annotations

import pytest

from agora.coordinator.routers.answers import KINDS, canonical, kind_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("B", "The answer is B, because it is warm."),
        ("(C) Paris", "c"),
        ('[f(x=1, y="a b")]', '[{"f": {"y": "A B", "x": 1.0}}]'),
        ("f(x=1)", '```json\n{"name": "f", "arguments": {"x": 1}}\n```'),
        ('[{"f": "{\\"x\\": 1}"}, {"g": {}}]', "[g(), f(x='1')]"),
        ("[f(flag=true)]", "f(flag=True)"),
        ("[a.get_it(x=[1, 2])]", '[aget\\_it(x="[1,2]")]'),
        ("```python\ndef add_two(a, b):\n    return a + b\n```", "def addTwo(x, y): return x - -y"),
        ("Forty two.", "forty two"),
        ("42", " 42. "),
    ],
)
def test_equal_answers_share_a_form(one: str, other: str) -> None:
    assert canonical(one) == canonical(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [("A", "B"), ("[f(x=1)]", "[f(x=2)]"), ("[f(x=1)]", "[f(x=1), f(x=1)]"), ("def f(a): 1", "def f(a, b): 1")],
)
def test_different_answers_differ(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_a_list_that_breaks_off_keeps_its_whole_calls_and_says_so() -> None:
    assert canonical("[f(x=1), g(y=") == "cut:f(x=1)"
    assert canonical('[{"f": "{\\"x\\": 1}"}, {"g": "{\\"y') == "cut:f(x=1)"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("B", 0), ("def f(): 1", 0), ("f(x=1)", 1), ("[f(), g()]", 2), ("[f(), g(", 3), ("", 4), ("word " * 30, 4)],
)
def test_kinds_of_answers_are_told_apart(answer: str, kind: int) -> None:
    assert kind_of(canonical(answer)) == kind < KINDS


@pytest.mark.parametrize(
    "answer",
    [
        "(" * 5_000,
        "[" * 5_000,
        "{" * 5_000,
        "f(" * 3_000,
        "f(x='\\d')",
        "[1]",
        "{}",
        "\x00(",
        "f(x=1e999)",
        "f(x=10**9)",
    ],
)
def test_no_answer_is_too_strange(answer: str) -> None:
    found = canonical(answer)
    assert found is None or len(found) <= 4_100


def test_numbers_that_no_float_holds_are_borne() -> None:
    assert canonical(f"f(x={'9' * 400})") == f"call:f(x={'9' * 400})"
