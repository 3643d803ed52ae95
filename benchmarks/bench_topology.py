"""CPU of choosing a topology: 10,000 subtasks of four shapes, and the exact width of 200.

    python benchmarks/bench_topology.py

Each figure is a median, and the least, over rounds of process CPU time: checking the plan, its figures and the rule.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.workflows.features import EXACT_UP_TO, Subtask, checked, exact_width
from agora.workflows.topology import Dispatch, Topology, choose
from benchmarks.bench_auctions import cpu_ms, draw

NODES, BAR_MS = 10_000, 60


def random_plan(nodes: int, *, edges_each: int, reach: int) -> list[Subtask]:
    """Every subtask depends on a few of those shortly before it."""
    made: list[Subtask] = []
    for number in range(nodes):
        drawn = [draw(f"{number}/{place}", reach) + 1 for place in range(edges_each)]
        needed = tuple(f"s{number - back}" for back in sorted(set(drawn)) if back <= number)
        made.append(Subtask(id=f"s{number}", depends_on=needed, estimated_tokens=draw(f"{number}/t", 4_000)))
    return made


def shapes(nodes: int) -> dict[str, list[Subtask]]:
    """Plans of known shapes."""
    names = [f"s{number}" for number in range(nodes)]
    fans = [Subtask(id=name, depends_on=("s0",) if place else ()) for place, name in enumerate(names)]
    return {
        "chain": [Subtask(id=name, depends_on=tuple(names[place - 1 : place])) for place, name in enumerate(names)],
        "fan": fans,
        "random, 3 edges each": random_plan(nodes, edges_each=3, reach=100),
        "random, 10 edges each": random_plan(nodes, edges_each=10, reach=1_000),
    }


def main() -> None:
    """Print every figure beside its bar."""

    def choice(plan: list[Subtask]) -> Callable[[], object]:
        return lambda: choose(plan)

    made = shapes(NODES)
    rows: list[tuple[str, Callable[[], object], int | None]] = []
    rows += [(f"choose, {NODES} subtasks: {shape}", choice(plan), BAR_MS) for shape, plan in made.items()]
    middle = made["random, 3 edges each"]
    rows.append(
        ("order of dispatch, random, 3 edges each", lambda: Dispatch(middle, topology=Topology.HYBRID).order, None)
    )
    small = checked(random_plan(EXACT_UP_TO, edges_each=4, reach=40))
    rows.append((f"exact width, {EXACT_UP_TO} subtasks", lambda: exact_width(small), None))
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds of CPU, median and least; bar; median / bar")
    for what, work, bar in rows:
        median, least = cpu_ms(work)
        print(f"{what:45} {median:8.2f} {least:8.2f}" + (f" {bar:6} {median / bar:6.2f}" if bar else ""))


if __name__ == "__main__":
    main()
