"""Estimates with their intervals. Pure: values and a seed in, values out.

Of a rate: the exact interval of Clopper and Pearson (1934), which holds at least what it promises, however few the
tasks are, as a statement like "passes at least 90 %" needs; and Wilson's (1927), narrower, which holds it on average.
Of a mean: Student's (1908); costs are skewed, so with few tasks that one is rough. Of paired differences and of ratios:
the percentiles of a seeded bootstrap over tasks (Efron, 1979). There a task is the unit: what one task gave several
times is averaged first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import Field

from agora.beta_integral import below, quantile
from agora.values import Value

if TYPE_CHECKING:
    import numpy as np

    _Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

LEVEL: Final = 0.95
"""How sure an interval is, where nothing else is said."""

Z_95: Final = 1.959964
"""Standard deviations to either side that hold 95 %."""

RESAMPLES: Final = 4_000
"""Samples that a bootstrap draws."""

_ENDS: Final = (2.5, 97.5)
_MOST_RUN: Final = 100_000
_HALVINGS: Final = 200


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


class Rate(Value):
    """How many of so many, and between which shares the truth lies."""

    n: int = Field(ge=0)
    """Of how many."""
    passed: int = Field(ge=0)
    """How many did."""
    value: float | None
    """The share, in [0, 1]; None where there are none."""
    low: float
    """Lower end, in [0, 1]."""
    high: float
    """Upper end, in [0, 1]."""


class Mean(Value):
    """A mean, and between which figures the true one lies."""

    n: int = Field(ge=0)
    """Of how many."""
    value: float | None
    """The mean; None where there are none."""
    low: float | None
    """Lower end, >= 0; None under two."""
    high: float | None
    """Upper end; None under two."""


def rate_of(passed: int, n: int, *, level: float = LEVEL) -> Rate:
    """A rate with its interval.

    Args:
        passed: How many did, in [0, n].
        n: Of how many.
        level: How sure, in (0, 1).

    >>> told = rate_of(18, 20)
    >>> round(told.low, 4), round(told.high, 4)
    (0.683, 0.9877)
    """
    low, high = clopper_pearson(passed, n, level=level)
    return Rate(n=n, passed=passed, value=passed / n if n else None, low=low, high=high)


def clopper_pearson(passed: float, n: float, *, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of a rate (Clopper and Pearson, 1934); (0, 1) where nothing is known.

    Args:
        passed: How many did, in [0, n]; a fraction where some count for less.
        n: Of how many.
        level: How sure, in (0, 1): either end alone is missed by (1 - level) / 2 at the most.

    >>> [round(end, 4) for end in clopper_pearson(17, 327, level=0.9)]
    [0.0334, 0.077]
    """
    return lowest(passed, n, level=level), 1.0 - lowest(n - passed, n, level=level)


def lowest(passed: float, n: float, *, level: float = LEVEL) -> float:
    """The lower end of a rate's interval; 0 where nothing is known.

    >>> round(lowest(36, 36), 4), lowest(0, 36)
    (0.9026, 0.0)
    """
    if passed < 1:
        return 0.0
    return quantile((1.0 - level) / 2, passed - 1, n - passed)


def passes_needed(passed: int, n: int, *, target: float, level: float = LEVEL) -> int | None:
    """How many more must pass, none failing, before the lower end reaches a target; None: too many to say.

    >>> passes_needed(0, 0, target=0.9), passes_needed(36, 36, target=0.9)
    (36, 0)
    """
    if lowest(passed + _MOST_RUN, n + _MOST_RUN, level=level) < target:
        return None
    low, high = 0, _MOST_RUN
    while low < high:
        middle = (low + high) // 2
        if lowest(passed + middle, n + middle, level=level) >= target:
            high = middle
        else:
            low = middle + 1
    return low


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


class Sums:
    """What a mean and its interval are made from, without keeping the figures (Welford, 1962)."""

    __slots__ = ("_mean", "_squares", "n")

    def __init__(self) -> None:
        self.n = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        """Take in one figure, >= 0."""
        self.n += 1
        step = value - self._mean
        self._mean += step / self.n
        self._squares += step * (value - self._mean)

    def merge(self, other: Sums) -> None:
        """Take in all figures of another one (Chan et al., 1979)."""
        if not other.n:
            return
        n, step = self.n + other.n, other._mean - self._mean
        self._mean += step * other.n / n
        self._squares += other._squares + step * step * self.n * other.n / n
        self.n = n

    @property
    def total(self) -> float:
        """The sum."""
        return self._mean * self.n

    def mean(self, *, level: float = LEVEL) -> Mean:
        """The mean with its interval; no figure is below 0, and so its ends are not."""
        if self.n < 2:
            return Mean(n=self.n, value=self._mean if self.n else None, low=None, high=None)
        deviation = math.sqrt(max(0.0, self._squares) / (self.n - 1))
        half = student(level, self.n - 1) * deviation / math.sqrt(self.n)
        return Mean(n=self.n, value=self._mean, low=max(0.0, self._mean - half), high=self._mean + half)


@lru_cache
def student(level: float, degrees: int) -> float:
    """Standard errors to either side that hold so much of Student's t.

    >>> round(student(0.95, 1), 3), round(student(0.95, 9), 4), round(student(0.95, 100_000), 3)
    (12.706, 2.2622, 1.96)
    """
    low, high = 0.0, 1.0
    while _within(high, degrees) < level:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
        if high - low <= 1e-10 * high:
            break
    return high


def _within(t: float, degrees: int) -> float:
    return 1.0 - below(degrees / (degrees + t * t), degrees / 2, 0.5)


def mean_of(differences: Sequence[float], *, seed: int) -> Interval | None:
    """The mean of what was paired task by task; None: nothing was.

    Args:
        differences: One for each task.
        seed: Of the bootstrap.
    """
    import numpy as np

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
    import numpy as np

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
    import numpy as np

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
    import numpy as np

    return np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))


def _ratios(
    costs: _Floats,
    solved: _Floats,
    seed: int,
) -> _Floats:
    """Cost of one solved task in each sample; infinite where none was, (resamples,)."""
    import numpy as np

    drawn = _places(len(costs), seed)
    sums = solved[drawn].sum(axis=1)
    return np.where(sums > 0, costs[drawn].sum(axis=1) / np.where(sums > 0, sums, 1.0), np.inf)


def _end(values: _Floats, percent: float) -> float:
    """A percentile among values of which some may be infinite: an observed one, not a mean of two."""
    import numpy as np

    return float(np.percentile(values, percent, method="nearest"))
