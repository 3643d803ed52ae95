"""Recall by words and by meaning, for one database in one process.

The bids that are considered are held in memory and kept up to date with the database, from whatever process they come.
Embeddings are made when something is recalled, never when it is recorded, a bounded number at a time and the latest
goals first; they are written when the store is closed, under no lock of the ledger, so that no commit waits for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from threading import Lock
from typing import Final

import numpy as np
from sqlalchemy import Connection, Engine, bindparam, case, null, select, update
from sqlalchemy.exc import SQLAlchemyError

from agora.memory.embeddings import Embedder
from agora.memory.labels import Labels
from agora.memory.recall import ENTRY_COLUMNS, Recalling, remembered
from agora.memory.shelf import Entry, Shelf
from agora.memory.tables import METADATA
from agora.memory.vectors import Vector
from agora.memory.words import words
from agora.records import MemoryEntry

FILL_CHARS: Final = 2_000
"""About so many characters of goals without an embedding get one in one recall: a tenth of a second on one core."""
MOST_GOAL_CHARS: Final = 4_000
"""A longer goal is compared by its beginning."""
_DEPTH: Final = 32
_CHUNK: Final = 16
_BATCH: Final = 256
_STORED: Final = np.dtype("<f4")
_ENTRIES: Final = METADATA.tables["memory_entries"]
_ROWS: Final = select(_ENTRIES.c.seq, *ENTRY_COLUMNS).where(_ENTRIES.c.seq.in_(bindparam("seqs", expanding=True)))
_SAVE: Final = (
    update(_ENTRIES)
    .where(_ENTRIES.c.seq == bindparam("at"))
    .values(embedding=bindparam("vector"), embedding_model=bindparam("model"))
)


class Recollection:
    """What one process holds of a database's remembered bids.

    Args:
        engine: The database.
        embedder: Makes embeddings.
        rules: Floor, capacity and what a near-duplicate is.
        labels: Of the tasks.
    """

    def __init__(self, engine: Engine, *, embedder: Embedder, rules: Recalling, labels: Labels) -> None:
        self._engine, self._embedder, self._rules, self._labels = engine, embedder, rules, labels
        self._shelves: dict[bool, Shelf] = {}  # grounded -> its bids
        self._seen: dict[bool, int] = {}  # grounded -> the last position that was looked at
        self._unsaved: dict[int, Vector] = {}  # position -> embedding
        self._lock = Lock()
        at = _ENTRIES.c
        ours = case((at.embedding_model == embedder.name, at.embedding), else_=null())
        latest = select(at.seq, at.run, at.task, at.goal, ours)
        latest = latest.where(at.grounded == bindparam("held"), at.seq > bindparam("seen"))
        self._latest = latest.order_by(at.seq.desc()).limit(2 * rules.capacity)

    def recall(
        self, connection: Connection, text: str, *, limit: int, grounded: bool, trust: frozenset[str] | None
    ) -> Sequence[MemoryEntry]:
        """The best matches first.

        Args:
            connection: To the database.
            text: Any text; without a word in it nothing is found.
            limit: The most entries to return.
            grounded: False: what a model judged, instead of what was grounded.
            trust: The labels that whoever asks may see; None: all.
        """
        if limit < 1 or not words(text):
            return ()
        with self._lock:
            shelf = self._synced(connection, grounded=grounded)
            if not len(shelf):
                return ()
            query = self._embedder.embed(text[:MOST_GOAL_CHARS])
            self._fill(shelf)
            depth = max(_DEPTH, 4 * limit)
            found = self._visible(connection, shelf.search(text, query, depth=depth), limit=limit, trust=trust)
            if len(found) < limit and depth < len(shelf):  # what was looked at may not be seen, or was erased
                ranked = shelf.search(text, query, depth=len(shelf))
                found = self._visible(connection, ranked, limit=limit, trust=trust)
            return found

    def forget(self, seqs: Iterable[int]) -> None:
        """Leave out what was erased."""
        gone = frozenset(seqs)
        with self._lock:
            for shelf in self._shelves.values():
                shelf.forget(gone)
            for seq in gone:
                self._unsaved.pop(seq, None)

    def save(self) -> None:
        """Write the embeddings that were made here; one that cannot be written is made again another time."""
        with self._lock, suppress(SQLAlchemyError):
            self._save()

    def _save(self) -> None:
        while self._unsaved:
            batch = list(self._unsaved.items())[:_BATCH]
            rows = [
                {"at": seq, "vector": vector.astype(_STORED).tobytes(), "model": self._embedder.name}
                for seq, vector in batch
            ]
            with self._engine.begin() as connection:
                connection.execute(_SAVE, rows)
            for seq, _ in batch:
                del self._unsaved[seq]

    def _synced(self, connection: Connection, *, grounded: bool) -> Shelf:
        if (shelf := self._shelves.get(grounded)) is not None and shelf.overgrown:
            with suppress(SQLAlchemyError):
                self._save()
            del self._shelves[grounded], self._seen[grounded]
        shelf = self._shelves.setdefault(grounded, Shelf(self._rules, dimensions=self._embedder.dimensions))
        seen = self._seen.get(grounded, 0)
        if entries := self._after(connection, seen, grounded=grounded):
            shelf.add(entries)
            self._seen[grounded] = entries[-1].seq
        return shelf

    def _after(self, connection: Connection, seen: int, *, grounded: bool) -> list[Entry]:
        rows = connection.execute(self._latest, {"held": grounded, "seen": seen}).all()
        return [
            Entry(int(seq), str(run), str(task), str(goal)[:MOST_GOAL_CHARS], self._vector(stored))
            for seq, run, task, goal, stored in reversed(rows)
        ]

    def _vector(self, stored: bytes | None) -> Vector | None:
        if stored is None or len(stored) != self._embedder.dimensions * _STORED.itemsize:
            return None
        return np.frombuffer(stored, _STORED).astype(np.float32)

    def _fill(self, shelf: Shelf) -> None:
        chars = 0
        for row, goal, seq in list(shelf.missing()):
            if not self._embedder.knows(goal):
                if chars and chars + len(goal) > FILL_CHARS:
                    return
                chars += len(goal)
            vector = self._embedder.embed(goal)
            shelf.embed(row, vector)
            self._unsaved[seq] = vector

    def _visible(
        self, connection: Connection, ranked: Iterator[int], *, limit: int, trust: frozenset[str] | None
    ) -> tuple[MemoryEntry, ...]:
        found: list[MemoryEntry] = []
        while len(found) < limit and (chunk := list(islice(ranked, max(limit, _CHUNK)))):
            rows = self._rows(connection, chunk)
            keys = [(entry.run, entry.task) for entry in rows.values()]
            visible = self._labels.visible(connection, keys, trust=trust)
            found += [rows[seq] for seq in chunk if seq in rows and (rows[seq].run, rows[seq].task) in visible]
        return tuple(found[:limit])

    def _rows(self, connection: Connection, seqs: Sequence[int]) -> Mapping[int, MemoryEntry]:
        return {int(row["seq"]): remembered(row) for row in connection.execute(_ROWS, {"seqs": seqs}).mappings()}
