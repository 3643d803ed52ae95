"""CPU of the core around scripted zero-latency models: one agent, a fan-out, an auctioned stream, memory, imports.

    python benchmarks/bench_core.py

Each figure is a median over rounds of process CPU time, per task. Bars stand beside the figures.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.ambient import SystemClock
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.messages import Reply, Request
from agora.protocols import Store
from agora.solo import solo
from agora.tasks import Check, Task
from agora.testing import RuleModel, call, say

ROUNDS = 7
LOGPROBS = [(-0.7, -0.9, -2.5)] * 8


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: Another.
    """
    return a + b


def three_tools(request: Request) -> Reply | str:
    """Three tool calls and an answer; a plan where one is asked for."""
    if request.messages[0].role == "user":
        return say("1. add\n2. add again\n3. answer", logprobs=LOGPROBS)
    used = sum(message.role == "tool" for message in request.messages)
    return call("add", a=used, b=1) if used < 3 else "42"


def agent(name: str, *, tools: bool = True) -> LLMAgent:
    """A scripted agent."""
    return LLMAgent(name, RuleModel(f"scripted/{name}", three_tools), tools=[add] if tools else [])


def single(name: str) -> LLMAgent:
    """A scripted agent that answers at once."""
    return LLMAgent(name, RuleModel(f"scripted/{name}", lambda request: "42"), tools=[])


async def tool_task() -> None:
    """One agent: three tool calls and an answer."""
    await solo(WORKER, "add some numbers")


async def fan_out() -> None:
    """Ten one-call subtasks at once."""
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(solo, ANSWERER, "answer")


WORKER, ANSWERER = agent("worker"), single("answerer")


def cpu_ms(work: Callable[[], Awaitable[None]], repeats: int) -> float:
    """Median CPU milliseconds of one call."""

    async def rounds() -> list[float]:
        await work()
        taken: list[float] = []
        for _ in range(ROUNDS):
            gc.collect()
            started = time.process_time()
            for _ in range(repeats):
                await work()
            taken.append((time.process_time() - started) / repeats * 1000)
        return taken

    return statistics.median(anyio.run(rounds))


def tasks(count: int) -> list[Task]:
    """So many tasks with an exact answer."""
    check = Check(kind="exact", options={"answer": "42"})
    return [Task(id=f"t{n}", goal="add some numbers", verify=check) for n in range(count)]


async def _market(store: Store, count: int) -> None:
    market = Market([agent("a"), agent("b"), agent("c")], budget_usd="100", store=store)
    report = await market.run_all(tasks(count), parallel=count)
    if report.passed != count:
        raise SystemExit(f"only {report.passed} of {count} tasks passed")


def auctioned(folder: Path) -> tuple[float, int]:
    """CPU milliseconds a task of a stream of 200 at once, ledger at FULL; and the rows that were written."""

    async def rounds() -> tuple[float, int]:
        taken: list[float] = []
        rows = 0
        for number in range(ROUNDS):
            store = SQLStore.open(folder / f"{number}.db", clock=SystemClock())
            gc.collect()
            started = time.process_time()
            await _market(store, 200)
            taken.append((time.process_time() - started) / 200 * 1000)
            rows = sum(1 for _ in store.events())
            await store.close()
        return statistics.median(taken), rows

    return anyio.run(rounds)


def rss_slope(folder: Path) -> float:
    """Bytes of resident memory a task, from task 1,000 to task 5,000."""

    async def run() -> float:
        store = SQLStore.open(folder / "rss.db", clock=SystemClock())
        marks: list[int] = []
        for done in range(100, 5001, 100):
            await _market(store, 100)
            if done in (1000, 5000):
                gc.collect()
                marks.append(_rss_bytes())
        await store.close()
        return (marks[1] - marks[0]) / 4000

    return anyio.run(run)


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def command_s(*argv: str) -> float:
    """Median wall seconds of a command."""
    taken: list[float] = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        auction_ms, rows = auctioned(Path(name))
        slope = rss_slope(Path(name))
    plain = command_s(sys.executable, "-c", "pass")
    lines = [
        ("tool task, one agent, null sink", f"{cpu_ms(tool_task, 200):.3f} ms CPU", "<= 0.9"),
        ("fan-out of 10, null sink", f"{cpu_ms(fan_out, 100):.3f} ms CPU", "<= 1.8"),
        ("auctioned among 3, 200 at once, FULL", f"{auction_ms:.2f} ms CPU ({rows} ledger rows)", "<= 5"),
        ("RSS slope, task 1,000 to 5,000", f"{slope / 1000:.2f} kB a task", "<= 1"),
        ("import agora", f"{command_s(sys.executable, '-c', 'import agora') - plain:.3f} s over plain", "<= 0.2"),
        ("agora --help", f"{command_s(sys.executable, '-m', 'agora', '--help'):.3f} s", "<= 0.4"),
    ]
    for what, figure, bar in lines:
        print(f"{what:40} {figure:36} bar {bar}")


if __name__ == "__main__":
    main()
