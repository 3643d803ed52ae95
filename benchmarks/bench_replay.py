"""Strict replay: decisions a second of CPU, by policy, on a real SQLite ledger and on an exported file.

Run: python -m benchmarks.bench_replay [TASKS]

Three function agents bid for each task, plans are scored, one works, a match verifies, all is learned from: about ten
decisions a task. Each run is made by the market itself and replayed from what stands on the ledger then; the time of
reading and decoding all events, of what other runs taught the policy, and of every comparison is in it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import anyio

from agora.agents.function import FunctionAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.market import Market
from agora.memory.ledger_file import LedgerFile
from agora.memory.sql_store import SQLStore
from agora.protocols import Agent, Desk, Store
from agora.tasks import Check, Task
from agora.traces.exporting import Export, selected
from agora.traces.replay.making import policy_from
from agora.traces.replay.replaying import replay

ROUNDS = 3
POLICIES = ("sale", "linucb+sale", "ants", "auto")
_SAYS_42 = Check(kind="exact", options={"answer": "42"})


def agent(name: str, right: int, price: str) -> Agent:
    """Answers so many of every ten tasks right."""

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42" if int(desk.task.id.removeprefix("t")) % 10 < right else "41"

    perform.__qualname__ = name
    return FunctionAgent(name, perform, plan=Plan(text=f"as {name}", tokens=0), price=Price(per_task=Decimal(price)))


async def write(store: SQLStore, policy: str, tasks: int) -> str:
    """One run of a market."""
    pool = [agent("able", 10, "0.05"), agent("weak", 2, "0.01"), agent("half", 5, "0.02")]
    market = Market(pool, store=store, policy=policy_from(policy, ""), seed=3, attempts=2, budget_usd="10000")
    report = await market.run_all(
        [Task(id=f"t{at}", goal="6 x 7?", skill="sums", verify=_SAYS_42) for at in range(tasks)]
    )
    return report.run


def measured(store: Store, run: str) -> tuple[int, int, float]:
    """Decisions, events, and the median of CPU seconds of a replay."""
    seconds: list[float] = []
    decisions = events = 0
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = replay(store, run)
        seconds.append(time.process_time() - begun)
        if found.diverged is not None or found.lacking:
            raise SystemExit(f"the run did not come out again: {found.diverged or found.lacking[0]}")
        decisions, events = found.made_again, found.events
    return decisions, events, statistics.median(seconds)


async def main(tasks: int) -> None:
    """Write, replay, say."""
    for policy in POLICIES:
        with tempfile.TemporaryDirectory() as folder:
            store = SQLStore.open(Path(folder) / "agora.db", clock=SystemClock())
            run = await write(store, policy, tasks)
            file = Path(folder) / "run.jsonl"
            file.write_bytes(b"".join(Export(store, selected(store, store, run)).lines()))
            for where, place in (("SQLite", store), ("file", LedgerFile.open(file))):
                decisions, events, seconds = measured(place, run)
                sys.stdout.write(
                    f"{policy:12} {where:6} {decisions:6} decisions of {events:6} events: {seconds:6.2f} s of CPU, "
                    f"{decisions / seconds:6.0f} decisions/s\n"
                )
            await store.close()


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 300)
