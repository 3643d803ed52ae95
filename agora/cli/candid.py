"""Text of a question to a person, with everything made visible that could make it look like something else.

A person says yes to what they see. `paint.visible` keeps a terminal from being steered; here, what is asked for is also
kept from being mistaken: letters of one script that look like those of another ("homoglyphs", Unicode TR 39), spaces
that are none, marks that pile up, spaces at an end, and long gaps that push text out of sight become code points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from agora.cli.paint import visible

_LONG_GAP: Final = 40
"""More spaces than this in a row are counted instead of being shown."""
_LOOKALIKES: Final = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u051b\u051d\u0491\u0432\u043a"
    "\u043c\u043d\u0442\u0433\u044c\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406"
    "\u0408\u0405\u0417\u03bf\u03bd\u03b1\u03c1\u03b9\u03ba\u03c5\u03c7\u03b3\u03b7\u03c4\u0391\u0392\u0395\u0396"
    "\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0585\u057d\u0578\u0581\u0570\u056c\u0561\u0566"
)
"""Cyrillic, Greek and Armenian letters that pass for Latin ones."""
_LATIN_LOOKALIKES: Final = frozenset("\u0131\u017f\u01c0\u01c3\u0251\u0261\u0269\u1d00\u1d04\u1d0f\u1d1b\ua731\ua78c")
_LIKE_ASCII: Final = frozenset(
    "\u2010\u2011\u2012\u2013\u2212\u02d7\u2043\u2044\u2215\u29f8\u2571\u2216\u29f5\u2236\u02d0\ua789\u0589\u05c3"
    "\u2024\u02d9\u0701\u0660\u06d4\u037e\u201a\u066b\u2032\u02b9\u02bc\u055a\u2019\u2018\u201c\u201d\u2033\u02ba"
    "\u2217\u204e\u2223\u01c0\u2502\u2039\u203a\u02c2\u02c3\u276e\u276f\u2768\u2769\u223c\u02dc\u2061\u2228"
)
"""Signs that pass for those of a command or a path: - / \\ : . ; , ' " * | < > ( ) ~."""
_PROSE: Final = frozenset("\u2013\u2018\u2019\u201c\u201d\u2026\u00b2\u00b3\u00b9\u00bd\u00bc\u00be\u2122\u00aa\u00ba")
"""Signs that texts are full of: shown as they are in a diff, not in a command."""
_PILING: Final = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
)
_WITH_LATIN: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO")
"""Scripts that are written in one word with Latin letters (TR 39, highly restrictive)."""
_WORD: Final = re.compile(r"[^\W_]+")
_GAP: Final = re.compile(rf" {{{_LONG_GAP},}}")
_AT_END: Final = re.compile(r"[ \t]+$")


def candid(line: str, *, command: bool = False) -> str:
    """One line as it is, for somebody who decides by it.

    Args:
        line: What somebody wrote, without its line end.
        command: It will be run: nothing in it is taken for typography, and tabs and line breaks are shown, too.

    >>> candid("p" + chr(0x430) + "ypal"), candid("rm -rf" + chr(0xA0) + "/"), candid("x  ")
    ('p<U+0430>ypal', 'rm -rf<U+00A0>/', 'x<U+0020 x2>')
    """
    masked = _masking(line, command=command)
    shown = "".join(
        _code(mark) if place in masked or _is_masking(mark, command=command) else mark
        for place, mark in enumerate(line)
    )
    shown = _AT_END.sub(lambda found: _counted(found.group()), visible(shown))
    return _GAP.sub(lambda found: _counted(found.group()), shown)


def argument(text: str) -> str:
    """One argument of a command in quotes, so that it can be seen where it begins and ends.

    >>> argument("two words"), argument("")
    ("'two words'", "''")
    """
    quoted = text.replace("'", "'\\''")
    gapless = _GAP.sub(lambda found: _counted(found.group()), quoted)
    masked = _masking(gapless, command=True)
    inside = "".join(
        _code(mark) if place in masked or _is_masking(mark, command=True) else mark
        for place, mark in enumerate(gapless)
    )
    return f"'{visible(inside)}'"


def _is_masking(mark: str, *, command: bool) -> bool:
    """Whether a character by itself is not what it looks like."""
    if mark.isascii():
        return command and mark in "\t\n"
    if mark in _LIKE_ASCII or mark in _PROSE:
        return command or mark not in _PROSE
    if mark in _LATIN_LOOKALIKES or unicodedata.category(mark) == "Zs":
        return True
    if any(low <= ord(mark) <= high for low, high in _PILING):
        return True
    plain = unicodedata.normalize("NFKC", mark)
    return plain != mark and plain.isascii()


def _masking(line: str, *, command: bool) -> set[int]:
    """Places of letters that pass for Latin ones: in words of two scripts, and in words of nothing but such letters."""
    places: set[int] = set()
    if line.isascii():
        return places
    telling = _scripts(mark for mark in line if mark not in _LOOKALIKES)
    for found in _WORD.finditer(line):
        word = found.group()
        foreign = [place for place, mark in enumerate(word) if mark.isalpha() and _script(mark) != "LATIN"]
        if not command:
            foreign = [place for place in foreign if not _script(word[place]).startswith(_WITH_LATIN)]
        letters = {mark for mark in word if mark.isalpha()}
        mixed = len(_scripts(letters)) > 1 and (letters & _LOOKALIKES or "LATIN" in _scripts(letters))
        posing = letters <= _LOOKALIKES and not _scripts(letters) & telling
        if mixed or posing:
            places.update(found.start() + place for place in foreign)
    return places


def _scripts(marks: Iterable[str]) -> set[str]:
    return {_script(mark) for mark in marks if mark.isalpha()}


def _script(mark: str) -> str:
    """The first word of a character's name: LATIN, CYRILLIC, GREEK, CJK, ..."""
    return "LATIN" if mark.isascii() else unicodedata.name(mark, "?").split()[0]


def _code(mark: str) -> str:
    return f"<U+{ord(mark):04X}>"


def _counted(gap: str) -> str:
    """Blanks as code points; each kind once, with its number."""
    parts = re.findall(r" +|\t+", gap)
    return "".join(_code(part[0])[:-1] + (f" x{len(part)}>" if len(part) > 1 else ">") for part in parts)
