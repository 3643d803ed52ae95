"""Whether the market gets cheaper on a real small model as it learns: the last third of a stream against the first.

    python benchmarks/ladder_learning.py --seed 20261123 --n 300

The pool is the starter project's; no two tasks have the same goal and files. Each mechanism takes the stream twice:
with its memory on, and, as a control for the luck of the draw, with learning off. A seeded call that was made before is
not made again, so that both stand on the same replies. Cost is the model's seconds at the price that its agents state
for a token (a busy machine does not change it), bids included; seconds as measured are printed beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SystemClock
from agora.bench.live import Lab
from agora.bench.ways import Row, Way
from agora.cli.definitions import load_mechanism
from agora.coordinator import Everyone
from agora.events import Opened
from agora.intervals import Interval, change_of_cost, mean_of, per_solved, wilson
from agora.models.local import LocalModel
from agora.protocols import Agent, Store
from agora.sandbox import best_sandbox
from benchmarks.ladder import ATTEMPTS, fresh_store, known_replies, laid_out
from benchmarks.ladder_tasks import stream
from benchmarks.variant_tasks import Variant
from benchmarks.variants import ROOT, starter_agents

MECHANISMS = ("sale", "central")
"""The project's own, and the one that goes by the record alone."""

_MOST_DRAWN = 8


def disjoint(seed: int, n: int) -> list[Variant]:
    """The first n tasks of a seed's set of which no two have the same goal and files."""
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    chosen: list[Variant] = []
    for _, variant in stream(seed, n * _MOST_DRAWN):
        key = (variant.task.goal, tuple(sorted(variant.files.items())))
        if key not in seen and len(chosen) < n:
            seen.add(key)
            chosen.append(variant)
    return chosen


def stated_seconds(row: Row, agents: Sequence[Agent]) -> float:
    """What a task's tokens take at the price that the pool's model states."""
    price = next(card.price for agent in agents if (card := agent.profile).model and card.price is not None)
    return float(price.of(row.usage.input_tokens, row.usage.output_tokens))


def thirds(rows: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """The first and the last third."""
    size = len(rows) // 3
    return rows[:size], rows[-size:]


def report(name: str, rows: Sequence[Row], agents: Sequence[Agent], *, seed: int) -> str:
    """First third, last third, and the change of what a solved task costs."""
    lines: list[str] = []
    columns: list[tuple[list[float], list[float]]] = []
    for which, part in zip(("first third", "last third"), thirds(rows), strict=True):
        costs, passed = [stated_seconds(row, agents) for row in part], [float(row.passed) for row in part]
        columns.append((costs, passed))
        solved, (low, high) = sum(passed), wilson(sum(passed), len(part))
        measured = per_solved([row.usage.seconds for row in part], passed, seed=seed)
        share = sum(row.overhead.tokens for row in part) / max(1, sum(row.usage.tokens for row in part))
        lines.append(
            f"{name:22} {which}: {solved:.0f}/{len(part)} {solved / len(part):.2f} [{low:.2f}, {high:.2f}]"
            f"  cost of a solved task {_ranged(per_solved(costs, passed, seed=seed))} s"
            f"  as measured {_ranged(measured)} s  bids {share:.0%} of tokens"
        )
    change = change_of_cost(columns[0], columns[1], seed=seed)
    lines.append(f"{name:22} change of the cost of a solved task: {_percent(change)}")
    return "\n".join(lines)


def against_control(learned: Sequence[Row], control: Sequence[Row], agents: Sequence[Agent], *, seed: int) -> str:
    """The last third with the memory on, less the same tasks with learning off."""
    ours, theirs = thirds(learned)[1], thirds(control)[1]
    pairs = list(zip(ours, theirs, strict=True))
    passed = mean_of([float(one.passed) - float(two.passed) for one, two in pairs], seed=seed)
    cost = mean_of([stated_seconds(one, agents) - stated_seconds(two, agents) for one, two in pairs], seed=seed)
    moved = sum(one.agent != two.agent for one, two in pairs)
    return (
        f"last third, memory on less off, n {len(pairs)}: passed {_signed(passed)}, cost a task {_signed(cost)} s;"
        f" {moved} tasks went to another agent"
    )


async def main(seed: int, n: int, mechanisms: Sequence[str], record: Path | None) -> None:
    """Measure and print."""
    clock = SystemClock()
    began_s = clock.monotonic_s()
    variants = disjoint(seed, n)
    agents = starter_agents(LocalModel())
    print(f"learning: seed {seed}, n {len(variants)} disjoint tasks, thirds of {len(variants) // 3}", flush=True)
    with laid_out(variants) as tasks:
        replies = await known_replies(record, clock=clock)
        for name in mechanisms:
            ways: dict[bool, Way] = {}
            for learn in (True, False):
                store = fresh_store(record, clock=clock)
                lab = Lab(
                    tasks=tasks,
                    budget_usd=Decimal(0),
                    seed=seed,
                    store=store,
                    sandbox=best_sandbox(),
                    learn=learn,
                    replies=replies,
                )
                mechanism = load_mechanism(name, project=ROOT)
                ways[learn] = await lab.auction(agents, mechanism=mechanism, policy=Everyone(), attempts=ATTEMPTS)
                print(f"  {_openings(store, ways[learn])}")
                await store.close()
                took_s = clock.monotonic_s() - began_s
                print(f"  after {took_s:.0f} s: {name}, learning {learn}: {ways[learn].passed}/{n}", flush=True)
            print(_compared(name, ways, agents, seed=seed), flush=True)
    print(f"wall time {clock.monotonic_s() - began_s:.0f} s")


def _openings(store: Store, way: Way) -> str:
    """How the first calls of a stream were made, by thirds."""
    events = [item.event for run in way.runs for item in store.events(run)]
    hows = [event.how for event in events if isinstance(event, Opened) and event.auction == 0]
    size = len(hows) // 3
    parts = [Counter(part) for part in (hows[:size], hows[size:-size], hows[-size:])] if size else []
    told = ["; ".join(f"{how} {count}" for how, count in sorted(part.items())) for part in parts]
    return "first calls by thirds: " + " | ".join(told)


def _compared(name: str, ways: Mapping[bool, Way], agents: Sequence[Agent], *, seed: int) -> str:
    learned, control = ways[True].rows, ways[False].rows
    return "\n".join(
        (
            "",
            report(f"{name}, memory on", learned, agents, seed=seed),
            report(f"{name}, learning off", control, agents, seed=seed),
            f"{name}: {against_control(learned, control, agents, seed=seed)}",
        )
    )


def _ranged(value: Interval | None) -> str:
    return "none solved" if value is None else f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _percent(value: Interval | None) -> str:
    return "none solved" if value is None else f"{value.value:+.0%} [{value.low:+.0%}, {value.high:+.0%}], n {value.n}"


def _signed(value: Interval | None) -> str:
    return "none" if value is None else f"{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Whether the market gets cheaper on a real small model.")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--mechanisms", default=",".join(MECHANISMS), help="comma-separated")
    parser.add_argument("--record", type=Path, help="keep the runs in this folder, and take equal calls from it")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    anyio.run(main, given.seed, given.n, given.mechanisms.split(","), given.record)
