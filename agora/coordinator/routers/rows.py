"""What is learned of arms stands in arrays with a row for each; here is which row is whose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agora.coordinator.routers.seam import Arms

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Places


class Rows:
    """Row numbers of arms, in the order in which they were first met.

    >>> rows = Rows()
    >>> rows.of("b"), rows.of("a"), rows.of("b"), rows.keys
    (0, 1, 0, ['b', 'a'])
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self.keys = list(keys)
        self._row = {key: row for row, key in enumerate(self.keys)}
        self._last: Arms | None = None
        self._found: Places | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def of(self, key: str) -> int:
        """The row of an arm, a new one of who was never met."""
        row = self._row.setdefault(key, len(self.keys))
        if row == len(self.keys):
            self.keys.append(key)
            self._last = None
        return row

    def row(self, key: str) -> int:
        """The row of a key, -1 of one that was never met."""
        return self._row.get(key, -1)

    def known(self, arms: Arms) -> Places:
        """The row of each arm, -1 of who was never met, (m,); not to be written."""
        if self._last is not arms or self._found is None:
            import numpy as np

            self._found = np.array([self._row.get(key, -1) for key in arms.keys], dtype=np.intp)
            self._last = arms
        return self._found
