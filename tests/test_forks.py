"""A run that is forked from another one stands on what is on record there, and pays only for what follows."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from agora import failpoints
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.auctions import SALE
from agora.bids import Price
from agora.coordinator.policies import sale
from agora.errors import ConfigError
from agora.events import Awarded, BidPlaced, Called, Event, Judged, Learned, Posted, Scored, Started, TaskDone, Verified
from agora.failpoints import Failpoint
from agora.forking import instead_of
from agora.forks import events_of, lineage
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.protocols import Mechanism, Store
from agora.tasks import Check, Task, Usage
from agora.testing import FakeClock, RuleModel, audit
from agora.traces.replay.diffing import parting
from agora.traces.told.story import told
from agora.workflows.executor import resume_flow, run_flow
from agora.workflows.flow import Workflow
from agora.workflows.paced import resume_paced, run_paced

SAYS_42 = Check(kind="exact", options={"answer": "42"})
CHEAP = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(1))
DEAR = Price(input_per_mtok=Decimal(2), output_per_mtok=Decimal(2))
BY_JURY = SALE(weights={"cost": 0.01, "entropy": 0, "jury": 0.9}, rules={"explore": 0, "post": False, "refine": "off"})
BY_COST = SALE(weights={"cost": 1, "entropy": 0, "jury": 0}, rules={"explore": 0, "post": False, "refine": "off"})


class Power(BaseException):
    """The power is cut; not an Exception, so that nobody in between catches it."""


def task(id: str = "t") -> Task:
    return Task(id=id, goal=f"what is 6 x 7? ({id})", verify=SAYS_42)


class Bench:
    """A market of a cheap agent that is wrong and a dear one that the jury likes, which says what was asked of whom."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: Counter[str] = Counter()
        self.agents = {"cheap": self.agent("cheap", "41", CHEAP), "dear": self.agent("dear", "42", DEAR)}

    def agent(self, name: str, says: str, price: Price) -> LLMAgent:
        def reply(request: Request) -> str:
            prompt = request.messages[0].content
            if "one of the judges" in prompt:
                self.asked[f"{name} judges"] += 1
                plans = re.findall(r"^Plan ([A-Z]):\n\| (.*)$", prompt, re.MULTILINE)
                return json.dumps({label: 5 if "dear" in plan else 1 for label, plan in plans})
            bids = "Do not solve it yet" in prompt
            self.asked[f"{name} {'bids' if bids else 'works'}"] += 1
            return f"1. ask, as {name}" if bids else says

        return LLMAgent(name, RuleModel(f"scripted/{name}", reply, price=price), tools=())

    def market(self, mechanism: Mechanism = BY_JURY, *names: str, attempts: int = 1, usd: str = "5") -> Market:
        agents = [self.agents[name] for name in names or self.agents]
        return Market(
            agents,
            mechanism=mechanism,
            policy=sale(),
            store=self.store,
            seed=1,
            budget_usd=usd,
            attempts=attempts,
            clock=FakeClock(),
        )

    def own(self, run: str) -> list[Event]:
        return [one.event for one in self.store.events(run) if one.event is not None]

    def at(self, run: str, kind: type[Event], number: int = 0) -> int:
        found = [one.seq for one in events_of(self.store, run) if isinstance(one.event, kind)]
        return found[number]

    def learned(self, run: str) -> list[str]:
        return sorted(f"{event.what} {event.key}" for event in self.own(run) if isinstance(event, Learned))


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryStore(clock=FakeClock()))


async def test_with_no_change_a_fork_decides_the_same_and_asks_nothing_that_stands(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    asked = bench.asked.copy()
    at = bench.at(first.run, Scored)
    fork = await bench.market().fork(first.run, at=at)
    again = await bench.market().resume(fork)
    assert bench.asked - asked == Counter({"dear works": 1}), "bids and marks stand; only the work follows"
    whole = [one.event for one in events_of(bench.store, fork) if one.event is not None]
    for kind in (Scored, Awarded):
        then = [one.event for one in bench.store.events(first.run) if isinstance(one.event, kind)]
        assert [event for event in whole if isinstance(event, kind)] == then
    assert again.results[0].verdict == first.results[0].verdict
    assert audit(whole) == []
    assert [part.before for part in lineage(bench.store, fork)] == [at, None]
    parted = parting(events_of(bench.store, first.run), events_of(bench.store, fork))
    assert parted is not None
    assert parted.one is not None
    assert parted.one.kind == "learned", "the same run, but for what was learned in the first one"


async def test_what_stands_counts_against_the_budget_and_is_not_paid_again(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    fork = await bench.market().fork(first.run, at=bench.at(first.run, Scored))
    again = await bench.market().resume(fork)
    began = next(event for event in bench.own(fork) if isinstance(event, Started))
    assert began.forked is not None
    assert began.forked.usage.usd > 0
    assert began.forked.usage.usd + again.usage.usd == first.usage.usd
    paid = sum((event.usage for event in bench.own(fork) if isinstance(event, Called)), Usage())
    assert paid.usd == again.usage.usd
    (info,) = (info for info in bench.store.runs() if info.id == fork)
    assert (info.usage.usd, info.tasks, info.passed) == (paid.usd, 1, 1), "the list of runs knows what it took itself"
    story = told(one.event for one in events_of(bench.store, fork))
    assert story.spent.usd == first.usage.usd
    broke = await bench.market(usd=str(began.forked.usage.usd)).fork(first.run, at=bench.at(first.run, Scored))
    done = await bench.market(usd=str(began.forked.usage.usd)).resume(broke)
    assert "0 are left" in done.results[0].reason, "it was all spent before"


async def test_under_other_weights_it_awards_otherwise(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    market = bench.market(BY_COST)
    asked = bench.asked.copy()
    fork = await market.fork(first.run, at=bench.at(first.run, Scored), changes={"mechanism": "by cost"})
    again = await market.resume(fork)
    award = again.results[0].award
    assert award is not None
    assert award.agent == "cheap"
    assert again.passed == 0
    assert bench.asked - asked == Counter({"cheap works": 1})
    with pytest.raises(ConfigError, match="mechanism's options"):
        await bench.market(BY_JURY).resume(await market.fork(first.run, at=bench.at(first.run, Scored)))


async def test_without_an_agent_its_bid_no_longer_counts(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    market = bench.market(BY_JURY, "cheap")
    fork = await market.fork(first.run, at=bench.at(first.run, Scored))
    again = await market.resume(fork)
    assert again.results[0].award is not None
    assert again.results[0].award.agent == "cheap"
    scored = next(event for event in bench.own(fork) if isinstance(event, Scored))
    assert scored.withdrawn == ("dear",)
    parted = parting(events_of(bench.store, first.run), events_of(bench.store, fork))
    assert parted is not None
    assert (parted.task, parted.one and parted.one.kind) == ("t", "scored")


async def test_another_agent_under_the_same_name_takes_its_place(bench: Bench) -> None:
    first = await bench.market(BY_COST).run_all([task()])
    assert first.passed == 0
    bench.agents["cheap"] = bench.agent("cheap", "42", Price(input_per_mtok=Decimal("0.5"), output_per_mtok=Decimal(1)))
    market = bench.market(BY_COST)
    at = bench.at(first.run, Awarded)
    again = await market.resume(await market.fork(first.run, at=at))
    assert again.passed == 1


async def test_a_fork_of_a_fork_stands_on_both(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    second = await bench.market(BY_COST).fork(first.run, at=bench.at(first.run, Scored))
    await bench.market(BY_COST).resume(second)
    asked = bench.asked.copy()
    third = await bench.market(BY_COST).fork(second, at=bench.at(second, Verified))
    report = await bench.market(BY_COST).resume(third)
    assert bench.asked == asked, "the work stands in the fork, the bids in the first run"
    assert report.usage == Usage()
    assert [part.run for part in lineage(bench.store, third)] == [first.run, second, third]
    early = await bench.market().fork(second, at=bench.at(second, Judged))
    assert [part.run for part in lineage(bench.store, early)] == [first.run, early], "nothing of the second stands"


async def test_nothing_is_learned_twice(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    before = bench.learned(first.run)
    assert len(before) >= 4
    verified = await bench.market().fork(first.run, at=bench.at(first.run, Verified))
    await bench.market().resume(verified)
    assert bench.learned(verified) == [], "bids, marks and work were all of the other run"
    scored = await bench.market(BY_COST).fork(first.run, at=bench.at(first.run, Scored))
    await bench.market(BY_COST).resume(scored)
    learned = [one.partition(" ")[0] for one in bench.learned(scored)]
    assert learned == ["memory", "record"], "one attempt was made: its record, and that its plan was followed"
    records = {record.agent: (record.tried, record.bids) for record in bench.store.records()}
    assert records == {"cheap": (1, 1), "dear": (1, 1)}


async def test_what_nobody_said_is_asked_of_no_judge_and_teaches_nothing(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    at = bench.at(first.run, Judged, 1)
    event = next(one.event for one in bench.store.events() if one.seq == at)
    instead = instead_of(event, "mark.cheap", "5")
    assert isinstance(instead, Judged)
    assert instead.marks == {"cheap": 5, "dear": 5}
    asked = bench.asked.copy()
    fork = await bench.market().fork(first.run, at=at, instead=instead)
    await bench.market().resume(fork)
    judges = bench.asked - asked
    assert not [name for name in judges if name.endswith("judges")], "the one stands, of the other it is said"
    assert [one.marks for one in bench.own(fork) if isinstance(one, Judged)] == [instead.marks]
    assert bench.learned(fork) == []


@pytest.mark.parametrize(
    ("kind", "field", "value", "said"),
    [
        (Verified, "verdict", "passed", "never changed"),
        (TaskDone, "verdict", "passed", "never changed"),
        (Judged, "mark.nobody", "5", "marked only cheap, dear"),
        (Judged, "mark.dear", "6", "from 0 to 5"),
        (BidPlaced, "price", "-1", "0 or more"),
        (BidPlaced, "mark.dear", "1", "nothing that event 'bid'"),
    ],
)
async def test_what_cannot_be_otherwise_is_said(
    bench: Bench, kind: type[Event], field: str, value: str, said: str
) -> None:
    first = await bench.market().run_all([task()])
    event = next(one.event for one in bench.store.events() if one.seq == bench.at(first.run, kind))
    with pytest.raises(ConfigError, match=said):
        instead_of(event, field, value)


async def test_where_a_run_cannot_be_forked_is_said_with_where_it_can(bench: Bench) -> None:
    first = await bench.market().run_all([task()])
    with pytest.raises(ConfigError, match="fork from a later event, the first is 3"):
        await bench.market().fork(first.run, at=1)
    with pytest.raises(ConfigError, match="did you mean"):
        await bench.market().fork(first.run, at=10_000)


async def test_a_fork_of_a_workflow_does_only_what_follows(bench: Bench) -> None:
    flow = Workflow("two")
    flow.task("one", "what is 6 x 7?", verify=SAYS_42)
    flow.task("two", "and again: {one}", after=["one"], verify=SAYS_42)
    first = await run_flow(bench.market(), flow)
    asked = bench.asked.copy()
    fork = await bench.market().fork(first.report.run, at=bench.at(first.report.run, Posted, 1))
    again = await resume_flow(bench.market(), fork)
    assert bench.asked - asked == Counter(
        {"cheap bids": 1, "dear bids": 1, "cheap judges": 1, "dear judges": 1, "dear works": 1}
    )
    assert again.outputs == first.outputs
    assert [event.task for event in bench.own(fork) if isinstance(event, TaskDone)] == ["two"]
    at = bench.at(first.report.run, Posted, 1)
    posted = next(one.event for one in bench.store.events() if one.seq == at)
    other = await bench.market().fork(first.report.run, at=at, instead=instead_of(posted, "goal", "what is 40 + 2?"))
    await resume_flow(bench.market(), other)
    assert {one.spec.goal for one in bench.own(other) if isinstance(one, Posted)} == {"what is 40 + 2?"}


@pytest.mark.parametrize(
    "at", ["awarded", "reserved.durable", "called", "performed", "verified", "learned", "task_done"]
)
async def test_a_fork_that_is_cut_off_goes_on(at: str, tmp_path: Path) -> None:
    store = SQLStore.open(tmp_path / "ledger.db", clock=SystemClock(), embedder=lambda: None)
    bench = Bench(store)
    first = await bench.market().run_all([task("t"), task("u")])
    fork = await bench.market(BY_COST).fork(first.run, at=bench.at(first.run, Scored, 1))

    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint(at, 1, act=cut))
    try:
        with pytest.raises(Power):
            await bench.market(BY_COST).resume(fork)
    finally:
        failpoints.arm(None)
    await store.close()
    bench.store = store = SQLStore.open(tmp_path / "ledger.db", clock=SystemClock(), embedder=lambda: None)
    report = await bench.market(BY_COST).resume(fork)
    assert [(done.task.id, done.award.agent if done.award else "") for done in report.results] == [
        ("t", "dear"),
        ("u", "cheap"),
    ]
    assert audit([one.event for one in events_of(store, fork) if one.event is not None]) == []
    assert sorted(one.partition(" ")[0] for one in bench.learned(fork)) == ["memory", "record"]
    (info,) = (info for info in store.runs() if info.id == fork)
    assert (info.tasks, info.done) == (1, True)
    await store.close()


def places(bench: Bench, run: str) -> list[int]:
    """Every position at which a run can be forked."""
    entries = list(events_of(bench.store, run))
    first = next(
        place
        for place, one in enumerate(entries)
        if one.event is not None and one.event.kind not in ("started", "posted", "pacing_began", "flow_began")
    )
    return [one.seq for one in entries[first:]]


async def test_two_tasks_at_once_can_be_forked_at_every_event(bench: Bench) -> None:
    first = await bench.market().run_all([task("t"), task("u"), task("v")], parallel=2)
    verdicts = {done.task.id: done.verdict for done in first.results}
    for at in places(bench, first.run):
        fork = await bench.market().fork(first.run, at=at)
        report = await bench.market().resume(fork)
        whole = [one.event for one in events_of(bench.store, fork) if one.event is not None]
        assert audit(whole, verdicts=verdicts) == [], f"at event {at}"
        assert report.passed == first.passed
    tried = {record.agent: record.tried for record in bench.store.records()}
    made = sum(isinstance(one.event, Verified) for one in bench.store.events())
    assert 0 < tried["dear"] < made, "attempts that stand in the first run are learned there alone"


async def test_a_workflow_can_be_forked_at_every_event(bench: Bench) -> None:
    flow = Workflow("two")
    flow.task("one", "what is 6 x 7?", verify=SAYS_42)
    flow.task("two", "and again: {one}", after=["one"], verify=SAYS_42)
    first = await run_flow(bench.market(), flow)
    verdicts = {done.task.id: done.verdict for done in first.report.results}
    for at in places(bench, first.report.run):
        again = await resume_flow(bench.market(), await bench.market().fork(first.report.run, at=at))
        whole = [one.event for one in events_of(bench.store, again.report.run) if one.event is not None]
        assert audit(whole, verdicts=verdicts) == [], f"at event {at}"
        assert again.outputs == first.outputs


async def test_a_paced_list_can_be_forked_at_every_event(bench: Bench) -> None:
    first = await run_paced(bench.market(), [task("t"), task("u")])
    for at in places(bench, first.run):
        again = await resume_paced(bench.market(), await bench.market().fork(first.run, at=at))
        assert (again.passed, len(again.results)) == (2, 2), f"at event {at}"
