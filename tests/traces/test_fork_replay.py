"""Forks under another rule or without an agent: nothing is paid for what is decided, nothing paid drops out of sums."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest

from agora.bids import Price
from agora.cli.trace.fork import unread
from agora.desk.calls import NOT_MADE
from agora.errors import ConfigError
from agora.events import Awarded, BidPlaced, Called, Event, Paced, Recalled, Reserved, Scored, Started, TaskDone
from agora.forking import ground_of
from agora.forks import events_of
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.past import INTERRUPTED
from agora.tasks import Limits, Usage
from agora.traces.replay.found import Diverged
from agora.traces.replay.making import mechanism_from, policy_from
from agora.traces.replay.replaying import replay
from agora.workflows.paced import run_paced
from traces.golden_runs import market, memory, tasks, worker, writer

AGENTS = (
    partial(writer, "anna", "1. multiply\n2. add nothing"),
    partial(
        writer, "bert", "1. guess", answer="41", price=Price(input_per_mtok=Decimal(2), output_per_mtok=Decimal(4))
    ),
    partial(worker, "carl", right=5, price="0.004", confidence=0.9),
    partial(worker, "dora", price="0.006", confidence=0.6),
)


def made(store: MemoryStore, mechanism: str, *, without: str = "") -> Market:
    """A market under a rule, of four agents or three."""
    agents = [agent for agent in (make() for make in AGENTS) if agent.profile.name != without]
    return market(store, agents, policy=policy_from("sale", ""), mechanism=mechanism_from(mechanism, ""), attempts=3)


async def two_runs(store: MemoryStore, mechanism: str) -> str:
    """The id of the second of two runs: what the first one taught, second plans can be shown."""
    await made(store, mechanism).run_all(tasks(0, 2))
    return (await made(store, mechanism).run_all(tasks(2, 2))).run


def own(store: MemoryStore, run: str) -> list[Event]:
    """The events of a run itself."""
    return [one.event for one in store.events(run) if one.event is not None]


def positions(store: MemoryStore, run: str, kind: str) -> list[int]:
    """Of all events of a kind."""
    return [one.seq for one in events_of(store, run) if one.event is not None and one.event.kind == kind]


@pytest.mark.parametrize("mechanism", ["vcg", "posted", "random"])
@pytest.mark.parametrize("kind", ["verified", "closed", "task_done"])
async def test_no_second_plans_are_paid_for_where_the_award_stands(mechanism: str, kind: str) -> None:
    store = memory()
    run = await two_runs(store, mechanism)
    fork = await made(store, "sale").fork(run, at=positions(store, run, kind)[-1], changes={"mechanism": "sale"})
    report = await made(store, "sale").resume(fork)
    assert not [one for one in own(store, fork) if isinstance(one, Recalled | Reserved | BidPlaced | Scored)]
    assert report.usage == Usage()
    assert replay(store, fork).diverged is None


async def test_second_plans_are_written_where_nothing_was_awarded_yet() -> None:
    store = memory()
    run = await two_runs(store, "vcg")
    fork = await made(store, "sale").fork(run, at=positions(store, run, "awarded")[-1], changes={"mechanism": "sale"})
    await made(store, "sale").resume(fork)
    assert [one for one in own(store, fork) if isinstance(one, Recalled)]
    assert replay(store, fork).diverged is None


@pytest.mark.parametrize("kind", ["recalled", "scored", "awarded", "verified", "task_done"])
@pytest.mark.parametrize("rule", ["vcg", "first_score", "sale"])
async def test_second_plans_that_stand_count_under_any_rule(rule: str, kind: str) -> None:
    store = memory()
    run = await two_runs(store, "sale")
    assert any(isinstance(one, Scored) and one.round for one in own(store, run))
    for at in positions(store, run, kind)[-2:]:
        fork = await made(store, rule).fork(run, at=at, changes={"mechanism": rule})
        await made(store, rule).resume(fork)
        assert replay(store, fork).diverged is None
        sums_hold(store, fork)


@pytest.mark.parametrize("kind", ["bid", "judged", "scored"])
async def test_what_was_paid_at_a_desk_that_nobody_sits_at_any_more_is_counted(kind: str) -> None:
    store = memory()
    run = await two_runs(store, "vcg")
    at = positions(store, run, kind)[0]
    fork = await made(store, "vcg", without="anna").fork(run, at=at, changes={"agents": "-anna"})
    await made(store, "vcg", without="anna").resume(fork)
    sums_hold(store, fork)
    assert replay(store, fork).diverged is None


async def test_calls_of_a_jury_that_the_new_rule_does_not_ask_are_counted() -> None:
    store = memory()
    run = await two_runs(store, "sale")
    fork = await made(store, "first_score").fork(run, at=positions(store, run, "judged")[0])
    await made(store, "first_score").resume(fork)
    sums_hold(store, fork)
    assert replay(store, fork).diverged is None


def sums_hold(store: MemoryStore, fork: str) -> None:
    """What each task took is what the calls made for it took, those that stand among them."""
    whole = [one.event for one in events_of(store, fork) if one.event is not None]
    began = next(one for one in own(store, fork) if isinstance(one, Started))
    assert began.forked is not None
    for done in (one for one in own(store, fork) if isinstance(one, TaskDone)):
        calls = [one.usage for one in whole if isinstance(one, Called) and one.task == done.task]
        assert done.usage.usd == sum((one.usd for one in calls), Decimal(0)), done.task


async def test_whoever_is_at_work_cannot_be_left_out_of_a_fork() -> None:
    store = memory()
    run = await two_runs(store, "vcg")
    (award, at) = next(
        (one.event.award, one.seq) for one in reversed(list(store.events(run))) if isinstance(one.event, Awarded)
    )
    runs = len(store.runs())
    others = made(store, "vcg", without=award.agent)
    with pytest.raises(ConfigError, match=f"agent '{award.agent}'.* cannot be left out"):
        await others.fork(run, at=at + 1, changes={"agents": f"-{award.agent}"})
    assert len(store.runs()) == runs, "nothing was recorded"
    await others.resume(await others.fork(run, at=at, changes={"agents": f"-{award.agent}"}))


async def changed(store: MemoryStore, alter: Callable[[Event], Event]) -> Diverged | None:
    """What strict replay says of the last run, with its events changed."""
    other, run = memory(), store.runs()[0].id
    for one in store.events():
        assert one.event is not None
        await other.record(one.run, alter(one.event) if one.run == run else one.event)
    return replay(other, run).diverged


async def test_a_turn_of_a_paced_list_is_the_one_of_its_place() -> None:
    store = memory()
    await run_paced(made(store, "vcg"), tasks(0, 3))
    assert await changed(store, lambda event: event) is None

    def alter(event: Event) -> Event:
        return event.model_copy(update={"number": 7}) if isinstance(event, Paced) and event.number == 2 else event

    found = await changed(store, alter)
    assert found is not None
    assert [(field.path, field.then, field.now) for field in found.fields] == [("number", 7, 2)]


async def test_more_than_the_budget_cannot_have_been_given_out() -> None:
    store = memory()
    await made(store, "vcg").run_all(tasks(0, 1))
    assert await changed(store, lambda event: event) is None

    def alter(event: Event) -> Event:
        small = Limits(usd=Decimal("0.0000001"))
        return event.model_copy(update={"limits": small}) if isinstance(event, Started) else event

    found = await changed(store, alter)
    assert found is not None
    assert "may take 1E-7 in all" in found.why


async def test_a_call_that_was_given_up_before_it_was_made_needs_no_intent() -> None:
    store = memory()
    await made(store, "vcg").run_all(tasks(0, 1))
    other, run = memory(), store.runs()[0].id
    for one in store.events():
        assert one.event is not None
        if isinstance(one.event, BidPlaced) and one.event.bid.agent == "anna":
            call = Called(
                task=one.event.task,
                call=f"{one.event.task}/bid/anna/2",
                agent="anna",
                error=NOT_MADE,
                failure=INTERRUPTED,
                usage=Usage(steps=1),
            )
            await other.record(run, call)
        await other.record(run, one.event)
    found = replay(other, run).diverged
    assert found is None or found.kind != "called"


async def test_what_a_fork_says_was_spent_before_is_what_stands() -> None:
    store = memory()
    run = await two_runs(store, "vcg")
    fork = await made(store, "vcg").fork(run, at=positions(store, run, "scored")[0])
    await made(store, "vcg").resume(fork)
    assert await changed(store, lambda event: event) is None

    def alter(event: Event) -> Event:
        if not isinstance(event, Started) or event.forked is None:
            return event
        return event.model_copy(update={"forked": event.forked.model_copy(update={"usage": Usage()})})

    found = await changed(store, alter)
    assert found is not None
    assert "the calls that stand took" in found.why


async def test_changes_that_nothing_reads_any_more_are_said() -> None:
    store = memory()
    run = (await made(store, "vcg").run_all(tasks(0, 1))).run
    changes = {"mechanism": "sale", "budget": "2"}
    at_end = ground_of(store, run, positions(store, run, "done")[0], changes)
    assert "(done) reads mechanism, budget" in "".join(unread(at_end, changes))
    assert unread(at_end, {}) == []
    assert unread(ground_of(store, run, positions(store, run, "scored")[0], changes), changes) == []
