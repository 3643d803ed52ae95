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
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, named
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
        self.learn_all((group,), arm, outcome)

    def learn_all(self, groups: Sequence[str], arm: str, outcome: Outcome) -> None:
        """Take in one outcome in each group; nobody twice among them."""
        at, row = [self._groups.of(group) for group in groups], self._arms.of(arm)
        self._grow()
        for place in (0, *(one for one in at if one)):
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
        self.fit_all([(group,) for group in groups], log)

    def fit_all(self, groups: Sequence[Sequence[str]], log: Log) -> None:
        """Take in a whole log, each query in several groups.

        Args:
            groups: Of each query, nobody twice among them, (n,).
            log: What came of them.
        """
        import numpy as np

        pairs = [(number, self._groups.of(group)) for number, own in enumerate(groups) for group in own]
        inside = np.array([pair for pair in pairs if pair[1]], dtype=np.intp).reshape(-1, 2)
        rows = [self._arms.of(key) for key in log.arms.keys]
        self._grow()
        for values, first in ((log.scores, _N), (log.costs, _PAID)):
            known = np.isfinite(values)
            for number, amounts in enumerate((known.astype(np.float64), np.where(known, values, 0.0))):
                sums = np.zeros((len(self._groups), len(rows)))
                np.add.at(sums, inside[:, 1], amounts[inside[:, 0]])
                sums[0] = amounts.sum(axis=0)
                self._held[first + number][:, rows] += sums
        self._costs.fit(log)

    @property
    def outcomes(self) -> int:
        """How many were ever taken in."""
        return int(self._held[_N, 0].sum())

    def of(self, groups: Sequence[str], arms: Arms) -> tuple[Matrix, Matrix]:
        """Expected score, in [0, 1], and expected cost of each in each group, (g, m) both."""
        held = self._held_of((EVERYTHING, *groups), arms)
        overall: Vector = (held[_SUM, 0] + 1.0) / (held[_N, 0] + 1.0)
        cost = self._costs.of(arms)
        success: Matrix = (held[_SUM, 1:] + self._shrink * overall) / (held[_N, 1:] + self._shrink)
        spent: Matrix = (held[_SPENT, 1:] + self._shrink * cost) / (held[_PAID, 1:] + self._shrink)
        for place, group in enumerate(groups):
            if group == EVERYTHING:
                success[place], spent[place] = overall, cost
        return success, spent

    def one(self, group: str, arms: Arms) -> tuple[Vector, Vector]:
        """The same of one group, (m,) both."""
        success, cost = self.of((group,), arms)
        return success[0], cost[0]

    def tried(self, arms: Arms) -> Vector:
        """How many outcomes are known of each in all, (m,)."""
        counts: Vector = self.seen((EVERYTHING,), arms)[0]
        return counts

    def seen(self, groups: Sequence[str], arms: Arms) -> Matrix:
        """How many outcomes are known of each in each group, (g, m)."""
        counts: Matrix = self._held_of(groups, arms)[_N]
        return counts

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
        self._groups, self._arms = named(saved, "groups"), named(saved, "arms")
        fits(self._groups.row(EVERYTHING) == 0, "groups")
        self._held = array(saved, "held", 4, len(self._groups), len(self._arms))
        self._costs.restored(part(saved, "costs"))

    def _held_of(self, groups: Sequence[str], arms: Arms) -> Matrix:
        """Counts and sums; 0 of groups and arms that were never met, (4, g, m)."""
        import numpy as np

        rows = self._arms.known(arms)
        if not self._held.shape[2]:
            return np.zeros((4, len(groups), len(arms)))
        at = np.array([self._groups.row(group) for group in groups])
        found: Matrix = self._held[:, at][:, :, rows]
        if (rows < 0).any():
            found[:, :, rows < 0] = 0.0
        if (at < 0).any():
            found[:, at < 0] = 0.0
        return found

    def _grow(self) -> None:
        import numpy as np

        _, groups, arms = self._held.shape
        if len(self._groups) > groups or len(self._arms) > arms:
            grown = np.zeros((4, len(self._groups), len(self._arms)))
            grown[:, :groups, :arms] = self._held
            self._held = grown
