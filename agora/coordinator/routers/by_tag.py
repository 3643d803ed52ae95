"""What routers share that know an arm by what it did on queries of a tag (`cells`): they differ in how they choose."""

from __future__ import annotations

from typing import Final

from agora.coordinator.routers.cells import Cells
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.seam import Log, Outcome, Query
from agora.values import JsonValue

SHRINK: Final = 5.0
"""Where a router says nothing else."""


class ByTag:
    """Learns a table; `choose` is the router's own.

    Args:
        shrink: How many queries the mean over everything counts for in each tag, > 0.
    """

    def __init__(self, shrink: float = SHRINK) -> None:
        self._cells = Cells(shrink)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Count it."""
        self._cells.learn(query.tag, arm, outcome)

    def fit(self, log: Log) -> None:
        """Count all of it."""
        self._cells.fit([query.tag for query in log.queries], log)

    def saved(self) -> JsonValue:
        """Counts and sums."""
        return self._cells.saved()

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._cells.restored(saved)
