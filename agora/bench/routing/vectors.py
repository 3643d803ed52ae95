"""Queries as vectors, each made once.

words   `routers.texts`: hashed words, projected by signs; nothing is fitted (what the live market uses)
svd     hashed words and pairs of words, tf-idf, and the singular vectors of the texts of the fitting part
        (Deerwester et al., 1990; randomised, Halko, Martinsson and Tropp, 2011)
minilm  all-MiniLM-L6-v2 on this machine, turned onto the directions in which the fitting part's texts differ most

Where there is no fitting part yet, or its texts differ in nothing (none is recorded), "svd" is "words", and "minilm" is
projected at random (Achlioptas, 2003).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from agora.coordinator.routers.texts import DIMENSIONS, vector_of

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places

Features = Literal["words", "svd", "minilm"]
FEATURES: Final[tuple[Features, ...]] = ("words", "svd", "minilm")
_WORD: Final = re.compile(r"\w+")
_BUCKETS: Final = 4096
_MOST_CHARACTERS: Final = 8_000
_MORE: Final = 16
"""Directions that the randomised method looks at besides those that are wanted."""
_TURNS: Final = 3
"""Power iterations of it."""
_NOTHING: Final = 1e-12


class Vectors:
    """Vectors of some texts under one kind of features.

    Args:
        texts: (n,)
        kind: See above.
        embedded: Unit vectors by the model, (n, 384): only for "minilm".
    """

    def __init__(self, texts: Sequence[str], *, kind: Features, embedded: Matrix | None = None) -> None:
        self.kind = kind
        words = np.array([vector_of(text) for text in texts]).reshape(len(texts), DIMENSIONS)
        self._words = words if embedded is None else embedded
        self._raw = _hashed(texts) if kind == "svd" else self._words

    def unfitted(self) -> Matrix:
        """With nothing known of the other texts, (n, 64)."""
        if self._words.shape[1] == DIMENSIONS:
            return self._words
        turned = self._words @ _signs(self._words.shape[1])
        return _unit(turned)

    def fitted(self, places: Places) -> Matrix:
        """Fitted on some of the texts, without their outcomes; of all, (n, up to 64).

        Args:
            places: Of the texts that may be looked at.
        """
        if self.kind == "words" or not len(places):
            return self.unfitted()
        if self.kind == "minilm":
            middle = self._raw[places].mean(axis=0)
            centred = self._raw - middle
            directions = _directions(centred[places])
            return _unit(centred @ directions) if directions.shape[1] else self.unfitted()
        seen = (self._raw[places] > 0).sum(axis=0)
        weighed = self._raw * (np.log((1.0 + len(places)) / (1.0 + seen)) + 1.0).astype(np.float32)
        lengths = np.sqrt((weighed * weighed).sum(axis=1, keepdims=True))
        weighed /= np.where(lengths > 0, lengths, 1.0)
        directions = _directions(weighed[places])
        if not directions.shape[1]:
            return self.unfitted()
        return _unit((weighed @ directions.astype(np.float32)).astype(np.float64))


def _hashed(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """1 + log count of words and pairs of words, by hashed bucket, (n, 4096)."""
    made = np.zeros((len(texts), _BUCKETS), dtype=np.float32)
    for row, text in enumerate(texts):
        words = _WORD.findall(text[:_MOST_CHARACTERS].casefold())
        counted = Counter(words)
        counted.update(f"{one} {other}" for one, other in pairwise(words))
        for word, count in counted.items():
            made[row, _bucket(word)] += 1.0 + math.log(count)
    return made


@lru_cache(maxsize=65_536)
def _bucket(word: str) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _BUCKETS


def _directions(rows: np.ndarray[tuple[int, int], np.dtype[np.floating]]) -> Matrix:
    """Leading right singular vectors, (columns, up to 64), none of rows of zeros; the same on every call."""
    wanted = min(DIMENSIONS, *rows.shape)
    probes = np.random.default_rng(0).standard_normal((rows.shape[1], min(wanted + _MORE, *rows.shape)))
    basis = _orthonormal((rows @ probes.astype(rows.dtype)).astype(np.float64))
    for _ in range(_TURNS):
        basis = _orthonormal((rows.T @ basis.astype(rows.dtype)).astype(np.float64))
        basis = _orthonormal((rows @ basis.astype(rows.dtype)).astype(np.float64))
    return _orthonormal((rows.T @ basis.astype(rows.dtype)).astype(np.float64))[:, :wanted]


def _orthonormal(columns: Matrix) -> Matrix:
    """An orthonormal basis of the columns' span, longest direction first: by their Gram matrix, which is small."""
    if not columns.shape[1]:
        return columns
    values, turned = np.linalg.eigh(columns.T @ columns)
    kept = values > _NOTHING * max(float(values[-1]), _NOTHING)
    basis: Matrix = (columns @ (turned[:, kept] / np.sqrt(values[kept])))[:, ::-1]
    return basis


def _signs(dimensions: int) -> Matrix:
    drawn = np.random.default_rng(0).integers(0, 2, (dimensions, DIMENSIONS))
    signs: Matrix = np.where(drawn > 0, 1.0, -1.0) / math.sqrt(DIMENSIONS)
    return signs


def _unit(rows: Matrix) -> Matrix:
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    made: Matrix = rows / np.where(lengths > 0, lengths, 1.0)
    return made
