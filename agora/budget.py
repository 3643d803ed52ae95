"""The purse: escrow for dollars, tokens and steps, and a deadline in seconds.

Nothing is spent that was not reserved. A reservation takes the worst case out of a purse and of all purses above it,
at once or not at all; settling puts back what was not used. A purse can also be funded: its whole content is reserved
in its parent when it is made, so that nobody else can spend it (the award's escrow).

All methods are plain synchronous code on one event loop, which is what makes a reservation atomic under any number of
parallel calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from agora.errors import BudgetError, BudgetExceededError
from agora.protocols import Clock
from agora.tasks import Limits, Usage

_ZERO = Decimal(0)
_OVERRUN = "a call cost more than its worst case"
_T = TypeVar("_T", Decimal, int, float)


@dataclass(slots=True)
class Reservation:
    """A worst case that left the purses; settle it exactly once."""

    usd: Decimal
    """US dollars."""
    tokens: int
    """Input and output tokens."""
    steps: int
    """Steps."""
    open: bool = True
    """False once settled."""


class Purse:
    """So much and no more, of one run, task, bid or attempt.

    Args:
        name: Whose, for messages.
        limits: What it holds; None in a dimension leaves that to the purses above.
        clock: For the deadline, which starts now.
        parent: The purse above; reservations go through to it.
    """

    def __init__(self, name: str, limits: Limits, *, clock: Clock, parent: Purse | None = None) -> None:
        self.name = name
        self._limits = limits
        self._clock = clock
        self._parent = parent
        self._funded: Reservation | None = None
        self._deadline_s = None if limits.seconds is None else clock.monotonic_s() + limits.seconds
        self._held = Reservation(_ZERO, 0, 0)
        self._closed = ""
        self.spent = Usage()
        self.short = False
        """Whether dollars or tokens were asked for that were not here."""

    def fund(self, name: str, limits: Limits) -> Purse:
        """A purse whose dollars, tokens and steps leave this one now; `close` brings back what it did not spend.

        Raises:
            BudgetError: They are not there.
        """
        cap = tightest(limits, self.left)
        purse = Purse(name, cap, clock=self._clock, parent=self)
        purse._funded = self.reserve(usd=cap.usd or _ZERO, tokens=cap.tokens or 0, steps=cap.steps or 0)
        return purse

    def reserve(self, *, usd: Decimal = _ZERO, tokens: int = 0, steps: int = 1) -> Reservation:
        """Take a worst case out of this purse and of all above it, or out of none.

        Raises:
            BudgetError: A purse is closed.
            BudgetExceededError: It does not fit somewhere.
        """
        chain = self._chain()
        for purse in chain:
            purse._check(usd, tokens, steps)
        for purse in chain:
            purse._hold(usd, tokens, steps)
        return Reservation(usd, tokens, steps)

    def settle(self, reservation: Reservation, usage: Usage) -> bool:
        """Replace a reservation by what was really used; True: it was more than reserved.

        An overrun is booked in full, and this purse closes: whoever broke one bound is not trusted with another.
        """
        if not reservation.open:
            raise BudgetError(f"{self.name}: a reservation was settled twice")
        reservation.open = False
        for purse in self._chain():
            purse._hold(-reservation.usd, -reservation.tokens, -reservation.steps)
            purse.spent += usage
        self._count_late(usage)
        overrun = usage.usd > reservation.usd or usage.tokens > reservation.tokens
        if overrun:
            self._closed = _OVERRUN
        return overrun

    def book(self, usage: Usage, *, overrun: bool = False) -> None:
        """Count what was spent before this purse was made: it is known, so nothing is reserved for it.

        Args:
            usage: From the record.
            overrun: It was more than reserved then, so this purse closes as the one then did.
        """
        for purse in self._chain():
            purse.spent += usage
        self._count_late(usage)
        if overrun:
            self._closed = _OVERRUN

    def keep(self, usage: Usage) -> Reservation:
        """Set aside what was spent before this purse was made, whether it fits or not; `settle` lets it go."""
        for purse in self._chain():
            purse._hold(usage.usd, usage.tokens, usage.steps)
        return Reservation(usage.usd, usage.tokens, usage.steps)

    def _count_late(self, usage: Usage) -> None:
        """What ends after its funded purse was closed is counted above: the closing settlement did not know of it."""
        last = self._chain()[-1]
        if last._funded is not None and not last._funded.open and last._parent is not None:
            last._parent.book(usage)

    def wait(self, seconds: float) -> None:
        """Move the deadlines, here and above: nobody worked while a person was asked."""
        purse: Purse | None = self
        while purse is not None:
            if purse._deadline_s is not None:
                purse._deadline_s += seconds
            purse = purse._parent

    def close(self) -> None:
        """Give back what a funded purse did not spend; nothing more can be reserved here."""
        self._closed = self._closed or "it is closed"
        if self._funded is not None and self._parent is not None and self._funded.open:
            self._parent.settle(self._funded, self.spent)

    @property
    def left(self) -> Limits:
        """What can still be reserved, here and above."""
        usd: Decimal | None = None
        tokens: int | None = None
        steps: int | None = None
        seconds: float | None = None
        for purse in self._chain():
            limits, held, spent = purse._limits, purse._held, purse.spent
            if limits.usd is not None:
                usd = _least(usd, max(_ZERO, limits.usd - held.usd - spent.usd))
            if limits.tokens is not None:
                tokens = _least(tokens, max(0, limits.tokens - held.tokens - spent.tokens))
            if limits.steps is not None:
                steps = _least(steps, max(0, limits.steps - held.steps - spent.steps))
            if purse._deadline_s is not None:
                seconds = _least(seconds, max(0.0, purse._deadline_s - self._clock.monotonic_s()))
        return Limits(usd=usd, tokens=tokens, steps=steps, seconds=seconds)

    def _chain(self) -> list[Purse]:
        chain: list[Purse] = [self]
        while chain[-1]._funded is None and (above := chain[-1]._parent) is not None:
            chain.append(above)
        return chain

    def _check(self, usd: Decimal, tokens: int, steps: int) -> None:
        if self._closed:
            self.short = True
            raise BudgetError(f"{self.name}: the purse is closed: {self._closed}")
        if self._deadline_s is not None and self._clock.monotonic_s() >= self._deadline_s:
            raise BudgetExceededError(self.name, "seconds", "more", 0)
        limits, held, spent = self._limits, self._held, self.spent
        if limits.usd is not None and usd > 0 and held.usd + spent.usd + usd > limits.usd:
            self.short = True
            raise BudgetExceededError(self.name, "usd", usd, max(_ZERO, limits.usd - held.usd - spent.usd))
        if limits.tokens is not None and tokens > 0 and held.tokens + spent.tokens + tokens > limits.tokens:
            self.short = True
            raise BudgetExceededError(self.name, "tokens", tokens, max(0, limits.tokens - held.tokens - spent.tokens))
        if limits.steps is not None and held.steps + spent.steps + steps > limits.steps:
            raise BudgetExceededError(self.name, "steps", steps, max(0, limits.steps - held.steps - spent.steps))

    def _hold(self, usd: Decimal, tokens: int, steps: int) -> None:
        self._held.usd += usd
        self._held.tokens += tokens
        self._held.steps += steps


def tightest(first: Limits, second: Limits) -> Limits:
    """The smaller bound in each dimension.

    >>> tightest(Limits(steps=3, seconds=9.0), Limits(steps=5)).steps
    3
    """
    return Limits(
        usd=_least(first.usd, second.usd),
        tokens=_least(first.tokens, second.tokens),
        steps=_least(first.steps, second.steps),
        seconds=_least(first.seconds, second.seconds),
    )


def share_of(limits: Limits, count: int) -> Limits:
    """An even share of all that is used up; time is not: it passes for everyone at once."""
    return Limits(
        usd=None if limits.usd is None else limits.usd / count,
        tokens=None if limits.tokens is None else limits.tokens // count,
        steps=None if limits.steps is None else limits.steps // count,
    )


def _least(first: _T | None, second: _T | None) -> _T | None:
    if first is None:
        return second
    return first if second is None else min(first, second)
