"""Text from strangers with nothing in it that a reader would not see.

Control characters, bidirectional overrides ("Trojan Source", Boucher & Anderson, 2021), zero-width and tag characters
(which smuggle ASCII past people), private-use and unassigned code points, and variation selectors are dropped. The
price: joiners of Persian, Indic scripts and emoji are dropped too, so that some words join and some emoji fall apart.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_BLANKS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\u2800")
_BREAKS: Final = re.compile(r"\r\n?|[\u0085\u2028\u2029\v\f]")
_GAP: Final = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]{3,}")
_LINES: Final = re.compile(r"(?:[ \t]*\n){4,}")


def visible(text: str) -> str:
    r"""The text without what cannot be seen; long runs of blanks, which push text out of sight, become short ones.

    >>> visible("pay\u202e evil\u200b\U000e0041\x1b[2J\n\n\n\n\n\nend")
    'pay evil[2J\n\n\nend'
    """
    text = _BREAKS.sub("\n", text)
    if not text.isascii() or not text.isprintable():
        text = "".join([character for character in text if _seen(character)])
    return _LINES.sub("\n\n\n", _GAP.sub("  ", text))


def one_line(text: str, most: int) -> str:
    r"""Visible text in one line, cut to a number of characters.

    >>> one_line("a\n  b", 10), one_line("abcdef", 4)
    ('a b', 'a...')
    """
    line = " ".join(visible(text).split())
    return line if len(line) <= most else line[: most - 3] + "..."


def _seen(character: str) -> bool:
    if character in "\n\t" or " " <= character <= "~":
        return True
    if character in _BLANKS or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return False
    return unicodedata.category(character) not in _HIDDEN
