"""A budget over a list of tasks: fair shares that flow on, a price that moves, and the same decisions after a cut."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.events import Paced, PacingBegan
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Message, Request
from agora.protocols import Desk, Store
from agora.tasks import Limits, Task
from agora.testing import RuleModel
from agora.workflows.paced import DUAL_FROM, limits_of, resume_paced, run_paced
from agora.workflows.pacing import next_price


def tasks(count: int) -> list[Task]:
    return [Task(id=f"t{number}", goal=f"say {number}") for number in range(count)]


def dear(*, words: int, usd: str, store: Store | None = None, seed: int = 1) -> Market:
    """One agent that writes so many words for 20 dollars a million tokens."""

    def talk(request: Request) -> str:
        return "1. say it" if "Do not solve it yet" in request.messages[0].content else "word " * words

    model = RuleModel("scripted/dear", talk, price=Price(output_per_mtok=Decimal(20), input_per_mtok=Decimal(20)))
    return Market([LLMAgent("talker", model, tools=())], seed=seed, attempts=1, budget_usd=usd, store=store)


def decisions(store: Store) -> list[Paced]:
    return [item.event for item in store.events() if isinstance(item.event, Paced)]


async def test_each_task_may_take_a_fair_share_of_what_is_left_and_the_rest_flows_on() -> None:
    store = MemoryStore(clock=SystemClock())
    report = await run_paced(dear(words=300, usd="2.00", store=store), tasks(4), pacing="even")
    found = decisions(store)
    assert [one.number for one in found] == [1, 2, 3, 4]
    assert found[0].limit_usd == Decimal("0.5")
    left = Decimal(2)
    for one, done in zip(found, report.results, strict=True):
        assert one.limit_usd == pytest.approx(left / (5 - one.number), abs=Decimal("0.00001"))
        assert done.usage.usd <= one.limit_usd
        left -= done.usage.usd
    assert found[-1].limit_usd == left + report.results[-1].usage.usd, "the last may take all that is left"
    assert all(done.usage.usd for done in report.results)


async def test_without_pacing_nothing_is_decided() -> None:
    store = MemoryStore(clock=SystemClock())
    await run_paced(dear(words=10, usd="1.00", store=store), tasks(3), pacing="off")
    await run_paced(dear(words=10, usd="1.00", store=store), tasks(1), pacing="dual")
    assert not decisions(store)


async def test_a_long_list_is_paced_by_a_price_that_what_was_spent_moves() -> None:
    store, count = MemoryStore(clock=SystemClock()), DUAL_FROM

    async def work(desk: Desk, plan: Plan) -> str:
        await anyio.lowlevel.checkpoint()
        return "said"

    free = FunctionAgent("free", work, plan=Plan(text="1. say it"))
    report = await run_paced(Market([free], seed=1, budget_usd="1.00", store=store), tasks(count), pacing="dual")
    found = decisions(store)
    assert len(report.results) == count
    assert {one.price for one in found} == {0.0}, "what costs nothing makes money no dearer"
    assert found[0].limit_usd == Decimal("0.1"), "ten fair shares of a hundred"
    assert found[-1].limit_usd == 1


@given(usd=st.decimals(0, 1000, places=6), to_come=st.integers(1, 5000), price=st.floats(0, 5))
def test_a_limit_is_never_more_than_what_is_left_and_falls_with_the_price(
    usd: Decimal, to_come: int, price: float
) -> None:
    left = Limits(usd=usd, tokens=1000)
    found = limits_of(left, to_come=to_come, price=price, way="dual")
    dearer = limits_of(left, to_come=to_come, price=price + 0.5, way="dual")
    assert found.usd is not None
    assert dearer.usd is not None
    assert 0 <= dearer.usd <= found.usd <= usd
    even = limits_of(left, to_come=to_come, price=price, way="even")
    assert even.usd is not None
    assert even.usd * to_come <= usd
    assert (found.tokens or 0) <= 1000


async def test_a_list_that_was_cut_off_goes_on_with_the_limits_on_record(tmp_path: Path) -> None:
    path, cut, said = str(tmp_path / "agora.db"), anyio.CancelScope(), list[str]()

    price = Price(output_per_mtok=Decimal(20), input_per_mtok=Decimal(20))
    model = RuleModel("scripted/dear", lambda request: "word " * 500, price=price)
    had: list[Decimal | None] = []

    def market(store: Store, *, die_in: str) -> Market:
        async def work(desk: Desk, plan: Plan) -> str:
            if desk.task.id == "t2":
                had.append(desk.left.usd)
            await desk.ask(model, Request(messages=(Message(role="user", content="go on"),), max_tokens=1000))
            if desk.task.id == die_in:
                cut.cancel()
                await anyio.lowlevel.checkpoint()
            said.append(desk.task.id)
            return "said"

        return Market([FunctionAgent("one", work, plan=Plan(text="1. say it"))], seed=1, budget_usd="1.00", store=store)

    store = SQLStore.open(path, clock=SystemClock())
    with cut:
        await run_paced(market(store, die_in="t2"), tasks(5), pacing="even")
    run = store.runs()[0].id
    await store.close()
    assert said == ["t0", "t1"]
    store = SQLStore.open(path, clock=SystemClock())
    before = decisions(store)
    report = await resume_paced(market(store, die_in=""), run)
    found = decisions(store)
    assert [one.task for one in found] == [f"t{number}" for number in range(5)], "each is decided once"
    assert found[: len(before)] == before
    assert said == [f"t{number}" for number in range(5)]
    assert len(report.results) == 5
    assert had == [had[0], had[0]], "it has what it was given, though some of it was spent by then"
    assert sum(isinstance(item.event, PacingBegan) for item in store.events(run)) == 1
    await store.close()


async def test_a_list_that_is_not_paced_is_gone_on_with_as_before(tmp_path: Path) -> None:
    store = SQLStore.open(str(tmp_path / "agora.db"), clock=SystemClock())
    report = await run_paced(dear(words=5, usd="1.00", store=store), tasks(2), pacing="off")
    again = await resume_paced(dear(words=5, usd="1.00", store=store), report.run)
    assert [one.task.id for one in again.results] == ["t0", "t1"]
    await store.close()


async def test_money_becomes_dearer_while_tasks_take_more_than_their_share() -> None:
    """Each takes more than a fair share of a small budget, until the price binds; nothing is overspent."""
    store = MemoryStore(clock=SystemClock())
    report = await run_paced(dear(words=200, usd="0.60", store=store), tasks(DUAL_FROM), pacing="dual", parallel=1)
    found = decisions(store)
    prices = [one.price for one in found]
    assert report.usage.usd <= Decimal("0.60")
    assert prices[0] == 0.0
    assert max(prices) > 0.005
    price = 0.0
    for one, done in zip(found, report.results, strict=True):
        assert one.price == price, "the price is what the ledger says"
        price = next_price(price, float(done.usage.usd), float(one.fair_usd))
