"""Derived tables made again from the ledger."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import LedgerError
from agora.failpoints import reach
from agora.ledger.canonical import decode
from agora.ledger.chain import holds
from agora.memory import reads
from agora.memory.projections import Place, Projection, Statements, clear
from agora.memory.subtrees import Subtrees
from agora.records import Stored


def remake(writing: Connection) -> None:
    """Make every derived table again from the ledger, in the caller's transaction.

    Raises:
        LedgerError: A body cannot be read.
    """
    _remake(writing, whole=True)


def remake_sound(writing: Connection) -> None:
    """The same from what is sound of a ledger: what is not is left out, for whoever verifies it to be told.

    So a ledger that somebody damaged can still be opened, and found out.
    """
    try:
        with writing.begin_nested():
            _remake(writing, whole=False)
    except (LedgerError, SQLAlchemyError):  # entries that contradict one another
        clear(writing)


def _remake(writing: Connection, *, whole: bool) -> None:
    statements = Statements(writing.dialect)
    clear(writing)
    reach("rebuild.cleared")
    after = 0
    while page := reads.page(writing, None, after=after):
        projection = Projection(statements)
        for stored in page:
            envelope, body = stored.entry.envelope, stored.body
            after = envelope.seq
            if body is not None and (whole or _is_sound(stored)):
                projection.add(Place(envelope.seq, envelope.run, envelope.at_us), decode(body))
        projection.write(writing)
    Subtrees(writing.dialect).remake(writing)


def _is_sound(stored: Stored) -> bool:
    (envelope, _), salt, body = stored
    if body is None or not holds(envelope, salt, body):
        return False
    try:
        decode(body)
    except LedgerError:
        return False
    return True
