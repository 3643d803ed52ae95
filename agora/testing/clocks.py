"""Time and chance for tests: a clock that only moves when told, and the real seeded chance."""

from __future__ import annotations

from agora.ambient import SeededChance

__all__ = ["FakeClock", "SeededChance"]


class FakeClock:
    """Stands still until `advance`.

    >>> clock = FakeClock()
    >>> clock.advance(1.5)
    >>> clock.monotonic_s()
    1.5
    """

    def __init__(self, *, start_us: int = 1_700_000_000_000_000) -> None:
        self._start_us = start_us
        self._elapsed_us = 0

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return self._start_us + self._elapsed_us

    def monotonic_s(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed_us / 1_000_000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed_us += round(seconds * 1_000_000)
