"""Nearest neighbours among unit vectors in memory: a coarse pass over signs, then exact cosines.

Reading all of 100,000 x 384 floats takes longer than a query may. So each vector is also kept as its signs, one bit a
dimension: the share of signs in which two vectors differ estimates the angle between them (Charikar 2002, "Similarity
estimation techniques from rounding algorithms", section 3). The rows that differ least get their exact cosine.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float32]
Vector: TypeAlias = npt.NDArray[np.float32]
Rows: TypeAlias = npt.NDArray[np.intp]
Mask: TypeAlias = npt.NDArray[np.bool_]

EXACT_ROWS: Final = 2048
"""Up to so many rows every cosine is exact: it is no slower."""
RERANKED: Final = 384
"""How many rows get their exact cosine after the coarse pass, at least; of many rows one in `SHARE`."""
SHARE: Final = 64
_WORD_BITS: Final = 64


class Vectors:
    """Unit vectors by row; rows are only added, and hold zeros until their vector is put in.

    Args:
        dimensions: Of each vector.
        exact_rows: Up to so many rows there is no coarse pass.
        reranked: How many rows get their exact cosine after it, at least.

    >>> vectors = Vectors(2)
    >>> vectors.grow(3)
    >>> vectors.put(slice(0, 3), np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32))
    >>> rows, cosines = vectors.nearest(np.array([0, 1], dtype=np.float32), 2)
    >>> rows.tolist(), [round(float(cosine), 2) for cosine in cosines]
    ([1, 2], [1.0, 0.8])
    """

    def __init__(self, dimensions: int, *, exact_rows: int = EXACT_ROWS, reranked: int = RERANKED) -> None:
        self._exact_rows, self._reranked = exact_rows, reranked
        self._count = 0
        self._vectors: Matrix = np.empty((0, dimensions), np.float32)  # (room, dimensions)
        # (words, room): a word of all rows lies together, so that the pass reads memory in order.
        self._signs: npt.NDArray[np.uint64] = np.empty((-(-dimensions // _WORD_BITS), 0), np.uint64)
        self._known: Mask = np.empty(0, np.bool_)  # (room,)

    def __len__(self) -> int:
        return self._count

    @property
    def matrix(self) -> Matrix:
        """All vectors, (rows, dimensions); not to be written."""
        return self._vectors[: self._count]

    @property
    def known(self) -> Mask:
        """Which rows have their vector; not to be written."""
        return self._known[: self._count]

    def grow(self, rows: int) -> None:
        """Add rows without a vector."""
        after = self._count + rows
        if after > len(self._vectors):
            self._make_room(max(after, 2 * len(self._vectors)))
        self._count = after

    def put(self, rows: slice, vectors: Matrix) -> None:
        """Give rows their vectors.

        Args:
            rows: Which.
            vectors: Unit vectors, (rows, dimensions).
        """
        self._vectors[rows] = vectors
        self._signs[:, rows] = _signs(vectors).T
        self._known[rows] = True

    def cosines(self, query: Vector, rows: Rows) -> Vector:
        """The exact cosines of some rows."""
        return self._vectors[rows] @ query

    def nearest(self, query: Vector, count: int, *, among: Mask | None = None) -> tuple[Rows, Vector]:
        """The rows nearest to a unit vector and their exact cosines, nearest first, later rows first among equals.

        Args:
            query: A unit vector, (dimensions,).
            count: How many rows are wanted at most.
            among: (rows,): which of them may be returned; None: all.
        """
        rows = self._candidates(query, max(self._reranked, self._count // SHARE, 4 * count), among)
        cosines = self.matrix @ query if rows is None else self._vectors.take(rows, axis=0, mode="clip") @ query
        if rows is None:
            rows = np.arange(self._count) if among is None else np.flatnonzero(among)
            cosines = cosines if among is None else cosines[rows]
        best = top(cosines, rows, count)
        return rows[best], cosines[best]

    def _candidates(self, query: Vector, count: int, among: Mask | None) -> Rows | None:
        """The rows whose signs differ least, ties included; None: all are to be looked at."""
        if self._count <= max(self._exact_rows, 2 * count):
            return None
        signs = self._signs[:, : self._count]
        differ = np.bitwise_count(signs ^ _signs(query[None]).T).sum(axis=0, dtype=np.uint16)
        bits = _WORD_BITS * len(signs)
        if among is not None:
            differ[~among] = bits + 1  # more than any row can differ
        upto = np.cumsum(np.bincount(differ, minlength=bits + 1)[: bits + 1])
        return np.flatnonzero(differ <= min(int(np.searchsorted(upto, count)), bits))

    def _make_room(self, room: int) -> None:
        more = room - len(self._vectors)
        self._vectors = np.pad(self._vectors, ((0, more), (0, 0)))
        self._signs = np.pad(self._signs, ((0, 0), (0, more)))
        self._known = np.pad(self._known, (0, more))


def top(scores: Vector, rows: Rows, count: int) -> Rows:
    """Where the highest scores stand, highest first, later rows first among equals.

    >>> top(np.array([1, 3, 3, 2], dtype=np.float32), np.arange(4), 3).tolist()
    [2, 1, 3]
    """
    if count < len(scores):
        # All that are at least as high as the last one wanted, so that equals are chosen by row and not by chance.
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        within = np.flatnonzero(scores >= least)
    else:
        within = np.arange(len(scores))
    order = np.lexsort((-rows[within], -scores[within]))
    return within[order[:count]]


def _signs(vectors: Matrix) -> npt.NDArray[np.uint64]:
    """Which components are positive, as bits: (rows, words)."""
    packed = np.packbits(vectors > 0, axis=1)
    bits = np.zeros((len(packed), -(-vectors.shape[1] // _WORD_BITS) * (_WORD_BITS // 8)), np.uint8)
    bits[:, : packed.shape[1]] = packed
    return bits.view(np.uint64)
