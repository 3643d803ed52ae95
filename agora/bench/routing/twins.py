"""Queries that are nearly the same: their texts share most of their less common words.

Some sets ask each question twice with a word or two changed, so that the answer turns over. Fitted on one and measured
on the other, a policy that remembers looks clever; so such queries share a fold, one side of a stream's start, and
a draw of the bootstrap. The search compares only texts that share one of their rarest words (prefix filtering:
Chaudhuri, Ganti and Kaushik, 2006).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

ALIKE: Final = 0.7
"""From this share of common words to all words of two texts on they are twins (Jaccard)."""
COMMON: Final = 0.3
"""Words that more texts than this have do not count: a form that all questions share tells nobody apart."""
_WORD: Final = re.compile(r"\w+")
_FEWEST: Final = 4
"""Texts with fewer words that count, and those that are not recorded, are nobody's twins."""


def twins(texts: Sequence[str]) -> list[int]:
    """For each text the place of the first one that it is a twin of, over any number of steps; its own where none is.

    >>> question = "why would the red cup not {} into that small box"
    >>> twins([question.format("fit"), "it rains in the north of town today", question.format("go")])
    [0, 1, 0]
    """
    return list(_first_of(tuple(texts)))


@lru_cache(maxsize=8)
def _first_of(texts: tuple[str, ...]) -> tuple[int, ...]:
    """The same texts are asked about by folds, streams and intervals."""
    parent = list(range(len(texts)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in _alike(texts):
        first, last = sorted((root(one), root(other)))
        parent[last] = first
    return tuple(root(place) for place in range(len(texts)))


def _alike(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of texts that are twins."""
    every = [frozenset(_WORD.findall(text.casefold())) for text in texts]
    seen = Counter(word for words in every for word in words)
    most = max(2, math.floor(COMMON * len(texts)))
    telling = [frozenset(word for word in words if seen[word] <= most) for words in every]
    with_word: defaultdict[str, list[int]] = defaultdict(list)
    for place, words in enumerate(telling):
        if len(words) < _FEWEST:
            continue
        rarest = sorted(words, key=lambda word: (seen[word], word))[: len(words) - math.ceil(ALIKE * len(words)) + 1]
        for other in sorted({earlier for word in rarest for earlier in with_word[word]}):
            if len(words & telling[other]) >= ALIKE * len(words | telling[other]):
                yield other, place
        for word in rarest:
            with_word[word].append(place)
