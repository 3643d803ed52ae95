"""A provider's health, shared by all who call it: breakers, one retry budget, one limit on calls at once.

Only what speaks of the provider counts against it: 408, 429, 5xx, timeouts and lost connections. A wrong key, an
unknown model or a prompt that is too long is the caller's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

from agora.ambient import SystemClock
from agora.errors import ModelError, ModelTimeoutError, ProviderBusyError, ProviderDownError, ReplyCutError
from agora.models.breaker import Breaker
from agora.models.concurrency import MOST, Concurrency, QueueFullError
from agora.models.replies import LostConnectionError
from agora.models.retries import heals
from agora.models.retry_budget import RetryBudget
from agora.protocols import Clock

_OVERLOADED = frozenset({429, 503, 504, 529})


class Turn(NamedTuple):
    """One call that may be made now."""

    model: str
    """Whose breaker let it through."""
    breaker_age: int
    """What the breaker wants to know when it ends."""
    limit_age: int
    """What the limit wants to know when it ends."""
    started_s: float
    """When it began."""


class Health:
    """What is known of one provider at one address with one key.

    Args:
        clock: For windows and back-offs.
        concurrency: The limit on calls at once.
    """

    def __init__(self, *, clock: Clock | None = None, concurrency: Concurrency | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = Lock()
        self._breakers: dict[str, Breaker] = {}
        self._budget = RetryBudget()
        self.concurrency = concurrency or Concurrency()
        """The limit on calls at once, and who waits."""

    def breaker(self, model: str) -> Breaker:
        """The state of a model's breaker."""
        return self._breakers.get(model, Breaker())

    def down(self, model: str) -> str:
        """Why a model cannot be called now, and when it is tried next; empty where it can, or where a probe is due."""
        breaker = self.breaker(model)
        blocked_s = breaker.blocked_s(self._clock.monotonic_s())
        return _why(breaker, blocked_s) if blocked_s else ""

    async def enter(self, model: str, *, patience_s: float) -> Turn:
        """Wait for a turn to call a model; every turn must be left.

        Args:
            model: Its name.
            patience_s: What its deadline leaves for waiting.

        Raises:
            ProviderDownError: Its breaker is open.
            ProviderBusyError: Too many wait already, or for too long.
        """
        self._refuse(model)
        try:
            limit_age = await self.concurrency.enter(patience_s)
        except QueueFullError as full:
            raise ProviderBusyError(model, str(full)) from full
        with self._lock:
            now_s = self._clock.monotonic_s()
            breaker = self.breaker(model).admit(now_s)
            if breaker is not None:
                self._breakers[model] = breaker
                self._budget = self._budget.called(now_s)
                return Turn(model, breaker.age, limit_age, now_s)
        self.concurrency.leave(limit_age)
        self._refuse(model)
        raise ProviderDownError(model, "a probe of it has just been answered", next_s=0.0)

    def answered(self, turn: Turn) -> None:
        """The provider answered, whether the answer can be used or not."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            self._breakers[turn.model] = self.breaker(turn.model).answered(now_s, turn.breaker_age)
        self.concurrency.leave(turn.limit_age, seconds=now_s - turn.started_s, answered=True)

    def failed(self, turn: Turn, error: ModelError) -> None:
        """The call gave an error, which learns here whether it may be tried again."""
        if not speaks_ill(error):
            self.answered(turn)
            return
        with self._lock:
            now_s = self._clock.monotonic_s()
            self._breakers[turn.model] = self.breaker(turn.model).failed(
                now_s, turn.breaker_age, what=error.what, wait_s=error.retry_after_s or 0.0
            )
            if heals(error):
                self._budget, error.again = self._budget.grant(now_s)
        overloaded = error.status in _OVERLOADED or isinstance(error, ModelTimeoutError)
        self.concurrency.leave(turn.limit_age, seconds=now_s - turn.started_s, overloaded=overloaded)

    def abandoned(self, turn: Turn) -> None:
        """The caller gave up: nothing is learned."""
        with self._lock:
            self._breakers[turn.model] = self.breaker(turn.model).abandoned(turn.breaker_age)
        self.concurrency.leave(turn.limit_age)

    def _refuse(self, model: str) -> None:
        breaker = self.breaker(model)
        if blocked_s := breaker.blocked_s(self._clock.monotonic_s()):
            raise ProviderDownError(model, _why(breaker, blocked_s), next_s=blocked_s)


class HealthRegistry:
    """The health of every provider that one process calls.

    Args:
        clock: For all of them.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: dict[tuple[str, str | None, str], Health] = {}
        self._most: Mapping[str, int] = {}

    def of(self, provider: str, *, api_base: str | None = None, api_key: str | None = None) -> Health:
        """The one health of a provider at an address with a key; the key itself is not kept.

        Args:
            provider: As "openai".
            api_base: Where it is, if not at its own address.
            api_key: None: the environment's.
        """
        place = (provider, api_base, hashlib.sha256((api_key or "").encode()).hexdigest()[:16])
        with self._lock:
            if place not in self._known:
                concurrency = Concurrency(most=self._most.get(api_base or provider, MOST))
                self._known[place] = Health(clock=self._clock, concurrency=concurrency)
            return self._known[place]

    def bound(self, most: Mapping[str, int]) -> None:
        """How many calls each provider gets at once, at most, from all agents and runs of this process together.

        Args:
            most: A provider as "openai", or the address of an endpoint (which counts by its address only) -> calls;
                whoever is not named gets what is found out to be good for it, up to 64.
        """
        with self._lock:
            self._most = dict(most)
            for (provider, api_base, _), health in self._known.items():
                health.concurrency.bound(self._most.get(api_base or provider, MOST))

    def forget(self, api_base: str) -> None:
        """Begin anew with an address, as where another server listens there now."""
        with self._lock:
            self._known = {key: health for key, health in self._known.items() if key[1] != api_base}


SHARED = HealthRegistry()
"""What models use that are given no health of their own."""


def speaks_ill(error: ModelError) -> bool:
    """Whether a failure speaks of the provider: 408, 429, 5xx, a timeout, a connection that was lost or cut."""
    if error.status is not None:
        return error.status in (408, 429) or error.status >= 500
    return isinstance(error, LostConnectionError | ModelTimeoutError | ReplyCutError)


def _why(breaker: Breaker, blocked_s: float) -> str:
    if breaker.probing:
        return f"its provider fails ({breaker.why}), and a probe is under way"
    return f"its provider fails ({breaker.why}); it is tried next in {blocked_s:.3g} s"
