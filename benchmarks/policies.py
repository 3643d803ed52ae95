"""The policies by name in the real market, with simulated agents: what they pass, spend, and ask.

    python benchmarks/policies.py --seeds 700:708

Simulated agents, and no evidence about any model; market, auction, ledger and learning are the real ones. Six agents,
each with a price a task and a chance to pass each of three classes of tasks: one that is dear and good at everything,
three that are good at one class, one that is cheap and middling, one that is cheap and bad. Their plans say nothing (no
entropy, no jury), so that an auction among all can only go by price and by its mechanism's own rules. Bids cost
nothing here: what asking costs in truth stands in docs/what-the-auction-costs.md. A task may cost $0.10, one attempt.
Half-way the best agent for "search" and the cheap bad one change places ("shift"), or nothing does.

Reported: share passed over all tasks and over the last quarter, dollars a task, reward = passed - .3 x share of the
budget, how many were asked in the first call, with 95 % intervals over seeds. Beside them the best single agent, and
the best agent for each class, known beforehand.

Parameters and code stood before the first run on the reported seeds (700-707); choices were made on 710-711.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.function import FunctionAgent
from agora.bids import Plan, Price
from agora.cli.definitions import load_policy
from agora.events import Opened
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.protocols import Agent, Desk
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock

TASKS, LIMIT, COST_WEIGHT = 240, Decimal("0.10"), 0.3
CLASSES = {
    "code": "Fix the failing test in module {n}",
    "maths": "Solve equation {n} and give the number",
    "search": "Find which document says when company {n} was founded",
}
POLICIES = ("sale", "linucb", "linucb+sale", "ants", "ants+sale", "auto")


class Able(NamedTuple):
    """What an agent asks, and how often it passes each class."""

    price: str
    code: float
    maths: float
    search: float


AGENTS = {
    "strong": Able("0.08", 0.92, 0.92, 0.92),
    "coder": Able("0.02", 0.88, 0.30, 0.30),
    "counter": Able("0.02", 0.30, 0.88, 0.30),
    "finder": Able("0.02", 0.30, 0.30, 0.88),
    "cheap": Able("0.005", 0.55, 0.50, 0.50),
    "bad": Able("0.002", 0.15, 0.15, 0.15),
}


def chance(seed: int, *label: object) -> float:
    """A draw in [0, 1) by label."""
    return int.from_bytes(hashlib.sha256(repr((seed, label)).encode()).digest()[:7]) / 2**56


def able(name: str, n: int, *, shift: bool) -> Able:
    """What an agent can do at a task: after a shift finder and bad one have changed places at search."""
    one = AGENTS[name]
    if not shift or n < TASKS // 2 or name not in ("finder", "bad"):
        return one
    return one._replace(search=AGENTS["bad" if name == "finder" else "finder"].search)


def kind_of(seed: int, n: int) -> str:
    """Of which class a task is."""
    return list(CLASSES)[int(chance(seed, "kind", n) * len(CLASSES))]


def passes(name: str, n: int, *, seed: int, shift: bool) -> bool:
    """Whether an agent passes a task."""
    share: float = getattr(able(name, n, shift=shift), kind_of(seed, n))
    return chance(seed, "pass", name, n) < share


def agent_of(name: str, *, seed: int, shift: bool) -> Agent:
    """An agent of that price and these chances."""

    async def perform(desk: Desk, plan: Plan) -> str:
        return "right" if passes(name, int(desk.task.id), seed=seed, shift=shift) else "wrong"

    perform.__qualname__ = name
    price = Price(per_task=Decimal(AGENTS[name].price))
    return FunctionAgent(name, perform, plan=Plan(text="do the task", tokens=0), price=price)


class Came(NamedTuple):
    """What came of one run."""

    passed: float
    late: float
    usd: float
    reward: float
    asked: float


def came(passed: Sequence[bool], spent: Sequence[float], asked: float) -> Came:
    """The figures of a run, task by task."""
    late = passed[-len(passed) // 4 :]
    reward = [max(0.0, one - COST_WEIGHT * usd / float(LIMIT)) for one, usd in zip(passed, spent, strict=True)]
    return Came(
        statistics.fmean(passed), statistics.fmean(late), statistics.fmean(spent), statistics.fmean(reward), asked
    )


async def run(policy: str, *, seed: int, shift: bool) -> Came:
    """One run of a policy in the market."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    market = Market(
        [agent_of(name, seed=seed, shift=shift) for name in AGENTS],
        budget_usd="100",
        policy=load_policy(policy, project=None),
        store=store,
        attempts=1,
        seed=seed,
        clock=clock,
    )
    check = Check(kind="exact", options={"answer": "right"})
    tasks = [
        Task(
            id=str(n),
            goal=CLASSES[kind_of(seed, n)].format(n=n),
            skill=kind_of(seed, n),
            verify=check,
            limits=Limits(usd=LIMIT),
        )
        for n in range(TASKS)
    ]
    report = await market.run_all(tasks)
    prices = {name: float(one.price) for name, one in AGENTS.items()}
    spent = [prices[one.award.agent] if one.award else 0.0 for one in report.results]
    asked = [len(one.event.asked) for one in store.events() if isinstance(one.event, Opened)]
    return came([one.passed for one in report.results], spent, statistics.fmean(asked))


def known(choice: Mapping[str, str] | str, *, seed: int, shift: bool) -> Came:
    """Who always gives a task to one agent, or to one of each class (after a shift: of what is then best)."""
    passed, spent = list[bool](), list[float]()
    for n in range(TASKS):
        name = choice if isinstance(choice, str) else choice[kind_of(seed, n)]
        if name == "finder" and not isinstance(choice, str) and shift and n >= TASKS // 2:
            name = "bad"
        passed.append(passes(name, n, seed=seed, shift=shift))
        spent.append(float(AGENTS[name].price))
    return came(passed, spent, 1.0)


def spread(values: Sequence[float]) -> str:
    """Mean and half of its 95 % interval over seeds (t, n - 1)."""
    t = {2: 12.706, 4: 3.182, 8: 2.365, 12: 2.201}.get(len(values), 2.0)
    return f"{statistics.fmean(values):.3f} ±{t * statistics.stdev(values) / math.sqrt(len(values)):.3f}"


async def main(seeds: Sequence[int], policies: Sequence[str]) -> None:
    """Print a table for each world."""
    for shift in (False, True):
        print(f"\n{'half-way the best searcher changes' if shift else 'nothing changes'} ({len(seeds)} seeds)\n")
        print("| policy | passed | last quarter | $ a task | reward | asked |\n| --- | --- | --- | --- | --- | --- |")
        rows: dict[str, list[Came]] = {name: [] for name in policies}
        for name in policies:
            for seed in seeds:
                rows[name].append(await run(name, seed=seed, shift=shift))
        best = {"code": "coder", "maths": "counter", "search": "finder"}
        rows["always the strong one"] = [known("strong", seed=seed, shift=shift) for seed in seeds]
        rows["always the cheap one"] = [known("cheap", seed=seed, shift=shift) for seed in seeds]
        rows["the best of each class, known"] = [known(best, seed=seed, shift=shift) for seed in seeds]
        for name, ran in rows.items():
            cells = [spread([getattr(one, field) for one in ran]) for field in ("passed", "late", "usd", "reward")]
            print(f"| {name} | {' | '.join(cells)} | {statistics.fmean(one.asked for one in ran):.1f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="700:708", help="first:end")
    parser.add_argument("--policies", default=",".join(POLICIES))
    given = parser.parse_args()
    first, end = (int(part) for part in given.seeds.split(":"))
    anyio.run(main, range(first, end), given.policies.split(","))
