"""What models are writing right now, as one quiet line below the live view."""

from __future__ import annotations

from collections.abc import Callable

from agora.cli.paint import safe

KEPT_CHARS = 4_000
"""So much of what one agent wrote is kept."""
HELD_CHARS = 200
"""A word that is not finished yet is held back up to here: only a whole one can be seen to be a secret."""

_MORE = "…"


class Tail:
    """The last words of whoever wrote last; pieces come as often as they like, and are looked at only when shown.

    Args:
        without_secrets: A text without its secrets, and how many there were.
    """

    def __init__(self, without_secrets: Callable[[str], tuple[str, int]]) -> None:
        self._without_secrets = without_secrets
        self._texts: dict[str, str] = {}
        self._last = ""

    def write(self, agent: str, piece: str) -> None:
        """The next piece of what a model writes for an agent."""
        text = self._texts.get(agent, "") + piece
        if len(text) > 2 * KEPT_CHARS:
            text = _from_a_word(text[-KEPT_CHARS:])
        self._texts[agent] = text
        self._last = agent

    def line(self, width: int) -> str:
        """Markup of at most so many columns, safe whatever was written; empty: nobody has written a word yet.

        Args:
            width: Columns.
        """
        text = _whole_words(self._texts.get(self._last, ""))
        clean, _ = self._without_secrets(text)
        words = " ".join(clean.split())
        room = width - len(self._last) - 2
        if not words or room <= len(_MORE):
            return ""
        shown = _fitting(words, room)
        return f"[quiet]{safe(self._last)}: {safe(shown)}[/]"


def _from_a_word(text: str) -> str:
    """From the first whole word on: half a secret is not seen to be one."""
    _, space, rest = text.partition(" ")
    return rest if space else text


def _whole_words(text: str) -> str:
    words = text.rstrip()
    if len(words) < len(text):
        return words
    finished = max(text.rfind(" "), text.rfind("\n")) + 1
    return text if len(text) - finished > HELD_CHARS else text[:finished]


def _fitting(words: str, room: int) -> str:
    """The end of a text, from a word on where there is one, as wide as there is room once made visible."""
    from rich.cells import cell_len

    from agora.cli.paint import visible

    for start in range(max(0, len(words) - room), len(words)):
        if start and words[start - 1] != " " and " " in words[start : start + room // 2]:
            continue
        shown = (_MORE if start else "") + words[start:]
        if cell_len(visible(shown)) <= room:
            return shown
    return ""
