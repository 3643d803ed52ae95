"""Seconds and bytes of one run's page: a run of at least 500 events, and one whose texts are long.

    python benchmarks/bench_page.py

"made": the page from its entries, in a process that has drawn one before; "first": in one that has not. "command": the
whole of `agora trace report` as a process, and `agora show` beside it, since most of both is to begin and to open the
ledger. Each with its CPU seconds in brackets, which say more on a busy machine. The bars: 1 s and 2 MB for 500 events.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.auctions import SALE
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.records import Recorded
from agora.tasks import Task
from agora.traces.report import report
from worked_example import TASK, agents

EVENTS, TIMES = 500, 7
BAR_S, BAR_BYTES = 1.0, 2_000_000
LONG = "A sentence of a goal that says at length what is wanted. " * 400


async def ledger(path: Path, tasks: list[Task]) -> tuple[str, list[Recorded]]:
    """A run over tasks, by three scripted agents that bid, judge, write again and are verified."""
    store = SQLStore.open(path, clock=SystemClock())
    try:
        pool: list[LLMAgent] = agents()
        market = Market(pool, mechanism=SALE(rules={"post": False}), store=store, seed=1, budget_usd="5", attempts=2)
        run = (await market.run_all(tasks)).run
        return run, list(store.events(run))
    finally:
        await store.close()


class Took(NamedTuple):
    """Seconds of something done once or more."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.3f} s ({self.cpu:.3f} s)"


def median(taken: list[Took]) -> Took:
    """Of both, each by itself."""
    return Took(statistics.median(one.wall for one in taken), statistics.median(one.cpu for one in taken))


def made(run: str, entries: list[Recorded]) -> tuple[Took, Took, int]:
    """The first page, a further one (the median), and its bytes."""
    taken: list[Took] = []
    text = ""
    for _ in range(TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        text = report(run, entries)
        taken.append(Took(time.perf_counter() - wall, time.process_time() - cpu))
    return taken[0], median(taken[1:]), len(text.encode())


def command(project: Path, *arguments: str) -> Took:
    """A whole command, the median."""
    taken: list[Took] = []
    for _ in range(TIMES):
        wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "agora", *arguments], cwd=project, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        taken.append(Took(time.perf_counter() - wall, cpu))
    return median(taken)


def main() -> None:
    """Print the figures, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "memory").mkdir()
        (project / "agora.toml").write_text("")
        tasks = [TASK.model_copy(update={"id": f"product-{number}"}) for number in range(8)]
        run, entries = anyio.run(ledger, project / "memory" / "agora.db", tasks)
        first, again, size = made(run, entries)
        print(f"events     {len(entries)} (at least {EVENTS}: {'yes' if len(entries) >= EVENTS else 'NO'})")
        print(f"first      {first}, with what is loaded for it")
        print(f"made       {again}, the median of {TIMES - 1}")
        print(f"bytes      {size:,} (bar {BAR_BYTES:,})")
        whole = command(project, "trace", "report", run, "-o", "page.html", "--force")
        shown = command(project, "show", run)
        print(f"command    {whole} (bar {BAR_S} s); agora show {shown}: {whole.cpu / shown.cpu:.2f} times its CPU")
        long = [task.model_copy(update={"goal": f"{task.goal} {LONG}"}) for task in tasks]
        run, entries = anyio.run(ledger, project / "memory" / "agora.db", long)
        _, again, size = made(run, entries)
        print(f"long texts {again}, {size:,} bytes of {len(entries)} events, each goal {len(LONG):,} characters")


if __name__ == "__main__":
    main()
