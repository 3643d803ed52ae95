"""Erasing bodies: from the tables, and what is left of them in the database's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Engine, delete
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import LedgerError
from agora.memory.dialects import explain, kind
from agora.memory.tables import METADATA

_T: Final = METADATA.tables
_TEXTS: Final = ("bodies", "tasks", "awards", "attempts", "calls", "card_versions", "memory_entries", "judgements")
_AT_ONCE: Final = 500


def erase(connection: Connection, seqs: Sequence[int]) -> None:
    """Delete the bodies of some events, and the rows with texts of theirs; what was learned is learned anew."""
    for begin in range(0, len(seqs), _AT_ONCE):
        some = seqs[begin : begin + _AT_ONCE]
        for name in _TEXTS:
            connection.execute(delete(_T[name]).where(_T[name].c.seq.in_(some)))
    connection.execute(delete(_T["snapshots"]))


def scrub(engine: Engine) -> None:
    """Write the database's files anew, so that nothing that was deleted is left in them.

    Raises:
        LedgerError: The database refused, so that remains may still be there.
    """
    try:
        kind(engine).scrub(engine)
    except (LedgerError, SQLAlchemyError) as problem:
        why = problem if isinstance(problem, LedgerError) else explain(problem)
        raise LedgerError(
            f"the bodies are erased, and remains of them may still be in the database's files: {why}; "
            "erase them again when nobody else uses it"
        ) from problem
