"""What one way of choosing came to: a row a task, and the figures of all rows or of some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agora.bench.simulation.work import Arm
from agora.bench.simulation.world import Vector, World

Mask: TypeAlias = NDArray[np.bool_]


class Series(NamedTuple):
    """What became of each task, in the order of the stream; every array has an entry a task."""

    bins: Vector
    """Difficulty, from 0."""
    passed: Vector
    """1 where the work that was handed back is right."""
    usd: Vector
    """Dollars, overhead included."""
    tokens: Vector
    """Tokens, overhead included."""
    overhead_usd: Vector
    """Dollars of them that were not work: bids, jury, refinement."""
    overhead_tokens: Vector
    """Tokens of them that were not work."""
    attempts: Vector
    """How many."""
    largest: Vector
    """Those of them by the dearest agent."""
    asked: Vector
    """1 where bids were called for."""
    refined: Vector
    """1 where the award went to a plan that was written again."""


class Figures(NamedTuple):
    """The figures of some tasks."""

    tasks: int
    """How many."""
    passed: float
    """Share of tasks that are right: pass@1 where there is one attempt."""
    usd_task: float
    """Dollars a task."""
    usd_solved: float
    """Dollars a task that is right; infinite where none is."""
    usd_mtok: float
    """Dollars a million tokens: the mix of prices."""
    largest: float
    """Share of the attempts by the dearest agent."""
    overhead_usd: float
    """Share of the dollars that were not work."""
    overhead_tokens: float
    """Share of the tokens that were not work."""
    asked: float
    """Share of the tasks for which bids were called for."""
    refined: float
    """Share of the awards that went to a plan that was written again."""


def measure(arm: Arm, world: World) -> Series:
    """Have all tasks of a world done, in order."""
    dearest = max(range(len(world.parameters.agents)), key=lambda place: world.parameters.agents[place].usd_per_mtok)
    rows: list[tuple[float, ...]] = []
    for case in world.cases:
        done = arm.do(case)
        rows.append(
            (
                case.bin,
                done.passed,
                done.bill.total_usd(),
                done.bill.total_tokens(),
                done.bill.total_usd(overhead=True),
                done.bill.total_tokens(overhead=True),
                len(done.attempts),
                sum(attempt.agent == dearest for attempt in done.attempts),
                done.asked,
                done.refined,
            )
        )
    return Series(*np.array(rows, dtype=np.float64).T)


def figures(series: Series, where: Mask | slice = slice(None)) -> Figures:
    """The figures of all tasks, or of those that are named.

    >>> one = np.ones(2)
    >>> figures(Series(one, one * [1, 0], one * 3, one * 1e6, one, one, one, one, one, one)).usd_solved
    6.0
    """
    some = Series(*(column[where] for column in series))
    count, passed, usd, tokens = len(some.passed), some.passed.sum(), some.usd.sum(), some.tokens.sum()
    return Figures(
        tasks=count,
        passed=_share(passed, count),
        usd_task=_share(usd, count),
        usd_solved=float(usd / passed) if passed else float("inf"),
        usd_mtok=_share(usd * 1e6, tokens),
        largest=_share(some.largest.sum(), some.attempts.sum()),
        overhead_usd=_share(some.overhead_usd.sum(), usd),
        overhead_tokens=_share(some.overhead_tokens.sum(), tokens),
        asked=_share(some.asked.sum(), count),
        refined=_share(some.refined.sum(), count),
    )


def at_same_cost(usd_task: float, singles: Sequence[Figures]) -> float:
    """What a lot among single agents (or none) passes at the same dollars a task: their upper concave hull.

    Whoever does no better than this chooses no better than a lot with the right odds.

    Args:
        usd_task: Dollars a task.
        singles: The figures of each agent alone, on the same tasks.
    """
    points = sorted({(0.0, 0.0), *((one.usd_task, one.passed) for one in singles)})
    hull: list[tuple[float, float]] = []
    for point in points:
        while len(hull) > 1 and _turn(hull[-2], hull[-1], point) >= 0:
            hull.pop()
        hull.append(point)
    best = max(place for place, (_, passed) in enumerate(hull) if passed == max(one[1] for one in hull))
    hull = hull[: best + 1]  # beyond the best, more dollars buy nothing
    return float(np.interp(usd_task, [usd for usd, _ in hull], [passed for _, passed in hull]))


def _turn(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> float:
    """Above 0 where the way bends upwards at the middle."""
    return (middle[0] - first[0]) * (last[1] - first[1]) - (middle[1] - first[1]) * (last[0] - first[0])


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
