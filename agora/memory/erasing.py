"""Erasing bodies: from the tables, and what is left of them in the database's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Engine, delete
from sqlalchemy.exc import SQLAlchemyError

from agora.errors import LedgerError
from agora.memory.dialects import explain, kind
from agora.memory.remaking import remake
from agora.memory.tables import METADATA

_BODIES: Final = METADATA.tables["bodies"]
_AT_ONCE: Final = 500


def erase(connection: Connection, seqs: Sequence[int]) -> None:
    """Delete the bodies of some events, and make all that is derived from bodies again from those that are left."""
    for begin in range(0, len(seqs), _AT_ONCE):
        some = seqs[begin : begin + _AT_ONCE]
        connection.execute(delete(_BODIES).where(_BODIES.c.seq.in_(some)))
    remake(connection)


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
