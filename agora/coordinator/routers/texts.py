"""Vectors of texts without a corpus and without a model: hashed words, projected by signs.

Feature hashing (Weinberger et al., 2009) of words and pairs of neighbouring words, 1 + log count each, straight into d
places by two hashes a word, as a sparse random projection does (Achlioptas, 2003). The same text gives the same vector
on every machine; nothing is fitted, so that what was seen of a task can be made again from its text alone.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

DIMENSIONS: Final = 64
_WORD: Final = re.compile(r"\w+")
_MOST_CHARACTERS: Final = 20_000
_HASHES: Final = 4


def vector_of(text: str, *, dimensions: int = DIMENSIONS) -> Vector:
    """The unit vector of a text, (dimensions,); zeros of one without words.

    >>> abs(float(vector_of("Fix the test") @ vector_of("fix the test!")) - 1) < 1e-12
    True
    """
    import numpy as np

    words = _WORD.findall(text[:_MOST_CHARACTERS].casefold())
    counted = Counter(words)
    counted.update(f"{one} {other}" for one, other in pairwise(words))
    values = np.zeros(dimensions)
    for word, count in sorted(counted.items()):
        weight = 1.0 + math.log(count)
        for place, sign in _places(word, dimensions):
            values[place] += sign * weight
    length = float(np.sqrt(values @ values))
    return values / length if length > 0 else values


@lru_cache(maxsize=65_536)
def _places(word: str, dimensions: int) -> tuple[tuple[int, int], ...]:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4 * _HASHES).digest()
    lots = (int.from_bytes(digest[4 * n : 4 * n + 4]) for n in range(_HASHES))
    return tuple(((lot >> 1) % dimensions, 1 if lot & 1 else -1) for lot in lots)
