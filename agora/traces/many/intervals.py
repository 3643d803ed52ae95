"""Intervals for figures over many runs. Pure.

Of a rate, the exact one of Clopper and Pearson (1934): it holds at least what it promises, however few the tasks are,
which is what a statement like "passes at least 90 %" has to rest on. Of a mean, Student's (1908); costs are skewed, so
with few tasks that one is rough. Both come from the incomplete beta integral (`agora.auctions.posterior`).
"""

from __future__ import annotations

import math
from typing import Final

from pydantic import Field

from agora.auctions.posterior import below, quantile
from agora.values import Value

LEVEL: Final = 0.95
"""How sure an interval is, where nothing else is said."""
_MOST_RUN: Final = 100_000
_HALVINGS: Final = 200


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
    return Rate(
        n=n,
        passed=passed,
        value=passed / n if n else None,
        low=lowest(passed, n, level=level),
        high=1.0 - lowest(n - passed, n, level=level),
    )


def lowest(passed: int, n: int, *, level: float = LEVEL) -> float:
    """The lower end of a rate's interval; 0 where nothing is known.

    >>> round(lowest(36, 36), 4), lowest(0, 36)
    (0.9026, 0.0)
    """
    if passed <= 0:
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
