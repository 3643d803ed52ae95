"""What routers share that remember queries and look at the nearest ones (`memory`): they differ in how they choose."""

from __future__ import annotations

from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.memory import Memory
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.seam import Log, Outcome, Query
from agora.values import JsonValue


class ByNeighbours:
    """Remembers scores by query and mean costs by arm; `choose` is the router's own."""

    def __init__(self) -> None:
        self._memory, self._costs = Memory(), Costs()

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Remember it."""
        self._memory.learn(query, arm, outcome)
        self._costs.learn(arm, outcome.cost)

    def fit(self, log: Log) -> None:
        """Remember all of it."""
        self._memory.fit(log)
        self._costs.fit(log)

    def saved(self) -> JsonValue:
        """What it remembers."""
        return {"memory": self._memory.saved(), "costs": self._costs.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._memory.restored(part(saved, "memory"))
        self._costs.restored(part(saved, "costs"))
