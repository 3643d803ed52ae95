"""The calibrated-confidence auction: a dial between quality and cost over calibrated chances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions.confidence_auction import MODES, CalibratedConfidence
from agora.bids import Bid, Reserve, Standing
from agora.errors import ConfigError
from mechanism_cases import PURSE, Case, asking, bid, cases

SURE, CHEAP = bid("sure", 6, confidence=0.9), bid("cheap", 1, confidence=0.6)


def winner(mechanism: CalibratedConfidence, *bids: Bid) -> str | None:
    return mechanism.clear(bids, reserve=PURSE, seed=1).winner


def test_the_mode_turns_the_award_from_quality_to_cost() -> None:
    assert winner(CalibratedConfidence("quality"), SURE, CHEAP) == "sure"
    assert winner(CalibratedConfidence("balanced"), SURE, CHEAP) == "sure"
    assert winner(CalibratedConfidence("cost"), SURE, CHEAP) == "cheap"
    assert list(MODES) == ["quality", "balanced", "cost"]


def test_gamma_above_one_favours_the_sure_and_below_one_the_cheap() -> None:
    assert winner(CalibratedConfidence(beta=0.65, gamma=3.0), SURE, CHEAP) == "sure"
    assert winner(CalibratedConfidence(beta=0.65, gamma=0.5), SURE, CHEAP) == "cheap"


def test_the_reckoning_can_be_redone_from_the_figures() -> None:
    score = CalibratedConfidence("cost", gamma=2.0).clear([SURE], reserve=PURSE, seed=1).ranking[0]
    assert score.figures == pytest.approx({"confidence": 0.81, "cost": 0.6})
    assert score.terms == pytest.approx({"confidence": -0.81, "cost": 1.2})
    assert score.total == pytest.approx(0.39)


def test_who_states_no_chance_abstains_and_is_told_so() -> None:
    clearing = CalibratedConfidence().clear([bid("silent", 0, confidence=None), CHEAP], reserve=PURSE, seed=1)
    assert clearing.winner == "cheap"
    assert clearing.refused == {"silent": "states no chance of success, which this auction ranks by"}


def test_where_all_are_silent_nobody_wins() -> None:
    clearing = CalibratedConfidence().clear([bid("silent", 0, confidence=None)], reserve=PURSE, seed=1)
    assert clearing.winner is None
    assert clearing.payment is None


def test_latency_counts_in_shares_of_the_time_left_and_only_where_all_have_a_record() -> None:
    slow = bid("slow", 1, confidence=0.9, standing=Standing(seconds=7.0))
    fast = bid("fast", 1, confidence=0.8, standing=Standing(seconds=0.7))
    new = bid("new", 1, confidence=0.1)
    mechanism = CalibratedConfidence(latency=1.0)
    clearing = mechanism.clear([slow, fast], reserve=PURSE, seed=1)
    assert clearing.winner == "fast"
    assert clearing.ranking[1].terms["latency"] == pytest.approx(0.5)
    with_new = mechanism.clear([slow, fast, new], reserve=PURSE, seed=1)
    assert with_new.winner == "slow"
    assert with_new.dropped == ("latency",)
    timeless = Reserve(usd=PURSE.usd)
    assert mechanism.clear([slow, fast], reserve=timeless, seed=1).dropped == ("latency",)


@given(case=cases(), mode=st.sampled_from([*MODES]))
def test_a_lower_price_never_loses_a_won_award_where_cost_counts(case: Case, mode: str) -> None:
    mechanism = CalibratedConfidence(mode)
    won = mechanism.clear(case.bids, reserve=PURSE, seed=case.seed).winner
    place = next((place for place, made in enumerate(case.bids) if made.agent == won), None)
    if place is None or case.lie > case.bids[place].price.value:
        return
    lower = [*case.bids]
    lower[place] = asking(case.bids[place], case.lie, new_lot=False)
    assert mechanism.clear(lower, reserve=PURSE, seed=case.seed).winner == won


@pytest.mark.parametrize(
    "options", [{"mode": "fast"}, {"gamma": 0.0}, {"gamma": float("inf")}, {"beta": -1.0}, {"latency": float("nan")}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float | str]) -> None:
    with pytest.raises(ConfigError, match=str(next(iter(options)))):
        CalibratedConfidence(**options)  # type: ignore[arg-type]
