"""Agents join and leave a run while it goes on; each task sees the pool as it was when the task was screened."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
import pytest

from agora import failpoints
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.auctions import SALE
from agora.bids import Plan, Price
from agora.coordinator.policies import sale
from agora.errors import ConfigError, LedgerError, UnknownNameError
from agora.events import (
    Awarded,
    BidPlaced,
    BidRefused,
    Event,
    Joined,
    Judged,
    Left,
    Opened,
    Performed,
    Scored,
    Screened,
    TaskDone,
)
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.open_run import OpenRun
from agora.protocols import Agent, Desk, Mechanism, Store
from agora.results import Result
from agora.tasks import Check, Limits, Task, Verdict
from agora.testing import RuleModel, audit
from agora.traces.told.pool import change_line
from agora.traces.told.story import told

SAYS_42 = Check(kind="exact", options={"answer": "42"})
Meanwhile = Callable[[], Awaitable[object]]


class Power(BaseException):
    """The power is cut; not an Exception, so that nobody in between catches it."""


class Helper:
    """Answers 42, or not; something may happen meanwhile, the first time."""

    def __init__(self, name: str, *, says: str = "42", usd: str = "0.01", operator: str = "") -> None:
        self.bids: list[str] = []
        self.works: list[str] = []
        self.while_bidding: Meanwhile | None = None
        self.while_working: Meanwhile | None = None

        async def bid(desk: Desk) -> Plan:
            self.bids.append(desk.task.id)
            meanwhile, self.while_bidding = self.while_bidding, None
            if meanwhile is not None:
                await meanwhile()
            return Plan(text=f"answer, as {name}, after {len(self.bids)}", tokens=0)

        async def perform(desk: Desk, plan: Plan) -> str:
            self.works.append(desk.task.id)
            meanwhile, self.while_working = self.while_working, None
            if meanwhile is not None:
                await meanwhile()
            return says

        perform.__qualname__ = operator or name
        self.agent: Agent = FunctionAgent(name, perform, plan=bid, price=Price(per_task=Decimal(usd)))


def market(store: Store, *agents: Helper | Agent, mechanism: Mechanism | None = None) -> Market:
    pool = [one.agent if isinstance(one, Helper) else one for one in agents]
    return Market(pool, store=store, policy=sale(), mechanism=mechanism, seed=1, budget_usd="5")


def task(name: str) -> Task:
    return Task(id=name, goal="what is 6 x 7?", verify=SAYS_42)


async def done(run: OpenRun, name: str) -> Result:
    (posted,) = await run.post(task(name))
    result = await run.do(posted)
    assert result is not None
    return result


def events(store: Store) -> list[Event]:
    return [item.event for item in store.events() if item.event is not None]


def awards(store: Store) -> list[tuple[str, str]]:
    return [(event.task, event.award.agent) for event in events(store) if isinstance(event, Awarded)]


def asked(store: Store, name: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.how, one.asked) for one in events(store) if isinstance(one, Opened) and one.task == name]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agora.db"


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SQLStore]:
    opened = SQLStore.open(path, clock=SystemClock())
    yield opened
    await opened.close()


async def test_who_joins_gets_work_from_then_on(store: SQLStore) -> None:
    weak, able = Helper("weak", says="41", usd="0.5"), Helper("able")
    async with market(store, weak).open_run() as run:
        assert (await done(run, "t0")).verdict is Verdict.FAILED
        await run.join(able.agent)
        assert [card.name for card in run.pool] == ["weak", "able"]
        assert (await done(run, "t1")).verdict is Verdict.PASSED
        await run.close()
    assert awards(store)[-1] == ("t1", "able")
    assert able.bids == ["t1"]
    kinds = [(event.kind, event.task) for event in events(store)]
    assert kinds.index(("screened", "t0")) < kinds.index(("joined", "")) < kinds.index(("screened", "t1"))
    assert audit(events(store)) == []


async def test_a_task_under_way_stays_with_those_that_it_was_screened_for(store: SQLStore) -> None:
    weak, able = Helper("weak", says="41"), Helper("able")
    async with market(store, weak).open_run() as run:
        weak.while_working = lambda: run.join(able.agent)
        result = await done(run, "t0")
        await run.close()
    assert result.verdict is Verdict.FAILED
    assert able.bids == []


async def test_others_take_over_from_who_leaves(store: SQLStore) -> None:
    cheap, dear = Helper("cheap"), Helper("dear", usd="0.5")
    async with market(store, cheap, dear).open_run() as run:
        await done(run, "t0")
        await run.leave("cheap", "its lease ended")
        assert (await done(run, "t1")).verdict is Verdict.PASSED
        await run.close()
    assert awards(store) == [("t0", "cheap"), ("t1", "dear")]
    assert cheap.bids == ["t0"]
    (screened,) = (one for one in events(store) if isinstance(one, Screened) and one.task == "t1")
    assert screened.shortlist.kept_out == {"cheap": "has left: its lease ended"}
    assert [event.agent for event in events(store) if isinstance(event, Left)] == ["cheap"]


async def test_where_nobody_is_left_the_task_ends_with_the_reason_and_somebody_may_come_back(store: SQLStore) -> None:
    only = Helper("only")
    async with market(store, only).open_run() as run:
        await run.leave("only", "gone home")
        lonely = await done(run, "t0")
        await run.join(only.agent)
        assert (await done(run, "t1")).verdict is Verdict.PASSED
        await run.close()
    assert lonely.verdict is Verdict.FAILED
    assert lonely.reason == "nobody bid: only has left: gone home"
    assert lonely.usage.usd == 0
    assert only.bids == ["t1"]
    assert audit(events(store)) == []


async def test_an_attempt_under_way_goes_on_and_counts(store: SQLStore) -> None:
    leaver = Helper("leaver")
    async with market(store, leaver).open_run() as run:
        leaver.while_working = lambda: run.leave("leaver")
        result = await done(run, "t0")
        await run.close()
    assert result.verdict is Verdict.PASSED
    (record,) = store.records()
    assert (record.agent, record.passed) == ("leaver", 1)


async def test_whoever_left_is_not_asked_again_after_its_failure(store: SQLStore) -> None:
    leaver, other = Helper("leaver", says="41"), Helper("other", usd="0.5")
    async with market(store, leaver, other).open_run() as run:
        leaver.while_working = lambda: run.leave("leaver", "sold")
        result = await done(run, "t0")
        await run.close()
    assert [name for _, name in awards(store)] == ["leaver", "other"]
    assert result.verdict is Verdict.PASSED
    assert asked(store, "t0")[1] == ("reassign", ("other",))
    (again,) = (one for one in events(store) if isinstance(one, Opened) and one.auction == 1)
    assert "leaver has left: sold" in again.reason


async def test_a_bid_of_somebody_who_left_before_bids_were_opened_does_not_count(store: SQLStore) -> None:
    leaver, other = Helper("leaver"), Helper("other", usd="0.5")
    async with market(store, leaver, other).open_run() as run:
        leaver.while_bidding = lambda: run.leave("leaver")
        result = await done(run, "t0")
        await run.close()
    (scored,) = (event for event in events(store) if isinstance(event, Scored))
    assert scored.withdrawn == ("leaver",)
    assert [score.agent for score in scored.clearing.ranking] == ["other"]
    assert sum(isinstance(event, BidPlaced) for event in events(store)) == 2, "it stands on record"
    assert result.award is not None
    assert result.award.agent == "other"
    assert [bid.agent for bid in result.bids] == ["other"]


async def test_the_only_bidder_leaves_while_it_bids(store: SQLStore) -> None:
    leaver = Helper("leaver")
    async with market(store, leaver).open_run() as run:
        leaver.while_bidding = lambda: run.leave("leaver", "tired")
        result = await done(run, "t0")
        await run.close()
    assert result.reason == "nobody bid: leaver has left: tired"
    assert leaver.works == []


async def test_names_are_unique_over_the_whole_run(store: SQLStore) -> None:
    one, same_name = Helper("one", operator="here"), Helper("one", operator="elsewhere")
    dearer = Helper("one", operator="here", usd="0.3")
    async with market(store, one, Helper("two")).open_run() as run:
        with pytest.raises(ConfigError, match="'one': takes part in this run already"):
            await run.join(same_name.agent)
        with pytest.raises(UnknownNameError, match="'on'; did you mean 'one'"):
            await run.leave("on")
        await run.leave("one")
        with pytest.raises(UnknownNameError, match="no agent in this run named 'one'"):
            await run.leave("one")
        with pytest.raises(ConfigError, match=r"took part in this run before, with the operator .*here"):
            await run.join(same_name.agent)
        await run.join(dearer.agent)
        assert [card.price and card.price.per_task for card in run.pool] == [Decimal("0.01"), Decimal("0.3")]
        await run.close()
        with pytest.raises(LedgerError, match="is done: nobody joins or leaves"):
            await run.leave("one")
    assert [event.kind for event in events(store)] == ["started", "left", "joined", "done"]


async def cut(work: Callable[[], Awaitable[object]], *, at: str, hit: int = 1) -> None:
    """Work until a failpoint, and end there as far as a process can without dying."""

    def act() -> None:
        raise Power

    failpoints.arm(Failpoint(at, hit, act=act))
    try:
        with pytest.raises(Power):
            await work()
    finally:
        failpoints.arm(None)


async def opened_again(store: SQLStore, path: Path) -> SQLStore:
    await store.close()
    return SQLStore.open(path, clock=SystemClock())


async def test_a_run_that_was_cut_off_after_somebody_joined_goes_on_with_it(store: SQLStore, path: Path) -> None:
    weak, able = Helper("weak", says="41", usd="0.5"), Helper("able")

    async def work() -> None:
        async with market(store, weak).open_run() as run:
            await run.post(task("t0"), task("t1"))
            await run.do(task("t0"))
            await run.join(able.agent)

    await cut(work, at="joined.durable")
    store = await opened_again(store, path)
    before = len(events(store))
    with pytest.raises(ConfigError, match="agent 'able': joined the run and is not here: bring it back"):
        await market(store, weak).resume("last")
    other_price = Helper("able", usd="0.02")
    with pytest.raises(ConfigError, match="has another price than when it joined"):
        await market(store, weak, other_price).resume("last")
    assert len(events(store)) == before
    report = await market(store, weak, able, Helper("passer-by")).resume("last")
    assert [result.verdict for result in report.results] == [Verdict.FAILED, Verdict.PASSED]
    screened = [set(one.shortlist.members) for one in events(store) if isinstance(one, Screened)]
    assert screened == [{"weak"}, {"weak", "able"}], "whoever stands by did not join"
    assert audit(events(store)) == []
    await store.close()


async def test_what_was_not_durable_yet_did_not_happen(store: SQLStore, path: Path) -> None:
    weak, able = Helper("weak"), Helper("able")

    async def work() -> None:
        async with market(store, weak).open_run() as run:
            await run.post(task("t0"))
            await run.join(able.agent)

    await cut(work, at="joined")
    store = await opened_again(store, path)
    assert (await market(store, weak).resume("last")).passed == 1
    assert able.bids == []
    await store.close()


async def test_who_left_need_not_be_there_when_the_run_goes_on(store: SQLStore, path: Path) -> None:
    leaver, stays = Helper("leaver", says="41"), Helper("stays", usd="0.5")

    async def work() -> None:
        async with market(store, leaver, stays).open_run() as run:
            await run.post(task("t0"), task("t1"))
            leaver.while_working = lambda: run.leave("leaver", "sold")
            await run.do(task("t0"))

    await cut(work, at="settled")  # its work was verified; nothing was settled yet
    store = await opened_again(store, path)
    report = await market(store, stays).resume("last")
    assert [result.verdict for result in report.results] == [Verdict.PASSED, Verdict.PASSED]
    assert leaver.works == ["t0"]
    assert awards(store) == [("t0", "leaver"), ("t0", "stays"), ("t1", "stays")]
    assert audit(events(store)) == []
    await store.close()


async def test_who_left_with_work_under_way_is_needed_to_finish_it(store: SQLStore, path: Path) -> None:
    leaver, stays = Helper("leaver"), Helper("stays", usd="0.5")

    async def work() -> None:
        async with market(store, leaver, stays).open_run() as run:
            await run.post(task("t0"))
            leaver.while_working = lambda: run.leave("leaver")
            await run.do(task("t0"))

    await cut(work, at="performed")
    store = await opened_again(store, path)
    with pytest.raises(ConfigError, match="'leaver': left the run with work on 't0' under way and is not here"):
        await market(store, stays).resume("last")
    assert (await market(store, leaver, stays).resume("last")).passed == 1
    assert awards(store) == [("t0", "leaver")]
    assert sum(isinstance(event, Performed) for event in events(store)) == 1
    await store.close()


@pytest.mark.parametrize("again", ["never", "while others bid", "while others work"])
async def test_who_won_and_left_before_its_award_is_passed_over_whatever_becomes_of_the_run(
    store: SQLStore, path: Path, again: str
) -> None:
    winner, other = Helper("winner"), Helper("other", usd="0.5")

    async def work() -> None:
        async with market(store, winner, other).open_run() as run:
            await run.do(*(await run.post(task("t0"))))

    await cut(work, at="awarded")
    store = await opened_again(store, path)

    async def go_on() -> None:
        async with market(store, winner, other).reopen("last") as run:
            await run.leave("winner")
            (posted,) = await run.post(task("t0"))
            if again == "while others bid":
                other.while_bidding = lambda: run.join(winner.agent)
            elif again == "while others work":
                other.while_working = lambda: run.join(winner.agent)
            await run.do(posted)

    await cut(go_on, at="awarded" if again == "while others bid" else "verified")
    store = await opened_again(store, path)
    pool = (other,) if again == "never" else (winner, other)
    report = await market(store, *pool).resume("last")
    assert report.results[0].verdict is Verdict.PASSED
    assert awards(store) == [("t0", "other")]
    assert (winner.bids, winner.works, other.works) == (["t0"], [], ["t0"])
    assert audit(events(store)) == []
    await store.close()


async def test_whoever_is_asked_and_leaves_before_it_answers_is_no_failure(store: SQLStore, path: Path) -> None:
    """Cut between the call for bids and the bids: on going on it has left, is not there, and is asked nothing."""
    leaver, other = Helper("leaver"), Helper("other", usd="0.5")

    async def work() -> None:
        async with market(store, leaver, other).open_run() as run:
            await run.do(*(await run.post(task("t0"))))

    await cut(work, at="bid")
    store = await opened_again(store, path)
    async with market(store, leaver, other).reopen("last") as run:
        await run.leave("leaver")
    store = await opened_again(store, path)
    report = await market(store, other).resume("last")
    assert report.passed == 1
    (refused,) = (event for event in events(store) if isinstance(event, BidRefused))
    assert (refused.agent, refused.reason, refused.failure) == ("leaver", "has left", None)
    await store.close()


def judging(name: str, plan: str, *, usd: str = "1") -> LLMAgent:
    """A model that plans, marks a plan that checks its result 5 and any other 0, and answers 42."""

    def reply(request: Request) -> str:
        prompt = request.messages[0].content
        if "one of the judges" in prompt:
            plans = dict(re.findall(r"^Plan ([A-Z]):\n\| (.*)$", prompt, re.MULTILINE))
            marks = ", ".join(f'"{label}": {5 if "check" in text else 0}' for label, text in plans.items())
            return f"{{{marks}}}"
        return plan if "Do not solve it yet" in prompt else "42"

    return LLMAgent(name, RuleModel(f"scripted/{name}", reply, price=Price(output_per_mtok=Decimal(usd))), tools=())


JURY = SALE(weights={"cost": 0.1, "entropy": 0, "jury": 0.9})


async def test_marks_that_were_given_stand_when_the_judge_is_gone(store: SQLStore, path: Path) -> None:
    hugo, berta = judging("hugo", "1. check"), judging("berta", "1. guess")
    gone = judging("gone", "1. ask")

    async def work() -> None:
        async with market(store, hugo, berta, gone, mechanism=JURY).open_run() as run:
            await run.do(*(await run.post(task("t0"))))

    await cut(work, at="scored")
    store = await opened_again(store, path)
    async with market(store, hugo, berta, gone, mechanism=JURY).reopen("last") as run:
        await run.leave("gone")
        (posted,) = await run.post(task("t0"))
        assert await run.do(posted) is not None
        (more,) = await run.post(task("t1"))
        await run.do(more)
    store = await opened_again(store, path)
    report = await market(store, hugo, berta, mechanism=JURY).resume("last")
    assert report.passed == 2
    judges = {
        name: sorted(event.judge for event in events(store) if isinstance(event, Judged) and event.task == name)
        for name in ("t0", "t1")
    }
    assert judges == {"t0": ["berta", "gone", "hugo"], "t1": ["berta", "hugo"]}
    (first,) = (one for one in events(store) if isinstance(one, Scored) and one.task == "t0")
    assert first.withdrawn == ("gone",)
    assert audit(events(store)) == []
    await store.close()


async def test_many_come_and_go_while_tasks_are_done_at_once(store: SQLStore) -> None:
    base, comers = Helper("base", usd="0.9"), [Helper(f"h{n}", usd=f"0.0{n + 1}") for n in range(4)]

    async def churn(run: OpenRun) -> None:
        for comer in comers:
            await run.join(comer.agent)
        for comer in comers[:-1]:
            await run.leave(comer.agent.profile.name, "shift ended")

    tasks = [task(f"t{n}") for n in range(12)]
    async with market(store, base).open_run(parallel=3) as run:
        await done(run, "first")
        posted = await run.post(*tasks)
        async with anyio.create_task_group() as group:
            group.start_soon(churn, run)
            for each in posted:
                group.start_soon(partial(run.do, each, limits=Limits(usd=Decimal(1))))
        await done(run, "last")
        report = await run.close()
    assert report.passed == 14
    assert audit(events(store)) == []
    seen = screened_as_on_record(events(store))
    assert (seen[0], seen[-1]) == ({"base"}, {"base", "h3"})


def screened_as_on_record(found: Sequence[Event]) -> list[set[str]]:
    """Whom each task was screened for: those that took part then, and nobody else."""
    pool, seen = {"base"}, list[set[str]]()
    for event in found:
        if isinstance(event, Joined):
            pool.add(event.profile.name)
        elif isinstance(event, Left):
            pool.remove(event.agent)
        elif isinstance(event, Screened):
            assert set(event.shortlist.members) == pool, event.task
            seen.append(set(pool))
    return seen


async def test_a_story_tells_who_joined_and_who_left(store: SQLStore) -> None:
    one, two = Helper("one"), Helper("two")
    async with market(store, one).open_run() as run:
        await run.join(two.agent)
        await run.leave("one", "its key ran out")
        await done(run, "t0")
        await run.close()
    story = told(events(store))
    assert [change_line(change) for change in story.changes] == [("joined", "two"), ("left", "one: its key ran out")]
    assert [card.name for card in story.members] == ["two"]
    assert sorted(story.cards) == ["one", "two"]
    assert sum(isinstance(event, TaskDone) for event in events(store)) == 1
