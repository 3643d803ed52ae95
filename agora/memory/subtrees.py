"""The stored part of the Merkle tree: one hash for each 256 entries, made in the transaction that fills them up.

So a checkpoint or a proof of a ledger of any length reads some hundred rows. Nothing is kept between transactions, so
that any number of processes may append. The table is derived: it can be made again from the entries, and whoever
verifies a ledger compares it with them (`agora.ledger.tree` says what stands where).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Connection, Dialect, bindparam, func, select

from agora.errors import LedgerError
from agora.ledger.chain import envelope_bytes
from agora.ledger.tree import BLOCK, STRIDE, Tree, fold, leaf_hash
from agora.memory.dialects import Prepared
from agora.memory.reads import envelope_of
from agora.memory.tables import METADATA
from agora.records import Envelope

_LEDGER: Final = METADATA.tables["ledger"]
_TREE: Final = METADATA.tables["tree"]
_FIRST: Final = bindparam("first_", type_=BigInteger())
_END: Final = bindparam("end_", type_=BigInteger())
_ENVELOPES: Final = (
    select(*(_LEDGER.c[name] for name in Envelope._fields))
    .where(_LEDGER.c.seq > _FIRST, _LEDGER.c.seq <= _END)
    .order_by(_LEDGER.c.seq)
)
_NODES: Final = (
    select(_TREE.c.hash)
    .where(_TREE.c.level == bindparam("level_"), _TREE.c.number >= _FIRST, _TREE.c.number < _END)
    .order_by(_TREE.c.number)
)


class Subtrees:
    """Reads and grows the stored subtrees of one kind of database.

    Args:
        dialect: Of the connections.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._envelopes = Prepared(_ENVELOPES, dialect)
        self._nodes = Prepared(_NODES, dialect)
        self._insert = Prepared(_TREE.insert(), dialect)

    def tree(self, connection: Connection) -> Tree:
        """The tree over the ledger, as a connection sees it."""

        def hashes(level: int, first: int, count: int) -> Sequence[bytes]:
            return self.read(connection, level, first, count)

        return Tree(hashes)

    def read(self, connection: Connection, level: int, first: int, count: int) -> Sequence[bytes]:
        """Neighbouring hashes of level 0 (made from the entries) or of a stored one."""
        span = {"first_": first, "end_": first + count}
        if level == 0:
            return [leaf_hash(envelope_bytes(envelope_of(row))) for row in self._envelopes.rows(connection, span)]
        return [bytes(row[0]) for row in self._nodes.rows(connection, {**span, "level_": level})]

    def grow(self, connection: Connection, before: int, after: int) -> None:
        """Store the subtrees that have become complete; the new entries are there already.

        Where an entry is missing or was changed past reading, its subtree is left out: the table is derived, and what
        is being recorded must not be lost to what somebody did to earlier entries, which verifying finds.

        Args:
            connection: With the transaction that appends.
            before: Entries before it.
            after: Entries now.
        """
        level, old, new = STRIDE, before // BLOCK, after // BLOCK
        while new > old:
            for number in range(old, new):
                below = self._below(connection, level - STRIDE, number * BLOCK)
                if len(below) == BLOCK:
                    self._insert.run(connection, [{"level": level, "number": number, "hash": fold(below)}])
            level, old, new = level + STRIDE, old // BLOCK, new // BLOCK

    def remake(self, connection: Connection) -> None:
        """Make the table, which is empty, again from the entries."""
        there = int(connection.execute(select(func.count()).select_from(_LEDGER)).scalar_one())
        self.grow(connection, 0, min(there, size(connection)))  # somebody may have given one a position far away

    def _below(self, connection: Connection, level: int, first: int) -> Sequence[bytes]:
        try:
            return self.read(connection, level, first, BLOCK)
        except LedgerError:  # an entry that has no canonical form
            return ()


def size(connection: Connection) -> int:
    """How many entries there are: the position of the last one."""
    return int(connection.execute(select(func.coalesce(func.max(_LEDGER.c.seq), 0))).scalar_one())
