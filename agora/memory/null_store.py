"""A store that keeps nothing: for measuring, and for those who want no record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager

from agora.errors import UnknownNameError
from agora.events import Event
from agora.records import AgentRecord, MemoryEntry, Recorded, RunInfo


class NullStore:
    """Takes every event and forgets it; nothing is ever durable, and nothing can be found again."""

    async def record(self, run: str, *events: Event) -> None:
        """Forget the events."""

    def note(self, run: str, *events: Event) -> None:
        """Forget the events."""

    @asynccontextmanager
    async def hold(self, run: str) -> AsyncGenerator[None]:
        """Nothing to hold."""
        yield

    def holder(self, run: str) -> str:
        """Nobody."""
        return ""

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        """Nothing."""
        return iter(())

    def runs(self, *, limit: int = 50) -> Sequence[RunInfo]:
        """Nothing."""
        return ()

    def find_run(self, ref: str) -> str:
        """Nothing to find.

        Raises:
            UnknownNameError: Always.
        """
        raise UnknownNameError("run", ref)

    def records(self) -> Sequence[AgentRecord]:
        """Nothing."""
        return ()

    def recall(self, text: str, *, limit: int = 8, trust: frozenset[str] | None = None) -> Sequence[MemoryEntry]:
        """Nothing."""
        return ()

    async def close(self) -> None:
        """Nothing to do."""
