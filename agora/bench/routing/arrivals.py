"""Queries that arrive as requests did at a real service, at models that answer only so many at once.

Each model has four places; who finds them taken waits in turn. The trace's times are stretched so that three models,
busy seven tenths of the time, could do all of it: a policy that sends everything to one model makes its queries wait.
What a policy is told besides is the share of places that are taken, and the seconds until an answer as far as they are
known: what is left to wait, and the mean of the answers before. Outcomes come back when the answer is there. Where no
seconds are recorded, a model is assumed to take one second and three more the dearer it is (by rank), and an answer's
share of its mean dollars stretches that.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.folds import numbers
from agora.bench.routing.stage import Maker, Stage
from agora.bench.routing.worlds import world
from agora.coordinator.routers.seam import Arms, Outcome, Query, Router

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

PLACES: Final = 4
_BUSY_MODELS: Final = 3
_BUSY_SHARE: Final = 0.7
_SLOWEST: Final = 3.0
_MOST_STRETCH: Final = 4.0


class Served(NamedTuple):
    """One policy over one stream of arrivals."""

    score: Vector
    """(t,)"""
    usd: Vector
    """(t,)"""
    waited_s: Vector
    """Seconds before anybody began, (t,)."""
    took_s: Vector
    """Seconds from arrival to answer, (t,)."""


class _Due(NamedTuple):
    at_s: float
    step: int
    query: Query
    place: int
    arm: str
    outcome: Outcome


def served(make: Maker, stage: Stage, seed: int) -> Served:
    """One policy over the warm stream of one seed, as it arrives.

    Args:
        make: Makes the router.
        stage: What is recorded.
        seed: Of the shuffle, and of the arrivals where there is no trace.
    """
    here, router = world(stage, "warm", seed), make()
    if len(here.before):
        router.fit(stage.log(stage.plain, here.before))
    keys, columns = here.arms[0].keys, here.columns[0]
    every = seconds_of(stage)[:, columns]
    seconds, known = every[here.steps], _Seconds(every[here.before])
    arrive = _arrivals(stage, seed, len(here.steps), float(seconds.mean()))
    free = [[0.0] * PLACES for _ in keys]  # when each place is free again, a heap a model
    due: list[_Due] = []
    made = Served(*(np.zeros(len(here.steps)) for _ in range(4)))
    for step, place in enumerate(numbers(here.steps)):
        now, query = float(arrive[step]), stage.plain[place]
        _learn(router, known, due, now)
        load = np.array([sum(at > now for at in one) / PLACES for one in free])
        wait = np.array([max(0.0, one[0] - now) for one in free])
        arms = Arms(keys, load=load, latency_s=wait + known.mean())
        choice = router.choose(query, arms, dial=stage.setting.dial, draw=float(here.draws[step]))
        first = choice.order[0]
        took, column = float(seconds[step, first]), columns[first]
        begin = max(now, free[first][0])
        heapq.heapreplace(free[first], begin + took)
        cost = float(here.costs[step, column])
        outcome = Outcome(float(here.scores[step, column]), cost if stage.priced else None, took)
        heapq.heappush(due, _Due(begin + took, step, query._replace(text=""), first, keys[first], outcome))
        for into, value in zip(made, (outcome.score, cost, begin - now, begin + took - now), strict=True):
            into[step] = value
    return made


def seconds_of(stage: Stage) -> Matrix:
    """How long each model takes for each query, (n, m)."""
    recorded = stage.recorded.latency_s
    if recorded is not None and np.isfinite(recorded).any(axis=0).all():
        known = np.where(np.isfinite(recorded), recorded, 0.0)
        mean = known.sum(axis=0) / np.isfinite(recorded).sum(axis=0)
        filled: Matrix = np.where(np.isfinite(recorded), recorded, mean)
        return filled
    m = len(stage.arms)
    rank = np.argsort(np.argsort(stage.costs.mean(axis=0), kind="stable"), kind="stable")
    base = 1.0 + _SLOWEST * rank / max(1, m - 1)
    mean = np.maximum(stage.costs.mean(axis=0), 1e-300)
    stretch = np.clip(stage.costs / mean, 1.0 / _MOST_STRETCH, _MOST_STRETCH) if stage.priced else 1.0
    made: Matrix = base * np.broadcast_to(stretch, stage.scores.shape)
    return made


class _Seconds:
    """What is known of how long each model takes: of the queries before, and of the answers that are there.

    Args:
        before: Of queries that are known with full information, (w, m).
    """

    def __init__(self, before: Matrix) -> None:
        self._sums, self._counts = before.sum(axis=0), np.full(before.shape[1], float(len(before)))

    def add(self, place: int, seconds: float) -> None:
        """An answer is there."""
        self._sums[place] += seconds
        self._counts[place] += 1.0

    def mean(self) -> Vector:
        """NaN: nothing is known of it, (m,)."""
        told: Vector = np.where(self._counts > 0, self._sums / np.maximum(self._counts, 1.0), np.nan)
        return told


def _learn(router: Router, known: _Seconds, due: list[_Due], now: float) -> None:
    while due and due[0].at_s <= now:
        one = heapq.heappop(due)
        known.add(one.place, one.outcome.latency_s or 0.0)
        router.learn(one.query, one.arm, one.outcome)


def _arrivals(stage: Stage, seed: int, steps: int, mean_s: float) -> Vector:
    """Seconds at which queries come, stretched to the load above, (t,)."""
    rate = _BUSY_SHARE * _BUSY_MODELS * PLACES / mean_s  # a second
    trace = np.asarray(stage.setting.trace, dtype=np.float64)
    rng = np.random.default_rng([seed, 11])
    if len(trace) <= steps:
        return np.cumsum(rng.exponential(1.0 / rate, steps))
    start = int(rng.integers(0, len(trace) - steps))
    part = trace[start : start + steps] - trace[start]
    span = float(part[-1])
    stretched: Vector = part * (steps / rate / span if span > 0 else 1.0)
    return stretched
