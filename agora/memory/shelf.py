"""The remembered bids that recall considers, in memory: which they are, and how they are ranked.

Two rankings of goals, by words (BM25) and by meaning (cosine of embeddings), are joined by reciprocal rank fusion
(Cormack, Clarke & Buettcher 2009): each gives 1 / (60 + rank). Bids of one goal share its rank, the newest first.

Considered are the latest `2 x capacity` bids, and of these at most `capacity`: the bids of a task whose goal a later
task has nearly repeated go first, then the oldest. What is not considered stays on the ledger and in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from agora.memory.postings import Postings
from agora.memory.recall import Recalling
from agora.memory.vectors import Mask, Rows, Vector, Vectors

Seqs: TypeAlias = npt.NDArray[np.int64]

RANK_CONSTANT: Final = 60
"""Of reciprocal rank fusion, as in the paper."""
_BLOCK: Final = 256


class Entry(NamedTuple):
    """One remembered bid, as far as recall needs it."""

    seq: int
    """Its position on the ledger."""
    run: str
    """The run of its task."""
    task: str
    """Its task."""
    goal: str
    """What was wanted."""
    vector: Vector | None
    """The goal's embedding, where it is stored."""


class Shelf:
    """Bids that are all grounded, or all judged.

    Args:
        rules: Floor, capacity and what a near-duplicate is.
        dimensions: Of the embeddings.
    """

    def __init__(self, rules: Recalling, *, dimensions: int) -> None:
        self._rules = rules
        self._rows: dict[str, int] = {}  # goal -> row
        self._postings = Postings()
        self._vectors = Vectors(dimensions)
        self._entries: list[tuple[int, int, int]] = []  # (seq, row, number of its task), seq ascending
        self._tasks: dict[tuple[str, str], int] = {}  # (run, task) -> its number
        self._last: list[int] = []  # task number -> its last seq
        self._missing: dict[int, str] = {}  # row -> goal, in order of arrival
        self._met: set[int] = set()  # rows whose neighbours are known, and all in `_peaks`
        self._peaks: Seqs = np.empty(0, np.int64)  # row -> the newest seq among the bids of near goals
        self._now: _Considered | None = None

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def overgrown(self) -> bool:
        """Whether more is held than is needed, so that it should be made anew."""
        return len(self._entries) > 3 * self._rules.capacity

    def add(self, entries: Iterable[Entry]) -> None:
        """Add bids in the order of the ledger."""
        for seq, run, task, goal, vector in entries:
            row = self._rows.get(goal)
            if row is None:
                row = self._rows[goal] = len(self._postings)
                self._postings.add(goal)
                self._vectors.grow(1)
                self._missing[row] = goal
            if vector is not None and row in self._missing:
                self.embed(row, vector)
            number = self._tasks.setdefault((run, task), len(self._tasks))
            self._last[number:] = [seq]
            self._entries.append((seq, row, number))
            self._met.discard(row)
        self._now = None

    def missing(self) -> Iterator[tuple[int, str, int]]:
        """Rows without an embedding, their goals, and the latest bid with each; the latest goals first."""
        newest = {row: seq for seq, row, _ in self._entries} if self._missing else {}
        for row, goal in reversed(list(self._missing.items())):
            yield row, goal, newest[row]

    def embed(self, row: int, vector: Vector) -> None:
        """Give a row its embedding, a unit vector."""
        self._vectors.put(slice(row, row + 1), vector[None])
        del self._missing[row]
        self._met.discard(row)
        self._now = None

    def forget(self, seqs: Iterable[int]) -> None:
        """Leave bids out, and the goals that no other bid has."""
        gone = set(seqs)
        self._entries = [entry for entry in self._entries if entry[0] not in gone]
        left = {row for _, row, _ in self._entries}
        self._rows = {goal: row for goal, row in self._rows.items() if row in left}
        self._missing = {row: goal for row, goal in self._missing.items() if row in left}
        self._now = None

    def search(self, text: str, query: Vector, *, depth: int) -> Iterator[int]:
        """Positions of the considered bids that match, best first, the newest first among those of one goal.

        Args:
            text: Any text.
            query: Its embedding.
            depth: How many goals of each ranking are joined.
        """
        now, asked = self._considered(), self._postings.asked(text)
        words, _ = self._postings.best(asked, depth, among=now.rows)
        alike = (self._vectors.cosines(query, words) >= self._rules.floor) | ~self._vectors.known[words]
        words = words[alike | self._postings.whole(asked, words)]
        near, cosines = self._vectors.nearest(query, depth, among=now.embedded)
        ranked = fuse(words.tolist(), near[cosines >= self._rules.floor].tolist())
        return (seq for row in ranked for seq in now.of(row))

    def _considered(self) -> _Considered:
        if self._now is None:
            window = np.array(self._entries[-2 * self._rules.capacity :], np.int64).reshape(-1, 3)
            seqs, rows = window[:, 0], window[:, 1]
            if len(window) > self._rules.capacity:
                self._meet(newest=dict(zip(rows.tolist(), seqs.tolist(), strict=True)))
                repeated = self._peaks[rows] > np.array(self._last, np.int64)[window[:, 2]]
                keep = kept(repeated, capacity=self._rules.capacity)
                seqs, rows = seqs[keep], rows[keep]
            self._now = _Considered(seqs, rows, self._vectors.known)
        return self._now

    def _meet(self, *, newest: dict[int, int]) -> None:
        """Bring `_peaks` up to date for goals that are new, repeated, or newly embedded."""
        self._peaks = np.concatenate((self._peaks, np.zeros(len(self._postings) - len(self._peaks), np.int64)))
        latest = np.zeros(len(self._peaks), np.int64)
        latest[list(newest)] = list(newest.values())
        unmet = [row for row in newest if row not in self._met]
        for start in range(0, len(unmet), _BLOCK):
            block = unmet[start : start + _BLOCK]
            for row, close in zip(block, self._vectors.matrix[block] @ self._vectors.matrix.T, strict=True):
                near = np.flatnonzero(close > self._rules.duplicate)
                self._peaks[row] = max(int(latest[near].max(initial=0)), newest[row])
                self._peaks[near] = np.maximum(self._peaks[near], newest[row])
        self._met.update(unmet)


class _Considered:
    """What is considered now, by row."""

    def __init__(self, seqs: Seqs, rows: Seqs, known: Mask) -> None:
        order = np.argsort(rows, kind="stable")
        self._seqs = seqs[order]
        self._starts = np.searchsorted(rows[order], np.arange(len(known) + 1))
        some = np.diff(self._starts) > 0
        self.rows: Mask | None = None if some.all() else some
        """Which rows have a bid; None: all."""
        self.embedded: Mask | None = None if (some & known).all() else some & known
        """Which of them have an embedding; None: all."""

    def of(self, row: int) -> list[int]:
        """A row's bids, the newest first."""
        return [int(seq) for seq in self._seqs[self._starts[row] : self._starts[row + 1]][::-1]]


def kept(repeated: Mask, *, capacity: int) -> Rows:
    """Which of some bids, oldest first, are considered: repeated ones go first, the oldest first, then the oldest.

    Args:
        repeated: Whether a later task has nearly the same goal.
        capacity: How many stay.

    >>> kept(np.array([False, True, False, True]), capacity=2).tolist()
    [0, 2]
    >>> kept(np.array([False, True, False, False]), capacity=2).tolist()
    [2, 3]
    """
    going = np.concatenate((np.flatnonzero(repeated), np.flatnonzero(~repeated)))
    return np.sort(going[max(len(repeated) - capacity, 0) :])


def fuse(*rankings: Sequence[int]) -> list[int]:
    """One ranking of several: by the sum of 1 / (60 + rank), later numbers first among equals.

    >>> fuse([1, 2, 3], [3, 4])
    [3, 1, 4, 2]
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores, key=lambda item: (-scores[item], -item))
