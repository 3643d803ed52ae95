"""Calls of models from one desk: reserved, recorded, made once, tried again, settled.

Each attempt is an intent on the ledger and a reservation in the purse before it is made, and a settlement after. One
whose fate is unknown (a timeout, a lost connection, 408, 5xx) is booked at its worst case, one that was refused (other
4xx) at nothing. This is the one retry loop.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Final

import anyio
import anyio.lowlevel
from anyio import CancelScope

from agora.abilities import StreamingModel
from agora.bids import Price
from agora.budget import Reservation
from agora.desk.remembering import failure_of, normalised, same_request
from agora.desk.seat import Seat
from agora.errors import BudgetError, BudgetExceededError, LedgerError, ModelError, UnpricedModelError
from agora.events import Called, Reserved
from agora.messages import Reply, Request
from agora.models.retries import attempt_id, may_heal, pause_s
from agora.past import INTERRUPTED, PastCall
from agora.protocols import ChatModel
from agora.tasks import Usage

NOT_MADE: Final = "it was not made"
"""The error of a call that was given up while its intent was put on record."""
_CLOSING_S = 10.0
_FREE = Decimal(0)


class Calls:
    """How one desk asks models.

    Args:
        seat: Whose.
        price: What the agent states, for models without a price of their own.
        write_cap: The promised number of tokens written; None: no promise.
    """

    def __init__(self, seat: Seat, *, price: Price | None, write_cap: int | None) -> None:
        self._seat, self._price, self._write_cap = seat, price, write_cap
        self._last = seat.past.last
        self.last_reply: Reply | None = None
        self.last_temperature: float | None = None
        """What the last call was asked at."""

    async def ask(self, model: ChatModel, request: Request) -> Reply:
        """Call a model; what may heal is tried again, within the request's deadline and what the purse still holds.

        Raises:
            BudgetError: The worst case of an attempt does not fit (from the error of the one before, where there was
                one), or the model is unpriced; it was not made.
            ModelError: The last attempt failed.
        """
        price = model.price() or self._price
        if price is None:
            raise UnpricedModelError(model.name)
        request = self._seat.cleaner.request(request)
        self.last_temperature = request.temperature
        ends_s = self._seat.run.clock.monotonic_s() + request.deadline_s
        past = self._recall(model, request)
        if past is not None and (reply := self._reply_on_record(past)) is not None:
            await anyio.lowlevel.checkpoint()
            return reply
        sent, reservation = self._reserve(model, request, price)
        call, attempt = (past.id, len(past.attempts) + 1) if past else (self._seat.next_id(), 1)
        while True:
            try:
                return await self._attempt(attempt_id(call, attempt), model, sent, reservation, price)
            except ModelError as failure:
                left_s = await self._pause(attempt_id(call, attempt), attempt, failure, ends_s)
                if left_s <= 0:
                    raise
                attempt += 1
                try:
                    again = request.model_copy(update={"deadline_s": min(left_s, request.deadline_s)})
                    sent, reservation = self._reserve(model, again, price)
                except BudgetError as full:
                    raise full from failure

    def _recall(self, model: ChatModel, request: Request) -> PastCall | None:
        """The call on record that asked the same; counted from now on."""
        if not self._seat.past.calls:
            return None
        past = self._seat.past.take_call(model.name, lambda recorded: same_request(recorded, request))
        if past is None:  # the ledger may have cleaned what was asked
            asked = normalised(request)
            past = self._seat.past.take_call(model.name, lambda recorded: same_request(recorded, asked))
        if past is not None:
            self._seat.book(past)
            self.last_reply = None
        return past

    def _reply_on_record(self, past: PastCall) -> Reply | None:
        """What a recorded call gave; None where it is to be tried again.

        Raises:
            ModelError: It failed for good.
        """
        if not past.attempts:
            return None
        ended = past.attempts[-1]
        if ended.reply is None and ended.failure != INTERRUPTED:
            failure = failure_of(ended, past.model)
            if not past.latest or len(past.attempts) >= self._seat.run.retries.attempts or not may_heal(failure):
                raise failure
        self.last_reply = ended.reply
        return ended.reply

    async def _pause(self, call: str, attempt: int, failure: ModelError, ends_s: float) -> float:
        """Wait before the next attempt; return the seconds that it may take, 0 where none is to be made."""
        retries, clock = self._seat.run.retries, self._seat.run.clock
        if attempt >= retries.attempts or not may_heal(failure):
            return 0.0
        wait_s = pause_s(retries, attempt, failure, self._seat.run.chance.uniform(f"retry/{call}"))
        left_s = ends_s - clock.monotonic_s()
        purse_s = self._seat.purse.left.seconds
        if wait_s >= (left_s if purse_s is None else min(left_s, purse_s)):
            return 0.0
        await anyio.sleep(wait_s)
        return ends_s - clock.monotonic_s()

    async def _attempt(
        self, call: str, model: ChatModel, request: Request, reservation: Reservation, price: Price
    ) -> Reply:
        """Put the intent on the ledger, call once, settle, put the reply on the ledger."""
        intent = self._intent(call, model, request, reservation)
        started_s = self._seat.run.clock.monotonic_s()
        reply: Reply | None = None
        try:
            await self._seat.run.record(intent)
        except LedgerError:  # it is not on record, so it was not made
            self._seat.purse.settle(reservation, Usage())
            raise
        except BaseException:  # it may be on record by now
            await self._ended(call, None, reservation, Usage(steps=1), NOT_MADE, INTERRUPTED)
            raise
        error, paid = "the call was interrupted; its fate is unknown", True
        failure, status = INTERRUPTED, None
        try:
            reply = await self._complete(call, model, request)
            return reply
        except ModelError as problem:
            self._seat.cleaner.failure(problem)
            error, paid = str(problem), problem.paid
            failure, status = type(problem).__name__, problem.status
            raise
        finally:
            usage = self._usage(reply, reservation, price, started_s=started_s, paid=paid)
            await self._ended(call, reply, reservation, usage, error, failure, status)

    async def _ended(
        self,
        call: str,
        reply: Reply | None,
        reservation: Reservation,
        usage: Usage,
        error: str,
        failure: str,
        status: int | None = None,
    ) -> None:
        """Settle a call and put its end on the ledger, whatever else is going on."""
        self.last_reply = reply
        ended = Called(
            task=self._seat.task.id,
            call=call,
            agent=self._seat.agent,
            reply=reply,
            error="" if reply else error,
            failure="" if reply else failure,
            status=status,
            usage=usage,
            overrun=self._seat.purse.settle(reservation, usage),
        )
        with CancelScope(shield=True), anyio.fail_after(_CLOSING_S):
            await self._seat.run.record(ended)

    async def _complete(self, call: str, model: ChatModel, request: Request) -> Reply:
        wrapped = self._seat.run.wrap(model, call) if self._seat.run.wrap else model
        if self._seat.run.write is not None and isinstance(wrapped, StreamingModel):
            return await wrapped.stream(request, write=partial(self._seat.run.write, self._seat.agent))
        return await wrapped.complete(request)

    def _reserve(self, model: ChatModel, request: Request, price: Price) -> tuple[Request, Reservation]:
        """The worst case leaves the purse: the prompt's upper bound, and the output cap (cut to what is left)."""
        self._seat.book_all()
        prompt_tokens = model.bound_tokens(request)
        left = self._seat.purse.left
        cap = request.max_tokens if left.tokens is None else min(request.max_tokens, left.tokens - prompt_tokens)
        if self._write_cap is not None:
            promised = self._write_cap - self._seat.purse.spent.output_tokens
            if promised < 1:
                raise BudgetExceededError(f"plan of {self._seat.agent}", "promised output tokens", 1, 0)
            cap = min(cap, promised)
        if 1 <= cap < request.max_tokens:
            request = request.model_copy(update={"max_tokens": cap})
        if left.seconds is not None and 0 < left.seconds < request.deadline_s:
            request = request.model_copy(update={"deadline_s": left.seconds})
        usd = price.of(prompt_tokens, request.max_tokens) if price.unit == "usd" else _FREE
        return request, self._seat.purse.reserve(usd=usd, tokens=prompt_tokens + request.max_tokens)

    def _intent(self, call: str, model: ChatModel, request: Request, reservation: Reservation) -> Reserved:
        follows = _shared(self._last, request)
        self._last = request
        on_record = request
        if follows:
            on_record = request.model_copy(update={"messages": request.messages[follows:], "tools": ()})
        return Reserved(
            task=self._seat.task.id,
            call=call,
            agent=self._seat.agent,
            model=model.name,
            request=on_record,
            follows=follows,
            usd=reservation.usd,
            tokens=reservation.tokens,
        )

    def _usage(
        self, reply: Reply | None, reservation: Reservation, price: Price, *, started_s: float, paid: bool
    ) -> Usage:
        """What is booked: the reply's tokens at our own price; the whole reservation where the fate is unknown."""
        seconds = self._seat.since(started_s)
        if reply is not None:
            seconds = max(seconds, reply.usage.seconds)  # a reply from the record takes what it took
            tokens_in, tokens_out = reply.usage.input_tokens, reply.usage.output_tokens
            usd = price.of(tokens_in, tokens_out) if price.unit == "usd" and not reply.cached else _FREE
            return Usage(usd=usd, input_tokens=tokens_in, output_tokens=tokens_out, steps=1, seconds=seconds)
        if paid:
            return Usage(usd=reservation.usd, input_tokens=reservation.tokens, steps=1, seconds=seconds)
        return Usage(steps=1, seconds=seconds)


def _shared(last: Request | None, request: Request) -> int:
    """How many leading messages the last request already put on record; 0 unless the tools are the same."""
    if last is None or last.tools != request.tools:
        return 0
    count = 0
    for old, new in zip(last.messages, request.messages, strict=False):
        if old is not new and old != new:
            break
        count += 1
    return count if count == len(last.messages) else 0
