"""The conformance checks pass on what Agora ships, and fail on what is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.ambient import SeededChance, SystemClock
from agora.auctions import SALE, Lottery, PostedPrice
from agora.bids import NO_JURY, Bid, Clearing, Juror, Plan, Profile, Reserve, Score
from agora.coordinator import Everyone
from agora.protocols import Desk, Mechanism
from agora.sandbox import BareSandbox, best_sandbox
from agora.tasks import Task
from agora.testing import (
    FakeClock,
    ScriptedModel,
    check_agent,
    check_chance,
    check_clock,
    check_mechanism,
    check_policy,
    check_sandbox,
    check_tool,
)

TASK = Task(id="t", goal="say hello")


@pytest.mark.parametrize("mechanism", [SALE(), PostedPrice(0.9), Lottery()], ids=lambda one: one.name)
def test_every_mechanism_conforms(mechanism: Mechanism) -> None:
    check_mechanism(mechanism)


def test_a_mechanism_that_takes_the_first_bid_is_found_out() -> None:
    class First:
        name = "first"

        def clear(
            self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
        ) -> Clearing:
            ranking = [Score(agent=bid.agent, total=0, terms={}, price=bid.price) for bid in bids]
            return Clearing(mechanism="first", ranking=tuple(ranking))

    with pytest.raises(AssertionError, match="order of bids"):
        check_mechanism(First())


def test_the_policy_conforms() -> None:
    pool = [
        Profile(name="a", operator="o", kind="function", skills=frozenset({"other"})),
        LLMAgent("b", ScriptedModel("m", []), tools=[]).profile,
    ]
    check_policy(Everyone(), pool)


async def test_agents_conform() -> None:
    async def perform(desk: Desk, plan: Plan) -> str:
        return "hello"

    await check_agent(FunctionAgent("f", perform, plan=Plan(text="say it", tokens=0)), TASK)
    await check_agent(LLMAgent("m", ScriptedModel("m", ["1. say it", "hello"]), tools=[]), TASK)


async def test_a_tool_conforms() -> None:
    @tool
    def shout(word: str) -> str:
        """Say it loud.

        Args:
            word: What.
        """
        return word.upper()

    await check_tool(shout, {"word": "hello"})


async def test_the_best_sandbox_here_and_no_sandbox_at_all_keep_the_seam(tmp_path: Path) -> None:
    for number, sandbox in enumerate([best_sandbox(), BareSandbox()]):
        folder = tmp_path / str(number)
        folder.mkdir()
        await check_sandbox(sandbox, folder)


def test_clocks_and_chance_conform() -> None:
    check_clock(SystemClock())
    check_clock(FakeClock())
    check_chance(SeededChance(3))
    assert Decimal(str(SeededChance(3).uniform("a"))) != Decimal(str(SeededChance(4).uniform("a")))
