"""Figures over time, of which nobody knows beforehand how long it is: windows that grow.

A window holds so many units (tasks, awards) and not so many days: a quiet week is not a gap, and each window's interval
rests on as much. When there are too many windows, each two neighbours become one. Pure, in one pass, in fixed space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, Self, TypeVar

MOST_KEPT: Final = 32
"""So many windows are kept at most."""
MOST_SHOWN: Final = 12
"""So many are shown at most."""
LEAST_UNITS: Final = 4
"""So many units has a window that is shown at least, but for the last one."""


class Merging(Protocol):
    """What a window holds."""

    first_us: int
    last_us: int
    units: int

    def merge(self, other: Self) -> None:
        """Take in all of the next window."""
        ...


W = TypeVar("W", bound=Merging)


class Windows(Generic[W]):
    """Windows of equal size in the order of the ledger.

    Args:
        fresh: Makes an empty one.
    """

    def __init__(self, fresh: Callable[[], W]) -> None:
        self._fresh = fresh
        self._size = 1
        self._kept: list[W] = []

    def next(self, at_us: int) -> W:
        """The window that the next unit belongs into; it is counted as its.

        Args:
            at_us: When, microseconds since the epoch.
        """
        if not self._kept or self._kept[-1].units >= self._size:
            if len(self._kept) == MOST_KEPT:
                self._kept = _paired(self._kept, self._fresh)
                self._size *= 2
            if not self._kept or self._kept[-1].units >= self._size:
                self._kept.append(self._fresh())
        window = self._kept[-1]
        if not window.units:
            window.first_us = at_us
        window.units += 1
        window.last_us = max(window.last_us, at_us)
        return window

    def shown(self) -> Sequence[W]:
        """At most `MOST_SHOWN` windows, each with enough units for a figure to say something; oldest first."""
        windows, size = list(self._kept), self._size
        while len(windows) > MOST_SHOWN or (size < LEAST_UNITS and len(windows) > 1):
            windows, size = _paired(windows, self._fresh), 2 * size
        return windows


def _paired(windows: Sequence[W], fresh: Callable[[], W]) -> list[W]:
    paired: list[W] = []
    for place in range(0, len(windows), 2):
        both = fresh()
        both.first_us = windows[place].first_us
        for one in windows[place : place + 2]:
            both.merge(one)
            both.units += one.units
            both.last_us = max(both.last_us, one.last_us)
        paired.append(both)
    return paired
