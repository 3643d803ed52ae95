"""One commit serves many; nobody's cancellation or failure touches anybody else."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from agora.errors import LedgerError
from agora.memory.group_commit import GroupCommit, Item


class Disk:
    """Takes batches; can be held, filled up, or broken."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.full = False
        self.bug = False

    @property
    def written(self) -> list[str]:
        return [run for batch in self.batches for run in batch]

    def commit(self, items: Sequence[Item]) -> None:
        self.entered.set()
        if not self.gate.wait(timeout=30):
            raise LedgerError("the test never opened the gate")
        if self.full:
            raise LedgerError("disk is full: free some space")
        if self.bug:
            raise ZeroDivisionError("a defect")
        for item in items:
            if item.run.startswith("bad"):
                item.error = LedgerError(f"{item.run} cannot be encoded")
        self.batches.append([item.run for item in items if item.error is None])

    def hold(self) -> None:
        self.gate.clear()
        self.entered.clear()

    async def held(self) -> None:
        """Return when a commit stands at the gate."""
        await anyio.to_thread.run_sync(lambda: self.entered.wait(timeout=30))


def item(run: str) -> Item:
    return Item(run, (), at_us=0)


async def test_those_who_come_during_a_commit_share_the_next_one() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(group.add, item("r0"))
        await disk.held()
        for number in range(1, 50):
            tasks.start_soon(group.add, item(f"r{number}"))
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        disk.gate.set()
    assert disk.batches == [["r0"], [f"r{number}" for number in range(1, 50)]]


async def test_a_leader_goes_home_once_its_own_events_are_durable() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    home = anyio.Event()

    async def first() -> None:
        await group.add(item("first"))
        home.set()

    async def busy(number: int) -> None:
        count = 0
        while not home.is_set() or count < 3:
            count += 1
            await group.add(item(f"busy{number}"))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            for number in range(5):
                tasks.start_soon(busy, number)
    assert "first" in disk.written


@pytest.mark.parametrize("victim", ["leader", "follower"])
async def test_a_cancelled_waiter_loses_nothing_and_blocks_nobody(victim: str) -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    scopes: dict[str, anyio.CancelScope] = {}
    served: list[str] = []

    async def waiter(name: str) -> None:
        with anyio.CancelScope() as scope:
            scopes[name] = scope
            await group.add(item(name))
            served.append(name)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waiter, "leader")
            await disk.held()
            for name in ("before", "follower", "after"):
                tasks.start_soon(waiter, name)
                await anyio.lowlevel.checkpoint()
            scopes[victim].cancel()
            await anyio.lowlevel.checkpoint()
            disk.gate.set()
    assert disk.written == ["leader", "before", "follower", "after"]
    assert set(served) >= {"before", "after"}


async def test_an_heir_that_is_cancelled_at_the_moment_of_its_promotion_still_serves_the_others() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    scope = anyio.CancelScope()

    async def heir() -> None:
        with scope:
            await group.add(item("heir"))

    async def leader() -> None:
        await group.add(item("leader"))
        scope.cancel()  # the heir was promoted in this very step, and has not run yet

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(leader)
            await disk.held()
            tasks.start_soon(heir)
            await anyio.lowlevel.checkpoint()
            tasks.start_soon(group.add, item("other"))
            await anyio.lowlevel.checkpoint()
            disk.gate.set()
        await group.add(item("later"))
    assert disk.written == ["leader", "heir", "other", "later"]


async def test_the_events_of_the_last_waiter_are_written_though_it_was_cancelled() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    async with anyio.create_task_group() as outer:
        outer.start_soon(group.add, item("leader"))
        await disk.held()
        async with anyio.create_task_group() as inner:
            inner.start_soon(group.add, item("gone"))
            await anyio.lowlevel.checkpoint()
            inner.cancel_scope.cancel()
        disk.gate.set()
    assert disk.written == ["leader", "gone"]


async def test_a_failure_reaches_every_waiter_and_notes_are_kept_for_the_next_commit() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    disk.full = True
    told: list[str] = []

    async def waiter(name: str) -> None:
        with pytest.raises(LedgerError, match="disk is full"):
            await group.add(item(name))
        told.append(name)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            group.note(item("note1"))
            tasks.start_soon(waiter, "r1")
            await disk.held()
            tasks.start_soon(waiter, "r2")
            group.note(item("note2"))
            tasks.start_soon(waiter, "r3")
            await anyio.lowlevel.checkpoint()
            disk.gate.set()
    assert sorted(told) == ["r1", "r2", "r3"]
    assert disk.written == []
    disk.full = False
    await group.add(item("r4"))
    assert disk.written == ["note1", "note2", "r4"]


async def test_an_heir_and_those_behind_it_hear_of_a_failure() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    told: list[str] = []

    async def first() -> None:
        await group.add(item("r0"))
        disk.full = True

    async def waiter(name: str) -> None:
        with pytest.raises(LedgerError, match="disk is full"):
            await group.add(item(name))
        told.append(name)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await disk.held()
            for name in ("heir", "r2", "r3"):
                tasks.start_soon(waiter, name)
                await anyio.lowlevel.checkpoint()
            disk.gate.set()
    assert (disk.written, sorted(told)) == (["r0"], ["heir", "r2", "r3"])


async def test_one_bad_item_is_refused_alone() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()
    outcomes: dict[str, str] = {}

    async def waiter(name: str) -> None:
        try:
            await group.add(item(name))
            outcomes[name] = "durable"
        except LedgerError as problem:
            outcomes[name] = str(problem)

    async with anyio.create_task_group() as tasks:
        for name in ("good1", "bad", "good2"):
            tasks.start_soon(waiter, name)
        await disk.held()
        disk.gate.set()
    assert outcomes == {"good1": "durable", "bad": "bad cannot be encoded", "good2": "durable"}
    group.note(item("bad note"))
    await group.add(item("good3"))
    assert [str(problem) for problem in group.refused] == ["bad note cannot be encoded"]


async def test_a_defect_of_ours_is_told_and_does_not_hang_anyone() -> None:
    disk = Disk()
    disk.bug = True
    group = GroupCommit(disk.commit)
    with anyio.fail_after(30), pytest.raises(LedgerError, match="please report"):
        await group.add(item("r1"))
    disk.bug = False
    await group.add(item("r2"))
    assert disk.written == ["r2"]


def test_loops_in_sequence_share_one_queue() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    for number in range(3):
        anyio.run(group.add, item(f"r{number}"))
    group.note(item("note"))
    anyio.run(group.add, item("r3"))
    assert disk.written == ["r0", "r1", "r2", "note", "r3"]


def test_a_loop_that_died_in_the_middle_does_not_block_the_next_one() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.hold()

    async def die() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(group.add, item("r0"))
            await disk.held()
            tasks.start_soon(group.add, item("r1"))
            await anyio.lowlevel.checkpoint()
            disk.gate.set()
            raise KeyboardInterrupt

    with pytest.raises(BaseExceptionGroup):
        anyio.run(die)

    async def live() -> None:
        with anyio.fail_after(30):
            await group.add(item("r2"))

    anyio.run(live)
    assert sorted(disk.written) == ["r0", "r1", "r2"]
