"""Intervals for what was measured. Pure: values and a seed in, values out.

Of a rate, Wilson's (1927); of paired differences and of ratios, the percentiles of a seeded bootstrap over tasks
(Efron, 1979). A task is the unit: what one task gave several times is averaged first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

Z_95: Final = 1.959964
"""Standard deviations to either side that hold 95 %."""

RESAMPLES: Final = 4_000
"""Samples that a bootstrap draws."""

_ENDS: Final = (2.5, 97.5)


class Interval(NamedTuple):
    """An estimate with its 95 % interval."""

    n: int
    """Tasks."""
    value: float
    """The estimate."""
    low: float
    """Lower end."""
    high: float
    """Upper end."""


def wilson(passed: float, n: int, *, z: float = Z_95) -> tuple[float, float]:
    """The interval of a rate (Wilson, 1927).

    Args:
        passed: How many did; a fraction where tasks were tried several times.
        n: Of how many.
        z: Standard deviations to either side.

    >>> tuple(round(bound, 3) for bound in wilson(8, 10))
    (0.49, 0.943)
    """
    if n == 0:
        return 0.0, 1.0
    rate, square = passed / n, z * z
    middle = rate + square / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + square / (4 * n * n))
    return max(0.0, (middle - half) / (1 + square / n)), min(1.0, (middle + half) / (1 + square / n))


def mean_of(differences: Sequence[float], *, seed: int) -> Interval | None:
    """The mean of what was paired task by task; None: nothing was.

    Args:
        differences: One for each task.
        seed: Of the bootstrap.
    """
    if not differences:
        return None
    values = np.asarray(differences, dtype=float)
    drawn = values[_places(len(values), seed)].mean(axis=1)
    low, high = np.percentile(drawn, _ENDS).tolist()
    return Interval(len(values), float(values.mean()), low, high)


def per_solved(spent: Sequence[float], passed: Sequence[float], *, seed: int) -> Interval | None:
    """What one solved task took: all that was spent, failures included, over what was solved; None: nothing was.

    Samples in which nothing was solved have no such figure; they count as the highest.

    Args:
        spent: One for each task.
        passed: One for each task, in [0, 1].
        seed: Of the bootstrap.
    """
    if not sum(passed):
        return None
    costs, solved = np.asarray(spent, dtype=float), np.asarray(passed, dtype=float)
    ratios = _ratios(costs, solved, seed)
    return Interval(len(costs), float(costs.sum() / solved.sum()), _end(ratios, _ENDS[0]), _end(ratios, _ENDS[1]))


def change_of_cost(
    before: tuple[Sequence[float], Sequence[float]], after: tuple[Sequence[float], Sequence[float]], *, seed: int
) -> Interval | None:
    """By what share the cost of one solved task changed between two sets of tasks: -0.2 is a fifth less.

    The sets are drawn from apart, since no task is in both; n is the size of the smaller. None: one solved nothing.

    Args:
        before: What each task took, and whether it passed.
        after: The same, of other tasks.
        seed: Of the bootstrap.
    """
    if not sum(before[1]) or not sum(after[1]):
        return None
    (old_cost, old_solved), (new_cost, new_solved) = (
        tuple(np.asarray(column, dtype=float) for column in part) for part in (before, after)
    )
    value = (new_cost.sum() / new_solved.sum()) / (old_cost.sum() / old_solved.sum()) - 1
    with np.errstate(invalid="ignore"):
        drawn = _ratios(new_cost, new_solved, seed + 1) / _ratios(old_cost, old_solved, seed) - 1
    drawn = np.where(np.isnan(drawn), np.inf, drawn)
    n = min(len(old_cost), len(new_cost))
    return Interval(n, float(value), _end(drawn, _ENDS[0]), _end(drawn, _ENDS[1]))


def _places(n: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Places drawn with replacement, (resamples, n)."""
    return np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))


def _ratios(
    costs: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    solved: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    seed: int,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Cost of one solved task in each sample; infinite where none was, (resamples,)."""
    drawn = _places(len(costs), seed)
    sums = solved[drawn].sum(axis=1)
    return np.where(sums > 0, costs[drawn].sum(axis=1) / np.where(sums > 0, sums, 1.0), np.inf)


def _end(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], percent: float) -> float:
    """A percentile among values of which some may be infinite: an observed one, not a mean of two."""
    return float(np.percentile(values, percent, method="nearest"))
