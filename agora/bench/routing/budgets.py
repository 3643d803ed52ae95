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
_DEAREST: Final = 1e12
"""Score a dollar: no price of money is looked for above it."""


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
    """Its score over a bound of what anybody who knows all outcomes can reach with so much money, in [0, 1]."""


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
    best = best_possible(here.scores, here.costs, budget)
    share = (budget - left) / budget if budget > 0 else 0.0
    return Spent(score, usd, share, refused / len(here.steps), float(score.sum()) / best if best > 0 else 0.0)


def best_possible(scores: Matrix, costs: Matrix, budget: float) -> float:
    """A bound from above of what choosing comes to, all outcomes known: the Lagrange dual at its best price of money.

    At any price p >= 0 it is p x budget + the sum over queries of max(0, score - p x dollars), 0 being no answer.

    Args:
        scores: (t, m)
        costs: Dollars, (t, m).
        budget: Dollars, for all.
    """

    def dual(price: float) -> tuple[float, float]:
        """(the bound, the dollars that are spent at that price)."""
        worth = scores - price * costs
        at = worth.argmax(axis=1)[:, None]
        best = np.take_along_axis(worth, at, 1)[:, 0]
        paid = np.take_along_axis(costs, at, 1)[:, 0]
        return price * budget + float(np.maximum(best, 0.0).sum()), float(paid[best > 0.0].sum())

    low, high = 0.0, 1.0
    bound = min(dual(low)[0], dual(high)[0])
    while dual(high)[1] > budget and high < _DEAREST:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        value, paid = dual(middle)
        bound = min(bound, value)
        low, high = (middle, high) if paid > budget else (low, middle)
    return bound
