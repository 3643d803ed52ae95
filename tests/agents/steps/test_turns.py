"""An agent with two models calls the one that was chosen, pays its price, and stays inside its budget."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import cast

import pytest
from pydantic import BaseModel

from agora.agents.llm import LLMAgent
from agora.agents.steps import Always, Pair, StepChoice, StepCounts, StepPolicy, StepSight
from agora.agents.tools import tool
from agora.bids import Plan, Price
from agora.errors import ConfigError, ModelError, UnknownNameError
from agora.events import Called, Reserved, Stepped
from agora.memory.in_memory import MemoryStore
from agora.messages import Reply, Request
from agora.models.retries import Retries
from agora.protocols import ChatModel
from agora.tasks import Limits, Task, Usage
from agora.testing import FakeClock, RuleModel, ScriptedModel, call, desk_for

TASK = Task(id="t", goal="add 1 and 2")
PLAN = Plan(text="1. add\n2. answer", steps=2)
CHEAP = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(2))
DEAR = Price(input_per_mtok=Decimal(10), output_per_mtok=Decimal(20))
SECONDS = Price(unit="s", input_per_mtok=Decimal(9_000), output_per_mtok=Decimal(9_000))


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: Another.
    """
    return a + b


@tool
def explode() -> str:
    """Fail."""
    raise ValueError("boom")


class Total(BaseModel):
    total: int


def agent(small: ChatModel, strong: ChatModel, *, steps: str | StepPolicy = "escalate", **more: object) -> LLMAgent:
    return LLMAgent("a", small, strong=strong, steps=steps, tools=[add, explode], max_tokens=100, **more)  # type: ignore[arg-type]


def stepped(store: MemoryStore) -> list[Stepped]:
    return [item.event for item in store.events() if isinstance(item.event, Stepped)]


async def test_a_tool_that_failed_brings_in_the_strong_model_and_its_price_is_what_is_booked() -> None:
    small = ScriptedModel("cheap", [call("explode"), "3"], price=CHEAP)
    strong = ScriptedModel("dear", [call("add", a=1, b=2), call("add", a=2, b=1)], price=DEAR)
    store = MemoryStore(clock=FakeClock())
    work = await agent(small, strong).perform(desk_for(TASK, store=store), PLAN)
    assert work.output == "3"
    small.assert_consumed()
    strong.assert_consumed()
    seen = stepped(store)
    assert [(event.number, event.model, event.policy) for event in seen] == [
        (1, "cheap", "escalate"),
        (2, "dear", "escalate"),
        (3, "dear", "escalate"),
        (4, "cheap", "escalate"),
    ]
    assert [event.step.trouble for event in seen] == [0, 1, 0, 0]
    assert seen[1].reason == "1 troubled step in a row: the strong model"
    reserved = [item.event for item in store.events() if isinstance(item.event, Reserved)]
    called = [item.event for item in store.events() if isinstance(item.event, Called)]
    assert [event.model for event in reserved] == ["cheap", "dear", "dear", "cheap"]
    for intent, end in zip(reserved, called, strict=True):
        price = DEAR if intent.model == "dear" else CHEAP
        assert end.usage.usd == price.of(end.usage.input_tokens, end.usage.output_tokens)
        assert intent.usd == price.of(intent.tokens - 100, 100)


async def test_each_choice_stands_on_the_ledger_before_its_call() -> None:
    small, strong = ScriptedModel("cheap", [call("add", a=1, b=2), "3"]), ScriptedModel("dear", [], price=DEAR)
    store = MemoryStore(clock=FakeClock())
    await agent(small, strong).perform(desk_for(TASK, store=store), PLAN)
    kinds = [item.event.kind for item in store.events() if item.event is not None]
    assert kinds == ["stepped", "reserved", "called", "tool", "stepped", "reserved", "called"]


async def test_without_a_strong_model_nothing_is_chosen_or_recorded() -> None:
    store = MemoryStore(clock=FakeClock())
    await LLMAgent("a", ScriptedModel("m", ["3"]), tools=[]).perform(desk_for(TASK, store=store), PLAN)
    assert stepped(store) == []


async def test_repeated_calls_and_answers_that_do_not_fit_are_trouble_too() -> None:
    same = call("add", a=1, b=2)
    small = ScriptedModel("cheap", [same, same, "no JSON"], price=CHEAP)
    strong = ScriptedModel("dear", [call("add", a=3, b=3), call("add", a=4, b=4), '{"total": 3}'], price=DEAR)
    store = MemoryStore(clock=FakeClock())
    work = await agent(small, strong, output=Total).perform(desk_for(TASK, store=store), PLAN)
    assert work.output == '{"total": 3}'
    assert [(event.model, event.step.trouble) for event in stepped(store)] == [
        ("cheap", 0),
        ("cheap", 0),
        ("dear", 1),
        ("dear", 0),
        ("cheap", 0),
        ("dear", 1),
    ]


async def test_a_strong_call_that_does_not_fit_goes_to_the_cheap_model_and_says_why() -> None:
    small, strong = RuleModel("cheap", lambda request: "3", price=CHEAP), RuleModel("dear", lambda _: "3", price=DEAR)
    store = MemoryStore(clock=FakeClock())
    made = agent(small, strong, steps="always-large")
    await made.perform(desk_for(TASK, store=store, limits=Limits(usd=Decimal("0.002"))), PLAN)
    (event,) = stepped(store)
    assert (event.model, event.step.forced, event.step.propensity, strong.calls) == ("cheap", True, 1.0, 0)
    assert "of the budget, and 100.0% is left: the cheap model" in event.reason


async def test_where_neither_fits_the_desk_refuses_as_ever() -> None:
    small, strong = RuleModel("cheap", lambda request: "3", price=CHEAP), RuleModel("dear", lambda _: "3", price=DEAR)
    made = agent(small, strong, steps="always-large")
    work = await made.perform(desk_for(TASK, limits=Limits(usd=Decimal("0.0001"))), PLAN)
    assert work.output.startswith("[stopped: ")
    assert "usd limit" in work.output
    assert small.calls == strong.calls == 0


@pytest.mark.parametrize("steps", ["always-large", "escalate", "advantage", "bandit"])
@pytest.mark.parametrize("tokens", [0, 1, 100_000])
async def test_the_budget_holds_whatever_models_report(steps: str, tokens: int) -> None:
    """A model that reports nothing, next to nothing, or far more than its bound."""
    lie = Usage(input_tokens=tokens, output_tokens=tokens)

    def more(request: Request) -> Reply:
        return call("explode").model_copy(update={"usage": lie})

    budget = Limits(usd=Decimal("0.02"), steps=40)
    store = MemoryStore(clock=FakeClock())
    small, strong = RuleModel("cheap", more, price=CHEAP), RuleModel("dear", more, price=DEAR)
    desk = desk_for(TASK, store=store, limits=budget)
    work = await agent(small, strong, steps=steps).perform(desk, PLAN)
    assert work.output.startswith("[stopped: ")
    spent, called = Decimal(0), [item.event for item in store.events()]
    for event in called:
        if isinstance(event, Reserved):
            assert spent + event.usd <= Decimal("0.02"), "every worst case was there when it was reserved"
        elif isinstance(event, Called):
            spent += event.usage.usd
    overruns = [event for event in called if isinstance(event, Called) and event.overrun]
    assert len(overruns) == (tokens == 100_000), "who breaks one bound is not trusted with another"
    assert overruns or spent <= Decimal("0.02")


async def test_a_strong_call_whose_retry_does_not_fit_is_made_by_the_cheap_model() -> None:
    """Every attempt of unknown fate is booked at its worst case, until no further one fits."""
    lost = ModelError("dear", "no answer", paid=True, status=503)
    small, strong = ScriptedModel("cheap", ["3"], price=CHEAP), RuleModel("dear", lambda _: lost, price=DEAR)
    store = MemoryStore(clock=FakeClock())
    desk = desk_for(TASK, store=store, limits=Limits(usd=Decimal("0.03")), retries=Retries(attempts=9, base_s=0.0))
    work = await agent(small, strong, steps="always-large").perform(desk, PLAN)
    assert work.output == "3"
    first, second = stepped(store)
    assert (first.number, first.model, first.instead) == (1, "dear", False)
    assert (second.number, second.model, second.instead, second.step.forced) == (1, "cheap", True, True)
    assert "usd may be needed" in second.reason
    assert desk.steps == (second.step,), "what stands is what is learned from"


def test_the_card_promises_the_worst_case_of_both_models() -> None:
    mixed = Price(input_per_mtok=Decimal(3), output_per_mtok=Decimal(1), per_task=Decimal(1))
    small, strong = ScriptedModel("cheap", [], price=CHEAP), ScriptedModel("dear", [], price=mixed)
    worst = Price(input_per_mtok=Decimal(3), output_per_mtok=Decimal(2), per_task=Decimal(1))
    assert agent(small, strong).profile.price == worst
    assert agent(small, ScriptedModel("dear", [], price=DEAR)).profile.price == DEAR
    assert agent(ScriptedModel("dear", [], price=DEAR), small).profile.price == DEAR
    local = ScriptedModel("local", [], price=SECONDS)
    assert agent(local, strong).profile.price == mixed, "local work is free of dollars"
    assert agent(strong, local).profile.price == mixed
    assert agent(local, ScriptedModel("other", [], price=SECONDS)).profile.price == SECONDS
    assert agent(small, strong, price=DEAR).profile.price == DEAR.model_copy(update={"per_task": Decimal(1)})


def test_another_strong_model_or_policy_is_another_agent_and_none_changes_nothing() -> None:
    small, strong, other = (ScriptedModel(name, [], price=CHEAP) for name in ("cheap", "dear", "other"))
    alone = LLMAgent("a", small).profile
    cards = [
        alone,
        *(agent(small, two, steps=one).profile for two in (strong, other) for one in ("escalate", "bandit")),
    ]
    assert len({card.digest for card in cards}) == len(cards)
    assert alone.digest == LLMAgent("b", small).profile.digest
    assert {card.operator for card in cards} == {alone.operator}


def test_a_pair_that_is_none_is_refused_before_anything_is_spent() -> None:
    small, strong = ScriptedModel("cheap", []), ScriptedModel("dear", [])
    free = ScriptedModel("free", [], price=None)
    cases: list[tuple[Callable[[], LLMAgent], str]] = [
        (lambda: LLMAgent("a", small, steps="escalate"), "steps: there is nothing to choose between"),
        (lambda: LLMAgent("a", small, strong=small), "strong: 'cheap' is the agent's own model"),
        (lambda: LLMAgent("a", small, strong=free), "strong: 'free' has no known price"),
        (lambda: LLMAgent("a", free, strong=strong), "model: 'free' has no known price"),
    ]
    cases.append(
        (lambda: LLMAgent("a", small, strong=strong, steps=cast("StepPolicy", 3)), "steps: 3 is no step policy")
    )
    for make, said in cases:
        with pytest.raises(ConfigError, match=said):
            make()
    with pytest.raises(UnknownNameError, match="no step policy named 'esclate'; did you mean 'escalate'"):
        LLMAgent("a", small, strong=strong, steps="esclate")
    assert Pair.of(small, strong, Always("large")).digest == "dear\nalways-large"


async def test_a_policy_of_ones_own_sees_what_is_left_and_what_the_last_call_took() -> None:
    sights: list[StepSight] = []

    class Watching(Always):
        def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
            sights.append(sight)
            return super().choose(sight, counts=counts, draw=draw)

    small = ScriptedModel("cheap", [call("add", a=1, b=2), "3"], price=CHEAP)
    desk = desk_for(TASK, limits=Limits(usd=Decimal("0.1"), tokens=200_000))
    await agent(small, ScriptedModel("dear", [], price=DEAR), steps=Watching("small")).perform(desk, PLAN)
    first, second = sights
    assert (first.number, first.left, first.large) == (1, 1.0, first.large_worst)
    assert first.large_worst > first.small_worst > 0
    assert second.left < 1.0
    assert 0 < second.small < second.small_worst
    assert second.tokens > 0
