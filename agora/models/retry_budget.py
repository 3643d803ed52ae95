"""How many retries a provider may get (Google SRE book, chapter 21: a retry budget of 10 % of the calls).

Without it every layer's three attempts make a struggling provider's load three times what it was, when it can carry
the least.
"""

from __future__ import annotations

from typing import NamedTuple

from agora.models.window import Window

SPAN_S = 600.0
"""Calls and retries of the last ten minutes count."""
SHARE = 0.1
"""Retries for each call."""
LEAST = 3
"""So many are always allowed, so that a small run may retry too."""


class RetryBudget(NamedTuple):
    """Retries granted in the last ten minutes: at most three, or a tenth of the first attempts.

    A grant counts whether it is used or not.

    >>> budget = RetryBudget().called(0.0)
    >>> [budget.grant(0.0)[1]]
    [True]
    """

    window: Window = Window(SPAN_S)
    """Attempts; the retries among them are marked."""

    def called(self, now_s: float) -> RetryBudget:
        """After one attempt, first or not."""
        return RetryBudget(self.window.add(now_s, calls=1))

    def grant(self, now_s: float) -> tuple[RetryBudget, bool]:
        """The budget afterwards, and whether one more retry may be made."""
        window = self.window.at(now_s)
        first = window.calls - window.marked
        if window.marked + 1 > max(LEAST, SHARE * first):
            return self, False
        return RetryBudget(window.add(now_s, marked=1)), True
