"""Derived tables made again from the ledger."""

from __future__ import annotations

from sqlalchemy import Connection

from agora.failpoints import reach
from agora.ledger.canonical import decode
from agora.memory import reads
from agora.memory.projections import Place, Projection, Statements, clear
from agora.memory.subtrees import Subtrees


def remake(writing: Connection) -> None:
    """Make every derived table again from the ledger, in the caller's transaction."""
    statements = Statements(writing.dialect)
    clear(writing)
    reach("rebuild.cleared")
    after = 0
    while page := reads.page(writing, None, after=after):
        projection = Projection(statements)
        for (envelope, _), _, body in page:
            after = envelope.seq
            if body is not None:
                projection.add(Place(envelope.seq, envelope.run, envelope.at_us), decode(body))
        projection.write(writing)
    Subtrees(writing.dialect).remake(writing)
