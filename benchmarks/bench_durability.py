"""What durability costs: commits at synchronous=FULL, the check of the lease, the record of work, and a resume.

    python benchmarks/bench_durability.py

Variants are measured in turn, round by round, so that a busy machine is busy for all of them; figures are medians.
The stream is 60 tasks, auctioned among three scripted agents, one task at a time: nobody shares a flush.
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio
from sqlalchemy import event as listening
from sqlalchemy.engine import Engine
from sqlalchemy.pool import ConnectionPoolEntry

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SystemClock
from agora.events import BidRefused, Done, Event, Performed
from agora.market import Market
from agora.memory.dialects import connect
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.protocols import Store
from agora.tasks import Usage, Work
from benchmarks.bench_core import agent, tasks

ROUNDS = 5
TASKS = 60
COMMITS = 200
RUN = "bench"


class Cost(NamedTuple):
    """Of one round, per task or per commit."""

    cpu_ms: float
    """Of all threads."""
    wall_ms: float
    """On this disk."""


async def taken(work: Callable[[], Awaitable[object]], count: int) -> Cost:
    """What some work costs, per piece."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    return Cost((time.process_time() - cpu) * 1e3 / count, (time.perf_counter() - wall) * 1e3 / count)


def medians(rounds: list[Mapping[str, Cost]]) -> dict[str, Cost]:
    """The median of each variant."""
    return {
        name: Cost(
            statistics.median(measured[name].cpu_ms for measured in rounds),
            statistics.median(measured[name].wall_ms for measured in rounds),
        )
        for name in rounds[0]
    }


def at_normal(path: Path) -> SQLStore:
    """A store whose commits may be lost with the power, as no store of ours is."""
    SQLStore.open(path, clock=SystemClock())._engine.dispose()  # pyright: ignore[reportPrivateUsage] -- migrated
    engine: Engine = connect(path)

    def relax(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    listening.listen(engine, "connect", relax)
    with engine.connect() as connection:
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    if level != 1:
        raise SystemExit(f"synchronous is {level}, and NORMAL is 1")
    return SQLStore(engine, clock=SystemClock())


async def auctioned(store: Store) -> None:
    """The stream."""
    market = Market([agent("a"), agent("b"), agent("c")], budget_usd="100", store=store, seed=1)
    report = await market.run_all(tasks(TASKS))
    if report.passed != TASKS:
        raise SystemExit(f"only {report.passed} of {TASKS} tasks passed")


async def streams(base: Path) -> tuple[list[Mapping[str, Cost]], int, int]:
    """Rounds of the stream on three stores; entries and bytes of the ledger at FULL."""
    rounds: list[Mapping[str, Cost]] = []
    entries = size = 0
    for number in range(ROUNDS + 1):
        full = SQLStore.open(base / f"full{number}.db", clock=SystemClock())
        stores: dict[str, Store] = {
            "memory": MemoryStore(clock=SystemClock()),
            "NORMAL": at_normal(base / f"normal{number}.db"),
            "FULL": full,
        }
        measured = {name: await taken(partial(auctioned, store), TASKS) for name, store in stores.items()}
        entries = sum(1 for _ in full.events())
        for store in stores.values():
            if isinstance(store, SQLStore):
                await store.close()
        size = (base / f"full{number}.db").stat().st_size
        if number:  # the first warms up
            rounds.append(measured)
    return rounds, entries, size


async def commits(base: Path) -> list[Mapping[str, Cost]]:
    """Rounds of single commits: without a lease, under one, and of a Performed with its work."""
    store = SQLStore.open(base / "commits.db", clock=SystemClock())
    small = BidRefused(task="t", agent="a", reason="no")
    work = Performed(task="t", agent="a", attempt=1, work=Work(output="x" * 2_000), usage=Usage(steps=4))

    async def many(run: str, event: Event) -> None:
        for _ in range(COMMITS):
            await store.record(run, event)

    rounds: list[Mapping[str, Cost]] = []
    async with store.hold(RUN):
        for number in range(ROUNDS + 1):
            measured = {
                "no lease": await taken(partial(many, "nobody", small), COMMITS),
                "lease": await taken(partial(many, RUN, small), COMMITS),
                "performed": await taken(partial(many, RUN, work), COMMITS),
            }
            if number:
                rounds.append(measured)
    await store.close()
    return rounds


async def resumes(base: Path) -> tuple[Cost, int]:
    """What going on costs per event on record, of a run that died just before its terminal row; and how many."""
    source = SQLStore.open(base / f"full{ROUNDS}.db", clock=SystemClock())
    run = source.find_run("last")
    past = [item.event for item in source.events(run) if item.event is not None and not isinstance(item.event, Done)]
    await source.close()
    rounds: list[Cost] = []
    for number in range(ROUNDS + 1):
        path = base / f"resumed{number}.db"
        if number == 0:
            store = SQLStore.open(path, clock=SystemClock())
            await store.record(run, *past)
            await store.close()
            shutil.copy(path, base / "cut.db")
        else:
            shutil.copy(base / "cut.db", path)
        store = SQLStore.open(path, clock=SystemClock())
        market = Market([agent("a"), agent("b"), agent("c")], budget_usd="100", store=store, seed=1)
        cost = await taken(partial(market.resume, run), len(past))
        written = sum(1 for _ in store.events()) - len(past)
        await store.close()
        if written != 2:
            raise SystemExit(f"the resume wrote {written} events: one says that it began, one that all is done")
        if number:
            rounds.append(cost)
    return medians([{"resume": cost} for cost in rounds])["resume"], len(past)


async def measured(base: Path) -> None:
    """Measure and print."""
    rounds, entries, size = await streams(base)
    stream = medians(rounds)
    plain = stream["memory"]
    print(f"an auctioned task, {ROUNDS} rounds of {TASKS}, {entries / TASKS:.1f} entries each")
    for name, cost in stream.items():
        ratios = f"{cost.cpu_ms / plain.cpu_ms:.2f}x CPU, {cost.wall_ms / plain.wall_ms:.1f}x wall"
        print(f"  {name:10} {cost.cpu_ms:7.2f} ms CPU {cost.wall_ms:8.2f} ms wall   {ratios} of memory")
    print(f"  the ledger at FULL: {size / TASKS / 1000:.1f} kB a task, {size / entries:.0f} bytes an entry")
    lone = await commits(base)
    single = medians(lone)
    print(f"one commit, {ROUNDS} rounds of {COMMITS}")
    for name, cost in single.items():
        print(f"  {name:10} {cost.cpu_ms:7.3f} ms CPU {cost.wall_ms:8.2f} ms wall")
    check = statistics.median((each["lease"].cpu_ms - each["no lease"].cpu_ms) * 1e3 for each in lone)
    print(f"  the check of the lease: {check:.0f} us CPU a commit (median of differences)")
    resume, count = await resumes(base)
    print(f"a resume of {count} events: {resume.cpu_ms:.3f} ms CPU, {resume.wall_ms:.3f} ms wall an event")


def main() -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        anyio.run(measured, Path(name))
    print(f"on {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
