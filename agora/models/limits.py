"""The guard round every real model: one deadline, one retry loop, checked replies, clamped bills.

Policy (Google SRE book, chapters 21 and 22): full jitter, few attempts, only what may heal is tried again, Retry-After
is honoured unless it lies past the deadline. An attempt that failed but may have been paid stays on the final bill.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

import anyio

from agora.ambient import SeededChance, SystemClock, fresh_seed
from agora.bids import Price
from agora.errors import ModelError, ModelTimeoutError
from agora.messages import Reply, Request
from agora.models.replies import MAX_REPLY_BYTES, LostConnectionError, Raw, checked
from agora.models.tokens import bound_tokens, floor_prompt_tokens, floor_tokens
from agora.protocols import Chance, Clock
from agora.tasks import Usage

RETRIED = frozenset({408, 409, 429})
"""Statuses below 500 that may heal by themselves."""


class Transport(Protocol):
    """One attempt at one provider; everything round it is the guard's."""

    @property
    def name(self) -> str:
        """As the user wrote it: provider/model."""
        ...

    def price(self) -> Price | None:
        """The list price; None where it is not known."""
        ...

    async def send(self, request: Request) -> Raw:
        """Make exactly one request upstream.

        Raises:
            ModelError: It failed. `status` None means that the connection failed.
        """
        ...


class Retries(NamedTuple):
    """How often, and after what pause, a failed attempt is made again."""

    attempts: int = 3
    """At most so many attempts, the first included."""
    base_s: float = 0.5
    """The first pause lies in [0, base_s); it doubles from one attempt to the next."""
    cap_s: float = 30.0
    """No pause of our own is longer."""


class Guarded:
    """A chat model made of a transport and the limits that a transport cannot be trusted with.

    Args:
        transport: Makes single attempts.
        retries: The only retry loop there is.
        chance: Jitter.
        clock: Measures how long the call took.
        max_reply_bytes: A longer answer (text and tool calls) is an error.
        template_tokens: For what the chat template adds to a prompt; None takes a cautious default.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        retries: Retries = Retries(),  # noqa: B008 - a frozen value
        chance: Chance | None = None,
        clock: Clock | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        template_tokens: int | None = None,
    ) -> None:
        self._transport = transport
        self._retries = retries
        self._chance = chance or SeededChance(fresh_seed())
        self._clock = clock or SystemClock()
        self._max_reply_bytes = max_reply_bytes
        self._template_tokens = template_tokens
        self._pauses = 0

    @property
    def name(self) -> str:
        """As the user wrote it: provider/model."""
        return self._transport.name

    def price(self) -> Price | None:
        """The list price; None where it is not known."""
        return self._transport.price()

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on one attempt's prompt tokens."""
        if self._template_tokens is None:
            return bound_tokens(request)
        return bound_tokens(request, template_tokens=self._template_tokens)

    async def complete(self, request: Request) -> Reply:
        """Make the call, with retries, inside the request's deadline.

        Raises:
            ModelTimeoutError: The total deadline passed.
            ReplyCutError: The answer has no known end.
            BadReplyError: The answer is empty, oversized or malformed.
            ContextOverflowError: The prompt does not fit.
            ModelError: The provider refused, or failed until the attempts were used up.
        """
        started_s = self._clock.monotonic_s()
        lost = _Lost()
        try:
            with anyio.fail_after(request.deadline_s):
                raw = await self._attempts(request, lost, started_s + request.deadline_s)
        except ModelError:
            raise
        except TimeoutError as late:
            raise ModelTimeoutError(
                self.name, f"no whole answer within {request.deadline_s:g} s; raise `deadline_s`"
            ) from late
        answer = checked(self.name, request, raw, max_bytes=self._max_reply_bytes)
        usage = self._bill(request, raw, lost, self._clock.monotonic_s() - started_s)
        return Reply(usage=usage, **answer._asdict())

    async def _attempts(self, request: Request, lost: _Lost, deadline_s: float) -> Raw:
        for attempt in range(1, self._retries.attempts + 1):
            try:
                return await self._transport.send(request)
            except ModelError as error:
                if error.paid and may_heal(error):
                    lost.add(self.bound_tokens(request), request.max_tokens if error.status is None else 0)
                pause_s = self._pause_s(attempt, error)
                if (
                    not may_heal(error)
                    or attempt == self._retries.attempts
                    or self._clock.monotonic_s() + pause_s >= deadline_s
                ):
                    error.paid = error.paid or lost.attempts > 0
                    raise
            await anyio.sleep(pause_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _pause_s(self, attempt: int, error: ModelError) -> float:
        self._pauses += 1
        most_s: float = min(self._retries.cap_s, self._retries.base_s * 2.0 ** (attempt - 1))
        jitter_s = most_s * self._chance.uniform(f"retry/{self.name}/{self._pauses}")
        return max(jitter_s, error.retry_after_s or 0.0)

    def _bill(self, request: Request, raw: Raw, lost: _Lost, seconds: float) -> Usage:
        read, wrote = clamp_usage(request, raw, bound=self.bound_tokens(request))
        read, wrote = read + lost.input_tokens, wrote + lost.output_tokens
        price = self.price()
        usd = price.of(read, wrote) if price is not None and price.unit == "usd" else Decimal(0)
        return Usage(
            usd=usd, input_tokens=read, output_tokens=wrote, steps=1 + lost.attempts, seconds=max(seconds, 0.0)
        )


def may_heal(error: ModelError) -> bool:
    """Whether the same request may succeed a moment later: 408, 409, 429, 5xx, or a lost connection."""
    if error.status is None:
        return isinstance(error, LostConnectionError)
    return error.status in RETRIED or error.status >= 500


def clamp_usage(request: Request, raw: Raw, *, bound: int) -> tuple[int, int]:
    """The tokens to book: what the provider says, where it can be true; else what we know ourselves.

    A missing or negative figure is booked at its upper bound (the reservation), since nobody can say what was charged.
    A figure below our own floor is lifted to it. A figure above the bound is booked as it is: an overrun.

    Args:
        request: What was sent.
        raw: What came back.
        bound: The upper bound on the prompt.

    Returns:
        Tokens read and tokens written.
    """
    read, wrote = raw.input_tokens, raw.output_tokens
    if read is None or read < 0:
        read = bound
    if wrote is None or wrote < 0:
        wrote = request.max_tokens
    written = [raw.text or "", *(part for call in raw.tool_calls for part in (call.name, call.arguments))]
    return max(read, floor_prompt_tokens(request)), max(wrote, sum(map(floor_tokens, written)), 1)


class _Lost:
    """Attempts that failed and may have been paid all the same."""

    def __init__(self) -> None:
        self.attempts = 0
        self.input_tokens = 0
        self.output_tokens = 0

    def add(self, read: int, wrote: int) -> None:
        self.attempts += 1
        self.input_tokens += read
        self.output_tokens += wrote
