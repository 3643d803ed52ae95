"""Intervals over seeds: a seed is one draw of everything, and so the unit.

Student's t (1908) with the variance between seeds; differences are taken seed by seed, on the same tasks and chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from agora.auctions.posterior import below

LEVEL: Final = 0.95
"""Of all intervals."""


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
    reach = t_quantile(n - 1) * spread
    return Interval(mean, mean - reach, mean + reach, n)


def paired(first: Sequence[float], second: Sequence[float]) -> Interval:
    """The first minus the second, seed by seed.

    >>> paired([1.0, 2.0], [0.0, 1.0]).mean
    1.0
    """
    return interval([one - other for one, other in zip(first, second, strict=True)])


@lru_cache
def t_quantile(freedom: int) -> float:
    """What Student's t exceeds in absolute value once in twenty, with so many degrees of freedom.

    >>> round(t_quantile(19), 3), round(t_quantile(1), 2)
    (2.093, 12.71)
    """
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        outside = below(freedom / (freedom + middle**2), freedom / 2, 0.5)
        low, high = (middle, high) if outside > 1 - LEVEL else (low, middle)
    return high
