"""The guard round every real model: one attempt, one deadline, checked replies, clamped bills.

Nothing is tried again here: the desk does that, since each attempt needs a reservation and a record of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial

import anyio
from typing_extensions import Protocol, runtime_checkable

from agora.ambient import SystemClock
from agora.bids import Price
from agora.errors import ModelError, ModelTimeoutError, ProviderBusyError
from agora.messages import Reply, Request
from agora.models.health import Health, Turn
from agora.models.replies import MAX_REPLY_BYTES, Raw, checked
from agora.models.tokens import bound_tokens, floor_prompt_tokens, floor_tokens
from agora.protocols import Clock
from agora.tasks import Usage

Send = Callable[[Request], Awaitable[Raw]]
"""One way of making one request upstream."""


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


@runtime_checkable
class StreamingTransport(Protocol):
    """A transport that can hand over an answer while it arrives."""

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Raw:
        """Make exactly one request upstream, and hand over its text as it comes.

        Raises:
            ModelError: It failed, or nobody knows whether the stream came to its end.
        """
        ...


class Guarded:
    """A chat model made of a transport and the limits that a transport cannot be trusted with.

    Args:
        transport: Makes single attempts.
        clock: Measures how long the call took.
        max_reply_bytes: A longer answer (text and tool calls) is an error.
        template_tokens: For what the chat template adds to a prompt; None takes a cautious default.
        health: What is known of the provider; None: every call is made at once (a model on this machine).
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        template_tokens: int | None = None,
        health: Health | None = None,
    ) -> None:
        self._transport = transport
        self._clock = clock or SystemClock()
        self._max_reply_bytes = max_reply_bytes
        self._template_tokens = template_tokens
        self._health = health

    @property
    def name(self) -> str:
        """As the user wrote it: provider/model."""
        return self._transport.name

    def price(self) -> Price | None:
        """The list price; None where it is not known."""
        return self._transport.price()

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on the prompt's tokens."""
        if self._template_tokens is None:
            return bound_tokens(request)
        return bound_tokens(request, template_tokens=self._template_tokens)

    def down(self) -> str:
        """Why it cannot be called now, and when it is tried next; empty where it can."""
        return "" if self._health is None else self._health.down(self.name)

    async def complete(self, request: Request) -> Reply:
        """Make exactly one attempt, inside the request's deadline.

        Raises:
            ModelTimeoutError: The deadline passed.
            ReplyCutError: The answer has no known end.
            BadReplyError: The answer is empty, oversized or malformed.
            ContextOverflowError: The prompt does not fit.
            ProviderDownError: Too many calls before it failed; it was not made.
            ProviderBusyError: Its turn would not have come in time; it was not made.
            ModelError: The provider refused or failed.
        """
        return await self._reply(request, self._transport.send)

    async def stream(self, request: Request, *, write: Callable[[str], None]) -> Reply:
        """The same, with each piece of text handed over as it arrives; all at the end where a transport cannot do it.

        Raises:
            ModelError: As `complete`, whatever was handed over before.
        """
        if isinstance(self._transport, StreamingTransport):
            return await self._reply(request, partial(self._transport.stream, write=write))
        reply = await self.complete(request)
        write(reply.text)
        return reply

    async def _reply(self, request: Request, send: Send) -> Reply:
        """One attempt by whichever way of sending; what comes back is held against the request."""
        started_s = self._clock.monotonic_s()
        raw = await (self._sent(request, send) if self._health is None else self._in_turn(request, send, self._health))
        answer = checked(self.name, request, raw, max_bytes=self._max_reply_bytes)
        usage = self._bill(request, raw, self._clock.monotonic_s() - started_s)
        return Reply(usage=usage, **answer._asdict())

    async def _sent(self, request: Request, send: Send) -> Raw:
        try:
            with anyio.fail_after(request.deadline_s):
                return await send(request)
        except ModelError:
            raise
        except TimeoutError as late:
            raise self._late(request) from late

    async def _in_turn(self, request: Request, send: Send, health: Health) -> Raw:
        turn: Turn | None = None
        ended: Callable[[Turn], None] = health.abandoned
        try:
            with anyio.fail_after(request.deadline_s):
                turn = await health.enter(self.name, patience_s=request.deadline_s)
                raw = await send(request)
            ended = health.answered
            return raw
        except ModelError as failure:
            ended = partial(health.failed, error=failure)
            raise
        except TimeoutError as late:
            if turn is None:
                why = f"its turn did not come within {request.deadline_s:g} s"
                raise ProviderBusyError(self.name, why) from late
            timeout = self._late(request)
            ended = partial(health.failed, error=timeout)
            raise timeout from late
        finally:
            if turn is not None:
                ended(turn)

    def _late(self, request: Request) -> ModelTimeoutError:
        return ModelTimeoutError(self.name, f"no whole answer within {request.deadline_s:g} s; raise `deadline_s`")

    def _bill(self, request: Request, raw: Raw, seconds: float) -> Usage:
        read, wrote = clamp_usage(request, raw, bound=self.bound_tokens(request))
        price = self.price()
        usd = price.of(read, wrote) if price is not None and price.unit == "usd" else Decimal(0)
        return Usage(usd=usd, input_tokens=read, output_tokens=wrote, steps=1, seconds=max(seconds, 0.0))


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
