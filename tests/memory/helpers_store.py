"""Small events and files for the tests of the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agora.events import BidRefused
from agora.memory.sql_store import SQLStore
from agora.testing.clocks import FakeClock


def small(number: int) -> BidRefused:
    """An event that tells which one it is."""
    return BidRefused(task=f"t{number}", agent="scout", reason=f"reason {number}")


def open_store(path: Path, *, busy_s: float = 30.0) -> SQLStore:
    """A store on a clock that stands still."""
    return SQLStore.open(path, clock=FakeClock(), busy_s=busy_s)


@contextmanager
def raw(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """A plain connection as any other program makes it: default pragmas, autocommit."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def tasks_of(store: SQLStore, run: str | None = None) -> list[str]:
    """Which small events are on the ledger, in order."""
    return [entry.event.task for entry in store.events(run) if entry.event is not None]
