"""What one more outcome of an arm is worth to the queries still to come: the online knowledge gradient.

    kg_a = max over k of (left - k + 1) / k * s_a(k) psi(gap_a / s_a(k)),   psi(u) = E[max(0, N - u)]
    s_a(k)^2 = (v_a - cov_ab)^2 / (v_a + noise / k) + c_a     how far k outcomes of a would move it against its rival b

Ryzhov, Powell and Frazier (2012) for correlated normal beliefs, with k outcomes at once, since a single one is often
worth nothing (Frazier and Powell, 2010). The rival of the best arm is the second, of every other the best. How far
an outcome would move what an arm is thought to cost, c_a, counts in full: one outcome tells most of it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agora.coordinator.routers.own.belief import Expected
    from agora.coordinator.routers.seam import Matrix, Vector

AT_ONCE: Final = (1, 3, 9, 27, 81)
"""How many outcomes of an arm are thought of together."""
_MOST: Final = 6.0
_STEPS: Final = 256
_FAR: Final = 9.0
_STILL: Final = 1e-9


def gain_of(expected: Expected, value: Vector, unsure: Vector, *, left: int, noise: float) -> Vector:
    """In reward, over all queries to come, for each arm, (m,).

    Args:
        expected: What is believed.
        value: Expected reward, its cost taken off, (m,).
        unsure: Variance by which one outcome would move the cost, in reward, (m,).
        left: How many queries are still to come.
        noise: Variance of one outcome.
    """
    import numpy as np

    if len(value) == 1:
        return np.zeros(1)
    best = int(value.argmax())
    highest = value[best]
    others = value.copy()
    others[best] = -np.inf
    second = int(others.argmax())
    gap, against = highest - value, expected.covariance[best].copy()
    gap[best], against[best] = highest - value[second], expected.covariance[best, second]
    np.minimum(gap, _FAR, out=gap)
    several, psi, variance = _several(), _psi(), expected.variance
    moved = np.maximum(variance - against, _STILL)
    moved *= moved
    width = np.sqrt(moved / (variance + noise / several) + unsure)  # (k, m)
    beyond = psi[np.minimum(gap / width * _STEPS, len(psi) - 1.0).astype(np.intp)]
    worth: Vector = (((left + 1.0) / several - 1.0) * width * beyond).max(axis=0)  # more at once than come: below 0
    return worth


@cache
def _several() -> Matrix:
    """`AT_ONCE` as a column."""
    import numpy as np

    return np.array(AT_ONCE, dtype=np.float64)[:, None]


@cache
def _psi() -> Vector:
    """Psi on a grid from 0 to 6."""
    import numpy as np

    u = np.linspace(0.0, _MOST, int(_MOST * _STEPS) + 1)
    tail = np.array([0.5 * math.erfc(x / math.sqrt(2.0)) for x in u])
    value: Vector = np.exp(-0.5 * u**2) / math.sqrt(2.0 * math.pi) - u * tail
    value[-1] = 0.0  # and for all that is further
    return value
