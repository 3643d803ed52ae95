"""Recall: remembered bids of tasks that are like a text.

By words always, and by meaning, too, where the extra `embeddings` is installed (`recollection.py`).

SQLite's FTS5 ranks by BM25 over stemmed words, PostgreSQL's text search by how many stemmed words match and how often.
What people type is no query ("what is it?", "C++" and an open quote are errors there), so it is cut into words and each
is quoted. Without an index the latest entries are ranked by shared words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field
from sqlalchemy import Connection, RowMapping, select

from agora.memory.dialects import kind
from agora.memory.labels import Labels
from agora.memory.tables import METADATA
from agora.memory.words import shared, words
from agora.records import MemoryEntry
from agora.values import Value

_ENTRIES: Final = METADATA.tables["memory_entries"]
_LATEST: Final = 2000
_TEXTS: Final = ("task", "goal", "agent", "plan", "run")
ENTRY_COLUMNS: Final = tuple(_ENTRIES.c[name] for name in (*_TEXTS, "won", "passed", "auction"))
"""What `remembered` needs."""


class Recalling(Value):
    """What is offered; where embeddings are not at hand, whatever shares a word, and only `trusted` counts."""

    floor: float = Field(default=0.3, ge=-1, le=1)
    """Least cosine of two goals' embeddings: what is less alike is not offered, unless it has every word of the text.

    Of 20,000 random pairs of unrelated goals one in a hundred is above 0.3."""
    capacity: int = Field(default=2000, ge=1, le=1_000_000)
    """How many remembered bids are considered, of grounded and of judged ones each."""
    duplicate: float = Field(default=0.97, ge=-1, le=1)
    """Above this cosine a goal is a near-duplicate of another, whose older bids are the first to make room."""
    trusted: bool = True
    """Whether an agent is offered only memories of tasks whose labels it may see; with or without embeddings."""


DEFAULTS: Final = Recalling()
"""As stated there."""


def recall(
    connection: Connection,
    query: str,
    *,
    limit: int,
    labels: Labels,
    grounded: bool = True,
    trust: frozenset[str] | None = None,
) -> Sequence[MemoryEntry]:
    """The best matches by words first; the newest first among equals.

    Args:
        connection: To the database.
        query: Any text.
        limit: The most entries to return.
        labels: Of the tasks.
        grounded: False: what a model judged, instead of what was grounded.
        trust: The labels that whoever asks may see; None: all.
    """
    asked = words(query)
    if not asked or limit < 1:
        return ()
    database = kind(connection)
    # What may not be seen must not use up the limit.
    most = limit if trust is None else max(limit, _LATEST)
    if database.has_recall_index(connection):
        rows = database.search(connection, asked, limit=most, grounded=grounded)
    else:
        rows = _by_shared_words(connection, asked, limit=most, grounded=grounded)
    found = [remembered(row) for row in rows]
    visible = labels.visible(connection, [(entry.run, entry.task) for entry in found], trust=trust)
    return tuple(entry for entry in found if (entry.run, entry.task) in visible)[:limit]


def remembered(row: RowMapping) -> MemoryEntry:
    """A row with the columns `ENTRY_COLUMNS` as what a store hands out."""
    texts = {name: str(row[name]) for name in _TEXTS}
    return MemoryEntry(**texts, won=bool(row["won"]), passed=bool(row["passed"]), auction=int(row["auction"]))


def _by_shared_words(
    connection: Connection, asked: tuple[str, ...], *, limit: int, grounded: bool
) -> Sequence[RowMapping]:
    query = select(*ENTRY_COLUMNS).where(_ENTRIES.c.grounded == grounded)
    rows = connection.execute(query.order_by(_ENTRIES.c.seq.desc()).limit(_LATEST)).mappings().all()
    scored = [(shared(asked, str(row["goal"])), row) for row in rows]
    # The sort is stable, so the newest stays first among equals.
    best = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])[:limit]
    return [row for _, row in best]
