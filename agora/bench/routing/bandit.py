"""Bandit feedback: one query after the other, and only the outcome of whom was chosen is seen.

Regret is that of reward = score - lambda x dollars: cumulative, against the best model of each query, and against the
single model that did best over the stream. What is counted is the expectation over the choice's chances; what is
learned is the outcome of the one that was drawn.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agora.bench.routing.folds import numbers
from agora.bench.routing.stage import Maker, Stage
from agora.bench.routing.worlds import World, world
from agora.coordinator.routers.seam import Outcome

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class Streamed(NamedTuple):
    """One policy over one stream."""

    score: Vector
    """Expected score at each step, (t,)."""
    usd: Vector
    """Expected dollars, (t,)."""
    change: int
    """The step at which the world changed; t where it did not."""
    regret: Vector
    """Cumulative, against the oracle, (t,)."""
    regret_best_single: Vector
    """Cumulative, against the best single model of this stream, (t,)."""
    dearest: float
    """Mean chance of the dearest model."""
    us_a_decision: float
    """Median microseconds of `choose`."""
    us_to_learn: float
    """Median microseconds of `learn`."""


def streamed(make: Maker, stage: Stage, protocol: str, seed: int) -> Streamed:
    """One policy over the stream of one seed.

    Args:
        make: Makes the router.
        stage: What is recorded.
        protocol: One of `worlds.STREAMS`.
        seed: Of the shuffle.
    """
    return over(make, stage, world(stage, protocol, seed))


def over(make: Maker, stage: Stage, here: World) -> Streamed:
    """One policy over one stream."""
    router, dial, queries = make(), stage.setting.dial, stage.plain
    if len(here.before):
        router.fit(stage.log(queries, here.before, among=(here.arms[0], here.columns[0])))
    t = len(here.steps)
    chances = np.zeros((t, len(stage.arms)))
    choosing, learning = list[float](), list[float]()
    for step, place in enumerate(numbers(here.steps)):
        late = step >= here.change
        arms, columns = here.arms[late], here.columns[late]
        query = queries[place]
        start = time.perf_counter()
        choice = router.choose(query, arms, dial=dial, draw=float(here.draws[step]))
        chosen = time.perf_counter()
        chances[step, columns] = choice.chances
        first = choice.order[0]
        at = columns[first]
        cost = float(here.costs[step, at]) if stage.priced else None
        outcome = Outcome(float(here.scores[step, at]), cost)
        begin = time.perf_counter()
        router.learn(query._replace(text=""), arms.keys[first], outcome)
        learning.append(time.perf_counter() - begin)
        choosing.append(chosen - start)
    rewards = here.scores - dial * here.costs
    got = (chances * rewards).sum(axis=1)
    best = np.where(here.alive > 0, rewards, -np.inf).max(axis=1)
    always = (here.alive > 0).all(axis=0)
    single = rewards[:, int(np.argmax(np.where(always, rewards.sum(axis=0), -np.inf)))]
    return Streamed(
        score=(chances * here.scores).sum(axis=1),
        usd=(chances * here.costs).sum(axis=1),
        change=here.change,
        regret=np.cumsum(best - got),
        regret_best_single=np.cumsum(single - got),
        dearest=float(chances[:, stage.dearest].mean()),
        us_a_decision=median(choosing) * 1e6,
        us_to_learn=median(learning) * 1e6,
    )
