"""How many calls at once: what moves the limit, who waits, and that nobody who gave up is waited for."""

from __future__ import annotations

import threading

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from agora.models.concurrency import MOST, Aimd, Concurrency, QueueFullError


@given(st.lists(st.sampled_from(["eased", "halved", "stale"]), max_size=300), st.floats(1, MOST))
def test_the_limit_stays_in_its_bounds_and_moves_as_it_should(steps: list[str], start: float) -> None:
    aimd = Aimd(start)
    for step in steps:
        before = aimd
        if step == "eased":
            aimd = aimd.eased(int(aimd.limit))
            assert before.limit <= aimd.limit <= before.limit + 1
        elif step == "halved":
            aimd = aimd.halved(aimd.age)
            assert aimd.limit == max(before.limit / 2, 1)
        else:
            assert aimd.halved(aimd.age - 1) == aimd, "calls that flew together halved it twice"
        assert 1 <= aimd.limit <= MOST


def test_a_round_of_answers_makes_room_for_one_more() -> None:
    aimd = Aimd(10.0)
    for _ in range(10):
        aimd = aimd.eased(10)
    assert 10.9 < aimd.limit <= 11


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    assert Aimd(10.0).eased(4) == Aimd(10.0)


async def _until(concurrency: Concurrency, *, waiting: int) -> None:
    with anyio.fail_after(5):
        while concurrency.waiting != waiting:
            await checkpoint()


async def test_whoever_waits_is_served_in_order_of_arrival() -> None:
    concurrency, served = Concurrency(start=1), list[int]()

    async def call(number: int) -> None:
        age = await concurrency.enter(9.0)
        served.append(number)
        await checkpoint()
        concurrency.leave(age)

    age = await concurrency.enter(9.0)
    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(call, number)
            await _until(concurrency, waiting=number + 1)
        concurrency.leave(age)
    assert served == [0, 1, 2, 3, 4, 5]
    assert (concurrency.flying, concurrency.waiting) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=40), st.integers(1, 4))
def test_never_more_than_the_limit_are_under_way_and_whoever_gives_up_leaves_no_trace(
    calls: list[tuple[int, int]], limit: int
) -> None:
    """Each call works for some turns of the event loop and is cancelled after some, waiting or working."""
    concurrency = Concurrency(start=float(limit), most=float(limit))

    async def call(work: int, patience: int) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(worked, work)
            for _ in range(patience):
                await checkpoint()
            group.cancel_scope.cancel()

    async def worked(work: int) -> None:
        age = await concurrency.enter(9.0)
        try:
            assert concurrency.flying <= limit
            for _ in range(work):
                await checkpoint()
        finally:
            concurrency.leave(age)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for work, patience in calls:
                group.start_soon(call, work, patience)

    anyio.run(main)
    assert (concurrency.flying, concurrency.waiting) == (0, 0)


async def test_nobody_joins_a_full_queue() -> None:
    concurrency = Concurrency(start=1, queue=1)
    await concurrency.enter(9.0)
    async with anyio.create_task_group() as group:
        group.start_soon(concurrency.enter, 9.0)
        await _until(concurrency, waiting=1)
        with pytest.raises(QueueFullError, match="1 calls wait"):
            await concurrency.enter(9.0)
        group.cancel_scope.cancel()
    assert concurrency.waiting == 0


async def test_whoever_would_wait_past_the_deadline_does_not_begin_to_wait() -> None:
    concurrency = Concurrency(start=1)
    concurrency.leave(await concurrency.enter(9.0), seconds=4.0, answered=True)
    taken = [await concurrency.enter(9.0) for _ in range(concurrency.limit)]
    with pytest.raises(QueueFullError, match="past its deadline of 1 s"):
        await concurrency.enter(1.0)
    for age in taken:
        concurrency.leave(age)
    assert concurrency.flying == 0


def test_one_limit_holds_over_several_threads_with_event_loops_of_their_own() -> None:
    concurrency, most, done = Concurrency(start=2, most=2), list[int](), list[int]()

    async def call() -> None:
        age = await concurrency.enter(60.0)
        most.append(concurrency.flying)
        await checkpoint()
        done.append(1)
        concurrency.leave(age)

    async def main() -> None:
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for _ in range(100):
                    group.start_soon(call)

    threads = [threading.Thread(target=anyio.run, args=(main,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 400
    assert max(most) <= 2
    assert (concurrency.flying, concurrency.waiting) == (0, 0)
