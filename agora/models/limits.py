"""The guard round every real model: one attempt, one deadline, checked replies, clamped bills.

Nothing is tried again here: the desk does that, since each attempt needs a reservation and a record of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

import anyio

from agora.ambient import SystemClock
from agora.bids import Price
from agora.errors import ModelError, ModelTimeoutError
from agora.messages import Reply, Request
from agora.models.replies import MAX_REPLY_BYTES, Raw, checked
from agora.models.tokens import bound_tokens, floor_prompt_tokens, floor_tokens
from agora.protocols import Clock
from agora.tasks import Usage


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


class Guarded:
    """A chat model made of a transport and the limits that a transport cannot be trusted with.

    Args:
        transport: Makes single attempts.
        clock: Measures how long the call took.
        max_reply_bytes: A longer answer (text and tool calls) is an error.
        template_tokens: For what the chat template adds to a prompt; None takes a cautious default.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        template_tokens: int | None = None,
    ) -> None:
        self._transport = transport
        self._clock = clock or SystemClock()
        self._max_reply_bytes = max_reply_bytes
        self._template_tokens = template_tokens

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

    async def complete(self, request: Request) -> Reply:
        """Make exactly one attempt, inside the request's deadline.

        Raises:
            ModelTimeoutError: The deadline passed.
            ReplyCutError: The answer has no known end.
            BadReplyError: The answer is empty, oversized or malformed.
            ContextOverflowError: The prompt does not fit.
            ModelError: The provider refused or failed.
        """
        started_s = self._clock.monotonic_s()
        try:
            with anyio.fail_after(request.deadline_s):
                raw = await self._transport.send(request)
        except ModelError:
            raise
        except TimeoutError as late:
            raise ModelTimeoutError(
                self.name, f"no whole answer within {request.deadline_s:g} s; raise `deadline_s`"
            ) from late
        answer = checked(self.name, request, raw, max_bytes=self._max_reply_bytes)
        usage = self._bill(request, raw, self._clock.monotonic_s() - started_s)
        return Reply(usage=usage, **answer._asdict())

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
