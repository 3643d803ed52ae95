"""The incomplete beta integral: equal to its exact sum, its quantile its inverse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("share", "passed", "failed"),
    [(0.0, 1, 1), (1.0, 1, 1), (math.nan, 1, 1), (0.5, -1, 1), (0.5, 1, math.inf), (0.5, math.nan, 1)],
)
def test_what_is_no_level_or_no_count_is_refused(share: float, passed: float, failed: float) -> None:
    with pytest.raises(ConfigError, match=r"between 0 and 1|are no counts"):
        quantile(share, passed, failed)
