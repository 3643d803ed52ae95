"""Model calls at the desk: each attempt with its own reservation, intent and settlement."""

from __future__ import annotations

import time
from decimal import Decimal

import anyio
import pytest
from anyio.lowlevel import checkpoint

from agora.ambient import SeededChance, SystemClock
from agora.bids import Price
from agora.errors import AgoraError, BudgetError, BudgetExceededError, ModelError, ModelTimeoutError
from agora.events import Called, Reserved
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Reply, Request
from agora.models.litellm_model import LiteLLMModel
from agora.models.replies import LostConnectionError
from agora.models.retries import Retries, call_of
from agora.tasks import Limits, Task, Usage
from agora.testing import FakeClock, RuleModel, ScriptedModel, desk_for, say
from agora.testing.endpoint import Behaviour, FaultyEndpoint, refuse

AT_ONCE = Retries(base_s=0.0)
PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(10))
TASK = Task(id="t", goal="answer")
BUSY = ModelError("m", "busy", status=503)
REFUSED = ModelError("m", "slow down", paid=False, status=429)
LOST = LostConnectionError("m", "lost")


def ask(text: str = "hi", **changes: object) -> Request:
    plain = Request(messages=(Message(role="user", content=text),), max_tokens=50, deadline_s=20.0)
    return plain.model_copy(update=changes)


def hosted(endpoint: FaultyEndpoint) -> LiteLLMModel:
    return LiteLLMModel("openai/test", api_base=endpoint.url, api_key="none", price=PRICE)


def memory() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


def intents(store: MemoryStore) -> list[Reserved]:
    return [item.event for item in store.events() if isinstance(item.event, Reserved)]


def endings(store: MemoryStore) -> list[Called]:
    return [item.event for item in store.events() if isinstance(item.event, Called)]


def booked_usd(store: MemoryStore) -> Decimal:
    return sum((ended.usage.usd for ended in endings(store)), Decimal(0))


@pytest.mark.parametrize("script", [["429", "ok"], ["500", "503", "ok"], ["reset", "ok"]])
async def test_each_attempt_is_one_request_with_an_intent_and_a_settlement(script: list[str]) -> None:
    store = memory()
    with FaultyEndpoint(*script) as endpoint:
        reply = await desk_for(TASK, store=store, retries=AT_ONCE).ask(hosted(endpoint), ask())
        assert reply.text == "hello"
        assert endpoint.count == len(script)
    ids = ["t/test/agent/1", "t/test/agent/1+1", "t/test/agent/1+2"][: len(script)]
    kinds = [(item.event.kind, item.event.call) for item in store.events() if isinstance(item.event, Reserved | Called)]
    assert kinds == [(kind, attempt) for attempt in ids for kind in ("reserved", "called")]
    assert [bool(ended.error) for ended in endings(store)] == [True] * (len(script) - 1) + [False]


async def test_a_server_that_always_fails_gives_its_error_after_three_attempts_on_record() -> None:
    store = memory()
    with FaultyEndpoint("503") as endpoint:
        with pytest.raises(ModelError, match="status 503: overloaded"):
            await desk_for(TASK, store=store, retries=AT_ONCE).ask(hosted(endpoint), ask())
        assert endpoint.count == 3
    assert (len(intents(store)), len(endings(store))) == (3, 3)
    assert [ended.usage.usd for ended in endings(store)] == [intent.usd for intent in intents(store)]
    assert [ended.usage.steps for ended in endings(store)] == [1, 1, 1]


@pytest.mark.parametrize("fault", ["401", "404", "overflow", "cut", "garbage", "null finish"])
async def test_what_cannot_heal_is_not_tried_again(fault: str) -> None:
    with FaultyEndpoint(fault, "ok") as endpoint:
        with pytest.raises(ModelError):
            await desk_for(TASK, retries=AT_ONCE).ask(hosted(endpoint), ask())
        assert endpoint.count == 1


async def test_a_lost_connection_is_booked_at_its_worst_case_and_the_purse_stays_open() -> None:
    store = memory()
    desk = desk_for(TASK, store=store, retries=AT_ONCE)
    with FaultyEndpoint("reset", "ok") as endpoint:
        model = hosted(endpoint)
        reply = await desk.ask(model, ask())
        lost, answered = endings(store)
        assert lost.usage.usd == intents(store)[0].usd == PRICE.of(model.bound_tokens(ask()), 50)
        assert answered.usage.usd == reply.usage.usd == PRICE.of(9, 3)
        assert not lost.overrun
        assert not answered.overrun
        assert desk.left.usd == 1 - lost.usage.usd - answered.usage.usd
        assert (await desk.ask(model, ask())).text == "hello"


async def test_a_refused_attempt_costs_a_step_and_no_money() -> None:
    store = memory()
    desk = desk_for(TASK, store=store, retries=AT_ONCE)
    await desk.ask(ScriptedModel("m", [REFUSED, "fine"]), ask())
    refused = endings(store)[0].usage
    assert refused == Usage(steps=1)
    assert desk.left.steps == 58


async def test_a_retry_after_is_waited_for() -> None:
    script: tuple[Behaviour | str, ...] = ("ok", refuse(429, "slow down", retry_after_s=0.3), "ok")
    with FaultyEndpoint(*script) as endpoint:
        model, desk = hosted(endpoint), desk_for(TASK, retries=AT_ONCE)
        await desk.ask(model, ask())  # imports and connects
        started_s = time.monotonic()
        await desk.ask(model, ask())
        assert time.monotonic() - started_s >= 0.3
        assert endpoint.count == 3


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    with FaultyEndpoint("429 late") as endpoint:
        with pytest.raises(ModelError) as caught:
            await desk_for(TASK).ask(hosted(endpoint), ask())
        assert (endpoint.count, caught.value.retry_after_s) == (1, 3600.0)


async def test_no_pause_is_longer_than_the_purse_lasts() -> None:
    late = ModelError("m", "later", paid=False, status=429, retry_after_s=9.0)
    desk = desk_for(TASK, limits=Limits(usd=Decimal(1), seconds=5.0))
    with pytest.raises(ModelError, match="later"):
        await desk.ask(ScriptedModel("m", [late]), ask())


async def test_a_pause_follows_from_the_runs_seed_and_the_attempts_id() -> None:
    """With pauses of up to 20 s, a deadline just short of this draw ends the call at once."""
    wait_s = 20.0 * SeededChance(0).uniform("retry/t/test/agent/1")
    desk = desk_for(TASK, retries=Retries(base_s=20.0))
    with pytest.raises(ModelError, match="busy"):
        await desk.ask(ScriptedModel("m", [BUSY]), ask(deadline_s=wait_s * 0.999))


async def test_a_retry_that_no_longer_fits_the_purse_is_not_made() -> None:
    store, model = memory(), ScriptedModel("m", [LOST], price=PRICE)
    worst = PRICE.of(model.bound_tokens(ask()), 50)
    desk = desk_for(TASK, store=store, limits=Limits(usd=worst * Decimal("1.5")), retries=AT_ONCE)
    with pytest.raises(BudgetExceededError, match="usd") as caught:
        await desk.ask(model, ask())
    assert caught.value.__cause__ is LOST
    assert (len(intents(store)), booked_usd(store)) == (1, worst)


async def test_the_deadline_holds_over_all_attempts() -> None:
    store, clock = memory(), SystemClock()
    with FaultyEndpoint("ok", refuse(503, "busy", retry_after_s=0.2), "hang") as endpoint:
        model, desk = hosted(endpoint), desk_for(TASK, store=store, clock=clock, retries=AT_ONCE)
        await desk.ask(model, ask())  # imports and connects
        started_s = time.monotonic()
        with pytest.raises(ModelTimeoutError):
            await desk.ask(model, ask(deadline_s=0.6))
        assert 0.6 <= time.monotonic() - started_s < 5
        assert endpoint.count == 3
    first, second = intents(store)[1:]
    assert first.request.deadline_s == 0.6
    assert second.request.deadline_s <= 0.4


async def test_a_long_prompt_is_kept_on_record_once_however_often_it_is_tried() -> None:
    store = memory()
    await desk_for(TASK, store=store, retries=AT_ONCE).ask(ScriptedModel("m", [BUSY, LOST, "fine"]), ask("x" * 999))
    assert [(intent.follows, len(intent.request.messages)) for intent in intents(store)] == [(0, 1), (1, 0), (1, 0)]


class Unreliable(RuleModel):
    """Answers, fails, is lost or says it was free, as the seed says, and in any order; call 31 may claim a fortune."""

    def __init__(self, seed: int, *, lies: bool) -> None:
        super().__init__("fake/unreliable", self._answer, price=PRICE)
        self._chance = SeededChance(seed)
        self._lies = lies

    def _answer(self, request: Request) -> Reply | ModelError:
        if self._lies and self.calls == 31:
            return say("mine", usage=Usage(usd=Decimal(9), input_tokens=10**9, output_tokens=10**9))
        kind = self._chance.integer(f"kind/{request.messages[0].content}/{self.calls}") % 7
        slow = ModelTimeoutError("m", "no answer in time")
        return (say("yes"), say("no"), say("free", usage=Usage()), slow, LOST, BUSY, REFUSED)[kind]

    async def complete(self, request: Request) -> Reply:
        for _ in range(self._chance.integer(f"turns/{request.messages[0].content}/{self.calls}") % 9):
            await checkpoint()
        return await super().complete(request)


@pytest.mark.parametrize("lies", [False, True])
@pytest.mark.parametrize("seed", range(6))
async def test_parallel_calls_never_book_more_than_the_purse_unless_a_reply_breaks_its_own_bound(
    seed: int, lies: bool
) -> None:
    store, model, most = memory(), Unreliable(seed, lies=lies), Decimal("0.03")
    desk = desk_for(TASK, store=store, limits=Limits(usd=most), retries=AT_ONCE)
    refused: list[AgoraError] = []

    async def one(number: int) -> None:
        try:
            await desk.ask(model, ask(f"question {number}"))
        except (ModelError, BudgetError) as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        for number in range(64):
            group.start_soon(one, number)

    begun = {intent.call: intent for intent in intents(store)}
    ended = {ending.call: ending for ending in endings(store)}
    assert len(begun) == len(intents(store)) == len(endings(store)) == model.calls
    assert begun.keys() == ended.keys()
    assert len({call_of(call) for call in begun}) < len(begun), "nothing was tried again"
    assert any(isinstance(error, BudgetError) for error in refused), "the purse never refused"
    broken = [call for call in ended if ended[call].overrun]
    excess = sum((ended[call].usage.usd - begun[call].usd for call in broken), Decimal(0))
    assert booked_usd(store) <= most + excess
    assert desk.left.usd == max(Decimal(0), most - booked_usd(store))
    assert bool(broken) == lies
    if broken:
        with pytest.raises(BudgetError, match="the purse is closed"):
            await desk.ask(model, ask())
