"""Intervals over seeds: a seed is one draw of everything, and so the unit.

Student's t (1908) with the variance between seeds; differences are taken seed by seed, on the same tasks and chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from agora.intervals import LEVEL, student


class Interval(NamedTuple):
    """A mean over seeds with its interval."""

    mean: float
    """The mean."""
    low: float
    """Its lower end."""
    high: float
    """Its upper end."""
    n: int
    """Seeds."""


def interval(values: Sequence[float]) -> Interval:
    """The mean of some values, one a seed, and its 95 % interval.

    >>> [round(figure, 3) for figure in interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484, 3]

    Args:
        values: At least 2. Where one is infinite (dollars for no solved task), so are all three.

    Raises:
        ValueError: There are fewer.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"an interval needs 2 seeds or more, not {n}")
    if not all(map(math.isfinite, values)):
        return Interval(math.inf, math.inf, math.inf, n)
    mean = math.fsum(values) / n
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    reach = student(LEVEL, n - 1) * spread
    return Interval(mean, mean - reach, mean + reach, n)


def paired(first: Sequence[float], second: Sequence[float]) -> Interval:
    """The first minus the second, seed by seed.

    >>> paired([1.0, 2.0], [0.0, 1.0]).mean
    1.0
    """
    return interval([one - other for one, other in zip(first, second, strict=True)])
