"""Off-policy estimates from the real market's own ledgers, held against the truth: whole chain, policies that learn.

    python benchmarks/off_policy_market.py

Simulated agents, and no evidence about any model; market, ledger, learning, chances and estimates are the real ones.
Six agents as in benchmarks/policies.py, each with a price a task and a chance to pass each of three classes. A market
whose policy learns as it goes (`ants`, `auto`) does the tasks of one run, and `agora trace estimate` says from its
ledger what the others would have passed. Whether each agent passes each task is known, and an auction here goes to the
cheapest of those that are asked (nothing but prices counts; one agent alone is never called, nobody explores). So what
each policy comes to along that log is known exactly: its chances at each decision, with what it had learned from the
log up to there.

Reported over seeds, for each logging policy and target: in how many runs there was an estimate, in how many of these
the 95 % intervals (normal) held the truth, the mean error, and the mean effective sample.

Code, thresholds and seeds (800:824) stood before the first run on them; choices were made on 910:912.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.auctions import SALE
from agora.cli.definitions import load_policy
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock
from agora.traces.off_policy.answers import answers
from agora.traces.off_policy.estimators import Estimate, Method
from agora.traces.off_policy.logged import Decision, decisions_of
from benchmarks.policies import AGENTS, CLASSES, LIMIT, agent_of, kind_of, passes

TARGETS = ("sale", "linucb", "linucb+sale", "ants", "ants+sale", "auto")
LOGGING = ("ants", "auto")
METHODS: tuple[Method, ...] = ("ips", "snips", "dr")


class Came(NamedTuple):
    """One estimate beside the truth."""

    refused: bool
    error: dict[Method, float]
    held: dict[Method, bool]
    ess: float


async def logged_by(policy: str, *, tasks: int, seed: int) -> MemoryStore:
    """A ledger with one run of a policy."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    market = Market(
        [agent_of(name, seed=seed, shift=False) for name in AGENTS],
        budget_usd="1000",
        mechanism=SALE(rules={"post": False, "explore": 0.0, "refine": "off"}),
        policy=load_policy(policy, project=None),
        store=store,
        attempts=1,
        seed=seed,
        clock=clock,
    )
    check = Check(kind="exact", options={"answer": "right"})
    wanted = [
        Task(
            id=str(n),
            goal=CLASSES[kind_of(seed, n)].format(n=n),
            skill=kind_of(seed, n),
            verify=check,
            limits=Limits(usd=LIMIT),
        )
        for n in range(tasks)
    ]
    await market.run_all(wanted)
    return store


def truth_of(decisions: Sequence[Decision], target: str, *, seed: int) -> float:
    """What a policy comes to along a log."""
    total = 0.0
    for one in decisions:
        chances = one.targets[target]
        assert not isinstance(chances, str)
        for asked, p in chances.items():
            winner = min(asked, key=lambda name: float(AGENTS[name].price))
            total += p * passes(winner, int(one.task), seed=seed, shift=False)
    return total / len(decisions)


async def main(seeds: Sequence[int], tasks: int) -> None:
    """Print a line for each logging policy and target."""
    print(f"{tasks} tasks a run, {len(seeds)} runs of each\n")
    print("| logged by | target | estimated | effective | " + " | ".join(f"{m}: held, error" for m in METHODS) + " |")
    print("| --- | --- | --- | --- | " + "--- | " * len(METHODS))
    for logging in LOGGING:
        came: dict[str, list[Came]] = defaultdict(list)
        for seed in seeds:
            store = await logged_by(logging, tasks=tasks, seed=seed)
            decisions = decisions_of(store, {name: load_policy(name, project=None) for name in TARGETS})
            for answer in answers(decisions, TARGETS, seed=seed)[1:]:
                truth, support = truth_of(decisions, answer.policy, seed=seed), answer.support
                found: Mapping[Method, Estimate] = {} if answer.refused else answer.passed
                came[answer.policy].append(
                    Came(
                        bool(answer.refused),
                        {method: found[method].value - truth for method in METHODS if found},
                        {m: found[m].normal[0] <= truth <= found[m].normal[1] for m in METHODS if found},
                        support.ess if support else 0.0,
                    )
                )
        for target, each in came.items():
            kept = [one for one in each if not one.refused]
            cells = [
                f"{sum(one.held[method] for one in kept)}/{len(kept)}, "
                f"{statistics.fmean(one.error[method] for one in kept):+.4f}"
                if kept
                else "-"
                for method in METHODS
            ]
            ess = statistics.fmean(one.ess for one in kept or each)
            print(f"| {logging} | {target} | {len(kept)}/{len(each)} | {ess:.0f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="800:824", help="first:end")
    parser.add_argument("--tasks", type=int, default=400)
    given = parser.parse_args()
    first, end = (int(part) for part in given.seeds.split(":"))
    anyio.run(main, range(first, end), given.tasks)
