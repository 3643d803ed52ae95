"""A budget that all queries of a stream share: a fifth of what the best single model would take for all of them.

The policy starts warm and is paced by the wrapper that its options name, or by the dual one (`routers.pacers`); the
dial itself is 0, so that all that holds it back is the budget. An answer that would take more than is left is not
paid for: its query scores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.folds import numbers
from agora.bench.routing.stage import Maker, Stage
from agora.bench.routing.worlds import world
from agora.coordinator.routers.seam import Outcome

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

SHARE: Final = 0.2
"""Of what the best single model takes."""
_HALVINGS: Final = 60


class Spent(NamedTuple):
    """One policy over one stream under a budget."""

    score: Vector
    """At each step; 0 where nothing was paid for, (t,)."""
    usd: Vector
    """(t,)"""
    share: float
    """Of the budget that was spent, in [0, 1]."""
    refused: float
    """Share of queries that nothing was paid for."""
    of_the_best: float
    """Its score over that of whoever knows all outcomes and spends no more."""


def share_of(stage: Stage) -> float:
    """What a query may cost on average, in dollars."""
    best = int(np.argmax(stage.scores.mean(axis=0)))
    return SHARE * float(stage.costs[:, best].mean())


def spent(make: Maker, stage: Stage, seed: int) -> Spent:
    """One policy over the warm stream of one seed.

    Args:
        make: Makes the router, with its pacer.
        stage: What is recorded, with dollars.
        seed: Of the shuffle.
    """
    here, router = world(stage, "warm", seed), make()
    if len(here.before):
        router.fit(stage.log(stage.plain, here.before))
    budget = share_of(stage) * len(here.steps)
    left, arms, columns = budget, here.arms[0], here.columns[0]
    score, usd, refused = np.zeros(len(here.steps)), np.zeros(len(here.steps)), 0
    for step, place in enumerate(numbers(here.steps)):
        query = stage.plain[place]
        choice = router.choose(query, arms, dial=0.0, draw=float(here.draws[step]))
        at = columns[choice.order[0]]
        cost = float(here.costs[step, at])
        if cost > left:
            refused += 1
            continue
        left -= cost
        score[step], usd[step] = here.scores[step, at], cost
        outcome = Outcome(float(here.scores[step, at]), cost)
        router.learn(query._replace(text=""), arms.keys[choice.order[0]], outcome)
    best = _best(here.scores, here.costs, budget)
    share = (budget - left) / budget if budget > 0 else 0.0
    return Spent(score, usd, share, refused / len(here.steps), float(score.sum()) / best if best > 0 else 0.0)


def _best(scores: Matrix, costs: Matrix, budget: float) -> float:
    """The most that choosing with all outcomes known comes to, by one price of money (Lagrange), from below."""

    def told(price: float) -> tuple[float, float]:
        at = np.argmax(scores - price * costs - 1e-12 * costs, axis=1)[:, None]
        return float(np.take_along_axis(costs, at, 1).sum()), float(np.take_along_axis(scores, at, 1).sum())

    if told(0.0)[0] <= budget:
        return told(0.0)[1]
    low, high = 0.0, 1.0
    while told(high)[0] > budget and high < 1e12:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if told(middle)[0] > budget else (low, middle)
    return told(high)[1]
