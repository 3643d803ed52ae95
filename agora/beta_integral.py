"""The incomplete beta integral and its inverse.

The integral is the continued fraction of Press et al., "Numerical Recipes", 6.4, with Lentz's method: no package is
needed for it. Posteriors of a chance (`agora.auctions.posterior`) and exact intervals (`agora.intervals`) rest on it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from agora.errors import ConfigError

_CLOSE: Final = 1e-13
_TINY: Final = 1e-300
_MOST_TERMS: Final = 100_000
_MOST_HALVINGS: Final = 200


@lru_cache(maxsize=4096)
def quantile(share: float, passed: float, failed: float) -> float:
    """The chance below which so much of Beta(passed + 1, failed + 1) lies: the posterior under a uniform prior.

    Args:
        share: In (0, 1).
        passed: Outcomes that passed, >= 0.
        failed: Those that failed, >= 0.

    Raises:
        ConfigError: An argument is out of its range.
    """
    if not 0.0 < share < 1.0:
        raise ConfigError("confidence level", f"{share!r} must be between 0 and 1")
    if not (0.0 <= passed < math.inf and 0.0 <= failed < math.inf):
        raise ConfigError("outcomes", f"{passed!r} passed and {failed!r} failed are no counts: give numbers >= 0")
    a, b = passed + 1.0, failed + 1.0
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(_MOST_HALVINGS):  # Newton's step where it stays inside the bracket, else its middle
        error = below(x, a, b) - share
        low, high = (low, x) if error > 0 else (x, high)
        slope = _density(x, a, b)
        step = x - error / slope if slope > _TINY else -1.0
        after = step if low < step < high else (low + high) / 2.0
        if abs(after - x) <= _CLOSE * max(x, _CLOSE):
            return after
        x = after
    return x


def below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta integral: how much of Beta(a, b) lies below x.

    >>> round(below(0.5, 2, 2), 12), round(below(0.3, 1, 1), 12)
    (0.5, 0.3)
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - below(1.0 - x, b, a)
    return _density(x, a, b) * x * (1.0 - x) / a * _fraction(x, a, b)


def _density(x: float, a: float, b: float) -> float:
    if not 0.0 < x < 1.0:
        return 0.0
    logged = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(logged + (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x))


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1.0 / _away(1.0 + even * d), _away(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1.0 / _away(1.0 + odd * d), _away(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) < _CLOSE:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
