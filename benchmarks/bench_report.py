"""CPU of figures over many runs, and of the pages of `agora ui`, on a real SQLite ledger.

Run: python -m benchmarks.bench_report [RUNS] [TASKS A RUN]

Each task is one of `benchmarks/bench_store.py`: an auction among three agents, four turns of work, 33 events. Measured:
the first fold over the ledger, one that goes on after another run, the page, the list of runs, and the largest resident
set of the process up to the end of the first fold (libraries, writing the ledger and drawing one page included).
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import anyio

from agora.ambient import SystemClock
from agora.events import Done
from agora.memory.sql_store import SQLStore
from agora.tasks import Usage
from agora.traces.many.figures import Selected
from agora.traces.many.gathering import Many
from agora.traces.many.page import many_page
from agora.ui.pages import Pages
from benchmarks.bench_store import started, steps

ROUNDS = 5


async def write(store: SQLStore, run: str, tasks: int) -> None:
    """One whole run."""
    events = [started(), *(event for at in range(tasks) for group in steps(f"{run}-t{at}") for event in group)]
    await store.record(run, *events, Done(verdicts={}, usage=Usage()))


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


async def main(runs: int, tasks: int) -> None:
    """Write, fold, draw."""
    with tempfile.TemporaryDirectory() as folder:
        store = SQLStore.open(Path(folder) / "agora.db", clock=SystemClock())
        for at in range(runs):
            await write(store, f"run{at:06}", tasks)
        list(islice(store.events(), 1000))
        many_page(Many(store, Selected(last=1)).figures())  # what is imported late is imported now
        fresh = Many(store)
        first = cpu_s(fresh.figures)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        figures = fresh.figures()
        events = figures.seq
        print(f"{runs} runs, {figures.total.tasks} tasks, {events} events")
        print(f"first fold: {first:.2f} s of CPU, {1e6 * first / events:.1f} us an event of the ledger")
        print(f"the most memory that the process had until then: {peak / 1024:.0f} MiB")
        again: list[float] = []
        for at in range(ROUNDS):
            await write(store, f"more{at:06}", 1)
            again.append(cpu_s(fresh.figures))
        print(f"after one more run: {1e3 * statistics.median(again):.1f} ms")
        drawn = [cpu_s(lambda: many_page(figures)) for _ in range(ROUNDS)]
        print(f"the page: {1e3 * statistics.median(drawn):.0f} ms, {len(many_page(figures).encode()) / 1000:.0f} kB")
        pages = Pages(store)
        cold = cpu_s(pages.runs)
        warm = [cpu_s(pages.runs) for _ in range(ROUNDS)]
        print(f"the list of runs: {1e3 * cold:.0f} ms at first, then {1e3 * statistics.median(warm):.0f} ms")
        await store.close()


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
