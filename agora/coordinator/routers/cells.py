"""A table of what came of queries, by group and arm: counts and sums of scores and of costs.

    success_gm = (sum of scores in the cell + shrink * success_m) / (their number + shrink)
    success_m  = (sum of all scores of m + 1) / (their number + 1)
    cost_gm    = (sum of costs in the cell + shrink * cost_m) / (their number + shrink)

Of whom nothing is known, a pass is expected, which counts for one query: it is tried until it has failed (optimistic
initial values, Sutton and Barto, 1998, section 2.7). `cost_m` is of `costs.Costs`, with the declared cost in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.packing import packed, part, texts, unpacked
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Log, Outcome
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

EVERYTHING: Final = ""
"""The group that every query is in."""
_N, _SUM, _PAID, _SPENT = range(4)


class Cells:
    """Learned by group and arm.

    Args:
        shrink: How many queries the arm's mean over everything counts for in each cell, > 0.
    """

    def __init__(self, shrink: float) -> None:
        import numpy as np

        self._shrink = shrink
        self._groups, self._arms = Rows((EVERYTHING,)), Rows()
        self._held: Matrix = np.zeros((4, 1, 0))  # of group and arm: scores, their sum, costs, their sum
        self._costs = Costs()

    def learn(self, group: str, arm: str, outcome: Outcome) -> None:
        """Take in one outcome."""
        at, row = self._groups.of(group), self._arms.of(arm)
        self._grow()
        for place in (0, at) if at else (0,):
            self._held[:2, place, row] += (1.0, outcome.score)
            if outcome.cost is not None:
                self._held[2:, place, row] += (1.0, outcome.cost)
        self._costs.learn(arm, outcome.cost)

    def fit(self, groups: Sequence[str], log: Log) -> None:
        """Take in a whole log.

        Args:
            groups: Of each query, (n,).
            log: What came of them.
        """
        import numpy as np

        at = np.array([self._groups.of(group) for group in groups], dtype=np.intp)
        rows = [self._arms.of(key) for key in log.arms.keys]
        self._grow()
        for values, first in ((log.scores, _N), (log.costs, _PAID)):
            known = np.isfinite(values)
            for number, amounts in enumerate((known.astype(np.float64), np.where(known, values, 0.0))):
                sums = np.zeros((len(self._groups), len(rows)))
                np.add.at(sums, at, amounts)
                sums[0] = amounts.sum(axis=0)
                self._held[first + number][:, rows] += sums
        self._costs.fit(log)

    def success(self, group: str, arms: Arms) -> Vector:
        """Expected score of each, in [0, 1], (m,)."""
        n, total = self._of(EVERYTHING, arms, _N)
        overall: Vector = (total + 1.0) / (n + 1.0)
        if group == EVERYTHING:
            return overall
        n, total = self._of(group, arms, _N)
        value: Vector = (total + self._shrink * overall) / (n + self._shrink)
        return value

    def seen(self, group: str, arms: Arms) -> Vector:
        """How many outcomes are known of each in a group, (m,)."""
        return self._of(group, arms, _N)[0]

    def cost(self, group: str, arms: Arms) -> Vector:
        """Expected cost of each, (m,)."""
        overall = self._costs.of(arms)
        if group == EVERYTHING:
            return overall
        n, total = self._of(group, arms, _PAID)
        value: Vector = (total + self._shrink * overall) / (n + self._shrink)
        return value

    def saved(self) -> JsonValue:
        """Counts and sums."""
        return {
            "groups": list(self._groups.keys),
            "arms": list(self._arms.keys),
            "held": packed(self._held),
            "costs": self._costs.saved(),
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._groups, self._arms = Rows(texts(saved, "groups")), Rows(texts(saved, "arms"))
        self._held = unpacked(part(saved, "held"))
        self._costs.restored(part(saved, "costs"))

    def _of(self, group: str, arms: Arms, first: int) -> tuple[Vector, Vector]:
        """Counts and sums of each in a group: of scores, or of costs."""
        import numpy as np

        at, rows = self._groups.row(group), self._arms.known(arms)
        if at < 0 or not self._held.shape[2]:
            nothing = np.zeros(len(arms))
            return nothing, nothing
        known = rows >= 0
        return self._held[first, at, rows] * known, self._held[first + 1, at, rows] * known

    def _grow(self) -> None:
        import numpy as np

        _, groups, arms = self._held.shape
        if len(self._groups) > groups or len(self._arms) > arms:
            grown = np.zeros((4, len(self._groups), len(self._arms)))
            grown[:, :groups, :arms] = self._held
            self._held = grown
