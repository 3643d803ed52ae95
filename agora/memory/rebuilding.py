"""Everything that is derived made again from the ledger, in one transaction, and held against what stood there before.

The ledger is checked from its first entry on before anything is derived from it. What policies were kept to know is
made again too, by whoever can make the policies. Leases are nobody's derivation and stay; embeddings of remembered
goals are made again when something is recalled.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import ChangedError
from agora.failpoints import reach
from agora.ledger.canonical import decode
from agora.ledger.chain import GENESIS, follows
from agora.memory import reads, snapshots
from agora.memory.dialects import connect, explain, transact
from agora.memory.migrations import upgrade
from agora.memory.moving import refuse_held
from agora.memory.remaking import remake
from agora.memory.tables import METADATA
from agora.protocols import Clock
from agora.records import Recorded

_SNAPSHOTS: Final = METADATA.tables["snapshots"]
_KEPT: Final = frozenset({"ledger", "bodies", "leases", "snapshots"})
_MADE_LATER: Final = frozenset({"embedding", "embedding_model"})

Learn = Callable[[str, Iterator[Recorded]], str | None]
"""What a learner (its name and settings) knows after some events, as text; None: nobody can make that learner."""


class Derived(NamedTuple):
    """One table, or what one learner knew."""

    name: str
    """The table's, or "snapshots: " and the learner's."""
    rows: int
    """Rows that the ledger says; of a learner one, or none where nobody could make it."""
    wrong: int
    """Rows that stood there before and that the ledger does not say."""
    lacking: int
    """Rows that the ledger says and that did not stand there before."""

    @property
    def equal(self) -> bool:
        """Whether it stood there as the ledger says."""
        return not self.wrong and not self.lacking


class Rebuilt(NamedTuple):
    """What a rebuild has done."""

    entries: int
    """Entries of the ledger."""
    head: str
    """The hash of the last one."""
    tables: tuple[Derived, ...]
    """Every derived table, then every learner."""

    @property
    def equal(self) -> bool:
        """Whether everything stood there as the ledger says."""
        return all(table.equal for table in self.tables)


def rebuild(place: str | Path, *, clock: Clock, learn: Learn = lambda _name, _events: None) -> Rebuilt:
    """Make every derived table, and what learners were kept to know, again from the ledger: all of it or nothing.

    Args:
        place: URL or path of the database.
        clock: Which leases still last.
        learn: Makes again what a learner knows.

    Raises:
        LeaseError: A run is being written.
        ChangedError: An entry of the ledger, or a body, is not what was recorded; nothing was derived from it.
        LedgerError: The database refused.
    """
    engine = connect(place)
    try:
        upgrade(engine)
        return transact(engine, partial(_rebuild, now_us=clock.now_us(), learn=learn))
    except SQLAlchemyError as problem:
        raise explain(problem) from problem
    finally:
        engine.dispose()


def _rebuild(writing: Connection, *, now_us: int, learn: Learn) -> Rebuilt:
    refuse_held(writing, now_us=now_us)
    seq, head = _checked(writing)
    tables = [table for name, table in sorted(METADATA.tables.items()) if name not in _KEPT]
    before = {table.name: _digests(writing, table) for table in tables}
    kept = writing.execute(select(_SNAPSHOTS.c.learner, _SNAPSHOTS.c.seq, _SNAPSHOTS.c.data)).all()
    remake(writing)
    reach("rebuild.remade")
    derived = [_compared(table, before[table.name], _digests(writing, table)) for table in tables]
    derived += [_relearned(writing, str(name), int(at), bytes(data), learn) for name, at, data in sorted(kept)]
    reach("rebuild.learned")
    return Rebuilt(seq, head, tuple(derived))


def _checked(writing: Connection) -> tuple[int, str]:
    seq, prev = 0, GENESIS
    while page := reads.page(writing, None, after=seq):
        for stored in page:
            if not follows(stored, seq=seq, prev=prev):
                raise ChangedError(seq + 1, "nothing was derived from it; `agora trace verify` says more")
            seq, prev = stored.entry.envelope.seq, stored.entry.hash
    return seq, prev if seq else ""


def _digests(connection: Connection, table: Table) -> array[int]:
    """A number for each row, by all that the ledger says of it: 64 bits of its BLAKE2b hash."""
    found = array("Q")
    for row in connection.execute(select(*(column for column in table.c if column.name not in _MADE_LATER))):
        cells = repr([int(cell) if isinstance(cell, bool) else cell for cell in row]).encode("utf-8", "surrogatepass")
        found.append(int.from_bytes(hashlib.blake2b(cells, digest_size=8).digest()))
    return found


def _compared(table: Table, before: array[int], after: array[int]) -> Derived:
    old, new = Counter(before), Counter(after)
    return Derived(table.name, len(after), wrong=(old - new).total(), lacking=(new - old).total())


def _relearned(writing: Connection, learner: str, seq: int, data: bytes, learn: Learn) -> Derived:
    state = learn(learner, _events(writing, seq))
    if state is not None:
        snapshots.keep(writing, learner, seq, state)
    same = state is not None and state.encode() == data
    return Derived(f"snapshots: {learner}", int(state is not None), int(not same), int(state is not None and not same))


def _events(connection: Connection, last: int) -> Iterator[Recorded]:
    """The ledger up to a position."""
    after = 0
    while page := reads.page(connection, None, after=after):
        for (envelope, hashed), _, body in page:
            after = envelope.seq
            if after > last:
                return
            event = None if body is None else decode(body)
            yield Recorded(seq=after, run=envelope.run, at_us=envelope.at_us, hash=hashed, event=event)
