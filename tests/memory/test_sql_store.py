"""The store on disk: durable, shared by processes, honest when the disk is not."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agora.errors import LedgerError
from agora.events import BidRefused, Event, Learned, TaskDone
from agora.memory.sql_store import SQLStore
from agora.tasks import Usage, Verdict
from agora.testing.clocks import FakeClock
from agora.testing.lessons import memory_update, record_update
from agora.testing.stores import one_run
from ledger.event_strategies import events
from memory.helpers_store import open_store, raw, small, tasks_of
from memory.places import contents

WRITER = """
import sys
import threading
import anyio
from agora.ambient import SystemClock
from agora.events import BidRefused
from agora.memory.sql_store import SQLStore

path, run, count, at_a_signal = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = SQLStore.open(path, clock=SystemClock())
print("ready", flush=True)

async def main():
    async def one(number):
        await store.record(run, BidRefused(task=str(number), agent="a", reason="r"))
        print(number, flush=True)
    for block in range(0, count, 5):
        if block % at_a_signal == 0:
            sys.stdin.readline()
        async with anyio.create_task_group() as tasks:
            for number in range(block, block + 5):
                tasks.start_soon(one, number)
    await store.close()

anyio.run(main)
"""


def start(place: str, run: str, count: int, *, at_a_signal: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITER, place, run, str(count), str(at_a_signal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def signal(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("\n")
    writer.stdin.flush()


def told(writer: subprocess.Popen[str], count: int) -> list[str]:
    assert writer.stdout is not None
    return [writer.stdout.readline().strip() for _ in range(count)]


async def test_two_processes_keep_one_chain(place: str) -> None:
    writers = [start(place, run, 500, at_a_signal=50) for run in ("left", "right")]
    for _ in range(10):  # both write at the same time, and neither may run ahead
        for writer in writers:
            signal(writer)
        for writer in writers:
            told(writer, 50)
    ended = [writer.communicate() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], ended
    store = open_store(place)
    entries = list(store.events())
    assert [entry.seq for entry in entries] == list(range(1, 1001))
    assert store.check() is None
    for run in ("left", "right"):
        assert sorted(tasks_of(store, run), key=int) == [str(number) for number in range(500)]
    runs = [entry.run for entry in entries]
    assert sum(one != other for one, other in pairwise(runs)) >= 10, "they took turns on one chain"
    await store.close()


async def test_what_was_acknowledged_survives_kill_9(place: str) -> None:
    writer = start(place, "r1", 100_000, at_a_signal=100_000)
    signal(writer)
    acknowledged = told(writer, 200)
    writer.kill()
    rest, _ = writer.communicate()
    acknowledged += rest.split("\n")[:-1]  # the last piece may be half a line
    store = open_store(place)
    assert set(acknowledged) <= set(tasks_of(store))
    assert store.check() is None
    await store.record("r1", small(1))
    assert store.check() is None
    await store.close()


async def test_a_second_opening_reads_what_the_first_one_wrote(place: str) -> None:
    store = open_store(place)
    store.note("r1", small(1))
    await store.close()
    again = open_store(place)
    assert tasks_of(again) == ["t1"]
    await again.close()


async def test_closing_in_a_cancelled_scope_still_commits_what_was_noted(place: str) -> None:
    store = open_store(place)
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(store.record, "r1", small(number))
            await anyio.lowlevel.checkpoint()
            scope.cancel()
            store.note("r1", small(5))
            await store.close()
    again = open_store(place)
    assert tasks_of(again)[-1] == "t5"
    await again.close()


def test_two_threads_with_a_loop_each_share_a_store(place: str) -> None:
    store = open_store(place)
    both = threading.Barrier(2)

    async def recorder(run: str) -> None:
        for number in range(0, 200, 2):
            store.note(run, small(number))
            await store.record(run, small(number + 1))

    async def many(name: str) -> None:
        both.wait(timeout=30)
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(recorder, f"{name}{number}")

    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(anyio.run, many, name) for name in ("left", "right")]
        assert [each.result(timeout=60) for each in ended] == [None, None]
    for run in ("left0", "left1", "left2", "right0", "right1", "right2"):
        assert tasks_of(store, run) == [f"t{index}" for index in range(200)]
    assert store.check() is None
    anyio.run(store.close)


def test_a_store_serves_event_loops_in_sequence(place: str) -> None:
    store = open_store(place)
    for number in range(3):
        anyio.run(store.record, "r1", small(number))
    anyio.run(store.close)
    again = open_store(place)
    assert tasks_of(again) == ["t0", "t1", "t2"]
    anyio.run(again.close)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@given(batch=st.lists(events.filter(lambda event: event.kind != "learned"), min_size=1, max_size=6))
def test_any_events_are_read_back_equal(place: str, batch: list[Event]) -> None:
    store = open_store(place)
    run = f"r{sum(1 for _ in store.events())}"
    anyio.run(lambda: store.record(run, *batch))
    assert [entry.event for entry in store.events(run)] == batch
    assert store.check() is None
    before = rows(store)
    store.rebuild()
    assert rows(store) == before
    anyio.run(store.close)


def rows(store: SQLStore) -> tuple[object, ...]:
    return (store.runs(), store.records(), store.records(grounded=False), store.recall("fix the parser"))


async def test_the_tables_can_be_rebuilt_from_the_ledger(place: str) -> None:
    store = open_store(place)
    await store.record("r1", *one_run(), record_update(), memory_update())
    await store.record("r2", *one_run(goal="other")[:2], record_update(passed=0), record_update(grounded=False))
    before = contents(place)
    with raw(place) as connection:
        connection.execute("DELETE FROM tasks")
        connection.execute("UPDATE records SET tried = 99, usd = '7'")
        connection.execute("DELETE FROM runs")
        connection.execute("DELETE FROM memory_entries")
    assert store.recall("parser") == ()
    store.rebuild()
    assert contents(place) == before
    assert [entry.task for entry in store.recall("parser")] == ["t1"]
    await store.close()


async def test_a_full_disk_is_told_to_every_waiter_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1))
    told: list[str] = []

    async def waiter(number: int) -> None:
        with pytest.raises(LedgerError, match=r"disk|full"):
            await store.record("r1", BidRefused(task=f"t{number}", agent="a", reason="x" * 100_000))
        told.append(f"t{number}")

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = path.with_name("agora.db-wal").stat().st_size + 50_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        async with anyio.create_task_group() as tasks:
            for number in range(10, 20):
                tasks.start_soon(waiter, number)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(told) == 10
    await store.record("r1", small(2))
    assert tasks_of(store) == ["t1", "t2"]
    assert store.check() is None
    await store.close()


async def test_a_database_that_someone_holds_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path, busy_s=0.05)
    with raw(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"locked.*another program"):
            await store.record("r1", small(1))
        store.note("r1", small(2))
        connection.execute("ROLLBACK")
    await store.record("r1", small(3))
    assert tasks_of(store) == ["t2", "t3"]
    await store.close()


async def test_a_read_only_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    await open_store(path).close()
    url = f"sqlite:///file:{path}?mode=ro&uri=true"
    store = SQLStore.open(url, clock=FakeClock())
    with pytest.raises(LedgerError, match=r"readonly.*writable"):
        await store.record("r1", small(1))
    await store.close()


async def test_one_bad_event_does_not_touch_the_others(place: str) -> None:
    store = open_store(place)
    refused: list[int] = []

    async def waiter(number: int) -> None:
        bad = Learned(what="x", key="k", update={"n": 1 << 5000})
        try:
            await store.record("r1", small(number), *([bad] if number % 3 == 0 else []))
        except LedgerError:
            refused.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(waiter, number)
    assert sorted(refused) == list(range(0, 30, 3))
    assert sorted(tasks_of(store)) == sorted(f"t{number}" for number in range(30) if number % 3)
    store.note("r1", Learned(what="x", key="k", update={"n": 1 << 5000}))
    with pytest.raises(LedgerError, match="1 noted events were refused"):
        await store.close()


async def test_a_malformed_update_is_refused_at_the_door(place: str) -> None:
    store = open_store(place)
    with pytest.raises(LedgerError, match=r"Learned\('record'.*malformed"):
        await store.record("r1", Learned(what="record", key="k", update={"operator": "o"}))
    await store.close()


@pytest.mark.parametrize("run", ["", "a\nb", "é", "\ud800"])
async def test_a_run_that_is_not_an_id_is_refused(place: str, run: str) -> None:
    store = open_store(place)
    with pytest.raises(LedgerError, match="is not an id"):
        await store.record(run, small(1))
    await store.close()


async def test_a_provider_that_reports_absurd_tokens_cannot_break_the_ledger(place: str) -> None:
    store = open_store(place)
    usage = Usage(usd=Decimal("1e30"), input_tokens=10**30)
    lie = TaskDone(task="t1", verdict=Verdict.FAILED, usage=usage)
    await store.record("r1", *one_run()[:2], lie)
    assert [entry.event for entry in store.events()][-1] == lie
    await store.close()


def all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_known_secrets_are_in_no_file_of_the_database(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = SQLStore.open(path, clock=FakeClock(), secrets=["correct-horse-battery"])
    goal = "log in with correct-horse-battery"
    await store.record("r1", *one_run(goal=goal), memory_update(goal=goal), small(1))
    content = all_bytes(tmp_path)
    assert b"log in with [redacted]" in content
    assert b"correct-horse" not in content
    assert store.runs()[0].goal == "log in with [redacted]"
    await store.close()
    assert b"correct-horse" not in all_bytes(tmp_path)


async def test_the_database_is_durable_by_its_settings(tmp_path: Path) -> None:
    store = open_store(tmp_path / "agora.db")
    with store._engine.connect() as connection:  # pyright: ignore[reportPrivateUsage] -- pragmas belong to a connection
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        ]
    assert values == ["wal", 2, 1, 1, 30_000]
    await store.close()


async def test_the_ledger_of_a_long_run_is_read_in_pages(place: str) -> None:
    store = open_store(place)
    await store.record("r1", *(small(number) for number in range(1201)))
    reader = store.events("r1", after=10)
    assert next(reader).seq == 11
    await store.record("r1", small(1201))
    assert [entry.seq for entry in reader] == list(range(12, 1203))
    await store.close()
