"""Words of a text, and how many two texts share: what recall is made of where there is no index."""

from __future__ import annotations

import re
from typing import Final

MOST_WORDS: Final = 48
"""How many different words of a query are looked for; more would only slow the search."""
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> tuple[str, ...]:
    """The different words of a text in lower case, in order, at most `MOST_WORDS`.

    >>> words('What is "parse_csv" in C++?')
    ('what', 'is', 'parse', 'csv', 'in', 'c')
    """
    return tuple(dict.fromkeys(found[0].lower() for found in _WORD.finditer(text)))[:MOST_WORDS]


def shared(query: tuple[str, ...], text: str) -> int:
    """How many words of a query stand in a text.

    >>> shared(words("fix the parser"), "The CSV parser is broken")
    2
    """
    return len(set(query).intersection(found[0].lower() for found in _WORD.finditer(text)))
