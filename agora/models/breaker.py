"""A circuit breaker (Nygard, Release It!, chapter 5): after too many failures nobody calls, but one now and then.

A pure state machine: each step takes the time and gives the next state. Nothing in it waits or reads a clock.

    closed --(50 % of at least 20 calls in 30 s failed)--> open --(back-off passed)--> one probe --> closed
                                                             ^                            |
                                                             +--(it failed: longer)-------+
"""

from __future__ import annotations

from typing import NamedTuple

from agora.models.window import Window

SPAN_S = 30.0
"""Calls of so many seconds are judged together."""
LEAST_CALLS = 20
"""Fewer are not judged."""
SHARE = 0.5
"""Of the calls that must have failed."""
FIRST_S = 2.0
"""The first back-off; it doubles with each probe that fails."""
LONGEST_S = 30.0
"""No back-off is longer, so that recovery is seen within one window."""


class Breaker(NamedTuple):
    """Whether a model is called at all.

    >>> breaker = Breaker()
    >>> for _ in range(20):
    ...     breaker = breaker.failed(0.0, 0)
    >>> breaker.blocked_s(0.0), breaker.blocked_s(2.0)
    (2.0, 0.0)
    """

    window: Window = Window(SPAN_S)
    """Calls of the last 30 s, failures marked; empty while open."""
    age: int = 0
    """How often it has opened or closed: what began at another age no longer counts."""
    open_until_s: float | None = None
    """When the next probe is due; None while closed."""
    backoff_s: float = 0.0
    """The pause that led to `open_until_s`."""
    probing: bool = False
    """A probe is under way."""
    why: str = ""
    """What failed, in words; empty while closed."""

    def blocked_s(self, now_s: float) -> float:
        """Seconds until a call may go through, at the earliest; 0 where one may now."""
        if self.open_until_s is None:
            return 0.0
        if self.probing:
            return FIRST_S
        return max(self.open_until_s - now_s, 0.0)

    def admit(self, now_s: float) -> Breaker | None:
        """The state with one more call under way; None where it may not be made."""
        if self.open_until_s is None:
            return self
        if self.probing or now_s < self.open_until_s:
            return None
        return self._replace(probing=True)

    def answered(self, now_s: float, age: int) -> Breaker:
        """After a call that began at `age` was answered: a probe closes the breaker."""
        if age != self.age:
            return self
        if self.open_until_s is not None:
            return Breaker(age=self.age + 1)
        return self._replace(window=self.window.add(now_s, calls=1))

    def failed(self, now_s: float, age: int, *, what: str = "", wait_s: float = 0.0) -> Breaker:
        """After a call that began at `age` failed: it opens, or stays open for longer.

        Args:
            now_s: The time.
            age: The breaker's age when the call began.
            what: How it failed, for people.
            wait_s: What the provider asked for; kept up to the longest back-off.
        """
        if age != self.age:
            return self
        if self.open_until_s is not None:
            return self._open(now_s, 2.0 * self.backoff_s, wait_s, f"its probe failed: {what}")
        window = self.window.add(now_s, calls=1, marked=1)
        if window.calls < LEAST_CALLS or window.marked < SHARE * window.calls:
            return self._replace(window=window)
        why = f"{window.marked} of the last {window.calls} calls failed, the last one so: {what}"
        return self._open(now_s, FIRST_S, wait_s, why)

    def abandoned(self, age: int) -> Breaker:
        """After a call that began at `age` was given up by its caller: nothing is learned, a probe is due again."""
        return self._replace(probing=False) if age == self.age else self

    def _open(self, now_s: float, backoff_s: float, wait_s: float, why: str) -> Breaker:
        pause_s = min(max(backoff_s, wait_s), LONGEST_S)
        return Breaker(age=self.age + 1, open_until_s=now_s + pause_s, backoff_s=pause_s, why=why)
