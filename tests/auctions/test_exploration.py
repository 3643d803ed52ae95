"""Newcomers get awards, and never more than the stated share of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.ambient import SeededChance
from agora.auctions.exploration import explore
from agora.auctions.standing import RULE
from agora.bids import Standing
from agora.errors import ConfigError

shares = st.floats(min_value=0, max_value=1)
seeds = st.integers(min_value=0, max_value=2**62)
NEW, OLD = Standing(), Standing(tried=40, passed=30)


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Standing]:
    """Bidders by the content hash of their bids."""
    keys = draw(st.lists(st.text("0123456789abcdef", min_size=4, max_size=8), unique=True, min_size=1, max_size=6))
    found: dict[str, Standing] = {}
    for key in keys:
        tried = draw(st.integers(0, 12))
        found[key] = Standing(tried=tried, passed=draw(st.integers(0, tried)))
    return found


class Market:
    """Awards one after the other; the first of the names is who wins by score."""

    def __init__(self, *, names: int, share: float, seed: int, counted: bool) -> None:
        self.tried = dict.fromkeys([f"{number:x}" for number in range(names)], 0)
        self.passed = dict(self.tried)
        self.explored = self.awards = 0
        self._share, self._counted = share, counted
        self._chance = SeededChance(seed)

    def hold(self, *, verified: bool = True) -> None:
        """One auction and its award."""
        seed = self._chance.integer(f"{self.awards}/auction")
        standings = {key: Standing(tried=self.tried[key], passed=self.passed[key]) for key in self.tried}
        explored = self.explored if self._counted else None
        whom = explore(standings, share=self._share, seed=seed, explored=explored).whom
        self.explored += whom is not None
        self.awards += 1
        winner = whom or next(iter(self.tried))
        if verified:
            self.tried[winner] += 1
            self.passed[winner] += self._chance.uniform(f"{self.awards}/outcome") < 0.5

    def join(self) -> None:
        """One more newcomer."""
        name = f"{len(self.tried):x}"
        self.tried[name] = self.passed[name] = 0


@settings(deadline=None)
@given(share=shares, seed=seeds, names=st.integers(1, 6), counted=st.booleans(), joins=st.sets(st.integers(0, 60)))
def test_explorations_are_never_more_than_their_share_of_the_awards(
    share: float, seed: int, names: int, counted: bool, joins: set[int]
) -> None:
    market = Market(names=names, share=share, seed=seed, counted=counted)
    for number in range(60):
        if number in joins:
            market.join()
        market.hold()
        assert market.explored <= share * market.awards


@pytest.mark.parametrize("counted", [True, False])
def test_nobody_is_locked_out_for_long(counted: bool) -> None:
    market = Market(names=5, share=0.2, seed=3, counted=counted)
    for _ in range(400):
        market.hold()
    assert min(market.tried.values()) >= RULE.gate
    assert market.explored <= 0.2 * market.awards


def test_where_outcomes_stay_unknown_the_lot_alone_holds_the_share() -> None:
    market = Market(names=4, share=0.1, seed=5, counted=False)
    market.tried["0"] = 1000
    for _ in range(2000):
        market.hold(verified=False)
    assert market.explored / market.awards == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 2000))


@given(standings=fields(), share=shares, seed=seeds, explored=st.none() | st.integers(0, 20))
def test_only_a_newcomer_is_explored_and_the_order_of_bidders_says_nothing(
    standings: dict[str, Standing], share: float, seed: int, explored: int | None
) -> None:
    found = explore(standings, share=share, seed=seed, explored=explored)
    assert found == explore(dict(reversed(standings.items())), share=share, seed=seed, explored=explored)
    assert found.reason
    if found.whom is not None:
        assert standings[found.whom].tried < RULE.gate
        assert share > 0


@given(standings=fields(), seed=seeds)
def test_without_a_share_or_a_newcomer_scores_decide(standings: dict[str, Standing], seed: int) -> None:
    assert explore(standings, share=0.0, seed=seed, explored=0).whom is None
    known = dict.fromkeys(standings, OLD)
    assert explore(known, share=1.0, seed=seed, explored=0).whom is None


@given(seed=seeds, share=st.floats(min_value=0.01, max_value=0.99))
def test_a_larger_share_never_calls_off_an_exploration(seed: int, share: float) -> None:
    standings = {"a": OLD, "b": NEW, "c": Standing(tried=1, passed=1)}
    small = explore(standings, share=share, seed=seed, explored=0).whom
    large = explore(standings, share=(1 + share) / 2, seed=seed, explored=0).whom
    assert small is None or small == large


def test_the_more_promising_newcomer_is_drawn_more_often_and_the_other_still_at_times() -> None:
    standings = {"a": OLD, "b": Standing(tried=2, passed=2), "c": Standing(tried=2, passed=0)}
    drawn = [explore(standings, share=1.0, seed=seed, explored=0).whom for seed in range(1000)]
    assert drawn.count("b") + drawn.count("c") == 1000
    exact = 1 / 20  # that a draw from Beta(1, 3) is above one from Beta(3, 1)
    assert drawn.count("c") / 1000 == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 1000))


def test_equal_newcomers_are_drawn_alike() -> None:
    standings = {"a": OLD, **dict.fromkeys("bcde", NEW)}
    drawn = [explore(standings, share=1.0, seed=seed, explored=0).whom for seed in range(2000)]
    for key in "bcde":
        assert drawn.count(key) / 2000 == pytest.approx(0.25, abs=4 * math.sqrt(0.1875 / 2000))


@pytest.mark.parametrize(
    ("share", "explored", "gate"), [(-0.1, 0, 3), (1.1, 0, 3), (math.nan, 0, 3), (0.5, -1, 3), (0.5, 0, -1)]
)
def test_a_share_or_count_that_makes_no_sense_is_refused(share: float, explored: int, gate: int) -> None:
    with pytest.raises(ConfigError, match="exploration"):
        explore({"a": NEW}, share=share, seed=1, explored=explored, gate=gate)
