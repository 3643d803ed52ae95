"""Recall: remembered bids of tasks whose goals share words with a text.

SQLite's FTS5 ranks by BM25 over stemmed words. What people type is no FTS5 query ("what is it?", "C++" and an open
quote are errors there), so it is cut into words and each is quoted. Elsewhere the latest entries are ranked by shared
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, RowMapping, select, text

from agora.memory.dialects import has_recall_index
from agora.memory.tables import METADATA
from agora.memory.words import shared, words
from agora.records import MemoryEntry

_ENTRIES: Final = METADATA.tables["memory_entries"]
_LATEST: Final = 2000
_BY_RANK: Final = text(
    "SELECT m.* FROM memory_words"
    " JOIN memory_entries m ON m.seq = memory_words.rowid"
    " WHERE memory_words MATCH :query AND m.grounded = :grounded"
    " ORDER BY rank, m.seq DESC LIMIT :limit"
)


def recall(connection: Connection, query: str, *, limit: int, grounded: bool = True) -> Sequence[MemoryEntry]:
    """The best matches first; the newest first among equals.

    Args:
        connection: To the database.
        query: Any text.
        limit: The most entries to return.
        grounded: False: what a model judged, instead of what was grounded.
    """
    asked = words(query)
    if not asked or limit < 1:
        return ()
    if has_recall_index(connection):
        found = connection.execute(_BY_RANK, {"query": match_query(asked), "grounded": grounded, "limit": limit})
        return tuple(_entry(row) for row in found.mappings())
    return _by_shared_words(connection, asked, limit=limit, grounded=grounded)


def match_query(asked: Sequence[str]) -> str:
    """Words as an FTS5 query that cannot be malformed.

    >>> match_query(("what", "is"))
    '"what" OR "is"'
    """
    return " OR ".join(f'"{word}"' for word in asked)


def _by_shared_words(
    connection: Connection, asked: tuple[str, ...], *, limit: int, grounded: bool
) -> Sequence[MemoryEntry]:
    query = select(_ENTRIES).where(_ENTRIES.c.grounded == grounded)
    rows = connection.execute(query.order_by(_ENTRIES.c.seq.desc()).limit(_LATEST)).mappings().all()
    scored = [(shared(asked, str(row["goal"])), row) for row in rows]
    # The sort is stable, so the newest stays first among equals.
    best = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])[:limit]
    return tuple(_entry(row) for _, row in best)


def _entry(row: RowMapping) -> MemoryEntry:
    texts = {name: str(row[name]) for name in ("task", "goal", "agent", "plan", "run")}
    return MemoryEntry(**texts, won=bool(row["won"]), passed=bool(row["passed"]))
