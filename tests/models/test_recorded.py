"""Replies from the record."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agora.errors import LedgerError, ModelError
from agora.events import Called, Event, Reserved
from agora.messages import Message, Reply, Request
from agora.models.recorded import RecordedModel, recorded_from
from agora.tasks import Usage


def ask(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),))


def said(text: str) -> Reply:
    return Reply(text=text, finish="stop", usage=Usage(steps=1), model="m")


async def test_recorded_replies_come_back_in_order_and_nothing_else_does() -> None:
    model = RecordedModel("m", [(ask("a"), said("1")), (ask("b"), said("2")), (ask("a"), said("3")), (ask("c"), "bad")])
    assert [(await model.complete(ask(text))).text for text in ("b", "a", "a")] == ["2", "1", "3"]
    with pytest.raises(ModelError, match="bad"):
        await model.complete(ask("c"))
    assert model.unused == 0
    with pytest.raises(LedgerError, match="has 2 recorded replies and was made 3 times"):
        await model.complete(ask("a"))
    with pytest.raises(LedgerError, match="diverged"):
        await model.complete(ask("new"))


def reserved(call: str, text: str) -> Event:
    return Reserved(call=call, agent="scout", model="fake/one", request=ask(text), usd=Decimal(0), tokens=1)


def called(call: str, reply: str) -> Event:
    return Called(call=call, agent="scout", reply=said(reply), usage=Usage())


async def test_a_ledger_gives_its_models_back_and_leaves_calls_without_an_end_out() -> None:
    events = [
        reserved("1", "a"),
        reserved("2", "a"),
        reserved("3", "crashed"),
        called("2", "second"),
        called("1", "first"),
    ]
    model = recorded_from(events)["fake/one"]
    assert [(await model.complete(ask("a"))).text for _ in range(2)] == ["first", "second"]
    with pytest.raises(LedgerError):
        await model.complete(ask("crashed"))


async def test_a_call_that_was_tried_again_answers_once_with_its_last_attempt() -> None:
    lost = Called(call="t/bid/a/1", agent="scout", error="lost", usage=Usage())
    crashed = Called(call="t/bid/a/2", agent="scout", error="lost", usage=Usage())
    events = [reserved("t/bid/a/1", "a"), lost, reserved("t/bid/a/1+1", ""), called("t/bid/a/1+1", "well")]
    events += [reserved("t/bid/a/2", "b"), crashed, reserved("t/bid/a/2+1", "")]
    model = recorded_from(events)["fake/one"]
    assert (await model.complete(ask("a"))).text == "well"
    assert model.unused == 0
    with pytest.raises(LedgerError):
        await model.complete(ask("b"))
