"""One transaction of the ledger: encode, chain, insert, grow the tree, project; all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, select

from agora.errors import LeaseError, LedgerError
from agora.events import Event
from agora.failpoints import reach
from agora.ledger.canonical import decode, seal
from agora.ledger.chain import GENESIS, VERSION, body_hash, entry_hash
from agora.ledger.redact import Redactor
from agora.memory.dialects import Cell, Prepared, transact
from agora.memory.group_commit import Item
from agora.memory.leases import Leases
from agora.memory.projections import Place, Projection, Statements
from agora.memory.subtrees import Subtrees
from agora.memory.tables import METADATA
from agora.records import Envelope

_LEDGER: Final = METADATA.tables["ledger"]
_BODIES: Final = METADATA.tables["bodies"]
_ENTRY: Final = ("seq", "v", "run", "kind", "at_us", "body", "prev", "hash")
_BODY: Final = ("seq", "hash", "salt", "body")
_LAST: Final = select(_LEDGER.c.seq, _LEDGER.c.hash).order_by(_LEDGER.c.seq.desc()).limit(1)


class _Sealed(NamedTuple):
    run: str
    at_us: int
    event: Event
    """As it will be read back."""
    salt: bytes
    body: bytes
    hash: str


class _Doubt(NamedTuple):
    seq: int
    """Where the last entry of a transaction would stand."""
    hash: str
    items: Sequence[Item]


class LedgerWriter:
    """Writes batches of items; the sequence and the last hash are read under the lock, so processes share one chain.

    Args:
        engine: The database.
        redactor: What never reaches it.
        salt: Makes the salt of each body.
        leases: Which runs are written under a lease.
        patience_s: How long a database that went away is waited for.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        redactor: Redactor,
        salt: Callable[[], bytes],
        leases: Leases,
        patience_s: float = 0.0,
    ) -> None:
        self._engine = engine
        self._patience_s = patience_s
        self._doubt: _Doubt | None = None
        self._leases = leases
        self._redactor = redactor
        self._salt = salt
        self._statements = Statements(engine.dialect)
        self._entries = Prepared(_LEDGER.insert(), engine.dialect)
        self._bodies = Prepared(_BODIES.insert(), engine.dialect)
        self._subtrees = Subtrees(engine.dialect)

    def commit(self, items: Sequence[Item]) -> None:
        """Write the items' events; an item that cannot be encoded or lost its lease gets an `error` and is left out.

        Raises:
            LedgerError: The database refused; nothing was written.
        """
        sealed: dict[Item, Sequence[_Sealed]] = {}
        for item in items:
            try:
                sealed[item] = [self._seal(item, event) for event in item.events]  # a whole item or nothing of it
            except LedgerError as problem:
                item.error = problem
        if not any(sealed.values()):
            return
        lost = transact(self._engine, partial(self._write, sealed=sealed), patience_s=self._patience_s)
        self._doubt = None
        for item in sealed:
            if not item.done and (holder := lost.get(item.run)) is not None:
                item.error = LeaseError(item.run, holder, lost=True)

    def _write(self, connection: Connection, *, sealed: Mapping[Item, Sequence[_Sealed]]) -> Mapping[str, str]:
        self._resolve(connection)
        lost = self._leases.lost(connection, {item.run for item in sealed})
        kept = [item for item in sealed if not item.done and item.run not in lost]
        if events := [each for item in kept for each in sealed[item]]:
            seq, hashed = self._append(connection, events)
            reach("commit.written")
            self._doubt = _Doubt(seq, hashed, kept)
        return lost

    def _resolve(self, connection: Connection) -> None:
        # A connection that broke at its COMMIT leaves open whether it was made; a hash with fresh salt tells, and the
        # lock has waited for the end of that transaction.
        if self._doubt is None:
            return
        found = connection.execute(select(_LEDGER.c.hash).where(_LEDGER.c.seq == self._doubt.seq)).scalar()
        for item in self._doubt.items:
            item.done = found == self._doubt.hash
        self._doubt = None

    def _seal(self, item: Item, event: Event) -> _Sealed:
        body, changed = seal(event, redactor=self._redactor)
        salt = self._salt()
        kept = decode(body) if changed else event
        return _Sealed(item.run, item.at_us, kept, salt, body, body_hash(salt, body))

    def _append(self, connection: Connection, sealed: Sequence[_Sealed]) -> tuple[int, str]:
        last = connection.execute(_LAST).first()
        seq, prev = (int(last[0]), str(last[1])) if last else (0, GENESIS)
        entries: list[tuple[Cell, ...]] = []
        bodies: list[tuple[Cell, ...]] = []
        projection = Projection(self._statements)
        for run, at_us, event, salt, body, hashed in sealed:
            seq += 1
            envelope = Envelope(VERSION, seq, run, event.kind, at_us, hashed, prev)
            prev = entry_hash(envelope)
            entries.append((seq, VERSION, run, event.kind, at_us, hashed, envelope.prev, prev))
            bodies.append((seq, hashed, salt, body))
            projection.add(Place(seq, run, at_us), event)
        self._entries.run_in_order(connection, _ENTRY, entries)
        self._bodies.run_in_order(connection, _BODY, bodies)
        self._subtrees.grow(connection, seq - len(entries), seq)
        projection.write(connection)
        return seq, prev
