"""A provider's health round real guards: what counts against it, who is refused, storms and recoveries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest
from anyio.lowlevel import checkpoint

from agora.abilities import MayBeDown
from agora.bids import Price
from agora.errors import (
    ContextOverflowError,
    ModelError,
    ModelTimeoutError,
    ProviderBusyError,
    ProviderDownError,
    ReplyCutError,
)
from agora.memory.null_store import NullStore
from agora.messages import Message, Request
from agora.models.breaker import FIRST_S, LEAST_CALLS, LONGEST_S, SPAN_S
from agora.models.concurrency import Concurrency
from agora.models.health import SHARED, Health, HealthRegistry, speaks_ill
from agora.models.limits import Guarded
from agora.models.litellm_model import LiteLLMModel
from agora.models.replies import LostConnectionError, Raw
from agora.models.retries import Retries
from agora.models.retry_budget import SHARE
from agora.tasks import Task
from agora.testing import FakeClock, FaultyEndpoint, desk_for
from agora.testing.chaos import BEHAVIOURS

ASK = Request(messages=(Message(role="user", content="hi"),), max_tokens=5, deadline_s=60.0)
BUSY = ModelError("m", "busy", status=503)
GOOD = Raw("fine", "stop", 5, 2, "line")
DEADLINE = ASK.model_copy(update={"deadline_s": 0.05})


class Provider:
    """A provider that does what it is told to, and counts."""

    def __init__(self, does: Callable[[], Raw | ModelError | None]) -> None:
        self.name = "fake/model"
        self.does = does
        self.count = 0

    def price(self) -> Price:
        return Price()

    async def send(self, request: Request) -> Raw:
        self.count += 1
        await checkpoint()
        what = self.does()
        if what is None:
            await anyio.sleep_forever()
            raise AssertionError("the deadline did not hold")
        if isinstance(what, ModelError):
            raise type(what)("m", what.what, status=what.status, retry_after_s=what.retry_after_s)
        return what


def guarded(does: Raw | ModelError | None, clock: FakeClock | None = None) -> tuple[Provider, Guarded, FakeClock]:
    clock = clock or FakeClock()
    provider = Provider(lambda: does)
    return provider, Guarded(provider, health=Health(clock=clock)), clock


async def fail(model: Guarded, times: int, request: Request = ASK) -> list[ModelError]:
    failures: list[ModelError] = []
    for _ in range(times):
        with pytest.raises(ModelError) as caught:
            await model.complete(request)
        failures.append(caught.value)
    return failures


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        *[(ModelError("m", "x", status=status), True) for status in (408, 429, 500, 502, 503, 504, 529)],
        *[(ModelError("m", "x", status=status), False) for status in (307, 400, 401, 403, 404, 409, 413, 422)],
        (LostConnectionError("m", "x"), True),
        (ModelTimeoutError("m", "x"), True),
        (ReplyCutError("m", "x"), True),
        (ContextOverflowError("m", "x", status=400), False),
        (ModelError("m", "not JSON"), False),
    ],
    ids=str,
)
def test_only_what_speaks_of_the_provider_counts_against_it(error: ModelError, counts: bool) -> None:
    assert speaks_ill(error) == counts


async def test_after_twenty_failures_nobody_calls_and_the_error_says_when_it_is_tried_next() -> None:
    provider, model, _ = guarded(BUSY)
    await fail(model, LEAST_CALLS)
    assert provider.count == LEAST_CALLS
    (down,) = await fail(model, 1)
    assert isinstance(down, ProviderDownError)
    assert provider.count == LEAST_CALLS
    assert (down.next_s, down.paid) == (FIRST_S, False)
    assert "20 of the last 20 calls failed, the last one so: busy); it is tried next in 2 s" in str(down)


async def test_wrong_keys_never_open_a_breaker() -> None:
    provider, model, _ = guarded(ModelError("m", "no such key", status=401))
    await fail(model, 3 * LEAST_CALLS)
    assert provider.count == 3 * LEAST_CALLS
    assert not model.down()


async def test_a_refused_call_is_not_tried_again_and_costs_no_money() -> None:
    provider, model, _ = guarded(BUSY)
    await fail(model, LEAST_CALLS)
    with pytest.raises(ProviderDownError):
        await desk_for(Task(id="t", goal="answer"), retries=Retries(base_s=0.0)).ask(model, ASK)
    assert provider.count == LEAST_CALLS


async def test_a_model_says_that_it_is_down_until_its_probe_is_due() -> None:
    _, model, clock = guarded(BUSY)
    assert isinstance(model, MayBeDown)
    assert not model.down()
    await fail(model, LEAST_CALLS)
    assert "tried next in 2 s" in model.down()
    clock.advance(FIRST_S - 0.5)
    assert "tried next in 0.5 s" in model.down()
    clock.advance(0.5)
    assert not model.down()


async def test_the_models_of_a_provider_have_a_breaker_each() -> None:
    health = Health(clock=FakeClock())
    bad, good = Provider(lambda: BUSY), Provider(lambda: GOOD)
    good.name = "fake/other"
    await fail(Guarded(bad, health=health), LEAST_CALLS)
    assert Guarded(bad, health=health).down()
    assert (await Guarded(good, health=health).complete(ASK)).text == "fine"


async def test_the_probe_is_one_call_however_many_ask_and_its_answer_lets_all_through() -> None:
    provider, model, clock = guarded(BUSY)
    await fail(model, LEAST_CALLS)
    clock.advance(FIRST_S)
    provider.does = lambda: GOOD
    fates: list[str] = []

    async def call() -> None:
        try:
            await model.complete(ASK)
            fates.append("answered")
        except ProviderDownError:
            fates.append("refused")

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(call)
    assert sorted(fates) == ["answered"] + ["refused"] * 9
    assert provider.count == LEAST_CALLS + 1
    assert (await model.complete(ASK)).text == "fine"


async def test_a_probe_whose_caller_gave_up_leaves_its_place_to_the_next() -> None:
    provider, model, clock = guarded(BUSY)
    await fail(model, LEAST_CALLS)
    clock.advance(FIRST_S)
    provider.does = lambda: None
    with anyio.move_on_after(0.01):
        await model.complete(ASK)
    provider.does = lambda: GOOD
    assert (await model.complete(ASK)).text == "fine"


async def test_silence_opens_the_breaker_and_halves_the_limit() -> None:
    clock = FakeClock()
    health = Health(clock=clock, concurrency=Concurrency(start=8))
    model = Guarded(Provider(lambda: None), health=health)
    assert isinstance((await fail(model, 1, DEADLINE))[0], ModelTimeoutError)
    assert health.concurrency.limit == 4
    await fail(model, 2, DEADLINE)
    assert health.concurrency.limit == 1
    assert health.breaker("fake/model").window.marked == 3
    assert health.concurrency.flying == 0


async def test_a_call_whose_turn_does_not_come_is_neither_made_nor_charged_nor_held_against_the_provider() -> None:
    health = Health(clock=FakeClock(), concurrency=Concurrency(start=1))
    provider = Provider(lambda: None)
    model = Guarded(provider, health=health)
    async with anyio.create_task_group() as group:
        group.start_soon(model.complete, ASK)
        while not provider.count:
            await checkpoint()
        with pytest.raises(ProviderBusyError, match=r"did not come within 0\.05 s; run fewer at once") as caught:
            await model.complete(DEADLINE)
        assert not caught.value.paid
        group.cancel_scope.cancel()
    assert provider.count == 1
    assert health.breaker("fake/model").window.calls == 0
    assert (health.concurrency.flying, health.concurrency.waiting) == (0, 0)


async def test_the_fourth_healable_failure_of_a_small_run_is_not_tried_again() -> None:
    _, model, _ = guarded(BUSY)
    assert [error.again for error in await fail(model, 5)] == [True, True, True, False, False]


async def test_a_struggling_provider_gets_a_tenth_more_calls_and_not_three_times_as_many() -> None:
    """Every third call fails, which keeps the breaker closed."""
    provider, model, _ = guarded(GOOD)
    provider.does = lambda: BUSY if provider.count % 3 == 0 else GOOD
    calls = 300
    for _ in range(calls):
        with suppress(ModelError):
            await desk_for(Task(id="t", goal="answer"), retries=Retries(base_s=0.0)).ask(model, ASK)
    assert calls * (1 + SHARE / 2) < provider.count <= calls * (1 + SHARE)


async def test_a_storm_is_a_tenth_more_calls_at_most_and_its_end_is_seen_within_one_window() -> None:
    """A hundred callers, one call each a second; the provider is down for a minute (promise 27)."""
    provider, model, clock = guarded(GOOD)
    task, store = Task(id="t", goal="answer"), NullStore()
    answered: list[float] = []

    async def call() -> None:
        with suppress(ModelError):
            await desk_for(task, store=store, retries=Retries(base_s=0.0)).ask(model, ASK)
            answered.append(clock.monotonic_s())

    async def second() -> int:
        seen = provider.count
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(call)
        clock.advance(1.0)
        return provider.count - seen

    assert [await second() for _ in range(15)] == [100] * 15

    provider.does = lambda: BUSY
    each = [await second() for _ in range(60)]
    assert max(sum(each[start : start + 10]) for start in range(51)) <= 1.1 * 10 * 100
    assert sum(each) <= 0.5 * 60 * 100, "the breaker did not open"
    assert max(each[30:]) == 1, "more than a probe"

    provider.does = lambda: GOOD
    answered.clear()
    back_s = clock.monotonic_s()
    while not answered:
        await second()
    assert answered[0] - back_s <= LONGEST_S < 2 * SPAN_S
    assert [await second() for _ in range(3)] == [100] * 3


async def test_a_hundred_callers_of_an_overloaded_endpoint_are_a_tenth_more_calls_at_most_and_a_probe_ends_it() -> None:
    clock, now = FakeClock(), ["503"]
    with FaultyEndpoint(lambda exchange: BEHAVIOURS[now[0]](exchange)) as endpoint:
        health = Health(clock=clock)
        model = LiteLLMModel("openai/test", api_base=endpoint.url, api_key="k", price=Price(), health=health)
        replies: list[str] = []

        async def call() -> None:
            with suppress(ModelError):
                desk = desk_for(Task(id="t", goal="answer"), retries=Retries(base_s=0.0))
                replies.append((await desk.ask(model, ASK)).text)

        async def storm() -> None:
            async with anyio.create_task_group() as group:
                for _ in range(100):
                    group.start_soon(call)

        await storm()
        assert LEAST_CALLS <= endpoint.count <= 110
        assert "tried next" in model.down()
        before, now[0] = endpoint.count, "ok"
        await storm()
        assert (endpoint.count, replies) == (before, [])
        clock.advance(FIRST_S)
        await call()
        await storm()
        assert replies == ["hello"] * 101
        assert endpoint.count == before + 101


def test_models_behind_one_key_share_their_providers_health_and_others_do_not() -> None:
    registry = HealthRegistry()
    health = registry.of("openai", api_base="http://a", api_key="k")
    assert registry.of("openai", api_base="http://a", api_key="k") is health
    others = [
        registry.of("openai", api_base="http://a", api_key="l"),
        registry.of("openai", api_base="http://b", api_key="k"),
        registry.of("groq", api_base="http://a", api_key="k"),
    ]
    assert health not in others
    registry.forget("http://a")
    assert registry.of("openai", api_base="http://a", api_key="k") is not health
    assert registry.of("openai", api_base="http://b", api_key="k") is others[1]


def test_no_key_is_kept_in_a_registry() -> None:
    SHARED.of("openai", api_base="http://nowhere", api_key="canary-key")
    assert "canary-key" not in repr(vars(SHARED))
    SHARED.forget("http://nowhere")
