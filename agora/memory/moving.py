"""A whole memory carried from one database into another, with a proof that nothing was lost or changed.

The ledger and the bodies go over as they are, a batch a transaction, and the derived tables are made from them in the
same transaction; so a move that was cut goes on where it stopped. Afterwards both databases are read once more from
their first entry to their last: the heads must be equal, and every body must hash to what its entry says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, delete, func, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from agora.errors import ChangedError, LeaseError, LedgerError
from agora.ledger.canonical import decode
from agora.ledger.chain import GENESIS, follows
from agora.memory import reads
from agora.memory.dialects import Cell, Prepared, connect, explain, kind, transact, writer
from agora.memory.holder import is_gone
from agora.memory.location import shown
from agora.memory.migrations import upgrade
from agora.memory.projections import Place, Projection, Statements
from agora.memory.remaking import remake
from agora.memory.subtrees import Subtrees
from agora.memory.tables import METADATA
from agora.protocols import Clock
from agora.records import Stored

_T: Final = METADATA.tables
_LEDGER: Final = _T["ledger"]
_BODIES: Final = _T["bodies"]


class Proof(NamedTuple):
    """What both databases hold, read from each of them."""

    entries: int
    """Entries of the ledger; the position of the last one."""
    head: str
    """The last entry's hash, which commits to all before it."""
    bodies: int
    """Bodies that are there; the others were erased."""
    bodies_hash: str
    """SHA-256 over the hash of every body, made from the body itself, in order."""


class Moved(NamedTuple):
    """What a move has done."""

    proof: Proof
    """Equal for both databases."""
    carried: int
    """Entries that this move wrote; fewer than all where an earlier one had begun."""


def move(
    source: str | Path, target: str | Path, *, clock: Clock, progress: Callable[[int, int], None] = lambda _a, _b: None
) -> Moved:
    """Carry a memory over; the source is only read, and nobody writes it meanwhile.

    Args:
        source: URL or path of the database to read.
        target: URL or path of an empty database, or of one that an earlier move of the same memory has begun.
        clock: Which leases still last.
        progress: Called with the entries carried so far, and all there are.

    Raises:
        LeaseError: A run of the source is being written.
        ChangedError: An entry of the source, or a body, is not what was recorded.
        LedgerError: The source is not there, the target holds something else, or a database refused.
    """
    _refuse_same(str(source), str(target))
    _refuse_absent(str(source))
    from_, to = connect(source), connect(target)
    try:
        with writer(from_) as reading, reading.begin():
            kind(reading).lock(reading)
            refuse_held(reading, now_us=clock.now_us())
            upgrade(to)
            carried = _carry(reading, to, progress)
            transact(to, partial(_carry_rest, reading))
            return Moved(_proven(reading, to), carried)
    except SQLAlchemyError as problem:
        raise explain(problem) from problem
    finally:
        from_.dispose()
        to.dispose()


def prove(connection: Connection) -> Proof:
    """Read a memory from its first entry to its last.

    Raises:
        ChangedError: An entry or a body is not what was recorded.
    """
    seq, prev, bodies, digest = 0, GENESIS, 0, hashlib.sha256()
    while page := reads.page(connection, None, after=seq):
        for stored in page:
            if not follows(stored, seq=seq, prev=prev):
                raise ChangedError(seq + 1, "nothing from there on was carried over")
            seq, prev = stored.entry.envelope.seq, stored.entry.hash
            if stored.body is not None:
                bodies += 1
                digest.update(f"{seq}:{stored.entry.envelope.body}\n".encode())
    return Proof(entries=seq, head=prev, bodies=bodies, bodies_hash=digest.hexdigest())


def _refuse_same(source: str, target: str) -> None:
    if _identity(source) == _identity(target):
        raise LedgerError(f"{shown(target)!r} is the memory itself: name another database")


def _identity(place: str) -> tuple[object, ...]:
    if "://" not in place:
        return ("sqlite", str(Path(place).expanduser().resolve()))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        return ("unknown", place)  # `connect` says what is wrong with it
    if url.get_backend_name() == "sqlite":
        return ("sqlite", str(Path(str(url.database)).resolve()))
    return ("server", url.host or url.query.get("host"), url.port or 5432, url.database)


def _refuse_absent(source: str) -> None:
    name, *rest = _identity(source)
    if name == "sqlite" and not str(rest[0]).startswith("file:") and not Path(str(rest[0])).is_file():
        raise LedgerError(f"there is no memory at {shown(source)!r}: name an existing database")


def refuse_held(reading: Connection, *, now_us: int) -> None:
    """Refuse to go on with a memory in which a run is being written.

    Raises:
        LeaseError: One is.
        LedgerError: There is no memory.
    """
    tables = set(inspect(reading).get_table_names())
    if not {"ledger", "bodies"} <= tables:
        raise LedgerError("the source holds no memory: name a database that Agora has written")
    if "leases" not in tables:  # an older schema
        return
    leases = _T["leases"]
    for run, holder in reading.execute(select(leases.c.run, leases.c.holder).where(leases.c.until_us > now_us)):
        if not is_gone(holder):
            raise LeaseError(run, holder)


def _carry(reading: Connection, to: Engine, progress: Callable[[int, int], None]) -> int:
    total = int(reading.execute(select(func.coalesce(func.max(_LEDGER.c.seq), 0))).scalar_one())
    seq, prev = transact(to, partial(_begun, reading))
    begun = seq
    statements = Statements(to.dialect)
    while page := reads.page(reading, None, after=seq):
        for stored in page:
            if not follows(stored, seq=seq, prev=prev):
                raise ChangedError(seq + 1, "nothing from there on was carried over")
            seq, prev = stored.entry.envelope.seq, stored.entry.hash
        transact(to, partial(write_page, page=page, statements=statements))
        progress(seq, total)
    return seq - begun


def _begun(reading: Connection, writing: Connection) -> tuple[int, str]:
    """Where the target ends: at its beginning, or where an earlier move was cut."""
    query = select(_LEDGER.c.seq, _LEDGER.c.hash)
    last = writing.execute(query.order_by(_LEDGER.c.seq.desc()).limit(1)).first()
    if last is None:
        return 0, GENESIS
    same = reading.execute(query.where(_LEDGER.c.seq == last.seq)).first()
    if same is None or same.hash != last.hash:
        raise LedgerError(
            f"the target holds {last.seq} entries that are not the beginning of this memory: name an empty database"
        )
    return int(last.seq), str(last.hash)


def write_page(writing: Connection, *, page: Sequence[Stored], statements: Statements) -> None:
    """Append entries that were checked, as they are, with the rows that are derived from them.

    Args:
        writing: In a transaction that holds the ledger's lock.
        page: The next entries, at least one.
        statements: Of the connection's dialect.

    Raises:
        LedgerError: A body is no event that this version knows.
    """
    entries: list[Mapping[str, Cell]] = []
    bodies: list[Mapping[str, Cell]] = []
    projection = Projection(statements)
    for (envelope, hashed), salt, body in page:
        entries.append({**envelope._asdict(), "hash": hashed})
        if salt is not None and body is not None:
            bodies.append({"seq": envelope.seq, "hash": envelope.body, "salt": salt, "body": body})
            projection.add(Place(envelope.seq, envelope.run, envelope.at_us), decode(body))
    dialect = writing.dialect
    Prepared(_LEDGER.insert(), dialect).run(writing, entries)
    Prepared(_BODIES.insert(), dialect).run(writing, bodies)
    first, last = page[0].entry.envelope.seq, page[-1].entry.envelope.seq
    Subtrees(dialect).grow(writing, first - 1, last)
    projection.write(writing)


def _carry_rest(reading: Connection, writing: Connection) -> None:
    """What no event makes: snapshots, and the tokens of leases, which must not go back; and what was erased since."""
    present = set(inspect(reading).get_table_names())
    for name in ("snapshots", "leases"):
        writing.execute(delete(_T[name]))
        rows = [dict(row) for row in reading.execute(select(_T[name])).mappings()] if name in present else []
        if name == "leases":
            rows = [{**row, "until_us": 0} for row in rows]
        if rows:
            writing.execute(_T[name].insert(), rows)
    kept = set(reading.execute(select(_BODIES.c.seq)).scalars())
    erased = [seq for seq in writing.execute(select(_BODIES.c.seq)).scalars() if seq not in kept]
    if erased:
        for seq in erased:
            writing.execute(delete(_BODIES).where(_BODIES.c.seq == seq))
        remake(writing)


def _proven(reading: Connection, to: Engine) -> Proof:
    with to.connect() as written:
        ours, theirs = prove(reading), prove(written)
    if ours != theirs:
        raise LedgerError(f"the target does not hold the same memory: {theirs} instead of {ours}; please report this")
    return ours
