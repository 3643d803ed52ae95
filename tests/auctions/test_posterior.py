"""The posterior of a chance: equal to its exact sum, its quantile its inverse, its bound a bound."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.ambient import SeededChance
from agora.auctions.posterior import decayed, draw, lower_bound, mean
from agora.beta_integral import below, quantile
from agora.errors import ConfigError

counts = st.integers(min_value=0, max_value=300)
chances = st.floats(min_value=0.001, max_value=0.999)


@given(x=chances, passed=st.integers(0, 60), failed=st.integers(0, 60))
def test_what_lies_below_a_chance_is_the_exact_binomial_sum(x: float, passed: int, failed: int) -> None:
    n = passed + failed + 1
    exact = math.fsum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(passed + 1, n + 1))
    assert below(x, passed + 1, failed + 1) == pytest.approx(exact, abs=1e-11)


@given(share=chances, passed=counts, failed=counts)
def test_a_quantile_has_its_share_below_it(share: float, passed: int, failed: int) -> None:
    x = quantile(share, passed, failed)
    assert 0 <= x <= 1
    assert below(x, passed + 1, failed + 1) == pytest.approx(share, abs=1e-8)


@given(passed=st.floats(0, 50), failed=st.floats(0, 50), share=chances)
def test_quantiles_hold_for_counts_that_are_no_whole_numbers(passed: float, failed: float, share: float) -> None:
    assert below(quantile(share, passed, failed), passed + 1, failed + 1) == pytest.approx(share, abs=1e-8)


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


@pytest.mark.parametrize(
    ("share", "passed", "failed"),
    [(0.0, 1, 1), (1.0, 1, 1), (math.nan, 1, 1), (0.5, -1, 1), (0.5, 1, math.inf), (0.5, math.nan, 1)],
)
def test_what_is_no_level_or_no_count_is_refused(share: float, passed: float, failed: float) -> None:
    with pytest.raises(ConfigError, match=r"between 0 and 1|are no counts"):
        quantile(share, passed, failed)
