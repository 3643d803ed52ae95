"""What a node is shown: within its budget, best first, the same for any order, everything accounted for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.workflows.context_routing import GAP, LOOKED_AT_CHARS, Candidate, route, tokens_of

_WORDS = (
    "parser",
    "dates",
    "logo",
    "blue",
    "tests",
    "the",
    "of",
    "é",
    "42",
    "run\n",
    "file.\n\n",
    "x" * 500,
    "\n" * 40,
)


@st.composite
def _candidates(draw: st.DrawFn) -> list[Candidate]:
    texts = draw(st.lists(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=60).map(" ".join), max_size=7))
    return [
        Candidate(
            source=f"n{number}",
            heading=f"From n{number}:",
            text=text,
            distance=draw(st.integers(0, 3)),
            age=draw(st.integers(0, 20)),
            prefer=draw(st.booleans()),
            similarity=draw(st.none() | st.floats(-1, 1)),
        )
        for number, text in enumerate(texts)
    ]


_budgets = st.integers(0, 300)


@given(candidates=_candidates(), tokens=_budgets)
def test_what_is_shown_keeps_the_budget_and_every_candidate_is_accounted_for(
    candidates: list[Candidate], tokens: int
) -> None:
    chosen = route(candidates, role="tester", goal="test the parser", tokens=tokens)
    assert tokens_of(chosen.shown) <= sum(item.tokens for item in chosen.items) <= tokens
    assert [item.source for item in chosen.items] == [one.source for one in candidates]
    for item in chosen.items:
        assert (item.taken == "left out") == bool(item.why) == (item.tokens == 0)
        assert item.tokens <= item.whole_tokens
        assert item.taken != "whole" or item.tokens == item.whole_tokens


@given(candidates=_candidates(), tokens=_budgets, data=st.data())
def test_the_order_of_the_candidates_decides_nothing(
    candidates: list[Candidate], tokens: int, data: st.DataObject
) -> None:
    again = data.draw(st.permutations(candidates))
    one, other = (route(some, role="tester", goal="parser", tokens=tokens) for some in (candidates, again))
    assert {item.source: item for item in one.items} == {item.source: item for item in other.items}


@given(candidates=_candidates(), tokens=_budgets)
def test_every_line_that_is_shown_is_a_heading_or_a_quoted_line_that_was_there(
    candidates: list[Candidate], tokens: int
) -> None:
    chosen = route(candidates, role="", goal="parser", tokens=tokens)
    there = {line for one in candidates for line in one.text.splitlines()}
    headings = {one.heading for one in candidates}
    for line in chosen.shown.splitlines():
        shown = line.removeprefix("| ")
        assert line in headings or shown == GAP or any(shown in other for other in there), "long lines are taken apart"
        assert line in headings or line.startswith("| ")


def _from(source: str, text: str, *, distance: int = 1, prefer: bool = False) -> Candidate:
    return Candidate(source=source, heading=f"From {source}:", text=text, distance=distance, prefer=prefer)


def _taken(*candidates: Candidate, role: str = "", goal: str = "fix the parser", tokens: int = 1000) -> dict[str, str]:
    return {item.source: item.taken for item in route(candidates, role=role, goal=goal, tokens=tokens).items}


def test_a_role_decides_which_of_two_equally_near_outputs_is_taken() -> None:
    cases = _from("cases", "Cases to test: leap years, empty input, time zones. " * 4)
    colours = _from("colours", "Colours of the page: blue, white, a dark green. " * 4)
    for role, shown in (("tester of the cases", "cases"), ("painter of colours", "colours")):
        taken = _taken(cases, colours, role=role, goal="do your part", tokens=70)
        assert taken[shown] == "whole"
        assert list(taken.values()).count("whole") == 1


def test_what_is_preferred_comes_before_what_scores_better() -> None:
    taken = _taken(
        _from("parser", "fix the parser " * 10),
        _from("spec", "nothing alike " * 10, distance=3, prefer=True),
        tokens=45,
    )
    assert taken == {"parser": "left out", "spec": "whole"}


def test_what_is_far_and_has_no_word_in_common_is_left_out_though_there_is_room() -> None:
    chosen = route(
        [_from("logo", "blue on white", distance=2), _from("near", "blue on black")], role="", goal="parser", tokens=999
    )
    assert [(item.taken, item.why) for item in chosen.items] == [
        ("left out", "has nothing in common with the role or the goal"),
        ("whole", ""),
    ]


def test_the_same_text_is_shown_once_and_from_the_nearest() -> None:
    chosen = route(
        [_from("far", "the parser fails", distance=2), _from("near", "the parser fails")],
        role="",
        goal="fix the parser",
        tokens=999,
    )
    assert [(item.taken, item.why) for item in chosen.items] == [("left out", "says the same as near"), ("whole", "")]


def test_of_an_item_that_does_not_fit_those_lines_stay_that_say_most_in_their_order() -> None:
    lines = [f"Line {number} is about the weather in spring." for number in range(60)]
    lines[7], lines[41] = "The parser reads dates as UTC.", "The parser fails on leap years."
    chosen = route([_from("notes", "\n".join(lines))], role="", goal="fix the parser", tokens=60)
    (item,) = chosen.items
    assert item.taken == "shortened"
    assert item.tokens <= 60
    shown = chosen.shown.splitlines()
    assert shown.index("| " + lines[7]) < shown.index("| " + lines[41])
    assert f"| {GAP}" in shown


def test_what_comes_behind_the_part_that_is_looked_at_is_marked_as_left_out() -> None:
    text = "The parser fails.\n" * (LOOKED_AT_CHARS // 18 + 9)
    chosen = route([_from("log", text)], role="", goal="parser", tokens=8_000)
    assert [item.taken for item in chosen.items] == ["whole"]
    chosen = route([_from("log", text)], role="", goal="parser", tokens=5_500)
    assert [item.taken for item in chosen.items] == ["shortened"]
    assert chosen.shown.endswith(f"| {GAP}\n")


def test_a_cosine_that_is_given_stands_for_the_words_of_the_goal() -> None:
    one = _from("one", "speed").model_copy(update={"similarity": 0.9})
    other = _from("other", "parser speed").model_copy(update={"similarity": -0.5})
    items = route([one, other], role="", goal="parser", tokens=99).items
    assert items[0].score > items[1].score
