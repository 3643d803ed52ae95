"""How far outputs that answer the same question agree: mean cosine of embeddings, or exact match of short answers."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final, Literal, NamedTuple

from agora.errors import ConfigError

Embed = Callable[[str], Sequence[float]]
"""A text's vector, of any length but 0 and of one dimension for all texts."""

Way = Literal["exact", "embedding", "words"]

SHORT_WORDS: Final = 5
"""Answers of at most so many words are compared as they are: embeddings tell 41 from 42 badly."""

_ODD = re.compile(r"[^\w\s.+%-]|\.(?!\d)|_")


class Output(NamedTuple):
    """What a worker made of a subtask, as it made it."""

    subtask: str
    text: str
    question: str = ""
    """Outputs are comparable where this is equal: the same question, or the same part of the result."""


class Consistency(NamedTuple):
    """How far outputs agree."""

    score: float
    """The mean over pairs, in [-1, 1]; 1 where there is nothing to compare."""
    pairs: int
    """How many were compared."""
    by: tuple[Way, ...]
    """In which ways."""


def consistency(outputs: Sequence[Output], *, embed: Embed | None = None) -> Consistency:
    """Compare every two outputs to the same question.

    Args:
        outputs: Of the subtasks that nobody waits for, as the workers made them.
        embed: For texts of more than `SHORT_WORDS` words; None: by the words that they share.

    Raises:
        ConfigError: The embeddings cannot be compared.

    >>> consistency([Output("a", "42."), Output("b", "42"), Output("c", "41")]).score
    0.333333333333
    """
    total, pairs = 0.0, 0
    ways: set[Way] = set()
    for question in sorted({one.question for one in outputs}):
        texts = [one.text for one in outputs if one.question == question]
        if len(texts) > 1:
            way, found = _compared(texts, embed)
            ways.add(way)
            total += found
            pairs += len(texts) * (len(texts) - 1) // 2
    score = round(total / pairs, 12) if pairs else 1.0
    return Consistency(max(-1.0, min(1.0, score)), pairs, tuple(sorted(ways)))


def plain(text: str) -> list[str]:
    """The words, without case, and without marks other than those of numbers.

    >>> plain("It's -4.5%, Ada.")
    ['it', 's', '-4.5%', 'ada']
    """
    return _ODD.sub(" ", text.casefold()).split()


def _compared(texts: Sequence[str], embed: Embed | None) -> tuple[Way, float]:
    """The sum of the similarities of every two; a blank text agrees with nothing."""
    words = [plain(text) for text in texts]
    if all(len(one) <= SHORT_WORDS for one in words):
        alike = Counter(tuple(one) for one in words if one)
        return "exact", float(sum(count * (count - 1) // 2 for count in alike.values()))
    if embed is None:
        return "words", _shared(words)
    vectors = [embed(text) if one else () for text, one in zip(texts, words, strict=True)]
    return "embedding", math.fsum(_cosine(one, other) if one and other else 0.0 for one, other in _pairs(vectors))


def _shared(texts: Sequence[Sequence[str]]) -> float:
    """The sum of the cosines of every two texts' counts of words, without looking at every two.

    Of vectors of length 1, it is half of the square of their sum less their number.
    """
    together: defaultdict[str, list[float]] = defaultdict(list)
    blank = 0
    for words in texts:
        counts = Counter(words)
        size = math.hypot(*counts.values())
        blank += not words
        for word, count in counts.items():
            together[word].append(count / size)
    square = math.fsum(math.fsum(parts) ** 2 for parts in together.values())
    return max(0.0, (square - (len(texts) - blank)) / 2)


def _pairs(vectors: Sequence[Sequence[float]]) -> list[tuple[list[float], list[float]]]:
    """As lists, whose truth is their length: an array's is not."""
    return list(combinations([list(map(float, vector)) for vector in vectors], 2))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    if len(one) != len(other):
        raise ConfigError("embeddings", f"have {len(one)} and {len(other)} dimensions: use one model for all outputs")
    size = math.hypot(*one) * math.hypot(*other)
    if not math.isfinite(size):
        raise ConfigError("embeddings", "hold a figure that is not finite: embed the outputs anew")
    return max(-1.0, min(1.0, math.fsum(a * b for a, b in zip(one, other, strict=True)) / size)) if size else 0.0
