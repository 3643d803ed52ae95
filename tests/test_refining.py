"""Refinement in the loop: the cheaper bidder learns from a past task, and takes the award by a better plan."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from agora import failpoints
from agora.agents.llm import LLMAgent
from agora.auctions import SALE
from agora.bids import Price
from agora.events import BidPlaced, BidRefused, Event, Recalled, Scored
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Request
from agora.results import Result
from agora.tasks import Check, Task
from agora.testing import FakeClock, RuleModel, audit

FIRST = Task(id="first", goal="multiply the numbers 6 and 7", verify=Check(kind="exact", options={"answer": "42"}))
SECOND = FIRST.model_copy(update={"id": "second", "goal": "multiply the numbers 7 and 6"})
JURY = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9})


class Bidder:
    """Its first plan, the plan that it writes when it is shown lessons, and what it was shown."""

    def __init__(self, name: str, plan: str, *, refined: str = "", dollars: int, answer: str = "42") -> None:
        self.shown: list[str] = []

        def reply(request: Request) -> str:
            prompt = request.messages[0].content
            if "one of the judges" in prompt:
                plans = re.findall(r"^Plan ([A-Z]):\n\| (.*)$", prompt, re.MULTILINE)
                return json.dumps({label: 5 if "check" in text else 0 for label, text in plans})
            if "you may write it once more" in prompt:
                self.shown.append(prompt)
                return refined or plan
            return plan if "Do not solve it yet" in prompt else answer

        price = Price(input_per_mtok=Decimal(dollars), output_per_mtok=Decimal(dollars))
        self.model = RuleModel(f"scripted/{name}", reply, price=price)
        self.agent = LLMAgent(name, self.model, tools=())


def dear() -> Bidder:
    return Bidder("dear", "1. multiply, then check", dollars=4)


def cheap(refined: str = "1. multiply and check") -> Bidder:
    return Bidder("cheap", "1. guess", refined=refined, dollars=1)


def market_of(*bidders: Bidder, store: MemoryStore) -> Market:
    agents = [bidder.agent for bidder in bidders]
    return Market(agents, mechanism=JURY, store=store, seed=1, budget_usd="5", attempts=1)


def events(store: MemoryStore, task: str) -> list[Event]:
    return [item.event for item in store.events() if item.event is not None and item.event.task == task]


async def run(task: Task, *bidders: Bidder, store: MemoryStore) -> Result:
    return await market_of(*bidders, store=store).run(task)


async def test_the_cheaper_bidder_is_shown_what_won_and_takes_the_award_with_a_better_plan() -> None:
    store, rich, poor = MemoryStore(clock=FakeClock()), dear(), cheap()
    first = await run(FIRST, rich, poor, store=store)
    assert first.award is not None
    assert first.award.agent == "dear"
    assert poor.shown == [], "nothing is remembered yet"
    second = await run(SECOND, rich, poor, store=store)
    assert second.award is not None
    assert (second.award.agent, second.award.plan.text) == ("cheap", "1. multiply and check")
    (shown,) = poor.shown
    assert shown.index("| 1. guess") < shown.index("| 1. multiply, then check")
    assert rich.shown == [], "only who asks less than the provisional winner writes again"


async def test_both_rounds_stand_on_the_ledger_with_what_was_shown() -> None:
    store, rich, poor = MemoryStore(clock=FakeClock()), dear(), cheap()
    for task in (FIRST, SECOND):
        await run(task, rich, poor, store=store)
    found = events(store, "second")
    (recalled,) = [event for event in found if isinstance(event, Recalled)]
    assert (recalled.agent, recalled.lessons[0].own) == ("cheap", "lost")
    assert [event.bid.round for event in found if isinstance(event, BidPlaced)] == [0, 0, 1]
    scored = [event for event in found if isinstance(event, Scored)]
    assert [(event.round, event.clearing.winner) for event in scored] == [(0, "dear"), (1, "cheap")]
    assert scored[1].clearing.ranking[0].total < scored[0].clearing.ranking[0].total


async def test_a_finished_run_reports_again_with_the_marks_of_second_plans() -> None:
    store, rich, poor = MemoryStore(clock=FakeClock()), dear(), cheap()
    await run(FIRST, rich, poor, store=store)
    second = await run(SECOND, rich, poor, store=store)
    assert [(bid.agent, bid.round, dict(bid.marks)) for bid in second.bids] == [
        ("cheap", 1, {"cheap": 5, "dear": 5}),
        ("dear", 0, {"cheap": 5, "dear": 5}),
    ]
    again = await market_of(rich, poor, store=store).resume("last")
    assert again.results == (second,)


@pytest.mark.parametrize("refined", ["1. guess again", "1. guess"])
async def test_a_second_plan_that_is_no_better_changes_nothing(refined: str) -> None:
    store, rich, poor = MemoryStore(clock=FakeClock()), dear(), cheap(refined)
    _, result = [await run(task, rich, poor, store=store) for task in (FIRST, SECOND)]
    assert result.award is not None
    assert result.award.agent == "dear"
    assert result.passed
    refusals = [event for event in events(store, "second") if isinstance(event, BidRefused)]
    assert [event.round for event in refusals] == ([1] if refined == "1. guess" else [])


async def test_a_winner_that_failed_teaches_nobody_to_do_as_it_did() -> None:
    store = MemoryStore(clock=FakeClock())
    wrong, poor = Bidder("dear", "1. multiply, then check", dollars=4, answer="41"), cheap()
    for task in (FIRST, SECOND):
        await run(task, wrong, poor, store=store)
    assert poor.shown == []


class Power(BaseException):
    """The power is cut."""


@pytest.mark.parametrize("place", ["recalled", "bid", "judged", "scored"])
async def test_a_run_that_is_cut_off_in_the_second_round_goes_on_in_it(place: str) -> None:
    store, rich, poor = MemoryStore(clock=FakeClock()), dear(), cheap()
    await run(FIRST, rich, poor, store=store)
    hit = {"recalled": 1, "bid": 3, "judged": 3, "scored": 2}[place]

    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint(place, hit, act=cut))
    try:
        with pytest.raises(Power):
            await run(SECOND, rich, poor, store=store)
    finally:
        failpoints.arm(None)
    report = await market_of(rich, poor, store=store).resume("last")
    assert report.results[0].award is not None
    assert report.results[0].award.agent == "cheap"
    assert len(poor.shown) == 1, "its second plan is not asked for again"
    found = [item.event for item in store.events() if item.event is not None and item.run == report.run]
    assert audit(found) == []
    assert [event.round for event in found if isinstance(event, Scored)] == [0, 1]


def trusted(bidder: Bidder, *labels: str) -> LLMAgent:
    """The same agent, with other trust."""
    return LLMAgent(bidder.agent.profile.name, bidder.model, tools=(), trust=labels)


async def test_nobody_is_shown_plans_of_tasks_that_it_may_not_see() -> None:
    store, rich, poor = MemoryStore(clock=FakeClock()), dear(), cheap()
    agents = [trusted(rich, "private"), trusted(poor, "private")]
    market = Market(agents, mechanism=JURY, store=store, seed=1, budget_usd="5", attempts=1)
    assert (await market.run(FIRST.model_copy(update={"labels": frozenset({"private"})}))).passed
    await run(SECOND, rich, poor, store=store)
    assert poor.shown == [], "its plan of then is remembered, and is not its to see any more"
    await market.run(SECOND.model_copy(update={"id": "third"}))
    assert len(poor.shown) == 1
