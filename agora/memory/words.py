"""Words of a text, their stems, and how many two texts share: what recall is made of where there is no index."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import Final

MOST_WORDS: Final = 48
"""How many different words of a query are looked for; more would only slow the search."""
_WORD = re.compile(r"[^\W_]+")
_MOST_STEMS: Final = 1000
_ENDING = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|e|(?<!s)s)$|(?<=[a-z]{3})ings$")
_DOUBLE = re.compile(r"([bcdfgmnprtv])\1$")


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


def stems(text: str) -> list[str]:
    """The words of a text without their English endings, repeated as they stand there, the first thousand.

    Steps 1 and 5 of Porter's rules ("An algorithm for suffix stripping", 1980), simplified: what matters is that forms
    of one word meet.

    >>> stems("Parsing dates: parse_date, running, studies")
    ['pars', 'dat', 'pars', 'dat', 'run', 'studi']
    """
    return [_stem(found[0].lower()) for found in islice(_WORD.finditer(text), _MOST_STEMS)]


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    bare = _DOUBLE.sub(r"\1", _ENDING.sub("", word))
    return f"{bare[:-1]}i" if bare.endswith("y") and len(bare) > 2 else bare
