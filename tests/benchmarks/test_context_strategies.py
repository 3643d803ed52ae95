"""The benchmark of context strategies: real agents and desks, and a rule that only knows what it sees."""

from __future__ import annotations

from benchmarks.context_strategies import attempt, interval


async def test_a_strategy_that_keeps_the_numbers_finds_their_sum_and_one_that_drops_them_does_not() -> None:
    assert (await attempt("summary", "late", 1.0, 5)).right
    assert not (await attempt("discard", "late", 1.0, 5)).right


async def test_the_same_seed_makes_the_same_attempt() -> None:
    assert await attempt("look-ahead", "early", 0.5, 5) == await attempt("look-ahead", "early", 0.5, 5)


def test_an_interval_holds_its_share() -> None:
    low, high = interval(15, 20)
    assert 0.5 < low < 0.75 < high < 0.9
