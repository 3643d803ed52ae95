"""What routers share that know an arm by a regression on the query (`ridges`): they differ in how they choose."""

from __future__ import annotations

from agora.coordinator.routers.contexts import Clustered, Tagged
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.ridges import Ridges
from agora.coordinator.routers.seam import Log, Outcome, Query
from agora.values import JsonValue


class ByRidges:
    """Learns a regression of each arm; `choose` is the router's own.

    Args:
        contexts: From a query to its features.
        penalty: Of the regressions, > 0.
    """

    def __init__(self, contexts: Clustered | Tagged, *, penalty: float) -> None:
        self._contexts, self._ridges = contexts, Ridges(penalty=penalty)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One step of the arm's regression."""
        self._ridges.learn(self._contexts.learned(query), arm, outcome)

    def fit(self, log: Log) -> None:
        """All arms' regressions."""
        self._ridges.fit(self._contexts.fitted(log), log)

    def saved(self) -> JsonValue:
        """Contexts and regressions."""
        return {"contexts": self._contexts.saved(), "ridges": self._ridges.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._contexts.restored(part(saved, "contexts"))
        self._ridges.restored(part(saved, "ridges"))
