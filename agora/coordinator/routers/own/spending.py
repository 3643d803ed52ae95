"""What a query of a tag costs at each arm, before and after it was asked.

Of an arm that was asked, the mean of what it cost on the tag, shrunk to its mean over everything, in which the declared
cost counts as one query (`costs`). Of one of which nothing is known, what those that are known say, by a Gaussian over
log cost: arms whose names are alike cost alike, and a step of size (`names`) multiplies the cost by e. Where nothing at
all is known, nobody costs anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.cells import Cells
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.own.names import declared
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.seam import Arms, Log, Outcome
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Mask, Vector

SHRINK: Final = 5.0
"""How many queries an arm's mean over everything counts for on each tag."""
STEP: Final = 1.0
"""Log cost of one step of size."""
COMMON: Final = 25.0
ALIKE: Final = 0.5
NOISE: Final = 0.5


class Spending:
    """Learned."""

    def __init__(self) -> None:
        self._costs, self._cells = Costs(), Cells(SHRINK)
        self._guessed: tuple[Arms, tuple[float, ...], Vector] | None = None

    def learn(self, tag: str, arm: str, cost: float | None) -> None:
        """Take in what a query cost; None changes nothing."""
        self._costs.learn(arm, cost)
        self._cells.learn(tag, arm, Outcome(0.0, cost))

    def fit(self, log: Log) -> None:
        """Take in a whole log."""
        self._costs.fit(log)
        self._cells.fit([query.tag for query in log.queries], log)

    def of(self, tag: str, arms: Arms) -> Vector:
        """What a query of a tag is expected to cost at each, (m,)."""
        import numpy as np

        known, cost = self._costs.known(arms), self._cells.one(tag, arms)[1]
        return cost if known.all() else np.where(known, cost, self._guess(arms, known))

    def _guess(self, arms: Arms, known: Mask) -> Vector:
        """What names and sizes say of the cost of all, from the costs of those that are known, (m,)."""
        import numpy as np

        cost = self._costs.of(arms)
        told = known & (cost > 0)
        if not told.any():
            return np.zeros(len(arms))
        key = tuple(np.where(told, cost, 0.0).tolist())
        if self._guessed is None or self._guessed[0] is not arms or self._guessed[1] != key:
            said = declared(arms.keys, arms.cost)
            log_cost = np.log(cost[told]) - STEP * said.size[told]
            cov = COMMON + ALIKE * (said.alike + np.eye(len(arms)))
            gain = cov[:, told] @ np.linalg.inv(cov[np.ix_(told, told)] + NOISE * np.eye(int(told.sum())))
            middle = float(log_cost.mean())
            self._guessed = arms, key, np.exp(middle + gain @ (log_cost - middle) + STEP * said.size)
        return self._guessed[2]

    def saved(self) -> JsonValue:
        """Sums and counts."""
        return {"costs": self._costs.saved(), "cells": self._cells.saved()}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._costs.restored(part(saved, "costs"))
        self._cells.restored(part(saved, "cells"))
        self._guessed = None
