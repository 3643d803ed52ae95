"""Whether an agent is called at all: a circuit breaker counted in requests, not in seconds.

After Nygard ("Release It!", chapter 5), with the figures that held up on fresh seeds: three hard failures in a row open
it for 25 requests, each probe that fails doubles the pause, and no pause is longer than 100 requests, since a long one
keeps an agent out that has long come back.

A hard failure is a timeout, a lost connection or an answer of no valid form. A wrong answer is none: it says something
about ability, which is the bandit's to learn, and where all agents are weak a breaker that counts it shuts all of them
out.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from agora.values import Value

FAILURES: Final = 3
"""Hard failures in a row that open it."""
FIRST: Final = 25
"""Requests of the first pause."""
LONGEST: Final = 100
"""Requests of the longest pause."""


class Breaker(Value):
    """The health of one agent; every step gives the next state.

    >>> breaker = Breaker()
    >>> for request in (1, 2, 3):
    ...     breaker = breaker.failed(request, age=breaker.age)
    >>> breaker.state(28), breaker.state(29)
    ('open', 'half_open')
    """

    failures: int = Field(default=0, ge=0)
    """Hard failures in a row while it was closed."""
    age: int = Field(default=0, ge=0)
    """How often it has opened or closed: what began at another age no longer counts."""
    open_until: int | None = None
    """The last request of the pause; None while closed."""
    backoff: int = Field(default=0, ge=0, le=LONGEST)
    """Requests of the pause that led there."""
    probed_at: int | None = None
    """The request that is the probe under way."""

    def state(self, request: int) -> Literal["up", "open", "half_open"]:
        """Its health for a request, counted from 1."""
        if self.open_until is None:
            return "up"
        return "half_open" if self.admits(request) else "open"

    def admits(self, request: int) -> bool:
        """Whether a request may go to the agent. A probe that never ended makes room for another after a pause."""
        if self.open_until is None:
            return True
        if self.probed_at is not None:
            return request > self.probed_at + self.backoff
        return request > self.open_until

    def admit(self, request: int) -> Breaker:
        """After a request went to the agent."""
        return self if self.open_until is None else self.model_copy(update={"probed_at": request})

    def answered(self, *, age: int) -> Breaker:
        """After a request that began at `age` got an answer, right or wrong: closed, nothing counted."""
        if age != self.age:
            return self
        return Breaker(age=self.age + (self.open_until is not None))

    def failed(self, request: int, *, age: int) -> Breaker:
        """After a request that began at `age` failed hard.

        Args:
            request: The number of the latest request: the pause begins after it.
            age: The breaker's when the request was made.
        """
        if age != self.age:
            return self
        if self.open_until is not None:
            return self._open(request, min(2 * self.backoff, LONGEST))
        if self.failures + 1 < FAILURES:
            return self.model_copy(update={"failures": self.failures + 1})
        return self._open(request, FIRST)

    def why(self, request: int) -> str:
        """In words, why a request does not go to it; empty where it may."""
        if self.open_until is None or self.admits(request):
            return ""
        if self.probed_at is not None:
            return f"failed hard {FAILURES} times in a row; a probe is under way"
        return f"failed hard {FAILURES} times in a row; tried again in {self.open_until + 1 - request} requests"

    def _open(self, request: int, backoff: int) -> Breaker:
        return Breaker(age=self.age + 1, open_until=request + backoff, backoff=backoff)
