"""From similarities to scores, so that costs can be set against them: one slope that all arms share.

    success_m = overall_m + slope * (away_m - mean of away over arms),   away_m = sim_m - its mean over queries
    slope     = sum of away * better / (sum of away^2 + 1), at least 0,   better = score - mean score of the arm

Over a log both differences are also taken from the query's mean, so that the slope says who does better than the others
on a query and not which query is easy for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.restoring import array, named
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms
from agora.values import JsonValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from agora.coordinator.routers.seam import Matrix, Vector

Holes: TypeAlias = "npt.NDArray[np.bool_]"


class Line:
    """Learned over all arms."""

    def __init__(self) -> None:
        import numpy as np

        self.rows = Rows()
        """Whose row is which, here and in what stands beside it."""
        self._met: Matrix = np.zeros((0, 2))  # of each arm: outcomes, and the sum of its similarities to their queries
        self._sums: Vector = np.zeros(2)

    @property
    def slope(self) -> float:
        """Score for a unit of similarity, never below 0."""
        return max(0.0, float(self._sums[0]) / (float(self._sums[1]) + 1.0))

    def success(self, arms: Arms, overall: Vector, similar: Vector) -> Vector:
        """Expected score of each, in [0, 1].

        Args:
            arms: Who, (m,).
            overall: Their expected scores on any query, (m,).
            similar: Their similarities to the query, (m,).
        """
        import numpy as np

        rows = self.rows.known(arms)
        if not len(self._met):
            return overall
        met = self._met[rows]
        away = np.where((rows >= 0) & (met[:, 0] > 0), similar - met[:, 1] / np.maximum(met[:, 0], 1.0), 0.0)
        value: Vector = np.clip(overall + self.slope * (away - away.mean()), 0.0, 1.0)
        return value

    def learn(self, arm: str, similar: float, better: float) -> float:
        """Take in one outcome.

        Args:
            arm: Whose.
            similar: Its similarity to the query.
            better: Score above what it has on the mean.

        Returns:
            How much better it did than the similarity said.
        """
        row = self.rows.of(arm)
        self._grow()
        n, total = self._met[row]
        away = similar - float(total / n) if n else 0.0
        left = better - self.slope * away
        self._sums += (away * better, away * away)
        self._met[row] += (1.0, similar)
        return left

    def fit(self, similar: Matrix, scores: Matrix) -> None:
        """Take in queries that the similarities were not fitted on, for the slope.

        Args:
            similar: (n, m).
            scores: Or what is left of them beside what was expected without the similarities; NaN: unknown, (n, m).
        """
        import numpy as np

        known = np.isfinite(scores)
        away, better = _apart(similar, known), _apart(np.where(known, scores, 0.0), known)
        self._sums += (float((away * better).sum()), float((away * away).sum()))

    def usual(self, keys: Sequence[str], similar: Matrix, scores: Matrix) -> None:
        """Take in the similarities of a whole log, for the mean of each arm, (n, m) both."""
        import numpy as np

        rows = [self.rows.of(key) for key in keys]
        self._grow()
        known = np.isfinite(scores)
        self._met[rows] += np.stack([known.sum(axis=0), (similar * known).sum(axis=0)], axis=1)

    def saved(self) -> JsonValue:
        """Sums."""
        return {"keys": list(self.rows.keys), "met": packed(self._met), "sums": packed(self._sums)}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self.rows = named(saved, "keys")
        self._met, self._sums = array(saved, "met", len(self.rows), 2), array(saved, "sums", 2)

    def _grow(self) -> None:
        import numpy as np

        more = len(self.rows) - len(self._met)
        if more > 0:
            self._met = np.vstack([self._met, np.zeros((more, 2))])


def left_out(n: int) -> Holes:
    """Every fifth of n queries: those that a slope is fitted on, (n,)."""
    import numpy as np

    every: Holes = np.arange(n) % 5 == 4
    return every


def _apart(values: Matrix, known: Holes) -> Matrix:
    """Less the mean of the column, then less the mean of the row; 0 where unknown."""
    import numpy as np

    by_arm = (values - (values * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)) * known
    rows = by_arm.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    apart: Matrix = (by_arm - rows) * known
    return apart
