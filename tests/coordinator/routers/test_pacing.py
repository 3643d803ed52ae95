"""A budget that queries share: it is never overdrawn by choice, and a price spends it where it does most."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from agora.coordinator.routers.choosing import by_index
from agora.coordinator.routers.paced import Paced
from agora.coordinator.routers.pacers import Pace, Purse, pacer_of
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.coordinator.routers.switching import Switching
from agora.values import JsonValue

COST = np.array([0.01, 0.1, 1.0])
ARMS = Arms(["small", "middle", "large"], cost=COST)


class Knowing:
    """Knows how likely each is to succeed: it stands in the query."""

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        success = query.x
        if len(arms) < len(success):
            success = success[[ARMS.keys.index(key) for key in arms.keys]]
        cost = COST[[ARMS.keys.index(key) for key in arms.keys]]
        return by_index(success - dial * cost, cost, terms={"success": success, "cost": cost})

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        pass

    def fit(self, log: Log) -> None:
        pass

    def saved(self) -> JsonValue:
        return None

    def restored(self, saved: JsonValue) -> None:
        pass


def stream(n: int, seed: int) -> list[Query]:
    rng = np.random.default_rng(seed)
    base = np.sort(rng.uniform(size=(n, 3)), axis=1)  # the dearer the better, by how much differs
    return [Query(x) for x in base]


def played(pace: Pace, share: float, *, horizon: bool, n: int = 600, seed: int = 5) -> tuple[float, float]:
    """Quality and spending a query."""
    pacer = pacer_of(pace)
    router = Knowing() if pacer is None else Paced(Knowing(), pacer, Purse(share, n if horizon else 0))
    quality, spent, budget = 0.0, 0.0, share * n
    for query in stream(n, seed):
        place = router.choose(query, ARMS, dial=0.0, draw=0.0).order[0]
        if spent + COST[place] > budget:
            continue  # nobody serves it
        quality, spent = quality + float(query.x[place]), spent + float(COST[place])
        router.learn(query, ARMS.keys[place], Outcome(1.0, float(COST[place])))
    return quality / n, spent / n


def best(share: float, n: int = 600, seed: int = 5) -> float:
    """The Lagrangian bound."""
    success = np.array([query.x for query in stream(n, seed)])
    prices = np.linspace(0, 200, 4001)
    return min(float((success - price * COST).max(axis=1).mean() + price * share) for price in prices)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_with_a_known_horizon_the_dual_price_comes_near_the_best_there_is(share: float) -> None:
    greedy, _ = played("none", share, horizon=True)
    quality, spent = played("dual", share, horizon=True)
    assert quality >= 0.93 * best(share)
    assert quality > greedy + 0.05
    assert spent <= share * 1.0001


@pytest.mark.parametrize("pace", [pace for pace in get_args(Pace) if pace != "none"])
def test_every_pace_spends_no_more_than_the_budget_and_beats_first_come_first_served(pace: Pace) -> None:
    greedy, _ = played("none", 0.1, horizon=True)
    quality, spent = played(pace, 0.1, horizon=True)
    assert spent <= 0.1 * 1.0001
    assert quality > greedy


@pytest.mark.parametrize("pace", ["dual", "port", "even", "replenishing"])
def test_a_rate_holds_without_a_horizon(pace: Pace) -> None:
    _, spent = played(pace, 0.2, horizon=False)
    assert 0.1 <= spent <= 0.2 * 1.05


def test_a_bucket_does_not_keep_old_savings_for_one_spree() -> None:
    bucket, even = pacer_of("replenishing"), pacer_of("even")
    assert bucket is not None
    assert even is not None
    purse = Purse(0.02, 0)
    for _ in range(400):
        for pacer in (bucket, even):
            pacer.paid(purse, 0.0)
        purse.pay(0.0)
    assert bucket.affordable(purse, None, COST).tolist() == [True, True, False]
    assert even.affordable(purse, None, COST).tolist() == [True, True, True]


def test_another_agent_is_asked_only_where_it_is_better_by_the_switching_cost() -> None:
    router = Switching(Knowing(), cost=0.2)
    query = Query(np.array([0.5, 0.6, 0.65]), tag="code")
    assert router.choose(query, ARMS, dial=0.0, draw=0.0).order[0] == 2
    router.learn(query, "small", Outcome(1.0, 0.01))
    assert router.choose(query, ARMS, dial=0.0, draw=0.0).order[0] == 0
    assert router.choose(query._replace(x=np.array([0.5, 0.6, 0.75])), ARMS, dial=0.0, draw=0.0).order[0] == 2
    assert router.choose(query._replace(tag="prose"), ARMS, dial=0.0, draw=0.0).order[0] == 2, "warm for code only"
