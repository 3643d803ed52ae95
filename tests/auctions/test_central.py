"""The baselines that look at no plan: the central router, and always the largest or the smallest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions.always import Always
from agora.auctions.central import CentralRouter
from agora.bids import Standing
from agora.errors import ConfigError
from mechanism_cases import JURY, PURSE, Case, bid, cases


def known(low: float) -> Standing:
    return Standing(tried=10, passed=5, success_low=low)


def test_the_router_buys_success_for_its_price() -> None:
    good, poor = bid("good", 3, standing=known(0.8)), bid("poor", 1, standing=known(0.3))
    assert CentralRouter().clear([good, poor], reserve=PURSE, seed=1).winner == "good"
    assert CentralRouter(value=0.2).clear([good, poor], reserve=PURSE, seed=1).winner == "poor"


def test_newcomers_are_taken_at_the_stated_prior_and_not_at_their_empty_record() -> None:
    new, old = bid("new", 1, standing=Standing(success_low=0.0)), bid("old", 1, standing=known(0.4))
    assert CentralRouter().clear([new, old], reserve=PURSE, seed=1).winner == "new"
    assert CentralRouter(prior=0.3).clear([new, old], reserve=PURSE, seed=1).winner == "old"
    score = CentralRouter(prior=0.3).clear([new], reserve=PURSE, seed=1).ranking[0]
    assert score.terms == pytest.approx({"cost": 0.1, "success": -0.3})
    assert score.figures == pytest.approx({"cost": 0.1, "success": 0.3})


@given(case=cases())
def test_plans_entropy_confidence_and_marks_do_not_move_the_router(case: Case) -> None:
    blank = [
        made.model_copy(update={"plan": case.bids[0].plan, "entropy": None, "confidence": None, "marks": {}})
        for made in case.bids
    ]
    before = CentralRouter().clear(case.bids, reserve=PURSE, seed=case.seed, jury=JURY)
    assert CentralRouter().clear(blank, reserve=PURSE, seed=case.seed) == before


@given(case=cases(), pick=st.sampled_from(["largest", "smallest"]))
def test_always_takes_the_extreme_share_of_the_reserve(case: Case, pick: str) -> None:
    clearing = Always(pick).clear(case.bids, reserve=PURSE, seed=case.seed)
    if clearing.ranking:
        shares = [score.price.value / PURSE.of(score.price.unit) for score in clearing.ranking]
        assert shares[0] == (max(shares) if pick == "largest" else min(shares))


def test_always_compares_dollars_with_seconds_by_shares() -> None:
    rivals = [bid("hosted", 5), bid("local", 6, unit="s")]
    assert Always().clear(rivals, reserve=PURSE, seed=1).winner == "local"
    assert Always("smallest").clear(rivals, reserve=PURSE, seed=1).winner == "hosted"


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="prior"):
        CentralRouter(prior=1.1)
    with pytest.raises(ConfigError, match="value"):
        CentralRouter(value=0)
    with pytest.raises(ConfigError, match="'smol' must be largest or smallest"):
        Always("smol")
