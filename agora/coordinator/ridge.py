"""Ridge regression that learns one example at a time, and may forget.

    A = penalty I + sum x x',  b = sum r x,  theta = A^-1 b

Without forgetting A^-1 is updated directly (Sherman and Morrison, 1950), in O(d^2). With a discount each step is
A <- gamma A + (1 - gamma) penalty I + x x', b <- gamma b + r x; that changes A by a matrix of full rank, so A is
inverted, in O(d^3). Its eigenvalues stay in [penalty, penalty + 1 / (1 - gamma)] then, so nothing is lost in that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agora.coordinator.features import Array


class Ridge(NamedTuple):
    """What was learned: exactly these two are kept, so that what is read back goes on bit for bit."""

    inverse: Array
    """A^-1, (d, d), exactly symmetric."""
    b: Array
    """Sum of reward x context, (d,)."""

    @property
    def theta(self) -> Array:
        """The coefficients, (d,)."""
        value: Array = self.inverse @ self.b
        return value


def fresh(dimension: int, *, penalty: float = 1.0) -> Ridge:
    """Nothing learned yet."""
    import numpy as np

    return Ridge(np.eye(dimension) / penalty, np.zeros(dimension))


def learned(ridge: Ridge, x: Array, reward: float, *, gamma: float = 1.0, penalty: float = 1.0) -> Ridge:
    """After one example; the given one is left as it is.

    Args:
        ridge: Before.
        x: The context, (d,).
        reward: What came of it.
        gamma: What the past still counts for, in (0, 1]; 1: nothing is forgotten.
        penalty: As in `fresh`.
    """
    import numpy as np

    if gamma == 1.0:
        v = ridge.inverse @ x
        return Ridge(ridge.inverse - np.outer(v, v) / (1.0 + float(x @ v)), ridge.b + reward * x)
    past = np.linalg.inv(ridge.inverse)
    new = gamma * past + (1.0 - gamma) * penalty * np.eye(len(x)) + np.outer(x, x)
    inverse = np.linalg.inv(new)
    return Ridge((inverse + inverse.T) / 2.0, gamma * ridge.b + reward * x)
