"""Group commit without a thread of its own: whoever comes first commits for everyone who came meanwhile.

A durable commit costs one flush of the disk, however much is in it. The first waiter becomes the leader: it commits
what is queued in a worker thread, wakes those it served, and, once its own events are durable, hands over to one who
still waits. A leader cannot be cancelled in the middle of a commit, and a cancelled waiter's events are still
committed: they were handed in. Event loops may come in sequence, and one that finds a leader in another thread's loop
commits for itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread

from agora.errors import LeaseError, LedgerError
from agora.events import Event

BATCH_ITEMS: Final = 1000
"""The most items in one transaction; bounds how long a reader of the lock waits."""


class Item:
    """Some events of one run, and whoever waits for them.

    Args:
        run: The run's id.
        events: In order.
        at_us: When they were handed in.
    """

    __slots__ = ("at_us", "done", "error", "events", "leads", "noted", "run", "wake")

    def __init__(self, run: str, events: Sequence[Event], *, at_us: int) -> None:
        self.run = run
        self.events = events
        self.at_us = at_us
        self.wake: anyio.Event | None = None
        self.noted = False
        self.leads = False
        self.done = False
        self.error: LedgerError | None = None
        """Why it was refused; nothing of it was written."""


class GroupCommit:
    """A queue of items that is committed in batches, in order.

    Args:
        commit: Writes a batch durably, or raises `LedgerError` with nothing written. Runs in a worker thread, never
            twice at once. It refuses a single item by setting its `error`.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], None]) -> None:
        self._commit = commit
        self._queue: deque[Item] = deque()
        self._leader: anyio.lowlevel.EventLoopToken | None = None
        self._lock = threading.Lock()
        self._door = threading.Lock()
        self.refused: list[LedgerError] = []
        """Why items were refused that nobody waits for any more."""

    def note(self, item: Item) -> None:
        """Queue an item that nobody waits for; the next commit takes it along, in order."""
        item.noted = True
        self._queue.append(item)

    async def add(self, item: Item) -> None:
        """Queue an item and return when it is durable.

        Raises:
            LedgerError: It was refused, or its batch could not be written.
        """
        here = anyio.lowlevel.current_token()
        with self._door:  # two threads must not both find the chair empty
            leader = self._leader
            if leader is not None and leader != here and not _runs(leader):
                self._forget_dead_loop()
                leader = None
            if leader is None or leader == here:
                self._leader = here
                item.wake = anyio.Event()
                self._queue.append(item)
        if leader is None:
            await self._lead(item)
        elif item.wake is not None:
            await self._follow(item, item.wake)
        else:
            await self._go_alone(item)
        if isinstance(item.error, LeaseError):
            raise item.error  # the item's own, with its fields
        if item.error is not None:
            raise LedgerError(str(item.error)) from item.error

    def _forget_dead_loop(self) -> None:
        # Its leader died with it, and nobody is left to be woken there.
        self._leader = None
        for item in self._queue:
            item.wake = None

    async def _follow(self, item: Item, wake: anyio.Event) -> None:
        try:
            await wake.wait()
        except BaseException:
            item.wake = None
            if item.leads:  # cancelled just when it was its turn: the others still count on it
                await self._lead(item)
            raise
        if item.leads:
            await self._lead(item)

    async def _go_alone(self, item: Item) -> None:
        # The leader lives in another thread's loop and cannot wake anyone here. The run's notes go first, as always.
        notes = [other for other in tuple(self._queue) if other.noted and other.run == item.run]
        with anyio.CancelScope(shield=True):
            problem = await anyio.to_thread.run_sync(self._write, [*notes, item], limiter=anyio.CapacityLimiter(1))
            item.error = item.error or problem

    async def _lead(self, item: Item) -> None:
        heir: Item | None = None
        try:
            with anyio.CancelScope(shield=True):
                problem: LedgerError | None = None
                while heir is None and problem is None and self._more_to_do(item):
                    batch = list(islice(self._queue, BATCH_ITEMS))
                    problem = await anyio.to_thread.run_sync(self._write, batch, limiter=anyio.CapacityLimiter(1))
                    # What could not be written now cannot be for those behind either: they hear of it at once.
                    self._settle(list(self._queue) if problem else batch, problem)
                    if _settled(item):
                        heir = next((other for other in tuple(self._queue) if other.wake), None)
        finally:
            if heir is None:
                self._leader = None
        if heir is not None and heir.wake is not None:
            heir.leads = True
            heir.wake.set()

    def _more_to_do(self, leader: Item) -> bool:
        # Events of waiters who were cancelled do not wait for the next call; notes do.
        return not _settled(leader) or any(not item.noted for item in tuple(self._queue))

    def _write(self, batch: Sequence[Item]) -> LedgerError | None:
        with self._lock:
            pending = [item for item in batch if not item.done]
            try:
                self._commit(pending)
            except LedgerError as problem:
                return problem
            except Exception as problem:  # a defect of ours: those who wait must hear of it, not hang
                bug = LedgerError(f"the ledger could not be written: {problem!r}; please report this")
                bug.__cause__ = problem
                return bug
            for item in pending:
                item.done = item.error is None
            return None

    def _settle(self, items: Sequence[Item], problem: LedgerError | None) -> None:
        kept: list[Item] = []
        for item in items:
            self._queue.popleft()
            if item.wake is not None:
                item.error = item.error or (None if item.done else problem)
                item.wake.set()
            elif item.error is not None:
                self.refused.append(item.error)
            elif not item.done:
                kept.append(item)  # nobody would hear of the loss, so it is tried again
        self._queue.extendleft(reversed(kept))


def _runs(loop: anyio.lowlevel.EventLoopToken) -> bool:
    is_running = getattr(loop.native_token, "is_running", None)
    return bool(is_running()) if callable(is_running) else True


def _settled(item: Item) -> bool:
    return item.done or item.error is not None
