"""Events while they happen: a store that shows what it records, and a run as an async iterator."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from agora.abilities import RunWatcher
from agora.errors import AgoraError
from agora.events import Event
from agora.protocols import Store
from agora.records import AgentRecord, MemoryEntry, Recorded, RunInfo
from agora.results import Report, Result


class Tee:
    """A store that also hands each event to a watcher, in order."""

    def __init__(self, store: Store, watch: Callable[[Event], None]) -> None:
        self._store, self._watch = store, watch
        watcher: object = watch
        self._shown = watcher.recorded if isinstance(watcher, RunWatcher) else None

    async def record(self, run: str, *events: Event) -> None:
        """Record, then show."""
        await self._store.record(run, *events)
        self._show(run, events)

    def note(self, run: str, *events: Event) -> None:
        """Note and show."""
        self._store.note(run, *events)
        self._show(run, events)

    def hold(self, run: str) -> AbstractAsyncContextManager[None]:
        """As the store."""
        return self._store.hold(run)

    def holder(self, run: str) -> str:
        """As the store."""
        return self._store.holder(run)

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        """As the store."""
        return self._store.events(run, after=after, kinds=kinds)

    def runs(self, *, limit: int = 50) -> Sequence[RunInfo]:
        """As the store."""
        return self._store.runs(limit=limit)

    def find_run(self, ref: str) -> str:
        """As the store."""
        return self._store.find_run(ref)

    def records(self) -> Sequence[AgentRecord]:
        """As the store."""
        return self._store.records()

    def recall(self, text: str, *, limit: int = 8, trust: frozenset[str] | None = None) -> Sequence[MemoryEntry]:
        """As the store."""
        return self._store.recall(text, limit=limit, trust=trust)

    async def close(self) -> None:
        """As the store."""
        await self._store.close()

    def _show(self, run: str, events: Sequence[Event]) -> None:
        for event in events:
            if self._shown is None:
                self._watch(event)
            else:
                self._shown(run, event)


class Stream:
    """The events of a run in order, as an async iterator; `result` is there when they have ended."""

    def __init__(self, events: MemoryObjectReceiveStream[Event]) -> None:
        self._events = events
        self._report: Report | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        return await self._events.__anext__()

    @property
    def result(self) -> Result:
        """What came of it.

        Raises:
            AgoraError: The run has not ended.
        """
        if self._report is None:
            raise AgoraError("the run has not ended: iterate over its events first")
        return self._report.results[0]

    @classmethod
    @asynccontextmanager
    async def of(cls, run_all: Callable[..., Awaitable[Report]]) -> AsyncGenerator[Stream]:
        """Start a run in the background of the `async with` block; leaving the block early cancels it."""
        send, receive = anyio.create_memory_object_stream[Event](math.inf)
        stream = cls(receive)

        async def work() -> None:
            with send:
                stream._report = await run_all(watch=send.send_nowait)

        async with receive, anyio.create_task_group() as group:
            group.start_soon(work)
            yield stream
            if stream._report is None:
                group.cancel_scope.cancel()
