"""What is measured: means, dollars a solved query, the frontier over single models, and paired intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from agora.bench.routing.results import Span

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Places, Vector

RESAMPLES: Final = 2_000
"""Samples of a bootstrap."""
_ENDS: Final = (2.5, 97.5)


class Measured(NamedTuple):
    """One policy at one setting, query by query."""

    score: Vector
    """Expected score of what was handed in, (n,)."""
    usd: Vector
    """Expected dollars, (n,)."""
    dearest: Vector
    """Chance that the dearest model was asked, (n,)."""
    calls: Vector
    """Expected models asked, (n,)."""


def nothing(n: int) -> Measured:
    """To be filled in, (n,)."""
    return Measured(*(np.zeros(n) for _ in range(4)))


def span_of(values: Vector, *, seed: int = 0, groups: Places | None = None) -> Span:
    """The mean of values of one query (or seed) each, with the percentiles of a bootstrap over them (Efron, 1979).

    Args:
        values: (n,), n >= 1.
        seed: Of the bootstrap.
        groups: Whole numbers, (n,): equal ones are resampled together, since they tell much the same; None: each alone.
    """
    within = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    sums, sizes = np.bincount(within, weights=values), np.bincount(within)
    n = len(sums)
    rng = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    step = max(1, 500_000 // n)  # not all samples in memory at once
    for start in range(0, RESAMPLES, step):
        stop = min(RESAMPLES, start + step)
        drawn = rng.integers(0, n, (stop - start, n))
        means[start:stop] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, _ENDS).tolist()
    return Span(value=float(values.mean()), low=low, high=high)


def hull_of(usd: Sequence[float], score: Sequence[float]) -> list[int]:
    """Places of the points that are worth their money: the upper concave hull, from the cheapest to the best.

    >>> hull_of([1, 2, 3, 4], [0.5, 0.5, 0.9, 0.8])
    [0, 2]
    """
    made: list[int] = []
    for at in sorted(range(len(usd)), key=lambda n: (usd[n], -score[n])):
        if made and score[at] <= score[made[-1]]:
            continue
        while len(made) > 1 and _slope(usd, score, made[-2], made[-1]) <= _slope(usd, score, made[-2], at):
            made.pop()
        made.append(at)
    return made


def area_between(points: Sequence[tuple[float, float]], singles: Sequence[tuple[float, float]]) -> float | None:
    """The area between a policy's hull and that of the single models, over the box that spans the latter.

    Below 0: single models, mixed by lot, are better. None: the models' hull is one point, so that there is no box.
    Outside the policy's own dollars its nearest point counts; below its cheapest one it has none, and counts as the
    cheapest model.

    Args:
        points: (dollars, score) of the policy.
        singles: (dollars, score) of each model.
    """
    floor = _hull(singles)
    (left, bottom), (right, top) = floor[0], floor[-1]
    if right <= left or top <= bottom:
        return None
    own = _hull(points)
    at = np.linspace(left, right, 2001)
    base, height = (np.interp(at, [x for x, _ in line], [y for _, y in line]) for line in (floor, own))
    height = np.where(at < own[0][0], np.minimum(base, bottom), height)
    return float((height - base).mean() / (top - bottom))


def mixed_at(frontier: Sequence[Measured], usd: float) -> Vector:
    """Scores query by query of a frontier's hull at so much money: its two neighbours, mixed by lot, (n,).

    The hull is taken where it is measured, which favours the frontier that others are compared with.

    Args:
        frontier: At least one setting.
        usd: Dollars a query.
    """
    dollars = [float(one.usd.mean()) for one in frontier]
    scores = [float(one.score.mean()) for one in frontier]
    hull = hull_of(dollars, scores)
    at = int(np.searchsorted([dollars[n] for n in hull], usd, side="right"))
    if at == 0 or at == len(hull):
        return frontier[hull[max(0, at - 1)]].score
    left, right = hull[at - 1], hull[at]
    share = (usd - dollars[left]) / (dollars[right] - dollars[left])
    return (1.0 - share) * frontier[left].score + share * frontier[right].score


def _hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [points[n] for n in hull_of([x for x, _ in points], [y for _, y in points])]


def _slope(usd: Sequence[float], score: Sequence[float], left: int, right: int) -> float:
    run = usd[right] - usd[left]
    return (score[right] - score[left]) / run if run > 0 else float("inf")
