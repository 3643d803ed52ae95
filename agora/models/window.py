"""Counts over the last so many seconds, in slots: a value, not an object that changes."""

from __future__ import annotations

from typing import NamedTuple

SLOTS = 30
"""A window is counted in so many slots, so it forgets in steps of a thirtieth of its span."""


class Window(NamedTuple):
    """How many calls there were in the last `span_s` seconds, and how many of them were marked.

    >>> window = Window(30.0).add(0.0, calls=2, marked=1)
    >>> window.at(29.0).calls, window.at(31.0).calls
    (2, 0)
    """

    span_s: float
    """Seconds that are remembered, up to one slot less."""
    slots: tuple[tuple[int, int, int], ...] = ()
    """Number of the slot, calls, marked; oldest first."""
    calls: int = 0
    """The sum over the slots."""
    marked: int = 0
    """The sum over the slots."""

    def at(self, now_s: float) -> Window:
        """What is still remembered at a time."""
        oldest = int(now_s * SLOTS / self.span_s) - SLOTS
        if not self.slots or self.slots[0][0] > oldest:
            return self
        kept = tuple(slot for slot in self.slots if slot[0] > oldest)
        return Window(self.span_s, kept, sum(slot[1] for slot in kept), sum(slot[2] for slot in kept))

    def add(self, now_s: float, *, calls: int = 0, marked: int = 0) -> Window:
        """With what happened now; a clock that does not run backwards is expected."""
        here = self.at(now_s)
        number = int(now_s * SLOTS / self.span_s)
        slots = here.slots
        if slots and slots[-1][0] == number:
            last = slots[-1]
            slots = (*slots[:-1], (number, last[1] + calls, last[2] + marked))
        else:
            slots = (*slots, (number, calls, marked))
        return Window(self.span_s, slots, here.calls + calls, here.marked + marked)
