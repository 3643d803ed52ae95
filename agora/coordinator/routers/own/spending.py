"""What a query costs at each arm, before and after it was asked.

    cost_a = (what the last queries of a cost together + guess_a) / (their number + 1)
    log guess_a = declared_a + level + rest_a,    rest ~ N(0, v (alike + I) / 2 + step beyond the words of size)

`declared_a` is the log of the declared cost, or what words of size say where none is declared. The level is common to
all, so that what one arm costs tells how far all declared costs are off; arms whose names are alike are off alike. All
of it is a ratio: the unit of cost is of no matter. Where nothing at all is known, nobody costs anything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.own.names import declared
from agora.coordinator.routers.own.regression import Regression
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, named, real
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Log
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

MEMORY: Final = 20.0
"""About how many of an arm's latest queries are remembered while it is in use."""
STEP: Final = 0.5
"""Log cost of one step of size, where no cost is declared."""
LEVEL: Final = 25.0
"""Variance of the level."""
DECLARED: Final = 0.15
"""v, of an arm whose cost is declared."""
UNDECLARED: Final = 1.0
STEP_VARIANCE: Final = 0.3
NOISE: Final = 0.5
"""Variance of the log cost of one query."""
_FEW: Final = 3
"""From so many queries on, an arm's cost is held for known."""
_WIDEST: Final = 1.5
_FAR: Final = 600.0


class Spent(NamedTuple):
    """What a query is expected to cost."""

    cost: Vector
    """(m,)"""
    variance: Vector
    """How far one more query would move the expectation, (m,)."""


class Spending:
    """Learned."""

    def __init__(self) -> None:
        import numpy as np

        self._logs = Regression(self._prior, noise=NOISE, spread=0.0)
        self._first: float | None = None  # the first log cost ever told
        self._arms = Rows()
        self._paid = np.zeros((2, 1))  # number and sum of what was remembered; the last column is of who was never met
        self._found: tuple[Arms, Spent] | None = None

    def learn(self, tag: str, arm: str, cost: float | None) -> None:
        """Take in what a query cost; None changes nothing."""
        if cost is None or not 0.0 <= cost < math.inf:
            return
        self._found = None
        row = self._row(arm)
        if self._paid[0, row] >= MEMORY:
            self._paid[:, row] *= 1.0 - 1.0 / MEMORY
        self._paid[:, row] += (1.0, cost)
        if cost > 0.0:
            self._tell(math.log(cost))
            self._logs.learn("", arm, math.log(cost))

    def fit(self, log: Log) -> None:
        """Take in a whole log."""
        import numpy as np

        self._found = None
        rows = [self._row(key) for key in log.arms.keys]
        known = np.isfinite(log.costs)
        self._paid[0, rows] += known.sum(axis=0)
        self._paid[1, rows] += np.where(known, log.costs, 0.0).sum(axis=0)
        logs = np.log(np.where(known & (log.costs > 0), log.costs, np.nan))
        if np.isfinite(logs).any():
            self._tell(float(np.nanmean(logs)))
        self._logs.fit([""] * len(log.queries), log.arms, logs)

    def of(self, tag: str, arms: Arms) -> Vector:
        """What a query of a tag is expected to cost at each, (m,)."""
        return self.expected(arms).cost

    def expected(self, arms: Arms) -> Spent:
        """The cost, and how much of it is a guess."""
        if self._found is None or self._found[0] is not arms:
            self._found = arms, self._expected(arms)
        return self._found[1]

    def saved(self) -> JsonValue:
        """Sums and counts."""
        return {
            "logs": self._logs.saved(),
            "arms": list(self._arms.keys),
            "paid": packed(self._paid),
            "first": self._first,
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._logs.restored(part(saved, "logs"))
        self._arms = named(saved, "arms")
        self._paid = array(saved, "paid", 2, len(self._arms) + 1)
        self._first = None if part(saved, "first") is None else real(saved, "first")
        self._found = None

    def _expected(self, arms: Arms) -> Spent:
        import numpy as np

        if self._first is None and not (arms.cost > 0).any():
            return Spent(np.zeros(len(arms)), np.zeros(len(arms)))
        m, now = len(arms), self._logs.of(arms)
        n, paid = self._paid[:, self._arms.known(arms)]
        guess = np.exp(np.minimum(now.mean[:m], _FAR))
        if paid.min() <= 0.0:
            guess[(paid <= 0.0) & ((n > 0.0) | (arms.cost <= 0.0))] = 0.0  # who costs nothing
        counted = n + 1.0
        cost = (paid + guess) / counted
        variance = now.cov.diagonal()[:m]
        share = cost / counted * (n < _FEW)
        return Spent(cost, share * share * np.expm1(np.minimum(variance * variance / (variance + NOISE), _WIDEST)))

    def _prior(self, keys: tuple[str, ...], cost: Vector) -> tuple[Vector, Matrix]:
        """Mean and covariance of log costs before any was paid."""
        import numpy as np

        said = declared(keys, cost)
        told = cost > 0
        sized = STEP * said.size
        logs = np.log(np.where(told, cost, 1.0))
        middle = float((logs - sized)[told].mean()) if told.any() else self._first or 0.0
        spread = np.sqrt(np.where(told, DECLARED, UNDECLARED))
        beyond = np.where(told, 0.0, said.size)
        cov = LEVEL + np.outer(spread, spread) * 0.5 * (said.alike + np.eye(len(keys)))
        return np.where(told, logs, middle + sized), cov + STEP_VARIANCE * np.outer(beyond, beyond)

    def _tell(self, log_cost: float) -> None:
        if self._first is None:
            self._first = log_cost

    def _row(self, arm: str) -> int:
        import numpy as np

        row = self._arms.of(arm)
        if row + 2 > self._paid.shape[1]:
            self._paid = np.insert(self._paid, row, 0.0, axis=1)
        return row
