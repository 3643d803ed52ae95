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
    from agora.coordinator.routers.seam import Vector

AT_ONCE: Final = (1, 3, 9, 27, 81)
"""How many outcomes of an arm are thought of together."""
_MOST: Final = 6.0
_STEPS: Final = 256
_FAR: Final = 9.0


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
    others = value.copy()
    others[best] = -np.inf
    second = int(others.argmax())
    gap = value[best] - value
    against = expected.covariance[best].copy()
    gap[best], against[best] = value[best] - value[second], expected.covariance[best, second]
    moved = np.maximum(expected.variance - against, 1e-9) ** 2
    gap = np.minimum(gap, _FAR)
    several = np.array([k for k in AT_ONCE if k <= max(1, left)], dtype=np.float64)[:, None]
    width = np.sqrt(moved / (expected.variance + noise / several) + unsure)  # (k, m)
    beyond = _psi()[np.minimum(gap / width * _STEPS, _MOST * _STEPS).astype(np.intp)]
    worth: Vector = ((left - several + 1.0) / several * width * beyond).max(axis=0)
    return worth


@cache
def _psi() -> Vector:
    """Psi on a grid from 0 to 6."""
    import numpy as np

    u = np.linspace(0.0, _MOST, int(_MOST * _STEPS) + 1)
    tail = np.array([0.5 * math.erfc(x / math.sqrt(2.0)) for x in u])
    value: Vector = np.exp(-0.5 * u**2) / math.sqrt(2.0 * math.pi) - u * tail
    return value
