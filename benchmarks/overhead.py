"""What bidding takes of tokens and dollars in the real loop, by the length of tasks, as records come in.

    python benchmarks/overhead.py

Four scripted agents at the prices of SALE's pool bid, judge and work through the whole market with its default rules;
the work of a task is one answer of the stated length, and always right. Only tokens and dollars are looked at: who
passes what is no matter here. Printed by ten tasks: the share of bidding (plans, marks, second plans) in all tokens and
dollars, how often bids were called for or the price was posted, and the calls of models that come one after another
before the work can begin.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.llm import LLMAgent
from agora.bids import Price
from agora.events import BidPlaced, Event, Judged, Opened, TaskDone
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Request
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock, RuleModel

PRICES = {"4b": "0.05", "8b": "0.09", "14b": "0.16", "32b": "0.36"}
PLAN = "\n".join(f"{step}. look at what is there, change one thing, run the check and read it" for step in range(1, 6))
TASKS, TENTH = 60, 10


def agent(name: str, usd_per_mtok: str, work_tokens: int) -> LLMAgent:
    """Plans of about 90 tokens, one mark a plan, and an answer of so many tokens."""
    answer = "word " * (work_tokens * 4 // 5) + "42"

    def reply(request: Request) -> str:
        prompt = request.messages[0].content
        if "one of the judges" in prompt:
            return json.dumps(dict.fromkeys(re.findall(r"^Plan ([A-Z]):$", prompt, re.MULTILINE), 3))
        return f"{PLAN}\nCHANCE: 80 %" if "Do not solve" in prompt else answer

    price = Price(input_per_mtok=Decimal(usd_per_mtok), output_per_mtok=Decimal(usd_per_mtok))
    return LLMAgent(name, RuleModel(name, reply, price=price), tools=(), max_tokens=work_tokens + 100)


async def measured(work_tokens: int) -> Sequence[list[Event]]:
    """The events of each task of one stream."""
    store = MemoryStore(clock=FakeClock())
    agents = [agent(name, usd, work_tokens) for name, usd in PRICES.items()]
    limits = Limits(tokens=20 * work_tokens + 400_000, usd=Decimal(20))
    market = Market(agents, store=store, seed=1, budget_usd="20", limits=limits)
    check = Check(kind="numeric", options={"answer": 42})
    found: list[list[Event]] = []
    for number in range(TASKS):
        goal = f"mend the failing test number {number} of the repository"
        await market.run(Task(id=f"t{number}", goal=goal, verify=check, limits=limits))
    for run in dict.fromkeys(item.run for item in store.events()):
        found.append([item.event for item in store.events(run) if item.event is not None])
    return found


def depth(events: Sequence[Event]) -> int:
    """Calls of models one after another before the work: plans, marks, second plans, their marks."""
    rounds = {("bid", event.bid.round) for event in events if isinstance(event, BidPlaced)}
    return len(rounds | {("marks", event.round) for event in events if isinstance(event, Judged)})


def row(events: Sequence[list[Event]]) -> str:
    """The figures of some tasks."""
    ends = [event for task in events for event in task if isinstance(event, TaskDone)]
    hows = Counter(event.how for task in events for event in task if isinstance(event, Opened))
    tokens = sum(end.overhead.tokens for end in ends) / sum(end.usage.tokens for end in ends)
    usd = sum(end.overhead.usd for end in ends) / sum(end.usage.usd for end in ends)
    called = ", ".join(f"{how} {count}" for how, count in sorted(hows.items()))
    calls = statistics.median(depth(task) for task in events)
    return f"{tokens:>8.1%} {usd:>8.1%} {calls:>14.0f}   {called}"


async def main() -> None:
    """Every length, by ten tasks."""
    print(f"{'tokens of work':>14} {'tasks':>8} {'tokens':>8} {'dollars':>8} {'calls before':>14}   calls for bids")
    for work_tokens in (2_000, 20_000, 100_000):
        found = await measured(work_tokens)
        for start in range(0, TASKS, TENTH):
            print(f"{work_tokens:>14,} {start + 1:>4}-{start + TENTH:<3} {row(found[start : start + TENTH])}")


if __name__ == "__main__":
    anyio.run(main)
