"""A chat model that answers from the record: the n-th equal request gets the n-th recorded reply."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agora.bids import Price
from agora.errors import LedgerError, ModelError
from agora.events import Called, Event, Reserved
from agora.messages import Reply, Request
from agora.models.retries import call_of
from agora.models.tokens import bound_tokens
from agora.protocols import ChatModel


class RecordedModel:
    """Answers from recorded pairs; a request that is not on record is an error, never a call.

    Equal requests are told apart by their order alone, so calls may come in another order than they were recorded.

    Args:
        name: As the user wrote it.
        replies: Requests with what came back: a reply, or the message of an error.
        price: As it was when recorded.
    """

    def __init__(
        self, name: str, replies: Iterable[tuple[Request, Reply | str]], *, price: Price | None = None
    ) -> None:
        self._name = name
        self._price = price
        self._replies: dict[str, list[Reply | str]] = defaultdict(list)
        self._taken: dict[str, int] = defaultdict(int)
        for request, reply in replies:
            self._replies[request_key(request)].append(reply)

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._name

    def price(self) -> Price | None:
        """As it was when recorded."""
        return self._price

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on the prompt's tokens."""
        return bound_tokens(request)

    async def complete(self, request: Request) -> Reply:
        """Give the next recorded reply to this request.

        Raises:
            LedgerError: It is not on record, or was recorded fewer times.
            ModelError: The recorded call failed.
        """
        key = request_key(request)
        recorded, place = self._replies.get(key, ()), self._taken[key]
        if place >= len(recorded):
            asked = request.messages[-1].content[:80] if request.messages else ""
            raise LedgerError(
                f"model {self._name!r}: request {key[:12]} ({asked!r}) has {len(recorded)} recorded replies "
                f"and was made {place + 1} times: the run has diverged from its record"
            )
        self._taken[key] += 1
        reply = recorded[place]
        if isinstance(reply, str):
            raise ModelError(self._name, reply.removeprefix(f"model {self._name!r}: "))
        return reply

    @property
    def unused(self) -> int:
        """How many recorded replies nobody has asked for."""
        return sum(len(replies) - self._taken[key] for key, replies in self._replies.items())


class Reusing:
    """A local model that is not asked again what is on record: the recorded reply comes back, with what it took.

    Only what would be the same again is reused: a seeded request to a model of this machine, whose recorded answer
    ended by itself within the cap, or was cut at the same cap. Everything else is a call.

    Args:
        model: Asked where nothing is on record.
        replies: What was recorded: request key -> cap and reply.
    """

    def __init__(self, model: ChatModel, replies: Mapping[str, tuple[int, Reply]]) -> None:
        self._model, self._replies = model, replies

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    def price(self) -> Price | None:
        """The model's."""
        return self._model.price()

    def bound_tokens(self, request: Request) -> int:
        """The model's."""
        return self._model.bound_tokens(request)

    async def complete(self, request: Request) -> Reply:
        """The recorded reply, or a call.

        Raises:
            ModelError: The call failed.
        """
        price = self._model.price()
        if request.seed is not None and price is not None and price.unit == "s":
            cap, reply = self._replies.get(_uncapped_key(request), (0, None))
            if reply is not None:
                whole = reply.finish != "length" and reply.usage.output_tokens <= request.max_tokens
                if whole or cap == request.max_tokens:
                    return reply
        return await self._model.complete(request)


def replies_of(events: Iterable[Event], model: str) -> dict[str, tuple[int, Reply]]:
    """What a model answered in a run, from its ledger, for `Reusing`; with the seconds that were booked.

    Args:
        events: A run's events in order.
        model: The model's name.
    """
    found: dict[str, tuple[int, Reply]] = {}
    for name, request, end in _exchanges(events):
        if name == model and end.reply is not None:
            usage = end.reply.usage.model_copy(update={"seconds": end.usage.seconds})
            reply = end.reply.model_copy(update={"usage": usage})
            found.setdefault(_uncapped_key(request), (request.max_tokens, reply))
    return found


def _uncapped_key(request: Request) -> str:
    return request_key(request.model_copy(update={"max_tokens": 1}))


def request_key(request: Request) -> str:
    """SHA-256 of what is asked: equal requests, equal keys.

    The deadline (it depends on the clock) and the note of what was cut are no part of it.
    """
    asked = request.model_dump(mode="json", exclude={"deadline_s", "dropped"})
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def recorded_from(events: Iterable[Event], *, prices: Sequence[tuple[str, Price]] = ()) -> dict[str, RecordedModel]:
    """The models of a run, from its ledger: each answers as it did, in the order in which calls were reserved.

    Args:
        events: A run's events in order. A reservation without its end (a crash) is left out, and of several
            attempts at one call the last one counts.
        prices: Model and price, where they are to be charged again.

    Returns:
        Model name -> recorded model.
    """
    pairs: dict[str, list[tuple[Request, Reply | str]]] = defaultdict(list)
    for model, request, end in _exchanges(events):
        pairs[model].append((request, end.error if end.reply is None else end.reply))
    known = dict(prices)
    return {name: RecordedModel(name, replies, price=known.get(name)) for name, replies in pairs.items()}


def _exchanges(events: Iterable[Event]) -> Iterator[tuple[str, Request, Called]]:
    """Model, whole request and ending of each call, in the order in which calls were reserved."""
    reserved: dict[str, tuple[str, Request]] = {}
    ended: dict[str, Called] = {}
    at_desk: dict[str, Request] = {}
    for event in events:
        if isinstance(event, Reserved):
            call, desk = call_of(event.call), event.call.rpartition("/")[0]
            at_desk[desk] = whole_request(event, at_desk.get(desk))
            reserved.setdefault(call, (event.model, at_desk[desk]))
            ended.pop(call, None)
        elif isinstance(event, Called):
            ended[call_of(event.call)] = event
    for call, (model, request) in reserved.items():
        if call in ended:
            yield model, request, ended[call]


def whole_request(intent: Reserved, before: Request | None) -> Request:
    """The request as it was sent: what the previous call of the same desk put on record is put back in front.

    Args:
        intent: The call.
        before: The previous whole request of the same desk.

    Raises:
        LedgerError: The record of the previous call is missing.
    """
    if not intent.follows:
        return intent.request
    if before is None or len(before.messages) < intent.follows:
        raise LedgerError(f"call {intent.call!r} follows on a call that is not on record")
    messages = (*before.messages[: intent.follows], *intent.request.messages)
    return intent.request.model_copy(update={"messages": messages, "tools": before.tools})
