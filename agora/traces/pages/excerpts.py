"""Long texts cut, so that a page stays small whatever the models wrote."""

from __future__ import annotations

from typing import Final, NamedTuple

from agora.traces.pages.rendering import escaped
from agora.traces.told.wording import visible

MOST_BYTES: Final = 1_000_000
"""What all texts of one page may take together, escaped."""
MOST_CHARS: Final = 8_000
"""Of one text that much is shown at most."""
_LEAST_CHARS: Final = 200
_TAIL: Final = 4
"""One part in so many is the text's end."""


class Excerpt(NamedTuple):
    """So much of a text as is shown."""

    text: str
    """The beginning; all of it where nothing is left out."""
    end: str = ""
    """The end."""
    left_out: int = 0
    """Characters between the two that are not shown."""


class Excerpts:
    """What may still be shown on one page.

    Texts are cut in the order in which they come: the first ones are whole as far as `each` lets them, and once the
    page is full each later one is shown by its first characters only.

    Args:
        most_bytes: For all of them together.
        each: Characters of one text.

    >>> Excerpts(each=8).cut("0123456789")
    Excerpt(text='012345', end='89', left_out=2)
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES, each: int = MOST_CHARS) -> None:
        self._left = most_bytes
        self._each = each

    def cut(self, text: str) -> Excerpt:
        """A text, as much of it as there is room for."""
        room = self._each if self._left > 0 else min(_LEAST_CHARS, self._each)
        if len(text) <= room:
            shown = Excerpt(text)
        else:
            tail = room // _TAIL
            shown = Excerpt(text[: room - tail], text[len(text) - tail :], len(text) - room)
        self._left -= len(escaped(shown.text).encode()) + len(escaped(shown.end).encode())
        return shown

    def line(self, text: str, *, limit: int = 240) -> str:
        """A text on one line, its end left out where it is longer than that."""
        line = " ".join(visible(text[: 4 * limit]).split())
        return line if len(line) <= limit else line[: limit - 1] + "…"
