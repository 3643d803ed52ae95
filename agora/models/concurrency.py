"""How many calls a provider gets at once: additive increase, multiplicative decrease (Chiu and Jain, 1989).

A provider's real limit is not known, and it moves. One more call in flight after each round of answers finds it; half
as many after a refusal or a timeout gives way. Who waits is served in order of arrival.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Any, NamedTuple

import anyio
from anyio.lowlevel import EventLoopToken, current_token

START = 16.0
"""Calls at once before anything is known."""
MOST = 64.0
"""Calls at once, however well it goes."""
QUEUE = 512
"""So many may wait; the next one is refused."""
_WEIGHT = 0.2


class Aimd(NamedTuple):
    """The limit on calls in flight: a value, with what moves it.

    >>> Aimd(4.0).eased(4).limit, Aimd(4.0).halved(0).limit, Aimd(1.0).halved(0).limit
    (4.25, 2.0, 1.0)
    """

    limit: float = START
    """Calls at once; its whole part counts."""
    age: int = 0
    """How often it was halved."""

    def eased(self, flying: int, *, most: float = MOST) -> Aimd:
        """After an answer: one more a round, if the limit is in use at all."""
        if 2 * flying < self.limit:
            return self
        return Aimd(min(self.limit + 1.0 / self.limit, most), self.age)

    def halved(self, age: int) -> Aimd:
        """After a refusal or a timeout of a call that began at `age`: once for all calls that flew together."""
        return self if age != self.age else Aimd(max(self.limit / 2.0, 1.0), self.age + 1)


class QueueFullError(Exception):
    """Nobody else may wait; its text says why."""


class Concurrency:
    """The turnstile in front of one provider, for any number of tasks, threads and event loops.

    Args:
        start: The limit before anything is known.
        most: The limit, however well it goes.
        queue: So many may wait.
    """

    def __init__(self, *, start: float = START, most: float = MOST, queue: int = QUEUE) -> None:
        self._aimd = Aimd(min(start, most))
        self._most, self._queue = most, queue
        self._lock = Lock()
        self._waiting: deque[_Waiter] = deque()
        self._mean_s = 0.0
        self.flying = 0
        """Calls that are under way."""

    @property
    def limit(self) -> int:
        """How many may be under way at once."""
        return int(self._aimd.limit)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    def bound(self, most: float) -> None:
        """Allow so many from now on, however well it goes; calls that are under way come to their end."""
        with self._lock:
            self._most = most
            self._aimd = self._aimd._replace(limit=min(self._aimd.limit, most))
            self._next()

    async def enter(self, patience_s: float) -> int:
        """Wait for a turn, and return what `leave` wants to know; every turn must be left.

        Args:
            patience_s: Whoever would wait longer, as far as can be told, need not begin.

        Raises:
            QueueFullError: Too many wait already, or for too long.
        """
        with self._lock:
            if self.flying < self.limit and not self._waiting:
                self.flying += 1
                return self._aimd.age
            self._refuse(patience_s)
            waiter = _Waiter()
            self._waiting.append(waiter)
        try:
            await waiter.turn.wait()
        except BaseException:  # whoever gives up leaves no trace, a turn that was just given included
            self._forget(waiter)
            raise
        return self._aimd.age

    def leave(self, age: int, *, seconds: float = 0.0, answered: bool = False, overloaded: bool = False) -> None:
        """Hand the turn on.

        Args:
            age: What `enter` returned.
            seconds: How long the call took, where it came to an end.
            answered: It went well: the limit may grow.
            overloaded: It was refused for load or took too long: the limit is halved.
        """
        with self._lock:
            if overloaded:
                self._aimd = self._aimd.halved(age)
            elif answered:
                self._aimd = self._aimd.eased(self.flying, most=self._most)
            if answered or overloaded:
                self._mean_s += (seconds - self._mean_s) * (_WEIGHT if self._mean_s else 1.0)
            self.flying -= 1
            self._next()

    def _refuse(self, patience_s: float) -> None:
        if len(self._waiting) >= self._queue:
            raise QueueFullError(f"{len(self._waiting)} calls wait for it already")
        wait_s = (len(self._waiting) + 1) * self._mean_s / self.limit
        if wait_s > patience_s:
            raise QueueFullError(f"its turn would come in about {wait_s:.3g} s, past its deadline of {patience_s:g} s")

    def _forget(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.given:
                self.flying -= 1
                self._next()
            else:
                self._waiting.remove(waiter)

    def _next(self) -> None:
        while self._waiting and self.flying < self.limit:
            waiter = self._waiting.popleft()
            if waiter.give():
                self.flying += 1


class _Waiter:
    """One call in the queue: it waits in its own event loop, and may be served from another."""

    def __init__(self) -> None:
        self.turn = anyio.Event()
        self.given = False
        self._home: EventLoopToken = current_token()

    def give(self) -> bool:
        """Wake it; False where its event loop is gone."""
        self.given = True
        if _here() == self._home:
            self.turn.set()
            return True
        native: Any = self._home.native_token
        soon = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon  # asyncio's and trio's word for it
        try:
            soon(self.turn.set)
        except RuntimeError:
            return False
        return True


def _here() -> EventLoopToken | None:
    try:
        return current_token()
    except RuntimeError:  # not in an event loop at all
        return None
