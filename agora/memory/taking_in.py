"""An exported ledger taken into a database: checked from its first entry, all of it or nothing, derived tables too.

The database is empty, or holds the beginning of the same ledger, or more of it. Entries that are there already are left
as they are; so a body that was erased here stays erased, whatever the file still has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import ChangedError, DivergedError, IncompleteError
from agora.failpoints import reach
from agora.ledger.chain import GENESIS, follows
from agora.memory.dialects import connect, explain, transact
from agora.memory.ledger_file import LedgerFile
from agora.memory.migrations import upgrade
from agora.memory.moving import write_page
from agora.memory.projections import Statements
from agora.memory.tables import METADATA
from agora.records import Stored

_LEDGER: Final = METADATA.tables["ledger"]
_PAGE: Final = 500
_PAGE_BYTES: Final = 32 * 1024 * 1024


class TakenIn(NamedTuple):
    """What an import has done."""

    entries: int
    """Entries of the file."""
    head: str
    """The hash of its last one; empty where it has none."""
    carried: int
    """Entries that were written; fewer than all where the ledger was there in part."""
    bodies: int
    """How many of them have their bodies."""


def take_in(source: LedgerFile, target: str | Path) -> TakenIn:
    """Take an exported ledger into a database.

    Args:
        source: The file.
        target: URL or path of the database; made and migrated where needed.

    Raises:
        IncompleteError: The file does not begin with the first entry; nothing was written.
        ChangedError: An entry or a body of the file is not what was recorded; nothing was written.
        DivergedError: The database holds another history; nothing was written.
        LedgerError: The file cannot be read, or the database refused; nothing was written.
    """
    if source.first > 1:
        raise IncompleteError(
            f"half a ledger: the file begins at entry {source.first}, and cannot be checked from there; "
            "export it from its beginning"
        )
    engine = connect(target)
    try:
        upgrade(engine)
        return transact(engine, partial(_take_in, source))
    except SQLAlchemyError as problem:
        raise explain(problem) from problem
    finally:
        engine.dispose()


def _take_in(source: LedgerFile, writing: Connection) -> TakenIn:
    there = writing.execute(select(func.coalesce(func.max(_LEDGER.c.seq), 0))).scalar_one()
    common = min(int(there), source.last)
    statements, seq, prev, carried, bodies = Statements(writing.dialect), 0, GENESIS, 0, 0
    for page in _pages(source.stored()):
        for stored in page:
            if not follows(stored, seq=seq, prev=prev):
                raise ChangedError(seq + 1, "nothing was imported")
            seq, prev = stored.entry.envelope.seq, stored.entry.hash
            if seq == common and prev != _hash(writing, common):
                raise _diverged(source, writing)
        if new := [one for one in page if one.entry.envelope.seq > there]:
            write_page(writing, page=new, statements=statements)
            carried, bodies = carried + len(new), bodies + sum(one.body is not None for one in new)
            reach("import.page")
    return TakenIn(seq, prev if seq else "", carried, bodies)


def _hash(writing: Connection, seq: int) -> str:
    return str(writing.execute(select(_LEDGER.c.hash).where(_LEDGER.c.seq == seq)).scalar())


def _diverged(source: LedgerFile, writing: Connection) -> DivergedError:
    """The error that names the first entry in which two histories differ."""
    ours = writing.execute(select(_LEDGER.c.seq, _LEDGER.c.hash).order_by(_LEDGER.c.seq))
    pairs = zip(ours, source.stored(), strict=False)
    first = next((int(mine.seq) for mine, theirs in pairs if mine.hash != theirs.entry.hash), 1)
    return DivergedError(
        f"this memory holds another history: entry {first} here is not the file's; nothing was imported: "
        "import into an empty project"
    )


def _pages(entries: Iterator[Stored]) -> Iterator[Sequence[Stored]]:
    page: list[Stored] = []
    size = 0
    for one in entries:
        page.append(one)
        size += len(one.body or b"")
        if len(page) >= _PAGE or size > _PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page
