"""The posterior of a chance: its bound a bound, its draws chances, older outcomes for less."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.ambient import SeededChance
from agora.auctions.posterior import decayed, draw, lower_bound, mean

counts = st.integers(min_value=0, max_value=300)


@given(passed=counts, failed=counts, level=st.floats(min_value=0.6, max_value=0.99))
def test_a_pass_never_lowers_the_bound_and_a_failure_never_lifts_it(passed: int, failed: int, level: float) -> None:
    bound = lower_bound(passed, failed, level=level)
    assert lower_bound(passed + 1, failed, level=level) >= bound - 1e-9
    assert lower_bound(passed, failed + 1, level=level) <= bound + 1e-9


@given(passed=counts, failed=counts)
def test_more_confidence_is_a_lower_bound(passed: int, failed: int) -> None:
    bounds = [lower_bound(passed, failed, level=level) for level in (0.5, 0.8, 0.9, 0.99)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[1] < mean(passed, failed)


def test_the_bound_holds_as_often_as_it_says() -> None:
    chance, held, trials = SeededChance(11), 0, 2000
    for trial in range(trials):
        truth = chance.uniform(f"{trial}")  # the prior, as the posterior assumes it
        passed = sum(chance.uniform(f"{trial}/{shot}") < truth for shot in range(12))
        held += truth >= lower_bound(passed, 12 - passed, level=0.9)
    assert held / trials == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / trials))


@given(outcomes=st.lists(st.booleans(), max_size=40), decay=st.floats(min_value=0.5, max_value=1))
def test_decay_is_the_sum_of_powers(outcomes: list[bool], decay: float) -> None:
    passed, failed = decayed(outcomes, decay=decay)
    weights = [decay**age for age in range(len(outcomes) - 1, -1, -1)]
    assert passed == pytest.approx(sum(w for w, outcome in zip(weights, outcomes, strict=True) if outcome), abs=1e-9)
    assert passed + failed == pytest.approx(sum(weights), abs=1e-9)


@given(lot=st.floats(min_value=0, max_value=1, exclude_max=True), passed=counts, failed=counts)
def test_a_draw_is_a_chance_and_a_luckier_lot_never_draws_less(lot: float, passed: int, failed: int) -> None:
    assert 0 <= draw(lot / 2, passed, failed) <= draw(lot, passed, failed) + 1e-9 <= 1 + 1e-9
