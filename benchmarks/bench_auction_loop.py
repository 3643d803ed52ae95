"""CPU of whole auctions among eight scripted agents on a SQLite ledger at FULL: bids, jury, second plans from memory.

    python benchmarks/bench_auction_loop.py

A task is posted, auctioned, done, verified and learned from. What all that takes where one agent has every task and
nobody bids against it is measured, too, and taken off: "the auction". "At once" is the mean of as many tasks in one
run, where their commits go together.

The agents are scripted twice: by functions, and by models that answer by a rule, whose 31 calls each stand on the
ledger with their reservations. The bar is for the dearest form: all eight bid, all eight judge, and the seven cheaper
ones write again. Where the extra "embeddings" is installed, the goal of each task is embedded once: about 5 ms.
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
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.auctions import SALE
from agora.bids import Lesson, Plan, Price
from agora.events import BidPlaced, Called, Judged
from agora.market import Market
from agora.memory.embeddings import local_embedder
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.protocols import Agent, Desk, Mechanism
from agora.tasks import Check, Task
from agora.testing import RuleModel
from agora.values import JsonValue

AGENTS, WARM, TASKS = 8, 12, 40
GOAL = "multiply the numbers {n} and 2, variant {n}"
BAR_MS = 20


class Scripted(FunctionAgent):
    """Plans, marks and second plans by rule, without a model."""

    def __init__(self, number: int) -> None:
        self._number = number

        async def perform(desk: Desk, plan: Plan) -> str:
            return "done"

        perform.__qualname__ = f"agent{number}"  # whose operator it becomes: eight operators, as with eight models
        super().__init__(f"agent{number}", perform, plan=Plan(text=first_plan(number), tokens=100), price=price(number))

    async def mark(
        self, desk: Desk, plans: Mapping[str, str], *, schema: Mapping[str, JsonValue], complaint: str = ""
    ) -> str:
        """The best plan is known by one word."""
        return json.dumps({label: 5 if "check" in plan else 1 for label, plan in plans.items()})

    async def refine(self, desk: Desk, plan: Plan, lessons: Sequence[Lesson]) -> Plan | None:
        """A little better."""
        return Plan(text=second_plan(self._number), tokens=100)


def first_plan(number: int) -> str:
    """The dearest writes the best one."""
    return "1. multiply, then check" if number == AGENTS - 1 else f"1. guess, as number {number}"


def second_plan(number: int) -> str:
    """What it writes when it is shown what won."""
    return f"1. guess twice, as number {number}"


def price(number: int) -> Price:
    """All differ."""
    return Price(input_per_mtok=Decimal(1 + number), output_per_mtok=Decimal(1 + number))


def modelled(number: int) -> LLMAgent:
    """The same by a model that answers by a rule."""

    def reply(request: Request) -> str:
        prompt = request.messages[0].content
        if "one of the judges" in prompt:
            plans = re.findall(r"^Plan ([A-Z]):\n\| (.*)$", prompt, re.MULTILINE)
            return json.dumps({label: 5 if "check" in plan else 1 for label, plan in plans})
        if "you may write it once more" in prompt:
            return second_plan(number)
        if "Do not solve it yet" in prompt:
            return first_plan(number)
        return "done"

    return LLMAgent(f"agent{number}", RuleModel(f"scripted/{number}", reply, price=price(number)), tools=())


def task(number: int) -> Task:
    """Alike, so that the past is recalled."""
    goal, check = GOAL.format(n=number), Check(kind="exact", options={"answer": "done"})
    return Task(id=f"t{number}", goal=goal, verify=check)


class Found(NamedTuple):
    """What a task took, in milliseconds of CPU, and what its auction held."""

    median: float
    least: float
    at_once: float
    held: str


async def measured(folder: Path, agents: Sequence[Agent], mechanism: Mechanism) -> Found:
    """One task after another, and then as many at once."""
    store = SQLStore.open(str(folder / "agora.db"), clock=SystemClock())
    market = Market(agents, mechanism=mechanism, store=store, seed=1, budget_usd="100")
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
    calls = sum(isinstance(event, Called) for event in events)
    held = f"{bids.count(0)} bids, {judged} judgements, {bids.count(1)} second plans, {calls} calls"
    return Found(statistics.median(taken[WARM:]), min(taken[WARM:]), at_once, held)


async def main() -> None:
    """Print every form."""
    weights = {"cost": 0.1, "entropy": 0.0, "jury": 0.9}
    always = {"post": False, "explore": 0.0}
    forms = {
        "bids": SALE(weights, jury=[], rules={**always, "refine": "off"}),
        "bids and jury": SALE(weights, rules={**always, "refine": "off"}),
        "bids, jury, second plans": SALE(weights, rules=always),
    }
    embeds = "each goal embedded" if local_embedder() else "no embeddings"
    load = f"load over the last minute {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    print(f"{load}; {TASKS} tasks each; {embeds}; the bar is {BAR_MS} ms for the last line of each kind")
    print(f"{'':<36} {'a whole task, CPU ms':^30} | {'the auction, CPU ms':^30}")
    columns = " ".join(f"{name:>9}" for name in ("median", "least", "at once"))
    print(f"{'':<36} {columns}  | {columns}   what was held")
    kinds: tuple[tuple[str, Callable[[int], Agent]], ...] = (("functions", Scripted), ("models", modelled))
    for kind, make in kinds:
        agents = [make(number) for number in range(AGENTS)]
        alone: Found | None = None
        for name, mechanism in {"one agent, no rival": forms["bids"], **forms}.items():
            with tempfile.TemporaryDirectory() as folder:
                found = await measured(Path(folder), agents if alone else agents[-1:], mechanism)
            alone = alone or found
            pairs = list(zip(found[:3], alone[:3], strict=True))
            whole = " ".join(f"{ours:>9.2f}" for ours, _ in pairs)
            auction = " ".join(f"{ours - base:>9.2f}" for ours, base in pairs)
            print(f"{kind + ': ' + name:<36} {whole}  | {auction}   {found.held}", flush=True)


if __name__ == "__main__":
    anyio.run(main)
