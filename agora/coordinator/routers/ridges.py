"""A ridge regression for each arm on a query's features, of score and of cost: what linear routers learn with.

    A = penalty I + sum z z',  theta = A^-1 sum y z,  expected = theta . z + prior * share,  width = sqrt(z' A^-1 z)

`share` = penalty e_0' A^-1 z is how much of the answer is still the prior's, from 1 (nothing is known) to 0: the exact
posterior mean for a prior that lies along the first feature, which is always 1. So an arm without a record is expected
to score what the prior says and to cost what it declares. Score and cost are learned with one A, and ridge regression
is linear in what it learns: score - dial * cost is what one regression of that reward would say, for every dial.

The same learner as `agora.coordinator.per_arm`, laid out for a handful of arms: all inverses are read by one product.
A^-1 is updated directly (Sherman and Morrison, 1950).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.packing import packed, part, texts
from agora.coordinator.routers.restoring import array, fits, named
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Log, Outcome
from agora.errors import LedgerError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

PRIOR: Final = 0.5
"""Score that an arm without a record is expected to have."""


class Expected(NamedTuple):
    """What is expected of each arm."""

    success: Vector
    """Score; a regression is not held to [0, 1], (m,)."""
    cost: Vector
    """Never below 0, (m,)."""
    width: Vector
    """sqrt(z' A^-1 z): how little is known, (m,)."""


class Ridges:
    """Regressions by arm; an arm's begins with its first outcome.

    Args:
        penalty: How many outcomes the prior counts for, about; > 0.
        prior: Score expected of whom nothing is known.
    """

    def __init__(self, *, penalty: float, prior: float = PRIOR) -> None:
        import numpy as np

        self._penalty, self._prior = penalty, prior
        self._rows = Rows()
        self.costs = Costs()
        """What queries cost on average."""
        self._last: tuple[Places, Places | None] | None = None
        self._inverse = np.zeros((0, 0, 0))  # (rows, d, d)
        self._b, self._theta = np.zeros((2, 0, 0)), np.zeros((2, 0, 0))  # score and cost, (2, rows, d)

    @property
    def theta(self) -> Matrix:
        """Coefficients of the score, (rows, d)."""
        return self._theta[0, : len(self._rows)]

    @property
    def cost_theta(self) -> Matrix:
        """Coefficients of the cost, (rows, d)."""
        return self._theta[1, : len(self._rows)]

    @property
    def features(self) -> int:
        """d; 0 while nothing is known."""
        return int(self._inverse.shape[1])

    def expected(self, z: Vector, arms: Arms) -> Expected:
        """What is expected of each for features z, whose first is 1, and how little is known, (d,)."""
        import numpy as np

        success, cost = self.means(z, arms)
        n, d, nothing = len(self._rows), len(z), float(z @ z) / self._penalty
        if not n:
            return Expected(success, cost, np.full(len(arms), nothing**0.5))
        at, new = self._places(arms)
        some = n > 2 * len(arms)  # else one product over all is faster than to pick some
        inverse = self._inverse[at] if some else self._inverse[:n]
        square = (inverse.reshape(-1, d) @ z).reshape(-1, d) @ z
        if not some:
            square = square[at]
        if new is not None:
            square[new] = nothing
        return Expected(success, cost, np.sqrt(np.maximum(square, 0.0)))

    def means(self, z: Vector, arms: Arms) -> tuple[Vector, Vector]:
        """Success and cost alone, (m,) both: for who does not ask how little is known."""
        import numpy as np

        mean_cost, n = self.costs.of(arms), len(self._rows)
        if not n:
            return np.full(len(arms), self._prior), mean_cost
        at, new = self._places(arms)
        means = (self._theta[:, :n] @ z)[:, at]
        share = self._penalty * (self._inverse[:n, 0] @ z)[at]
        if new is not None:
            means[:, new], share[new] = 0.0, 1.0
        return means[0] + self._prior * share, np.maximum(means[1] + mean_cost * share, 0.0)

    def learn(self, z: Vector, arm: str, outcome: Outcome) -> None:
        """Take in one outcome; a cost that is not known counts as the arm's mean."""
        import numpy as np

        row = self._row(arm, len(z))
        self.costs.learn(arm, outcome.cost)
        cost = float(self.costs.of(Arms((arm,)))[0]) if outcome.cost is None else outcome.cost
        v = self._inverse[row] @ z
        self._inverse[row] -= np.outer(v, v) / (1.0 + float(z @ v))
        self._b[0, row] += outcome.score * z
        self._b[1, row] += cost * z
        self._theta[:, row] = self._b[:, row] @ self._inverse[row]

    def fit(self, z: Matrix, log: Log) -> None:
        """Take in a whole log.

        Args:
            z: Features of its queries, (n, d).
            log: Outcomes.
        """
        import numpy as np

        self.costs.fit(log)
        costs = np.where(np.isfinite(log.costs), log.costs, self.costs.of(log.arms))
        known = np.isfinite(log.scores)
        for column, arm in enumerate(log.arms.keys):
            seen = known[:, column]
            if not seen.any():
                continue
            row, x = self._row(arm, z.shape[1]), z[seen]
            before: Matrix = np.asarray(np.linalg.inv(self._inverse[row]), dtype=np.float64)
            inverse: Matrix = np.asarray(np.linalg.inv(before + x.T @ x), dtype=np.float64)
            self._inverse[row] = (inverse + inverse.T) / 2.0
            self._b[0, row] += log.scores[seen, column] @ x
            self._b[1, row] += costs[seen, column] @ x
            self._theta[:, row] = self._b[:, row] @ self._inverse[row]

    def saved(self) -> JsonValue:
        """Inverses and sums."""
        n = len(self._rows)
        kept: dict[str, JsonValue] = {"keys": list(self._rows.keys), "costs": self.costs.saved()}
        return {**kept, "inverse": packed(self._inverse[:n]), "b": packed(self._b[:, :n])}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        import numpy as np

        self._rows, self._last, n = named(saved, "keys"), None, len(texts(saved, "keys"))
        self.costs.restored(part(saved, "costs"))
        self._inverse = array(saved, "inverse", n, None, None)
        fits(self._inverse.shape[1] == self._inverse.shape[2], "inverse")
        self._b = array(saved, "b", 2, n, self._inverse.shape[1])
        self._theta = np.zeros_like(self._b)
        for row in range(len(self._rows)):
            self._theta[:, row] = self._b[:, row] @ self._inverse[row]

    def _places(self, arms: Arms) -> tuple[Places, Places | None]:
        """The row of each arm, (m,), and which arms have none, if any."""
        import numpy as np

        at = self._rows.known(arms)
        if self._last is None or self._last[0] is not at:
            new = np.flatnonzero(at < 0)
            self._last = at, new if len(new) else None
        return self._last

    def _row(self, arm: str, dimension: int) -> int:
        """The row of an arm, with room for it."""
        import numpy as np

        before, row = len(self._rows), self._rows.of(arm)
        if before and self._inverse.shape[1] != dimension:
            raise LedgerError(f"a query has {dimension} features, those before it {self._inverse.shape[1]}")
        if row >= len(self._inverse):
            room = max(8, 2 * row)
            inverse, b, theta = self._inverse, self._b, self._theta
            self._inverse = np.zeros((room, dimension, dimension))
            self._b, self._theta = np.zeros((2, room, dimension)), np.zeros((2, room, dimension))
            if before:
                self._inverse[:before], self._b[:, :before], self._theta[:, :before] = inverse, b, theta
        if row == before:
            self._inverse[row] = np.eye(dimension) / self._penalty
        return row


def stacked(rows: Sequence[Vector]) -> Matrix:
    """One row under the other, (n, d); (0, 0) of none."""
    import numpy as np

    return np.stack(rows) if rows else np.zeros((0, 0))
