"""Figures of rows, the lot that costs as much, and intervals over seeds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_rel

from agora.bench.simulation.measuring import Figures, at_same_cost
from agora.bench.simulation.seeds import interval, paired
from agora.intervals import student

shares = st.floats(0.0, 1.0)
costs = st.floats(1e-4, 1.0)
singles = st.lists(st.tuples(costs, shares), min_size=1, max_size=6)


def alone(usd: float, passed: float) -> Figures:
    return Figures(1, passed, usd, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@given(points=singles)
def test_no_agent_alone_beats_the_lot_at_its_own_price(points: list[tuple[float, float]]) -> None:
    agents = [alone(usd, passed) for usd, passed in points]
    for one in agents:
        assert at_same_cost(one.usd_task, agents) >= one.passed - 1e-9


@given(points=singles, first=costs, second=costs, share=shares)
def test_the_lot_is_a_mixture_no_mixture_of_mixtures_beats_it(
    points: list[tuple[float, float]], first: float, second: float, share: float
) -> None:
    agents = [alone(usd, passed) for usd, passed in points]
    mixed = share * at_same_cost(first, agents) + (1 - share) * at_same_cost(second, agents)
    assert at_same_cost(share * first + (1 - share) * second, agents) >= mixed - 1e-9


def test_a_lot_between_two_agents_passes_what_lies_between() -> None:
    agents = [alone(1.0, 0.4), alone(3.0, 0.8), alone(4.0, 0.7)]
    assert at_same_cost(2.0, agents) == pytest.approx(0.6)
    assert at_same_cost(0.5, agents) == pytest.approx(0.2)
    assert at_same_cost(9.0, agents) == pytest.approx(0.8)


@pytest.mark.parametrize("freedom", [1, 2, 5, 19, 200])
def test_the_quantile_is_students(freedom: int) -> None:
    assert student(0.95, freedom) == pytest.approx(float(t.ppf(0.975, freedom)), rel=1e-6)


def test_paired_intervals_are_those_of_the_paired_t_test() -> None:
    first, second = [0.5, 0.7, 0.65, 0.8, 0.41], [0.4, 0.72, 0.5, 0.7, 0.4]
    theirs = ttest_rel(first, second).confidence_interval(0.95)
    found = paired(first, second)
    assert (found.low, found.high) == pytest.approx((float(theirs.low), float(theirs.high)))


def test_an_infinite_figure_is_infinite_and_one_seed_has_no_interval() -> None:
    assert interval([1.0, math.inf]).high == math.inf
    with pytest.raises(ValueError, match="2 seeds"):
        interval([1.0])
