"""Past auctions from the ledger."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from agora.auctions.fitting import Delivered
from agora.cli.past_auctions import (
    MEASURED,
    NO_FIGURES,
    ONE_BID,
    OTHER_MECHANISM,
    OTHER_TERMS,
    Past,
    read_past,
)
from agora.events import Event
from agora.records import Recorded
from agora.tasks import Verdict
from cli.remembered import Tried, attempted, auctioned, began, score, scored

A = score("a", {"cost": 0.02, "entropy": 0.9})
B = score("b", {"cost": 0.04, "entropy": 0.5})
C = score("c", {"cost": 0.01, "entropy": 0.1})


def read(events: Iterable[Event], *, mechanism: str = "sale") -> Past:
    entries = [Recorded(seq, "run", seq, "hash", event) for seq, event in enumerate(events, start=1)]
    return read_past(entries, mechanism=mechanism)


def test_costs_are_shares_of_the_largest_and_value_figures_stay() -> None:
    past = read([began(), *auctioned("t", [A, B])])
    [example] = past.examples
    assert [bid.figures for bid in example.bids] == [{"cost": 0.5, "entropy": 0.9}, {"cost": 1.0, "entropy": 0.5}]
    assert past.scales == {"cost": 0.04, "entropy": 1.0}
    assert (past.terms, past.bids, past.outcomes, past.tried) == (("cost", "entropy"), 2, 0, 0)


def test_outcomes_stand_with_the_bids_that_were_awarded_and_no_others() -> None:
    events = auctioned("t", [A, B, C], Tried("a", Verdict.FAILED, "0.5"), Tried("b", Verdict.PASSED, "2"))
    past = read([began(), *events])
    [example] = past.examples
    assert [bid.delivered for bid in example.bids] == [
        Delivered(passed=False, cost=0.25),
        Delivered(passed=True, cost=1.0),
        None,
    ]
    assert (past.outcomes, past.tried) == (2, 1)


def test_what_work_took_is_compared_within_its_unit() -> None:
    local = score("b", {"cost": 0.04, "entropy": 0.5}, unit="s")
    tried = [Tried("a", Verdict.FAILED, "0.5", seconds=100.0), Tried("b", usd="9", seconds=3.0)]
    [example] = read([began(), *auctioned("t", [A, local], *tried)]).examples
    assert [bid.delivered and bid.delivered.cost for bid in example.bids] == [1.0, 1.0]


@pytest.mark.parametrize("tried", [Tried("a", Verdict.UNKNOWN), Tried("a", grounded=False)])
def test_what_nobody_could_ground_is_no_outcome(tried: Tried) -> None:
    assert read([began(), *auctioned("t", [A, B], tried)]).outcomes == 0


def test_an_agents_second_attempt_is_no_outcome_of_its_bid() -> None:
    tried = [Tried("a", Verdict.FAILED), Tried("a", Verdict.PASSED)]
    [example] = read([began(), *auctioned("t", [A, B], *tried)]).examples
    assert example.bids[0].delivered == Delivered(passed=False, cost=0.0)


def test_of_two_rounds_the_refined_scores_count_and_a_second_auction_is_one_of_its_own() -> None:
    refined = score("b", {"cost": 0.03, "entropy": 0.95})
    first = [*auctioned("t", [A, B]), scored("t", A, refined, round_=1), *attempted("t", 1, Tried("b", Verdict.FAILED))]
    past = read([began(), *first, scored("t", A, C, auction=1), *attempted("t", 2, Tried("a"))])
    assert [[bid.figures["entropy"] for bid in example.bids] for example in past.examples] == [[0.95, 0.9], [0.9, 0.1]]
    assert [bid.delivered is not None for bid in past.examples[1].bids] == [True, False]


def test_who_takes_over_by_a_later_call_has_an_outcome_in_the_first_auction_too() -> None:
    first = [*auctioned("t", [A, B, C], Tried("a", Verdict.FAILED))]
    again = [scored("t", A, auction=1), *attempted("t", 2, Tried("a"))]
    other = [scored("t", B, C, auction=2), *attempted("t", 3, Tried("b"))]
    past = read([began(), *first, *again, *other])
    outcomes = [[bid.delivered and bid.delivered.passed for bid in example.bids] for example in past.examples]
    assert outcomes == [[False, True, None], [True, None]], "of a second try by the same agent nothing is learned"
    assert past.left_out == {ONE_BID: 1}
    assert past.tried == 1


def test_what_cannot_be_used_is_counted_by_its_reason() -> None:
    old = score("a", {"cost": 0.02, "entropy": 0.9}, told=False)
    juried = [score(name, {"cost": 0.02, "entropy": 0.9, "jury": 0.4}) for name in "ab"]
    past = read(
        [
            began(),
            *auctioned("usable", [A, B]),
            *auctioned("usable too", [A, C]),
            *auctioned("old", [old, B]),
            *auctioned("alone", [A]),
            *auctioned("juried", juried),
            scored("other", A, B, mechanism="posted"),
        ]
    )
    assert len(past.examples) == 2
    assert past.left_out == {NO_FIGURES: 1, ONE_BID: 1, OTHER_TERMS: 1, OTHER_MECHANISM: 1}
    assert read([began(learn=False), *auctioned("measured", [A, B])]).left_out == {MEASURED: 1}


def test_an_empty_ledger_and_an_erased_body_give_nothing() -> None:
    assert read([]).examples == ()
    entries = [Recorded(1, "run", 1, "hash", None)]
    assert read_past(entries, mechanism="sale").examples == ()


def test_skills_with_few_tasks_are_one_group() -> None:
    many = [event for number in range(10) for event in auctioned(f"m{number}", [A, B], skill="code")]
    few = [event for number in range(3) for event in auctioned(f"f{number}", [A, B], skill=f"rare {number}")]
    assert read([began(), *many, *few]).groups == ("code",) * 10 + ("",) * 3


def test_weights_for_figures_choose_as_weights_for_shares_do() -> None:
    past = read([began(), *auctioned("t", [A, B])])
    weights = {"cost": 0.3, "entropy": 0.7}
    turned = past.for_figures(weights)
    assert turned["cost"] / turned["entropy"] == pytest.approx(0.3 / 0.04 / 0.7)
    assert sum(turned.values()) == pytest.approx(1)
    assert past.for_shares(turned) == pytest.approx(weights)
