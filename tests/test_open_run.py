"""A run to which tasks are posted while it goes on."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from agora.agents.function import FunctionAgent
from agora.ambient import SystemClock
from agora.bids import Plan
from agora.errors import ApprovalPendingError, ConfigError
from agora.events import Asked, Done, Posted, Started
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.protocols import Desk, Store
from agora.tasks import Check, Task, Verdict


def market(store: Store, *, done: list[str] | None = None) -> Market:
    async def perform(desk: Desk, plan: Plan) -> str:
        if done is not None:
            done.append(desk.task.id)
        return desk.task.goal.upper()

    return Market([FunctionAgent("loud", perform, plan=Plan(text="1. say it loudly"))], store=store, seed=1)


def task(name: str, goal: str, *, answer: str | None = None) -> Task:
    check = Check(kind="exact", options={"answer": answer or goal.upper()})
    return Task(id=name, goal=goal, verify=check)


async def test_a_task_can_be_made_of_what_another_one_gave() -> None:
    store = MemoryStore(clock=SystemClock())
    async with market(store).open_run() as run:
        (first,) = await run.post(task("first", "hello"))
        heard = await run.do(first)
        assert heard is not None
        (second,) = await run.post(task("second", f"they said {heard.output}"))
        await run.do(second)
        report = await run.close()
    assert [done.output for done in report.results] == ["HELLO", "THEY SAID HELLO"]
    kinds = [type(item.event) for item in store.events(report.run)]
    assert kinds.count(Started) == kinds.count(Done) == 1
    assert kinds.count(Posted) == 2
    assert kinds[0] is Started
    assert kinds[-1] is Done


async def test_the_same_id_cannot_be_posted_twice() -> None:
    async with market(MemoryStore(clock=SystemClock())).open_run() as run:
        await run.post(task("first", "hello"))
        with pytest.raises(ConfigError, match=r"'first'.*twice"):
            await run.post(task("first", "good bye"))


async def test_a_run_that_was_left_goes_on_with_the_tasks_that_it_has_not_done(tmp_path: Path) -> None:
    done: list[str] = []
    path = str(tmp_path / "agora.db")
    store = SQLStore.open(path, clock=SystemClock())
    async with market(store, done=done).open_run() as run:
        (first,) = await run.post(task("first", "hello"))
        await run.do(first)
        await run.post(task("second", "good bye"))
        left = run.id
    await store.close()

    store = SQLStore.open(path, clock=SystemClock())
    async with market(store, done=done).reopen(left) as again:
        assert [known.id for known in again.tasks] == ["first", "second"]
        changed = task("first", "another goal under a known id")
        posted = await again.post(changed, task("second", "good bye"), task("third", "once more"))
        assert posted[0].goal == "hello", "what is on record stands"
        for each in posted:
            await again.do(each)
        report = await again.close()
    await store.close()
    assert done == ["first", "second", "third"], "what was done is not done again"
    assert [each.verdict for each in report.results] == [Verdict.PASSED] * 3


async def test_tasks_are_worked_on_at_once_up_to_the_bound() -> None:
    busy = most = 0
    gate = anyio.Event()

    async def perform(desk: Desk, plan: Plan) -> str:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        if busy == 2:
            gate.set()
        await gate.wait()
        busy -= 1
        return "done"

    agent = FunctionAgent("slow", perform, plan=Plan(text="1. wait for another"))
    async with Market([agent], seed=1).open_run(parallel=2) as run:
        posted = await run.post(*(task(f"t{n}", f"goal {n}", answer="done") for n in range(4)))
        async with anyio.create_task_group() as group:
            for each in posted:
                group.start_soon(run.do, each)
        report = await run.close()
    assert most == 2
    assert report.passed == 4


async def test_a_step_waits_for_a_person_whatever_is_let_through_besides(tmp_path: Path) -> None:
    path = str(tmp_path / "agora.db")
    store = SQLStore.open(path, clock=SystemClock())
    async with market(store).open_run() as run:
        assert await run.granted("publish", "Publish it?") is None, "there is nobody to be asked"
        with pytest.raises(ApprovalPendingError):
            await run.close()
        left = run.id
    (waiting,) = [item.event for item in store.events(left) if isinstance(item.event, Asked)]
    assert waiting.question.reason == "Publish it?"
    await store.close()

    store = SQLStore.open(path, clock=SystemClock())
    await store.record(left, waiting.model_copy(update={"granted": True}))
    async with market(store).reopen(left) as again:
        assert await again.granted("publish", "Publish it?") is True
        assert await again.granted("publish", "Publish something else?") is None, "an answer counts for one question"
    await store.close()
