"""Words of texts by row, in memory, ranked by BM25 (Robertson et al. 1994; parameters as in SQLite's FTS5).

A query reads a bounded number of entries, those of its rarest words first: what stands in most texts tells least.
Stems come from `agora.memory.words`. Lengths are held against a fixed pivot and not the mean, so that what a word is
worth in a text never changes as texts come in.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from agora.memory.vectors import Mask, Rows, Vector, top
from agora.memory.words import stems

MOST_READ: Final = 16_384
"""How many entries (a word in a text) one query reads; the rarest word's are read whatever they are."""
_K1: Final = 1.2
_B: Final = 0.75
_PIVOT_WORDS: Final = 32.0


class Asked(NamedTuple):
    """What a query looks for."""

    stems: Sequence[tuple[int, str]]
    """How many rows have a stem, and the stem; the rarest first, unknown ones left out."""
    whole: bool
    """Whether all of its stems are known."""


class Postings:
    """Texts by row; rows are only added.

    >>> postings = Postings()
    >>> for text in ("fix the parser", "paint the house", "parsing"):
    ...     postings.add(text)
    >>> postings.best(postings.asked("the parsers"), 5)[0].tolist()
    [0, 1]
    """

    def __init__(self) -> None:
        self._count = 0
        self._rows: dict[str, array[int]] = {}  # stem -> rows, ascending
        self._weights: dict[str, array[float]] = {}  # stem -> saturated frequency in each of them, in (0, k1 + 1)

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> None:
        """Add the next row."""
        found = Counter(stems(text))
        longer = 1 - _B + _B * found.total() / _PIVOT_WORDS
        for stem, times in found.items():
            if stem not in self._rows:
                self._rows[stem], self._weights[stem] = array("i"), array("f")
            self._rows[stem].append(self._count)
            self._weights[stem].append(times * (_K1 + 1) / (times + _K1 * longer))
        self._count += 1

    def asked(self, text: str) -> Asked:
        """What a text asks for: its stems with the number of rows that have them, the rarest first."""
        found = set(stems(text))
        known = sorted((len(self._rows[stem]), stem) for stem in found if stem in self._rows)
        return Asked(known, whole=len(known) == len(found))

    def best(self, asked: Asked, count: int, *, among: Mask | None = None) -> tuple[Rows, Vector]:
        """The rows that match best and their scores, best first, later rows first among equals.

        Args:
            asked: What is looked for.
            count: How many rows are wanted at most.
            among: (rows,): which of them may be returned; None: all.
        """
        rows, worth, read = [np.empty(0, np.intc)], [np.empty(0, np.float32)], 0
        for size, stem in asked.stems:
            if read and read + size > MOST_READ:
                break
            read += size
            rarity = math.log(1 + (self._count - size + 0.5) / (size + 0.5))
            rows.append(np.frombuffer(self._rows[stem], np.intc))
            worth.append(np.float32(rarity) * np.frombuffer(self._weights[stem], np.float32))
        summed = np.bincount(np.concatenate(rows), np.concatenate(worth), self._count)
        scores = summed.astype(np.float32)
        if among is not None:
            scores[~among] = 0
        found = np.flatnonzero(scores > 0)
        best = top(scores[found], found, count)
        return found[best], scores[found[best]]

    def whole(self, asked: Asked, rows: Rows) -> Mask:
        """Which of some rows have every word that is asked for."""
        having = np.full(len(rows), asked.whole)
        for _, stem in asked.stems:
            if not having.any():
                break
            present = np.frombuffer(self._rows[stem], np.intc)
            places = np.minimum(np.searchsorted(present, rows), len(present) - 1)
            having &= present[places] == rows
        return having
