"""What marks are worth: the clipped median by its formula, judges by their outcomes, and no value for own praise."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agora.auctions import Panel, judge_weights
from agora.bids import Juror
from auctions.judged_bids import OPERATORS, juries, marks

operators = st.sampled_from(OPERATORS)
slacks = st.integers(min_value=0, max_value=5)


def jury_of(*agreements: float) -> dict[str, Juror]:
    return {name: Juror(operator=name, agreement=one) for name, one in zip("abcdefgh", agreements, strict=False)}


def by_the_formula(marked: Mapping[str, int], operator: str, jury: Mapping[str, Juror], slack: int) -> float | None:
    """V of the module's docstring, in fractions, judge by judge."""
    weights = {name: Fraction(weight) for name, weight in judge_weights(jury).items() if name in marked}
    peers = [name for name in weights if weights[name] and jury[name].operator != operator]
    own = [name for name in weights if weights[name] and jury[name].operator == operator]
    whole = sum(weights[name] for name in peers)
    if not whole:
        return None
    most = max(w for w in range(6) if 2 * sum(weights[name] for name in peers if marked[name] >= w) >= whole)
    counted = {name: min(max(marked[name], most - slack), most) for name in peers}
    others = sum((weights[name] * counted[name] for name in peers), Fraction(0)) / whole
    above = others * whole + sum(weights[name] * min(Fraction(marked[name]), others) for name in own)
    return float(above / (5 * (whole + sum(weights[name] for name in own))))


@given(jury=juries(), operator=operators, slack=slacks, data=st.data())
def test_a_value_is_what_the_formula_says(
    jury: dict[str, Juror], operator: str, slack: int, data: st.DataObject
) -> None:
    marked = {judge: data.draw(marks) for judge in jury}
    value = Panel(jury, slack=slack).value(marked, operator=operator)
    expected = by_the_formula(marked, operator, jury, slack)
    assert (value is None) == (expected is None)
    if value is not None and expected is not None:
        assert value == pytest.approx(expected, abs=1e-15)
        assert 0 <= value <= 1


@given(jury=juries(), operator=operators, slack=slacks, data=st.data())
def test_marks_of_the_bidders_own_operator_never_raise_its_value(
    jury: dict[str, Juror], operator: str, slack: int, data: st.DataObject
) -> None:
    marked = {judge: data.draw(marks) for judge in jury}
    others = {judge: mark for judge, mark in marked.items() if jury[judge].operator != operator}
    panel = Panel(jury, slack=slack)
    without, praised = panel.value(others, operator=operator), panel.value(marked, operator=operator)
    assert (without is None) == (praised is None)
    if without is not None and praised is not None:
        assert praised <= without
        best = {**marked, **{judge: 5 for judge in jury if jury[judge].operator == operator}}
        assert panel.value(best, operator=operator) == without


@given(jury=juries(), operator=operators, slack=slacks, data=st.data())
def test_a_better_mark_never_lowers_a_value(
    jury: dict[str, Juror], operator: str, slack: int, data: st.DataObject
) -> None:
    marked = {judge: data.draw(marks) for judge in jury}
    judge = data.draw(st.sampled_from(sorted(jury)))
    better = {**marked, judge: data.draw(st.integers(min_value=marked[judge], max_value=5))}
    panel = Panel(jury, slack=slack)
    before, after = panel.value(marked, operator=operator), panel.value(better, operator=operator)
    assert before is None or (after is not None and after >= before)


@given(jury=juries(), operator=operators, data=st.data())
def test_the_order_and_the_names_of_judges_move_nothing(
    jury: dict[str, Juror], operator: str, data: st.DataObject
) -> None:
    marked = {judge: data.draw(marks) for judge in jury}
    order = data.draw(st.permutations(sorted(jury)))
    renamed = {f"x{judge}": jury[judge] for judge in order}
    moved = {f"x{judge}": marked[judge] for judge in reversed(order)}
    assert Panel(renamed).value(moved, operator=operator) == Panel(jury).value(marked, operator=operator)


@given(agreed=marks, lie=marks, honest=st.integers(min_value=2, max_value=6), slack=slacks)
def test_a_lone_judge_moves_agreed_marks_by_its_share_of_the_slack_at_most(
    agreed: int, lie: int, honest: int, slack: int
) -> None:
    jury = {f"j{n}": Juror(operator=f"o{n}") for n in range(honest + 1)}
    marked = dict.fromkeys(jury, agreed)
    panel = Panel(jury, slack=slack)
    truth, lied = (panel.value({**marked, "j0": mark}, operator="bidder") for mark in (agreed, lie))
    assert truth is not None
    assert lied is not None
    assert lied <= truth
    assert truth - lied <= slack / (5 * (honest + 1)) + 1e-15


@given(jury=juries(min_size=3), slack=slacks, data=st.data())
def test_a_judge_below_half_the_weight_leaves_a_value_between_the_marks_of_the_others(
    jury: dict[str, Juror], slack: int, data: st.DataObject
) -> None:
    weights = judge_weights(jury)
    liar = data.draw(st.sampled_from(sorted(jury)))
    assume(0 < 2 * weights[liar] < sum(weights.values()))
    marked = {judge: data.draw(marks) for judge in jury}
    others = [mark for judge, mark in marked.items() if judge != liar and weights[judge]]
    value = Panel(jury, slack=slack).value(marked, operator="bidder")
    assert value is not None
    assert min(others) - slack - 1e-12 <= 5 * value <= max(others) + 1e-12


def test_judges_weigh_by_how_far_they_are_above_a_coin() -> None:
    assert judge_weights(jury_of(0.5, 0.75, 1.0)) == {"a": 0, "b": 500_000, "c": 1_000_000}
    assert judge_weights(jury_of(0.2, 0.6)) == {"a": 0, "b": 200_000}


def test_judges_of_whom_nothing_is_known_weigh_alike_and_those_below_a_coin_nothing() -> None:
    assert judge_weights(jury_of(0.5, 0.5)) == {"a": 1_000_000, "b": 1_000_000}
    assert judge_weights(jury_of(0.5, 0.4)) == {"a": 1_000_000, "b": 0}
    assert judge_weights(jury_of(0.1, 0.4)) == {"a": 0, "b": 0}
    assert Panel(jury_of(0.1, 0.4)).value({"a": 5, "b": 5}, operator="bidder") is None


@pytest.mark.parametrize(
    ("marked", "operator", "value"),
    [
        ({}, "bidder", None),
        ({"a": 5}, "a", None),
        ({"a": 4}, "bidder", 0.8),
        ({"a": 5, "b": 1}, "a", 0.2),
        ({"a": 0, "b": 4}, "a", 0.4),
        ({"a": 5, "b": 3, "c": 3}, "bidder", 0.6),
        ({"a": 0, "b": 3, "c": 3}, "bidder", 8 / 15),
        ({"stranger": 5}, "bidder", None),
        ({"stranger": 5, "a": 2}, "bidder", 0.4),
        ({"a": 9, "b": -1, "c": 2}, "bidder", 0.4),
        ({"a": -1}, "bidder", None),
    ],
    ids=[
        "no marks",
        "the bidder alone",
        "one judge",
        "own praise",
        "own doubts count",
        "praise above the consensus",
        "blame far below the consensus",
        "who is not on the jury",
        "a stranger beside a judge",
        "marks that are none",
        "only a mark that is none",
    ],
)
def test_the_jurys_edges(marked: dict[str, int], operator: str, value: float | None) -> None:
    jury = jury_of(0.5, 0.5, 0.5)
    assert Panel(jury).value(marked, operator=operator) == (None if value is None else pytest.approx(value))


def test_a_reckoning_shows_every_mark_as_it_counted() -> None:
    panel = Panel(
        {**jury_of(0.5, 0.5, 0.5), "own": Juror(operator="bidder"), "bad": Juror(operator="z", agreement=0.1)}
    )
    reckoning = panel.reckon({"a": 5, "b": 3, "c": 0, "own": 5, "bad": 5}, operator="bidder")
    assert reckoning is not None
    assert reckoning.counted == {"a": 3, "b": 3, "c": 2, "own": pytest.approx(8 / 3)}
    assert reckoning.value == pytest.approx(sum(reckoning.counted.values()) / 20)
    assert panel.reckon({"own": 5}, operator="bidder") is None
