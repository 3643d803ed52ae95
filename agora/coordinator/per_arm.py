"""One ridge regression for each arm, all in one block of memory.

A decision over n arms reads n inverses, which is what it costs: 1,000 arms of 128 features are 131 MB. Where that is
much, widths are screened in float32, half the bytes, with a bound on the error; only arms whose upper end reaches the
best lower end are read in float64. So the choice is the one that float64 alone makes.

The bound: for unit roundoff u and a dot product of d terms, fl(x'Mx) is within (2d + 6) u |x|'|M||x| of x'Mx, its
inputs rounded to float32 included (Higham, "Accuracy and Stability of Numerical Algorithms", 3.5), and |x|'|M||x| is at
most the Frobenius norm of M times |x|^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from agora.coordinator.ridge import Ridge, fresh, learned

if TYPE_CHECKING:
    import numpy.typing as npt

    from agora.coordinator.features import Array

Number = TypeVar("Number", np.float32, np.float64)

SCREEN_FROM: Final = 1 << 20
"""Elements of inverses from which float32 is read first."""
_ROUNDOFF: Final = 2.0**-24
_AT_ONCE: Final = 64


class PerArm:
    """Inverses and coefficients of many arms; row 0 is what nothing was learned of.

    Args:
        dimension: d.
        penalty: As in `ridge`.
        gamma: As in `ridge`.
        screen_from: Elements of inverses from which float32 is read first.
    """

    def __init__(
        self, dimension: int, *, penalty: float = 1.0, gamma: float = 1.0, screen_from: int = SCREEN_FROM
    ) -> None:
        self._penalty, self._gamma, self._screen_from = penalty, gamma, screen_from
        self._rows: dict[str, int] = {}  # arm -> row; in the order in which arms first learned
        self._inverse: Array = np.zeros((8, dimension, dimension))
        self._b: Array = np.zeros((8, dimension))
        self._theta: Array = np.zeros((8, dimension))
        self._short: npt.NDArray[np.float32] = np.zeros(self._inverse.shape, np.float32)
        self._norm: Array = np.zeros(8)  # Frobenius, of each inverse
        self._put(0, fresh(dimension, penalty=penalty))

    @property
    def arms(self) -> tuple[str, ...]:
        """Whoever something was learned of, in the order of their first outcomes."""
        return tuple(self._rows)

    def ridge(self, arm: str) -> Ridge:
        """What was learned of an arm."""
        row = self._rows.get(arm, 0)
        return Ridge(self._inverse[row].copy(), self._b[row].copy())

    def place(self, arm: str, ridge: Ridge) -> None:
        """Set what was learned of an arm."""
        if arm not in self._rows:
            if len(self._rows) + 1 == len(self._inverse):
                self._grow()
            self._rows[arm] = len(self._rows) + 1
        self._put(self._rows[arm], ridge)

    def learn(self, arm: str, x: Array, reward: float) -> None:
        """After one outcome."""
        row = self._rows.get(arm, 0)
        before = Ridge(self._inverse[row], self._b[row])
        self.place(arm, learned(before, x, reward, gamma=self._gamma, penalty=self._penalty))

    def estimates(self, arms: Sequence[str], x: Array, squares: Array, *, alpha: float) -> tuple[Array, Array]:
        """Means and widths, each (k, n); widths are rounded for arms that cannot have the highest mean + alpha width.

        Args:
            arms: The n candidates.
            x: Contexts of k decisions, (k, n, d).
            squares: Their squared lengths, (k, n).
            alpha: Weight of the width.
        """
        rows = np.array([self._rows.get(arm, 0) for arm in arms], dtype=np.intp)
        mean: Array = np.einsum("knd,nd->kn", x, self._theta[rows])
        if len(rows) * self._theta.shape[1] ** 2 < self._screen_from:
            exact = [self._squares(rows, x[k : k + 1], self._inverse) for k in range(len(x))]
            return mean, np.sqrt(np.concatenate(exact))
        square = self._screened(rows, x)
        slack = (2 * x.shape[2] + 6) * _ROUNDOFF * self._norm[rows] * squares + 1e-30
        least = mean + alpha * np.sqrt(np.maximum(square - slack, 0.0))
        most = mean + alpha * np.sqrt(square + slack)
        open_ = most >= least.max(axis=1, keepdims=True) - 1e-9
        for k in range(len(x)):
            (still,) = np.nonzero(open_[k])
            chosen: Array = x[k : k + 1, still]
            square[k, still] = self._gathered(rows[still], chosen)[0]
        return mean, np.sqrt(square)

    def _squares(self, rows: npt.NDArray[np.intp], x: Array, of: npt.NDArray[Number]) -> Array:
        # x' A^-1 x, (k, n), never below 0; rows that stand next to each other are read where they are
        square: Array = np.empty(x.shape[:2])
        breaks: list[int] = (np.flatnonzero(np.diff(rows) != 1) + 1).tolist()
        for run_start, run_end in pairwise([0, *breaks, len(rows)]):
            for start in range(run_start, run_end, _AT_ONCE):
                end = min(start + _AT_ONCE, run_end)
                block = of[rows[start] : rows[start] + end - start]
                contexts = np.ascontiguousarray(x[:, start:end].transpose(1, 0, 2), dtype=of.dtype)
                square[:, start:end] = np.einsum("nkd,nkd->kn", _times(contexts, block), contexts)
        return np.maximum(square, 0.0, out=square)

    def _screened(self, rows: npt.NDArray[np.intp], x: Array) -> Array:
        if (np.diff(rows) > 0).all():
            return self._squares(rows, x, self._short)
        order, square = np.argsort(rows, kind="stable"), np.empty(x.shape[:2])
        square[:, order] = self._squares(rows[order], x[:, order], self._short)
        return square

    def _gathered(self, rows: npt.NDArray[np.intp], x: Array) -> Array:
        # one decision in float64, each arm by itself: what an arm gets does not depend on who else is there
        square: Array = np.einsum("nkd,nkd->n", _times(x[0, :, None], self._inverse[rows]), x[0, :, None])
        return np.maximum(square, 0.0)[None]

    def _put(self, row: int, ridge: Ridge) -> None:
        self._inverse[row], self._b[row], self._theta[row] = ridge.inverse, ridge.b, ridge.theta
        self._short[row] = ridge.inverse
        self._norm[row] = np.sqrt((ridge.inverse * ridge.inverse).sum())

    def _grow(self) -> None:
        self._inverse, self._b, self._theta = (_doubled(one) for one in (self._inverse, self._b, self._theta))
        self._short, self._norm = _doubled(self._short), _doubled(self._norm)


def _times(contexts: npt.NDArray[Number], block: npt.NDArray[Number]) -> npt.NDArray[np.floating]:
    # (n, k, d) by n symmetric matrices; one vector for each is read fastest with the matrix first
    if contexts.shape[1] > 1:
        return contexts @ block
    return (block @ contexts.transpose(0, 2, 1)).transpose(0, 2, 1)


def _doubled(rows: npt.NDArray[Number]) -> npt.NDArray[Number]:
    return np.concatenate([rows, np.zeros_like(rows)])
