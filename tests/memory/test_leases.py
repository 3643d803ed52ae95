"""One process writes a run at a time: a lease is refused, given back, taken over, and never revived."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import anyio
import psycopg
import pytest

from agora.ambient import SystemClock
from agora.errors import LeaseError, LedgerError
from agora.memory import MemoryStore, NullStore
from agora.memory.holder import is_gone, this_process
from agora.memory.sql_store import SQLStore
from agora.streaming import Tee
from agora.testing.clocks import FakeClock
from memory.helpers_store import open_store, raw, small, tasks_of
from memory.places import is_sqlite

HOLDER = Path(__file__).with_name("lease_holder.py")
ROUNDS = 20
TRY_LOCK = (
    ("PRAGMA busy_timeout = 1", "BEGIN IMMEDIATE", "ROLLBACK"),
    ("BEGIN", "LOCK TABLE ledger IN EXCLUSIVE MODE NOWAIT", "ROLLBACK"),
)


class Holder:
    """Another process with a store on the same database."""

    def __init__(self, place: str, *, lease_s: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(HOLDER), str(place), str(lease_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "ready"

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def holding(place: str, *, lease_s: float) -> Generator[Holder, None, None]:
    holder = Holder(place, lease_s=lease_s)
    try:
        yield holder
    finally:
        holder.process.kill()
        holder.process.communicate()


def lease_of(place: str, run: str) -> tuple[int, str, int]:
    with raw(place) as connection:
        row = connection.execute(f"SELECT token, holder, until_us FROM leases WHERE run = '{run}'").fetchone()
    return int(row[0]), str(row[1]), int(row[2])


def stop_between_transactions(holder: Holder, place: str) -> None:
    """SIGSTOP, where it does not hold the ledger's lock: that would stop everyone with it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        holder.process.send_signal(signal.SIGSTOP)
        os.waitpid(holder.process.pid, os.WUNTRACED)
        try:
            with raw(place) as connection:
                for statement in TRY_LOCK[0 if is_sqlite(place) else 1]:
                    connection.execute(statement)
            return
        except (sqlite3.OperationalError, psycopg.OperationalError):
            holder.process.send_signal(signal.SIGCONT)
    raise AssertionError("the holder never was between two transactions")


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        await anyio.sleep(0.01)


async def ran_out(place: str, run: str) -> None:
    """Return when the lease's time is over."""
    await until(lambda: lease_of(place, run)[2] <= SystemClock().now_us())


async def taken_over(store: SQLStore, run: str, *events: int) -> None:
    """Hold the run as soon as it may be held, and write."""
    with anyio.fail_after(30):
        while True:
            try:
                async with store.hold(run):
                    await store.record(run, *(small(number) for number in events))
                return
            except LeaseError:
                await anyio.sleep(0.01)


async def test_a_stopped_process_that_wakes_after_its_lease_writes_nothing(place: str) -> None:
    store = SQLStore.open(place, clock=SystemClock())
    accepted: list[int] = []
    with holding(place, lease_s=0.3) as holder:
        for number in range(ROUNDS):
            run = f"r{number}"
            holder.tell(run)
            assert holder.answer() == "held"
            stop_between_transactions(holder, place)
            if number % 2:  # whether somebody went on or nobody did
                await taken_over(store, run, 1, 2)
            else:
                await ran_out(place, run)
            before = [entry.seq for entry in store.events(run)]
            holder.process.send_signal(signal.SIGCONT)
            word, tries, more = holder.answer().split()
            accepted.append(int(more))
            assert (word, int(tries)) == ("lost", 3)
            assert [entry.seq for entry in store.events(run)] == before, "0 of its writes accepted"
            assert len(before) >= 1 + 2 * (number % 2)
    assert accepted == [0] * ROUNDS
    assert store.check() is None
    await store.close()


async def test_the_lease_of_a_process_that_was_killed_is_free_at_once(place: str) -> None:
    store = SQLStore.open(place, clock=SystemClock())
    with holding(place, lease_s=3600) as holder:
        holder.tell("r1")
        assert holder.answer() == "held"
        with pytest.raises(LeaseError, match="run r1 is being written by") as refused:
            async with store.hold("r1"):
                pass
        assert (refused.value.run, refused.value.holder) == ("r1", lease_of(place, "r1")[1])
        assert f" {holder.process.pid} " in refused.value.holder
        holder.process.kill()
        holder.process.wait()
        async with store.hold("r1"):
            await store.record("r1", small(1))
    token, name, until_us = lease_of(place, "r1")
    assert (token, name, until_us) == (2, this_process(), 0), "a greater token, and given back"
    assert store.check() is None
    await store.close()


async def test_two_processes_that_hold_a_run_each_write_at_once_and_keep_one_chain(place: str) -> None:
    store = SQLStore.open(place, clock=SystemClock())
    with holding(place, lease_s=30) as left, holding(place, lease_s=30) as right:
        for run, holder in (("left", left), ("right", right)):
            holder.tell(run)
            assert holder.answer() == "held"
        await until(lambda: sum(one.run != other.run for one, other in pairwise(store.events())) >= 20)
    entries = list(store.events())
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert store.check() is None
    for run in ("left", "right"):
        assert tasks_of(store, run) == [f"t{number}" for number in range(len(tasks_of(store, run)))]
    await store.close()


def stand_still(until_us: int) -> None:
    while SystemClock().now_us() < until_us:
        time.sleep(0.01)


async def test_a_block_that_never_awaits_keeps_its_lease(place: str) -> None:
    store = SQLStore.open(place, clock=SystemClock(), lease_s=0.6)
    other = SQLStore.open(place, clock=SystemClock())
    async with store.hold("r1"):
        stand_still(lease_of(place, "r1")[2] + 600_000)
        with pytest.raises(LeaseError):
            await other.hold("r1").__aenter__()
        await store.record("r1", small(1))
    await other.close()
    await store.close()


async def test_only_the_run_that_lost_its_lease_is_refused(place: str) -> None:
    clock = FakeClock()
    store = SQLStore.open(place, clock=clock, lease_s=60)
    outcomes: dict[str, str] = {}

    async def write(run: str, number: int) -> None:
        try:
            await store.record(run, small(number))
            outcomes[run] = "durable"
        except LeaseError as refused:
            outcomes[run] = str(refused)

    async with store.hold("lost"):
        await store.record("lost", small(1))
        clock.advance(60)
        async with store.hold("held"), anyio.create_task_group() as tasks:
            for number, run in enumerate(("free", "lost", "held"), start=2):
                tasks.start_soon(write, run, number)
    assert (outcomes["free"], outcomes["held"]) == ("durable", "durable")
    assert "the lease ran out while this process was stopped" in outcomes["lost"]
    assert "`agora resume lost`" in outcomes["lost"]
    assert tasks_of(store, "lost") == ["t1"]
    await store.close()


async def test_a_lease_that_ran_out_can_be_taken_and_its_first_holder_stays_out(place: str) -> None:
    clock = FakeClock()
    first = SQLStore.open(place, clock=clock, lease_s=60)
    second = SQLStore.open(place, clock=clock, lease_s=60)
    async with first.hold("r1"):
        clock.advance(59.9)
        with pytest.raises(LeaseError):
            await second.hold("r1").__aenter__()
        clock.advance(0.2)
        async with second.hold("r1"):
            await second.record("r1", small(1))
            with pytest.raises(LeaseError):
                await first.record("r1", small(2))
        with pytest.raises(LeaseError, match="another part of this process"):
            await first.hold("r1").__aenter__()
    assert lease_of(place, "r1")[0] == 2, "giving back what is another's changes nothing"
    async with first.hold("r1"):
        await first.record("r1", small(3))
    assert tasks_of(first) == ["t1", "t3"]
    with pytest.raises(LeaseError):
        await first.record("r1", small(4))
    for store in (first, second):
        await store.close()


async def test_no_rebuild_touches_the_leases(place: str) -> None:
    store = open_store(place)
    async with store.hold("r1"):
        before = lease_of(place, "r1")
        store.rebuild()
        assert lease_of(place, "r1") == before
    await store.close()


async def test_closing_inside_a_block_gives_the_lease_back_and_ends_the_thread(place: str) -> None:
    store = open_store(place)
    async with store.hold("r1"):
        store.note("r1", small(1))
        assert "agora-leases" in {thread.name for thread in threading.enumerate()}
        await store.close()
    assert lease_of(place, "r1")[2] == 0
    await until(lambda: "agora-leases" not in {thread.name for thread in threading.enumerate()})
    again = open_store(place)
    assert tasks_of(again) == ["t1"]
    await again.close()


async def test_leaving_in_a_cancelled_scope_commits_what_was_noted_and_gives_back(place: str) -> None:
    store = open_store(place)
    with anyio.CancelScope() as scope:
        async with store.hold("r1"):
            store.note("r1", small(1))
            scope.cancel()
            await anyio.sleep(1)
    assert tasks_of(store) == ["t1"]
    assert lease_of(place, "r1")[2] == 0
    await store.close()


async def test_a_database_that_someone_holds_does_not_hide_what_went_wrong_in_the_block(tmp_path: Path) -> None:
    place = str(tmp_path / "agora.db")
    store = open_store(place, busy_s=0.05)
    with raw(place) as connection:

        async def block() -> None:
            async with store.hold("r1"):
                connection.execute("BEGIN IMMEDIATE")
                raise LookupError("the block's own")

        with pytest.raises(LookupError):
            await block()
        with pytest.raises(LedgerError, match="locked"):
            await store.hold("r2").__aenter__()
        connection.execute("ROLLBACK")
    await store.close()


@pytest.mark.parametrize("lease_s", [0, -1.0, float("nan"), 1e9])
def test_a_length_that_is_none_is_refused(tmp_path: Path, lease_s: float) -> None:
    with pytest.raises(LedgerError, match="is no length for a lease"):
        SQLStore.open(tmp_path / "agora.db", clock=FakeClock(), lease_s=lease_s)


async def test_a_tee_holds_what_its_store_holds_and_the_null_store_nothing() -> None:
    store = MemoryStore(clock=FakeClock())
    async with Tee(store, lambda _: None).hold("r1"):
        with pytest.raises(LeaseError):
            await store.hold("r1").__aenter__()
    null = NullStore()
    async with null.hold("r1"), null.hold("r1"):
        await null.record("r1", small(1))


def test_a_holder_is_gone_only_where_this_host_can_know_it() -> None:
    host, pid, started = this_process().split()
    assert not is_gone(this_process())
    assert not is_gone(f"{host} {pid} {float(started) + 1:.2f}"), "boot times are adjusted by a second or so"
    assert is_gone(f"{host} {pid} {float(started) - 3600:.2f}"), "the process id came back"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(f"{host} {ended.pid} {time.time():.2f}"), "a process that nobody waited for yet"
    assert is_gone(f"{host} {ended.pid} {time.time():.2f}")
    for name in (f"{host}x {pid} 1.0", host, f"{host} x y", f"{host} {pid} soon", ""):
        assert not is_gone(name)
    assert socket.gethostname().split()[0] in host
