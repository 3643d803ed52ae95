"""What a query costs: a guess that costs of others move, then what was paid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agora.coordinator.routers.own.spending import LEVEL, MEMORY, NOISE, UNDECLARED, Spending
from agora.coordinator.routers.seam import Arms, Log, Query

KEYS = ("swift-mini", "swift-large", "brick")
NAMELESS = Arms(["ant", "bee", "cow"])


def paid(*costs: tuple[str, float]) -> Spending:
    spending = Spending()
    for arm, cost in costs:
        spending.learn("code", arm, cost)
    return spending


def test_where_nothing_is_known_nobody_costs_anything() -> None:
    found = Spending().expected(NAMELESS)
    assert found.cost.tolist() == found.variance.tolist() == [0.0, 0.0, 0.0]


def test_a_declared_cost_is_believed_before_anybody_paid() -> None:
    arms = Arms(KEYS, cost=np.array([0.1, 0.5, 2.0]))
    np.testing.assert_allclose(Spending().expected(arms).cost, arms.cost)


def test_two_costs_of_one_arm_come_to_what_is_reckoned_by_hand() -> None:
    found = paid(("ant", 0.2), ("ant", 0.8)).expected(NAMELESS)
    middle, own = (math.log(0.2) + math.log(0.8)) / 2.0, LEVEL + UNDECLARED
    share = own / (own + NOISE / 2.0)
    guess = math.exp(math.log(0.2) + share * (middle - math.log(0.2)))  # the first cost told is where the level begins
    assert found.cost[0] == pytest.approx((1.0 + guess) / 3.0)
    others = LEVEL / (own + NOISE / 2.0)
    assert found.cost[1] == pytest.approx(math.exp(math.log(0.2) + others * (middle - math.log(0.2))))
    variance = own - own * own / (own + NOISE / 2.0)
    told = variance**2 / (variance + NOISE)
    assert found.variance[0] == pytest.approx((found.cost[0] / 3.0) ** 2 * math.expm1(told))


def test_declared_costs_that_are_all_off_are_set_right_by_one_that_was_paid() -> None:
    arms = Arms(KEYS, cost=np.array([0.001, 0.01, 0.004]))
    found = paid(("swift-mini", 0.1)).expected(arms).cost
    assert found[1] == pytest.approx(1.0, rel=0.15)
    assert found[2] == pytest.approx(0.4, rel=0.15)


def test_words_of_size_tell_costs_apart_where_none_is_declared() -> None:
    found = paid(("swift-mini", 0.1)).expected(Arms(KEYS)).cost
    assert found[0] < found[2] < found[1]


def test_another_unit_of_cost_changes_nothing_but_the_unit() -> None:
    told = [("swift-mini", 0.1), ("brick", 0.7), ("swift-mini", 0.2)]
    for declared in (None, np.array([0.1, np.nan, 2.0])):
        one = paid(*told).expected(Arms(KEYS, cost=declared))
        cost = None if declared is None else declared * 1e-5
        other = paid(*((arm, paid_ * 1e-5) for arm, paid_ in told)).expected(Arms(KEYS, cost=cost))
        np.testing.assert_allclose(other.cost, one.cost * 1e-5)
        np.testing.assert_allclose(other.variance, one.variance * 1e-10)


def test_after_three_queries_a_cost_is_held_for_known() -> None:
    spending = paid(("ant", 0.1), ("ant", 0.3))
    assert spending.expected(NAMELESS).variance[0] > 0.0
    spending.learn("code", "ant", 0.2)
    assert spending.expected(NAMELESS).variance[0] == 0.0


def test_a_new_price_is_followed_in_two_memories() -> None:
    spending = paid(*[("ant", 0.1)] * 200)
    for _ in range(int(2 * MEMORY)):
        spending.learn("code", "ant", 0.5)
    assert spending.expected(NAMELESS).cost[0] > 0.42


def test_who_was_free_is_free_and_an_unknown_cost_changes_nothing() -> None:
    spending = paid(("ant", 0.1), ("bee", 0.0))
    assert spending.expected(NAMELESS).cost[1] == 0.0
    before = spending.saved()
    for cost in (None, math.nan, math.inf, -1.0):
        spending.learn("code", "cow", cost)
    assert spending.saved() == before
    assert paid(("ant", 0.1)).expected(Arms(["ant", "bee"], cost=np.array([np.nan, 0.0]))).cost[1] == 0.0


def test_of_a_log_with_holes_the_mean_cost_is_known_to_a_hair() -> None:
    rng = np.random.default_rng(1)
    costs = rng.uniform(0.1, 0.3, size=(500, 3))
    costs[rng.uniform(size=costs.shape) < 0.2] = np.nan
    spending = Spending()
    spending.fit(Log([Query(np.zeros(1))] * 500, NAMELESS, np.zeros((500, 3)), costs))
    np.testing.assert_allclose(spending.expected(NAMELESS).cost, np.nanmean(costs, axis=0), rtol=1e-3)


def test_it_goes_on_to_the_last_bit_from_what_was_kept() -> None:
    one = paid(("ant", 0.2), ("bee", 0.0), ("cow", 0.9))
    other = Spending()
    other.restored(one.saved())
    for spending in (one, other):
        spending.learn("code", "bee", 0.3)
    assert (one.expected(NAMELESS).cost == other.expected(NAMELESS).cost).all()
    assert one.saved() == other.saved()
