"""Small events and stores for the tests of the store."""

from __future__ import annotations

from pathlib import Path

from agora.events import BidRefused
from agora.memory.sql_store import SQLStore
from agora.testing.clocks import FakeClock
from memory.places import raw

__all__ = ["open_store", "raw", "small", "tasks_of"]


def small(number: int) -> BidRefused:
    """An event that tells which one it is."""
    return BidRefused(task=f"t{number}", agent="scout", reason=f"reason {number}")


def open_store(place: str | Path, *, busy_s: float = 30.0) -> SQLStore:
    """A store on a clock that stands still."""
    return SQLStore.open(place, clock=FakeClock(), busy_s=busy_s)


def tasks_of(store: SQLStore, run: str | None = None) -> list[str]:
    """Which small events are on the ledger, in order."""
    return [entry.event.task for entry in store.events(run) if entry.event is not None]
