"""Numbers as short texts, none of which reads like another one's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_MOST: Final = 17
"""Significant digits that tell any two floats apart."""


def told_apart(values: Sequence[float], written: Callable[[float, int], str], *, first: int) -> list[str]:
    """Each with the fewest significant digits with which no other value reads alike.

    >>> told_apart([0.0011, 0.0012, 0.00121], lambda value, digits: f"{value:.{digits}g}", first=2)
    ['0.0011', '0.0012', '0.00121']

    Args:
        values: Equal ones have equal texts.
        written: A value with so many significant digits.
        first: Digits to begin with.
    """
    texts = [written(value, first) for value in values]
    for digits in range(first + 1, _MOST + 1):
        alike = [len({other for other, told in zip(values, texts, strict=True) if told == text}) > 1 for text in texts]
        if not any(alike):
            break
        pairs = zip(values, texts, alike, strict=True)
        texts = [written(value, digits) if again else text for value, text, again in pairs]
    return texts
