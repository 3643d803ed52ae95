"""What following a graph costs: 1,000 nodes against as many bare tasks, and makespans against critical paths.

    python benchmarks/bench_graph.py                  both, as `make bench` does
    python benchmarks/bench_graph.py --rounds 9 --nodes 1000 --only ratio

Ratios: a workflow of function agents that answer at once, against the same number of tasks through `run_all`, on the
same store, with the same number worked on at once (a chain: one). Each round measures the graph and the tasks one after
the other, in turns, so that what else the machine does falls on both; the figure is the median of the rounds' ratios.

Makespans: function agents that sleep for a length that follows from a seed, with as many workers as nodes; the measured
time over the longest path by those lengths.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.function import FunctionAgent
from agora.ambient import SeededChance, SystemClock
from agora.bids import Plan
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.protocols import Desk, Store
from agora.tasks import Task
from agora.workflows.executor import run_flow
from agora.workflows.nodes import Flow, TaskNode

SEED = 20261122
ROUNDS, NODES, AT_ONCE = 5, 1_000, 4
RATIO_BAR, MAKESPAN_BAR = 1.3, 1.1
SHORTEST_S, LONGEST_S = 0.05, 0.2
LAYERED = ((50, 10), (200, 20), (1_000, 50))
"""Nodes and layers of the graphs whose makespan is measured."""

Edges = Sequence[tuple[int, ...]]
"""Of each node, which of those before it must have come to an end."""


def chain(nodes: int) -> Edges:
    """One after the other."""
    return [(number - 1,) if number else () for number in range(nodes)]


def fan(nodes: int) -> Edges:
    """One, then all but two, then one."""
    return [(), *((0,) for _ in range(nodes - 2)), tuple(range(1, nodes - 1))]


def layered(nodes: int, *, layers: int) -> Edges:
    """Layers of one width; each node waits for one to three of the layer before."""
    chance, width = SeededChance(SEED), nodes // layers
    edges: list[tuple[int, ...]] = [() for _ in range(width)]
    for number in range(width, nodes):
        first = (number // width - 1) * width
        drawn = {first + chance.integer(f"{number}/{place}") % width for place in range(3)}
        edges.append(tuple(sorted(drawn)))
    return edges


def flow_of(edges: Edges) -> Flow:
    """A task for each node; it sees what the first of its predecessors gave."""
    nodes = [
        TaskNode(
            id=f"n{number}",
            goal=f"do number {number} after {{n{before[0]}}}" if before else f"do number {number}",
            after=tuple(f"n{one}" for one in before),
        )
        for number, before in enumerate(edges)
    ]
    return Flow(name="graph", nodes=tuple(nodes))


def market(store: Store, perform: Callable[[Desk], Awaitable[str]]) -> Market:
    """One function agent, which needs no model."""

    async def work(desk: Desk, plan: Plan) -> str:
        return await perform(desk)

    agent = FunctionAgent("worker", work, plan=Plan(text="1. do it"))
    return Market([agent], store=store, seed=SEED, attempts=1)


async def at_once(desk: Desk) -> str:
    """Zero latency."""
    return "done"


class Took(NamedTuple):
    """What something took, in seconds."""

    cpu: float
    wall: float


async def measured(work: Callable[[Store], Awaitable[int]], *, nodes: int, disk: bool) -> Took:
    """On a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        store = SQLStore.open(Path(folder) / "agora.db", clock=clock) if disk else MemoryStore(clock=clock)
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        done = await work(store)
        took = Took(time.process_time() - cpu, time.perf_counter() - wall)
        if isinstance(store, SQLStore):
            await store.close()
    if done != nodes:
        raise SystemExit(f"only {done} of {nodes} were done")
    return took


async def compared(edges: Edges, *, parallel: int, disk: bool, rounds: int) -> list[tuple[Took, Took]]:
    """The graph and as many bare tasks, in turns."""
    flow = flow_of(edges)
    bare = [Task(id=f"n{number}", goal=f"do number {number} after done") for number in range(len(edges))]

    async def graph(store: Store) -> int:
        return len((await run_flow(market(store, at_once), flow, parallel=parallel)).report.results)

    async def tasks(store: Store) -> int:
        return len((await market(store, at_once).run_all(bare, parallel=parallel)).results)

    pairs: list[tuple[Took, Took]] = []
    for number in range(rounds):
        turn = (graph, tasks) if number % 2 else (tasks, graph)
        took = {work: await measured(work, nodes=len(edges), disk=disk) for work in turn}
        pairs.append((took[graph], took[tasks]))
    return pairs


async def ratios(*, nodes: int, rounds: int) -> None:
    """The table of ratios."""
    print(f"{nodes} nodes of zero latency against as many bare tasks; {rounds} rounds; the bar is {RATIO_BAR}")
    columns = ("CPU ratio", "of least", "wall ratio", "worst wall", "bare ms", "graph ms")
    print(" ".join([f"{'':<38}", *(f"{column:>10}" for column in columns)]) + "  (CPU, of one task)")
    layers = max(1, nodes // 50)
    forms: dict[str, tuple[Edges, int]] = {
        "chain, one at once": (chain(nodes), 1),
        f"fan, {AT_ONCE} at once": (fan(nodes), AT_ONCE),
        f"fan, {nodes} at once": (fan(nodes), nodes),
        f"{layers} random layers, {AT_ONCE} at once": (layered(nodes, layers=layers), AT_ONCE),
        f"{layers} random layers, {nodes} at once": (layered(nodes, layers=layers), nodes),
    }
    for disk in (False, True):
        for name, (edges, parallel) in forms.items():
            pairs = await compared(edges, parallel=parallel, disk=disk, rounds=rounds)
            cpu = statistics.median(graph.cpu / tasks.cpu for graph, tasks in pairs)
            least = min(graph.cpu for graph, _ in pairs) / min(tasks.cpu for _, tasks in pairs)
            walls = [graph.wall / tasks.wall for graph, tasks in pairs]
            bare_ms, graph_ms = (
                statistics.median(pair[place].cpu for pair in pairs) * 1_000 / nodes for place in (1, 0)
            )
            where = "SQLite" if disk else "memory"
            figures = (cpu, least, statistics.median(walls), max(walls), bare_ms, graph_ms)
            print(" ".join([f"{where + ': ' + name:<38}", *(f"{figure:>10.2f}" for figure in figures)]), flush=True)


def lengths_s(nodes: int) -> list[float]:
    """How long each node sleeps."""
    chance = SeededChance(SEED)
    return [SHORTEST_S + (LONGEST_S - SHORTEST_S) * chance.uniform(f"length {number}") for number in range(nodes)]


def critical_s(edges: Edges, lengths: Sequence[float]) -> float:
    """The longest path."""
    ends: list[float] = []
    for before, length in zip(edges, lengths, strict=True):
        ends.append(length + max((ends[one] for one in before), default=0.0))
    return max(ends)


async def makespans(*, rounds: int) -> None:
    """The table of makespans."""
    print(f"sleeps of {SHORTEST_S:g} to {LONGEST_S:g} s, a worker for each node; {rounds} rounds; bar {MAKESPAN_BAR}")
    print(f"{'':<34} {'path s':>10} {'median':>10} {'worst':>10}")
    for disk in (False, True):
        for nodes, layers in LAYERED:
            edges, lengths = layered(nodes, layers=layers), lengths_s(nodes)
            flow, longest_s = flow_of(edges), critical_s(edges, lengths)

            async def sleep(desk: Desk, lengths: Sequence[float] = lengths) -> str:
                await anyio.sleep(lengths[int(desk.task.id[1:])])
                return "done"

            async def graph(store: Store, flow: Flow = flow, nodes: int = nodes) -> int:
                return len((await run_flow(market(store, sleep), flow, parallel=nodes)).report.results)

            found = [(await measured(graph, nodes=nodes, disk=disk)).wall / longest_s for _ in range(rounds)]
            name = f"{'SQLite' if disk else 'memory'}: {nodes} nodes, {layers} layers"
            print(f"{name:<34} {longest_s:>10.2f} {statistics.median(found):>10.3f} {max(found):>10.3f}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--only", choices=("ratio", "makespan"))
    options = parser.parse_args()
    print(f"load over the last minute {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; seed {SEED}")
    anyio.run(lambda: compared(chain(20), parallel=1, disk=True, rounds=1))
    if options.only != "makespan":
        anyio.run(lambda: ratios(nodes=options.nodes, rounds=options.rounds))
    if options.only != "ratio":
        anyio.run(lambda: makespans(rounds=options.rounds))


if __name__ == "__main__":
    main()
