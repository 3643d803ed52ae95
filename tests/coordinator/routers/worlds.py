"""Small worlds that routers learn in: who is good at what is known."""

from __future__ import annotations

from typing import cast

import numpy as np

from agora import registry
from agora.coordinator.policies.routed import RoutedPolicy, RouterOptions
from agora.coordinator.routers.seam import Arms, Log, Query

KEYS = ("cheap", "coder", "writer", "strong")
COSTS = np.array([0.01, 0.05, 0.05, 0.4])
GOOD = {"code": (0.5, 0.95, 0.2, 0.9), "prose": (0.5, 0.2, 0.95, 0.9)}
"""Tag -> chance of a right answer of each."""


def router_names() -> list[str]:
    """Every policy of the registry that is a router."""
    return [name for name in registry.BUILT_IN["policies"] if isinstance(registry.find("policies", name), RoutedPolicy)]


def routed_policy(name: str) -> RoutedPolicy[RouterOptions]:
    found = registry.find("policies", name)
    assert isinstance(found, RoutedPolicy)
    return cast("RoutedPolicy[RouterOptions]", found)


def arms(keys: tuple[str, ...] = KEYS, cost: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None) -> Arms:
    return Arms(keys, cost=COSTS[: len(keys)].copy() if cost is None else cost)


def queries(n: int, *, seed: int = 1) -> list[Query]:
    """Two kinds by turns; a kind's queries lie near each other, (8,)."""
    rng = np.random.default_rng(seed)
    made: list[Query] = []
    for number in range(n):
        tag = ("code", "prose")[number % 2]
        x = np.zeros(8)
        x[number % 2] = 1.0
        x += 0.2 * rng.normal(size=8)
        made.append(Query(x / np.linalg.norm(x), tag=tag, text=f"{tag} {number}", size=100.0, checked=True))
    return made


def log(n: int = 200, *, seed: int = 1, holes: float = 0.0) -> Log:
    """Full information; some outcomes missing."""
    rng = np.random.default_rng(seed + 1)
    asked = queries(n, seed=seed)
    chance = np.array([GOOD[query.tag] for query in asked])
    scores = (rng.uniform(size=chance.shape) < chance).astype(float)
    costs = COSTS * rng.uniform(0.8, 1.2, size=chance.shape)
    gone = rng.uniform(size=chance.shape) < holes
    scores[gone], costs[gone] = np.nan, np.nan
    return Log(asked, arms(), scores, costs)
