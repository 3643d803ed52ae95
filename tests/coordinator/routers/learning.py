"""How well a router does in the worlds: on queries that it has not seen, and while it sees its own choices only."""

from __future__ import annotations

import numpy as np

from agora.coordinator.routers.seam import Outcome, Query, Router
from coordinator.routers.worlds import COSTS, GOOD, KEYS, arms, queries

BEST = {"code": "coder", "prose": "writer"}
"""Who is right most often, at an eighth of the price of the next."""


def right_ones(router: Router, *, dial: float = 1.0, n: int = 60, seed: int = 99) -> float:
    """Share of new queries whose specialist comes first."""
    asked, pool = queries(n, seed=seed), arms()
    draws = np.random.default_rng(seed).uniform(size=n)
    found = [
        KEYS[router.choose(query, pool, dial=dial, draw=float(draw)).order[0]] == BEST[query.tag]
        for query, draw in zip(asked, draws, strict=True)
    ]
    return float(np.mean(found))


def outcome_of(query: Query, place: int, lot: float) -> Outcome:
    """Passed with the chance of the world."""
    return Outcome(float(lot < GOOD[query.tag][place]), float(COSTS[place]), 1.0)


def stream(router: Router, n: int, *, dial: float = 1.0, seed: int = 5) -> list[int]:
    """Choices, each followed by its outcome: bandit feedback."""
    rng, pool, chosen = np.random.default_rng(seed), arms(), list[int]()
    for query in queries(n, seed=seed):
        place = router.choose(query, pool, dial=dial, draw=float(rng.uniform())).order[0]
        router.learn(query._replace(text=""), KEYS[place], outcome_of(query, place, float(rng.uniform())))
        chosen.append(place)
    return chosen
