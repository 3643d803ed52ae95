"""Shared memory in one SQL database: SQLite by default, the ledger and its derived tables in one transaction."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import LedgerError
from agora.events import Event, Learned
from agora.ledger.canonical import decode
from agora.ledger.chain import SALT_BYTES, first_bad
from agora.ledger.redact import Redactor
from agora.memory import reads, snapshots
from agora.memory.dialects import connect, explain, transact
from agora.memory.embeddings import Embedder, local_embedder
from agora.memory.erasing import erase, scrub
from agora.memory.group_commit import GroupCommit, Item
from agora.memory.in_memory import pick_run
from agora.memory.labels import Labels
from agora.memory.learned import read_update
from agora.memory.leases import Leases
from agora.memory.ledger_writer import LedgerWriter
from agora.memory.migrations import upgrade
from agora.memory.recall import DEFAULTS, Recalling, recall
from agora.memory.remaking import remake
from agora.memory.subtrees import Subtrees, size
from agora.protocols import Clock
from agora.records import AgentRecord, MemoryEntry, Recorded, RunInfo, Stored

if TYPE_CHECKING:
    from agora.memory.recollection import Recollection

LEASE_S: Final = 60.0
"""How long a lease lasts without renewal."""
RELEASE_S: Final = 10.0
"""The longest that leaving a `hold` block waits for the database."""
BUSY_S: Final = 30.0
"""How long another writer, or a server that went away, is waited for."""


class SQLStore:
    """The ledger on disk: what `record` returned from is durable, and every table can be rebuilt from it.

    Use `SQLStore.open`. Any number of processes, and of event loops, in sequence or in threads.

    Args:
        engine: A database at the current schema.
        clock: When events are recorded.
        secrets: Values that must not be recorded.
        salt: Makes the salt of each body: `SALT_BYTES` random bytes.
        lease_s: How long a held run stays held without renewal.
        patience_s: How long a database server that went away is waited for.
        recalling: What recall offers.
        embedder: Gives the model of recall by meaning, when something is first recalled; None from it: by words only.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        secrets: Iterable[str] = (),
        salt: Callable[[], bytes] = lambda: os.urandom(SALT_BYTES),
        lease_s: float = LEASE_S,
        patience_s: float = BUSY_S,
        recalling: Recalling = DEFAULTS,
        embedder: Callable[[], Embedder | None] = local_embedder,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._leases = Leases(engine, clock=clock, length_s=lease_s)
        redactor = Redactor(secrets)
        ledger = LedgerWriter(engine, redactor=redactor, salt=salt, leases=self._leases, patience_s=patience_s)
        self._group, self._subtrees = GroupCommit(ledger.commit), Subtrees(engine.dialect)
        self._recalling, self._embedder = recalling, embedder
        self._labels, self._first = Labels(), Lock()
        self._recollection: Recollection | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        clock: Clock,
        secrets: Iterable[str] = (),
        busy_s: float = BUSY_S,
        lease_s: float = LEASE_S,
        recalling: Recalling = DEFAULTS,
        embedder: Callable[[], Embedder | None] = local_embedder,
    ) -> SQLStore:
        """Open a database (made and migrated where needed) by URL, or an SQLite file by path.

        Args:
            url_or_path: As `agora.memory.location.database_url` gives it.
            clock: When events are recorded.
            secrets: Values that must not be recorded.
            busy_s: How long to wait for another writer, or for a server that went away meanwhile.
            lease_s: How long a held run stays held without renewal; it is renewed every third of that.
            recalling: What recall offers.
            embedder: Gives the model of recall by meaning; None from it: by words only.

        Raises:
            LedgerError: It cannot be used, or a newer Agora made it.
        """
        engine = connect(url_or_path, busy_s=busy_s)
        try:
            upgrade(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(
            engine,
            clock=clock,
            secrets=secrets,
            lease_s=lease_s,
            patience_s=busy_s,
            recalling=recalling,
            embedder=embedder,
        )

    async def record(self, run: str, *events: Event) -> None:
        """Append events in order, all or none; return when they (and all before them) are durable.

        Raises:
            LedgerError: They cannot be recorded, the database refused, or the store is closed.
        """
        await self._group.add(self._item(run, events))

    def note(self, run: str, *events: Event) -> None:
        """Append events with the next commit, all or none; `record` or `close` makes them durable, in order.

        Raises:
            LedgerError: The store is closed.
        """
        self._group.note(self._item(run, events))

    @asynccontextmanager
    async def hold(self, run: str) -> AsyncGenerator[None]:
        """Hold the right to write a run; a thread renews it, so that a block that never awaits keeps it too.

        Leaving the block commits what was noted, then gives the lease back. After that, and after a lease that ran out
        while the process was stopped, this store refuses the run's events until it holds the run again.

        Raises:
            LeaseError: Another live process holds it.
            LedgerError: The database refused, or the store is closed.
        """
        self._item(run, ())
        await anyio.to_thread.run_sync(self._leases.take, run, limiter=anyio.CapacityLimiter(1))
        try:
            yield
        except BaseException:
            with suppress(LedgerError):  # what went wrong in the block matters more
                await self._give_back(run)
            raise
        await self._give_back(run)

    def holder(self, run: str) -> str:
        """Who holds a run now: host, process id and when it started; empty where nobody that still lives does."""
        with self._reading() as connection:
            return self._leases.holder(connection, run)

    async def _give_back(self, run: str) -> None:
        if self._closed:
            return
        with anyio.move_on_after(RELEASE_S, shield=True):
            try:
                await self._group.add(self._item("-", ()))
            finally:
                await anyio.to_thread.run_sync(
                    self._leases.give_back, run, limiter=anyio.CapacityLimiter(1), abandon_on_cancel=True
                )

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        """The durable ledger (of one run, of some kinds) in order, from after a sequence number.

        Raises:
            LedgerError: It cannot be read.
        """
        for (envelope, hashed), _, body in self.stored(run, after=after, kinds=kinds):
            event = None if body is None else decode(body)
            yield Recorded(seq=envelope.seq, run=envelope.run, at_us=envelope.at_us, hash=hashed, event=event)

    def runs(self, *, limit: int = 50) -> Sequence[RunInfo]:
        """The latest runs, newest first."""
        with self._reading() as connection:
            return reads.runs(connection, limit=limit)

    def find_run(self, ref: str) -> str:
        """The id behind an id, a unique prefix, or "last".

        Raises:
            UnknownNameError: None or several match.
        """
        with self._reading() as connection:
            known = list(reads.run_ids(connection))
        return pick_run(ref, known, last=known[0] if known else None)

    def records(self, *, grounded: bool = True) -> Sequence[AgentRecord]:
        """Promised against delivered, per operator, agent and skill; what models judged only where asked for."""
        with self._reading() as connection:
            return reads.records(connection, grounded=grounded)

    def recall(
        self, text: str, *, limit: int = 8, trust: frozenset[str] | None = None, grounded: bool = True
    ) -> Sequence[MemoryEntry]:
        """Remembered bids of tasks that are like a text, best match first: by words, and by meaning with the extra.

        Args:
            text: Any text.
            limit: The most entries to return.
            trust: The labels that whoever asks may see; None: a person, who may see everything.
            grounded: False: what a model judged, instead of what was grounded.

        Raises:
            LedgerError: The database refused.
        """
        trust = trust if self._recalling.trusted else None
        with self._reading() as connection:
            if (by_meaning := self._recollecting()) is not None:
                return by_meaning.recall(connection, text, limit=limit, grounded=grounded, trust=trust)
            return recall(connection, text, limit=limit, labels=self._labels, grounded=grounded, trust=trust)

    def learned(self, policy: str) -> tuple[int, str] | None:
        """What a policy was kept to know, and at which position of the ledger; None: nothing was kept."""
        with self._reading() as connection:
            return snapshots.kept(connection, policy)

    def keep_learned(self, policy: str, seq: int, state: str) -> None:
        """Keep what a policy knows at a position of the ledger, instead of what was kept before."""
        transact(self._engine, lambda connection: snapshots.keep(connection, policy, seq, state))

    def check(self) -> int | None:
        """The position of the first entry that was changed, or whose body was; None: all hold.

        A cut tail or a rewritten whole needs a checkpoint to be seen.
        """
        return first_bad(self.stored())

    def size(self) -> int:
        """How many entries the ledger has."""
        with self._reading() as connection:
            return size(connection)

    def hashes(self, level: int, first: int, count: int) -> Sequence[bytes]:
        """Neighbouring hashes of the tree over the ledger: of level 0, 8, 16 or 24, fewer where they end."""
        with self._reading() as connection:
            return self._subtrees.read(connection, level, first, count)

    def erase(self, *seqs: int) -> None:
        """Erase the bodies of events and the texts made from them, from the database's files too; the chain holds.

        It takes a while where the database is large, since its files are written anew.

        Raises:
            LedgerError: The database refused; it says whether the bodies are gone, and remains of them are not.
        """
        transact(self._engine, partial(erase, seqs=seqs))
        if self._recollection is not None:
            self._recollection.forget(seqs)
        scrub(self._engine)

    def rebuild(self) -> None:
        """Make every derived table again from the ledger, in one transaction.

        Raises:
            LedgerError: The database refused, or a body cannot be read.
        """
        transact(self._engine, remake)

    async def close(self) -> None:
        """Commit what was noted and let go of the database.

        Raises:
            LedgerError: Something that was noted could not be recorded.
        """
        if self._closed:
            return
        try:
            with anyio.CancelScope(shield=True):  # what was noted must not be lost to a Ctrl-C
                await self._group.add(self._item("-", ()))
        finally:
            self._closed = True
            if self._recollection is not None:
                self._recollection.save()
            with suppress(LedgerError):  # the leases run out by themselves
                self._leases.close()
            self._engine.dispose()
        if self._group.refused:
            raise LedgerError(f"{len(self._group.refused)} noted events were refused: {self._group.refused[0]}")

    def _recollecting(self) -> Recollection | None:
        with self._first:
            if self._recollection is None and (embedder := self._embedder()) is not None:
                from agora.memory.recollection import Recollection

                self._recollection = Recollection(
                    self._engine, embedder=embedder, rules=self._recalling, labels=self._labels
                )
            return self._recollection

    def _item(self, run: str, events: tuple[Event, ...]) -> Item:
        if self._closed:
            raise LedgerError("the store is closed: open it again to record")
        if not run or not run.isascii() or not run.isprintable():
            raise LedgerError(f"run {run!r} is not an id: use printable ASCII")
        for event in events:
            if isinstance(event, Learned):
                read_update(event)  # refused here, so that it cannot break a whole batch
        return Item(run, events, at_us=self._clock.now_us())

    def stored(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Stored]:
        """The same, whole: envelopes, hashes, salts and the bytes of bodies."""
        # A page a query: a slow reader must not keep the write-ahead log from being folded in.
        while True:
            with self._reading() as connection:
                page = reads.page(connection, run, after=after, kinds=kinds)
            yield from page
            if not page:
                return
            after = page[-1].entry.envelope.seq

    @contextmanager
    def _reading(self) -> Generator[Connection, None, None]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as problem:
            raise explain(problem) from problem
