"""Recall: remembered bids of tasks whose goals share words with a text.

SQLite's FTS5 ranks by BM25 over stemmed words, PostgreSQL's text search by how many stemmed words match and how often.
What people type is no query ("what is it?", "C++" and an open quote are errors there), so it is cut into words and each
is quoted. Without an index the latest entries are ranked by shared words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, RowMapping, select

from agora.memory.dialects import kind
from agora.memory.tables import METADATA
from agora.memory.words import shared, words
from agora.records import MemoryEntry

_ENTRIES: Final = METADATA.tables["memory_entries"]
_LATEST: Final = 2000


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
    database = kind(connection)
    if database.has_recall_index(connection):
        found = database.search(connection, asked, limit=limit, grounded=grounded)
        return tuple(_entry(row) for row in found)
    return _by_shared_words(connection, asked, limit=limit, grounded=grounded)


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
