"""Each in turn: whoever was asked least often is asked next, and one of several such by lot.

Turns are counted by outcomes, so that nobody loses its turn to a failure of the line; who joins later starts `ahead`
turns behind who was asked most often. A baseline, and no paper's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, drawn
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, named, whole
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class RoundRobinOptions(RouterOptions):
    """What can be set."""

    ahead: int = Field(default=1, ge=1)
    """By how many turns a newcomer starts behind who was asked most often."""


class RoundRobin:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: RoundRobinOptions) -> None:
        import numpy as np

        self._ahead = float(options.ahead)
        self._rows, self._turns = Rows(), np.zeros(0)
        self._costs = Costs()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """Who was asked least often first; among equals one drawn evenly."""
        turns, cost = self._of(arms), self._costs.of(arms)
        least = turns <= turns.min()
        terms = {"turns": turns, "cost": cost}
        first = drawn(least / least.sum(), draw, terms=terms).order[0]
        index = -turns
        index[first] += 0.5  # before those who were asked as often, behind nobody
        return by_index(index, cost, terms=terms, rungs=len(arms))._replace(chances=least / least.sum())

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """It had its turn."""
        import numpy as np

        row = self._rows.of(arm)
        if row == len(self._turns):
            newest = max(0.0, float(self._turns.max()) - self._ahead) if row else 0.0
            self._turns = np.append(self._turns, newest)
        self._turns[row] += 1.0
        self._costs.learn(arm, outcome.cost)

    def fit(self, log: Log) -> None:
        """What they cost; a log is nobody's turn."""
        self._costs.fit(log)

    def saved(self) -> JsonValue:
        """Turns and costs."""
        return {"keys": list(self._rows.keys), "turns": packed(self._turns), "costs": self._costs.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._rows = named(saved, "keys")
        self._turns = array(saved, "turns", len(self._rows))
        self._costs.restored(part(saved, "costs"))

    def _of(self, arms: Arms) -> Vector:
        import numpy as np

        rows = self._rows.known(arms)
        if not len(self._turns):
            return np.zeros(len(arms))
        newest = max(0.0, float(self._turns.max()) - self._ahead)
        return np.where(rows >= 0, self._turns[rows], newest)


policy = routed("round_robin", RoundRobinOptions, RoundRobin)
"""Each in turn."""
