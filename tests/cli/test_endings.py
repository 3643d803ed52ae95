"""The exit code comes from what is on the record, never from the words of a message."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.bids import Plan, Price, Profile, Shortlist
from agora.cli.endings import exit_code
from agora.market import Market
from agora.protocols import Agent, Chance, Desk
from agora.results import Report, Result
from agora.routing import Outlook
from agora.tasks import Check, Limits, Task, Usage, Verdict
from agora.testing import FakeClock, ScriptedModel, say
from agora.traces.told.story import RunStory

PASSES = Check(kind="exact", options={"answer": "42"})


def asked(name: str, *, verify: Check | None = PASSES) -> Task:
    return Task(id=name, goal="what is 6 x 7?", verify=verify)


def slow(clock: FakeClock, *, price: Price, answer: str = "42") -> Agent:
    async def perform(desk: Desk, plan: Plan) -> str:
        clock.advance(5)
        return answer

    return FunctionAgent("slow", perform, plan=Plan(text="answer", tokens=0), price=price)


async def ended(market: Market, *tasks: Task) -> int:
    story = RunStory()
    return exit_code(await market.run_all(tasks, watch=story.tell), story)


class Nobody:
    """A policy that asks nobody and gives no reason."""

    name = "nobody"

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        return Shortlist(members={})


async def test_a_task_that_the_run_can_no_longer_pay_for_ends_with_3() -> None:
    clock = FakeClock()
    market = Market([slow(clock, price=Price())], limits=Limits(seconds=3), clock=clock)
    assert await ended(market, asked("first"), asked("second")) == 3


async def test_a_task_that_nobody_was_asked_for_ends_with_1() -> None:
    clock = FakeClock()
    assert await ended(Market([slow(clock, price=Price())], clock=clock, policy=Nobody()), asked("a")) == 1


@pytest.mark.parametrize(("ask", "code"), [("0.10", 0), ("2.00", 3)])
async def test_bids_that_are_all_above_the_reserve_end_with_3(ask: str, code: int) -> None:
    clock = FakeClock()
    market = Market([slow(clock, price=Price(per_task=Decimal(ask)))], clock=clock)
    assert await ended(market, asked("a")) == code


async def test_a_bid_that_the_tokens_do_not_suffice_for_ends_with_3() -> None:
    agent = LLMAgent("a", ScriptedModel("m", [say("1. answer")]), price=Price(), tools=())
    task = asked("a").model_copy(update={"limits": Limits(tokens=3)})
    assert await ended(Market([agent]), task) == 3


async def test_work_that_fails_ends_with_1_and_unverified_work_with_4() -> None:
    clock = FakeClock()
    market = Market([slow(clock, price=Price(), answer="41")], clock=clock)
    assert await ended(market, asked("a")) == 1
    assert await ended(market, asked("a", verify=None)) == 4


@pytest.mark.parametrize(("short", "code"), [(True, 3), (False, 1)])
def test_what_the_market_says_of_the_budget_goes_before_all_else(short: bool, code: int) -> None:
    result = Result(run="r", task=asked("a"), verdict=Verdict.FAILED, budget_short=short)
    report = Report(run="r", results=(result,), usage=Usage(), overhead=Usage(), seconds=0)
    assert exit_code(report, RunStory()) == code
