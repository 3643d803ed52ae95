"""CPU of whole auctions among eight scripted agents on a SQLite ledger at FULL: bids, jury, second plans from memory.

    python benchmarks/bench_auction_loop.py

"At once" is the mean of as many tasks in one run, where their commits go together.

A task is posted, auctioned, done, verified and learned from; its work is one scripted answer, so nearly all of it is
the auction. The bar is for the dearest form: all eight bid, all eight judge, and the seven cheaper ones write again.
"""

from __future__ import annotations

import gc
import json
import os
import re
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.auctions import SALE
from agora.bids import Price
from agora.events import BidPlaced, Judged
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.tasks import Check, Task
from agora.testing import RuleModel

AGENTS, WARM, TASKS = 8, 12, 40
GOAL = "multiply the numbers {n} and 2, variant {n}"
BAR_MS = 20


def agent(number: int) -> LLMAgent:
    """The dearest writes the best plan; the others guess, and write a little better when they are shown it."""
    best = number == AGENTS - 1

    def reply(request: Request) -> str:
        prompt = request.messages[0].content
        if "one of the judges" in prompt:
            plans = re.findall(r"^Plan ([A-Z]):\n\| (.*)$", prompt, re.MULTILINE)
            return json.dumps({label: 5 if "check" in plan else 1 for label, plan in plans})
        if "you may write it once more" in prompt:
            return f"1. guess twice, as number {number}"
        if "Do not solve it yet" in prompt:
            return "1. multiply, then check" if best else f"1. guess, as number {number}"
        return "done"

    price = Price(input_per_mtok=Decimal(1 + number), output_per_mtok=Decimal(1 + number))
    return LLMAgent(f"agent{number}", RuleModel(f"scripted/{number}", reply, price=price), tools=())


def task(number: int) -> Task:
    """Alike, so that the past is recalled."""
    goal, check = GOAL.format(n=number), Check(kind="exact", options={"answer": "done"})
    return Task(id=f"t{number}", goal=goal, verify=check)


class Found(NamedTuple):
    """What one form of the auction took, in milliseconds of CPU a task, and what an auction held."""

    median: float
    least: float
    at_once: float
    held: str


async def measured(folder: Path, name: str, mechanism: SALE) -> Found:
    """One task after another, and then as many at once."""
    store = SQLStore.open(str(folder / f"{name}.db"), clock=SystemClock())
    market = Market([agent(n) for n in range(AGENTS)], mechanism=mechanism, store=store, seed=1, budget_usd="100")
    taken: list[float] = []
    run = ""
    try:
        for number in range(WARM + TASKS):
            gc.collect()
            started = time.process_time()
            result = await market.run(task(number))
            taken.append((time.process_time() - started) * 1_000)
            assert result.passed
            run = result.run
        events = [item.event for item in store.events(run)]
        gc.collect()
        started = time.process_time()
        report = await market.run_all([task(WARM + TASKS + number) for number in range(TASKS)], parallel=TASKS)
        at_once = (time.process_time() - started) * 1_000 / TASKS
        assert report.passed == TASKS
    finally:
        await store.close()
    bids = [event.bid.round for event in events if isinstance(event, BidPlaced)]
    judged = sum(isinstance(event, Judged) for event in events)
    held = f"{bids.count(0)} bids, {judged} judgements, {bids.count(1)} second plans"
    return Found(statistics.median(taken[WARM:]), min(taken[WARM:]), at_once, held)


async def main() -> None:
    """Print every form."""
    weights = {"cost": 0.1, "entropy": 0.0, "jury": 0.9}
    always = {"post": False, "explore": 0.0}
    forms = {
        "bids alone": SALE(weights, jury=[], rules={**always, "refine": "off"}),
        "bids and jury": SALE(weights, rules={**always, "refine": "off"}),
        "bids, jury and second plans": SALE(weights, rules=always),
    }
    print(f"load over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; {TASKS} tasks each")
    head = f"{'median ms':>10} {'least ms':>10} {'at once':>8} {'bar ms':>7} {'ratio':>6}"
    print(f"{'a task among 8':<30} {head}  what was held")
    with tempfile.TemporaryDirectory() as folder:
        for name, mechanism in forms.items():
            found = await measured(Path(folder), name, mechanism)
            times = f"{found.median:>10.2f} {found.least:>10.2f} {found.at_once:>8.2f}"
            print(f"{name:<30} {times} {BAR_MS:>7} {found.median / BAR_MS:>6.2f}  {found.held}")


if __name__ == "__main__":
    anyio.run(main)
