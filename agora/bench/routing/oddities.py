"""What was odd in a file, in words and with counts."""

from __future__ import annotations


class Oddities:
    """Collects; the first of each kind is shown with its place.

    >>> odd = Oddities()
    >>> odd.count("rows left out", "line 3")
    >>> odd.count("rows left out", "line 9")
    >>> odd.told()
    ('2 rows left out (first: line 3)',)
    """

    def __init__(self) -> None:
        self._said: list[str] = []
        self._counted: dict[str, tuple[int, str]] = {}  # kind -> how many, where the first one was

    def say(self, what: str) -> None:
        """A thing with its own words."""
        self._said.append(what)

    def count(self, kind: str, where: str) -> None:
        """One more of a kind.

        Args:
            kind: In the plural.
            where: Its place; empty: not worth saying.
        """
        n, first = self._counted.get(kind, (0, where))
        self._counted[kind] = n + 1, first

    def told(self) -> tuple[str, ...]:
        """All of it, in the order in which it was met; counts after what was said."""
        counted = (
            f"{n} {kind}" + (f" (first: {first})" if first else "") for kind, (n, first) in self._counted.items()
        )
        return (*self._said, *counted)

    def because(self) -> str:
        """As the end of a sentence; empty where nothing was odd."""
        return f": {'; '.join(self.told())}" if self.told() else ""
