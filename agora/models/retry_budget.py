"""How many retries a provider may get (Google SRE book, chapter 21: a retry budget of 10 % of the calls).

Without it every layer's three attempts make a struggling provider's load three times what it was, when it can carry
the least.
"""

from __future__ import annotations

from typing import NamedTuple

from agora.models.window import Window

SPAN_S = 600.0
"""Calls and retries of the last ten minutes count."""
BURST_S = 10.0
"""And so do those of the last ten seconds: a good hour is no licence to storm a provider that just fell over."""
SHARE = 0.1
"""Retries for each call."""
LEAST = 3
"""So many are always allowed, so that a small run may retry too."""


class RetryBudget(NamedTuple):
    """Retries granted: at most three, or a tenth of the first attempts, in ten minutes and in ten seconds.

    A grant counts whether it is used or not.

    >>> budget = RetryBudget().called(0.0)
    >>> budget.grant(0.0)[1]
    True
    """

    long: Window = Window(SPAN_S)
    """Attempts of the last ten minutes; the retries among them are marked."""
    short: Window = Window(BURST_S)
    """Attempts of the last ten seconds; the retries among them are marked."""

    def called(self, now_s: float) -> RetryBudget:
        """After one attempt, first or not."""
        return RetryBudget(self.long.add(now_s, calls=1), self.short.add(now_s, calls=1))

    def grant(self, now_s: float) -> tuple[RetryBudget, bool]:
        """The budget afterwards, and whether one more retry may be made."""
        windows = self.long.at(now_s), self.short.at(now_s)
        if any(window.marked + 1 > max(LEAST, SHARE * (window.calls - window.marked)) for window in windows):
            return self, False
        long, short = windows
        return RetryBudget(long.add(now_s, marked=1), short.add(now_s, marked=1)), True
