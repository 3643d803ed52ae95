"""Hashed tf-idf: vectors of texts without a model (feature hashing with signs, Weinberger et al., 2009)."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

DIMENSIONS: Final = 1024
_WORD: Final = re.compile(r"\w+")
_MOST_CHARACTERS: Final = 20_000


class HashedWords:
    """Texts as vectors of their words, rare words counting for more.

    Words that no text of the corpus has count for nothing: about them nothing is known.

    Args:
        corpus: Texts from which the frequencies of words are taken.

    >>> words = HashedWords(["fix the test", "solve the equation"])
    >>> words.vector("TEST!") == words.vector("a test")
    True
    >>> any(words.vector("zzz"))
    False
    """

    def __init__(self, corpus: Sequence[str]) -> None:
        seen = Counter(word for text in corpus for word in set(_words(text)))
        self._idf = {word: math.log((1 + len(corpus)) / (1 + count)) + 1 for word, count in seen.items()}

    def vector(self, text: str) -> list[float]:
        """The sum over its words of (1 + log count) times the inverse frequency, (1024,); not scaled."""
        values = [0.0] * DIMENSIONS
        for word, count in sorted(Counter(_words(text)).items()):
            if word in self._idf:
                place, sign = _place(word)
                values[place] += sign * (1 + math.log(count)) * self._idf[word]
        return values


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:_MOST_CHARACTERS].casefold())


def _place(word: str) -> tuple[int, int]:
    lot = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
    return (lot >> 1) % DIMENSIONS, 1 if lot & 1 else -1
