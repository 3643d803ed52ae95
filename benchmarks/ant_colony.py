"""Ants that learn whom to send along a workflow, in a simulation with stated parameters; and a thousand at once.

    python benchmarks/ant_colony.py learning          # stationary, then a shift: 24 seeds
    python benchmarks/ant_colony.py learning --tuning # the seeds that choices were made on
    python benchmarks/ant_colony.py crowd             # 1,000 routings at once, one writer

The world: 3 stages x 4 nodes x 3 task types; for each type and stage the best node passes 0.95 of its steps, the others
0.3 to 0.6 (uniform), so that the best path passes 0.95^3 = 0.857. Types are uniform; the type is inferred rightly for
0.95 of the requests, else another one is taken. A path passes when all its steps do; 0.05 of all gate results are
flipped. A node costs 0.2 to 1 (uniform, nothing to do with quality); a path costs the mean. For 1,500 requests nothing
changes (stationary); then each best node changes places with another one, and 1,500 more come (shifted). Everyone who
is told abilities is told the same table: the truth before the shift plus noise of standard deviation 0.1, within 0.05
and 1, and never told anew.

Quality is the true pass rate of the paths taken in the last 300 requests of a half, as a mean over seeds.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import anyio
import anyio.lowlevel
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.coordinator.ants import (
    AntRules,
    Candidate,
    Colony,
    ColonyEvent,
    ColonyState,
    Gate,
    Step,
    applied,
    decide,
    joining,
    replayed,
    weigh,
)

STAGES: Final = 3
NODES: Final = 4
TYPES: Final = ("code", "general", "maths")
REQUESTS: Final = 3000
SHIFT_AT: Final = 1500
LAST: Final = 300
CEILING: Final = 0.95**STAGES
GATE_NOISE: Final = 0.05
INTENT: Final = 0.95
REPORTED: Final = tuple(range(9_000, 9_024))
TUNING: Final = tuple(range(100, 108))
T_95: Final = {4: 3.182, 8: 2.365, 24: 2.069}  # of Student's t, by number of seeds

CROWD: Final = 1000
CROWD_AGENTS: Final = 20
CROWD_SEEDS: Final = tuple(range(9_100, 9_110))


class World:
    """Who passes what, before and after the shift."""

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng([seed, 1])
        self.pass_rate = chance.uniform(0.3, 0.6, size=(2, len(TYPES), STAGES, NODES))  # [half, type, stage, node]
        self.pass_rate[1] = self.pass_rate[0]
        for kind in range(len(TYPES)):
            for stage in range(STAGES):
                best, next_best = (int(one) for one in chance.choice(NODES, size=2, replace=False))
                self.pass_rate[0, kind, stage, best] = self.pass_rate[1, kind, stage, next_best] = 0.95
                self.pass_rate[1, kind, stage, best] = self.pass_rate[0, kind, stage, next_best]
        self.cost = chance.uniform(0.2, 1.0, size=(STAGES, NODES))
        noise: npt.NDArray[np.float64] = chance.normal(0, 0.1, size=(len(TYPES), STAGES, NODES))
        self.told: npt.NDArray[np.float64] = np.minimum(
            np.maximum(self.pass_rate[0] + noise, 0.05), 1.0
        )  # [type, stage, node]


class Ants(Protocol):
    """A colony under test."""

    def walk(self, number: int, kind: int, draws: Sequence[float]) -> list[int]:
        """One node for each stage."""
        ...

    def learn(self, number: int, path: list[int], steps: list[bool], cost: float, *, passed: bool) -> None:
        """The gates of the steps and of the path, and its cost share."""
        ...


class Published:
    """AMRO-S as published: no bounds, no floor, nothing for failures; alpha 1, beta 4, rho 0.1, Q 1 (not stated there).

    Whether only the walked edges or their whole rows evaporate is not stated either: rows, without which the pheromone
    of nodes that are not walked never fades.
    """

    def __init__(self, world: World, *, told: bool) -> None:
        self._tau = np.ones((len(TYPES), STAGES, NODES + 1, NODES))  # [type, stage, source (last: start), node]
        best: npt.NDArray[np.float64] = world.told.max(axis=2, keepdims=True)
        self._eta: npt.NDArray[np.float64] = (world.told / best) ** 4 if told else np.ones_like(world.told)
        self._kind = 0

    def walk(self, number: int, kind: int, draws: Sequence[float]) -> list[int]:
        """By tau and the fixed table."""
        self._kind, source, path = kind, NODES, list[int]()
        for stage in range(STAGES):
            pull = self._tau[kind, stage, source] * self._eta[kind, stage]
            ends = np.cumsum(pull / pull.sum())
            source = min(int(np.searchsorted(ends, draws[stage], side="right")), NODES - 1)
            path.append(source)
        return path

    def learn(self, number: int, path: list[int], steps: list[bool], cost: float, *, passed: bool) -> None:
        """Only a path that passed is learned from."""
        if not passed:
            return
        for stage, source, node in zip(range(STAGES), [NODES, *path], path, strict=False):
            row = self._tau[self._kind, stage, source]
            row *= 0.9
            row[node] += 1 / (cost + 0.1)


class Agora:
    """Agora's own, by its pure functions."""

    def __init__(
        self, world: World, *, told: bool, by_step: bool, rules: AntRules | None = None, sources: bool = True
    ) -> None:
        self._rules, self._by_step, self._sources = rules or AntRules(), by_step, sources
        self._state = ColonyState(types=TYPES, window=64)
        self._stages = [[f"{stage}.{node}" for node in range(NODES)] for stage in range(STAGES)]
        self._candidates = [[Candidate(agent=one, lot=one) for one in names] for names in self._stages]
        for stage, names in enumerate(self._stages):
            for node, name in enumerate(names):
                table = {kind: float(world.told[place, stage, node]) for place, kind in enumerate(TYPES)}
                event = joining(self._state, name, declared=table if told else None)
                if event is not None:
                    self._state = applied(self._state, event)
        self._steps: list[Step] = []

    def walk(self, number: int, kind: int, draws: Sequence[float]) -> list[int]:
        """One decision a stage."""
        self._steps = []
        for stage in range(STAGES):
            step = decide(
                self._state,
                decision=f"{number}/{stage}",
                weights={TYPES[kind]: 1.0},
                layer=stage,
                candidates=self._candidates[stage],
                draw=draws[stage],
                sources=[self._steps[-1].chosen] if self._sources and self._steps else (),
                rules=self._rules,
            )
            self._steps.append(step)
        return [self._stages[stage].index(step.chosen) for stage, step in enumerate(self._steps)]

    def learn(self, number: int, path: list[int], steps: list[bool], cost: float, *, passed: bool) -> None:
        """Each step by its own gate, or all by that of the path."""
        for step, own in zip(self._steps, steps, strict=True):
            gate = Gate(decision=step.decision, passed=own if self._by_step else passed, cost=cost)
            event = weigh(self._state, step, gate, rules=self._rules)
            if not isinstance(event, tuple):
                self._state = applied(self._state, event)


class Ran(NamedTuple):
    """One seed: quality in the last requests of each half, and how often the best path was taken in the last half."""

    before: float
    after: float
    best_path: float


def run(ants: Ants, world: World, seed: int) -> Ran:
    """All requests, one after the other; the draws do not depend on the ants."""
    chance = np.random.default_rng([seed, 2])
    draws = chance.uniform(size=(REQUESTS, 4 * STAGES + 3))
    qualities, best_paths = np.zeros(REQUESTS), np.zeros(REQUESTS)
    for number in range(REQUESTS):
        lots = [float(one) for one in draws[number]]
        rates = world.pass_rate[int(number >= SHIFT_AT)]
        kind = int(lots[0] * len(TYPES))
        seen = kind if lots[1] < INTENT else (kind + 1 + int((lots[1] - INTENT) / (1 - INTENT) * 2)) % len(TYPES)
        path = ants.walk(number, seen, lots[3 : 3 + STAGES])
        odds = [float(rates[kind, stage, node]) for stage, node in enumerate(path)]
        qualities[number] = math.prod(odds)
        best_paths[number] = all(rates[kind, stage].argmax() == node for stage, node in enumerate(path))
        fates = [lots[3 + STAGES + stage] < odds[stage] for stage in range(STAGES)]
        flips = [lots[3 + 2 * STAGES + stage] < GATE_NOISE for stage in range(STAGES)]
        steps = [fate != flip for fate, flip in zip(fates, flips, strict=True)]
        passed = all(fates) != (lots[2] < GATE_NOISE)
        cost = float(np.mean([world.cost[stage, node] for stage, node in enumerate(path)]))
        ants.learn(number, path, steps, cost, passed=passed)
    return Ran(
        float(qualities[SHIFT_AT - LAST : SHIFT_AT].mean()),
        float(qualities[-LAST:].mean()),
        float(best_paths[-LAST:].mean()),
    )


def arms(world: World, *, tuning: bool) -> dict[str, Ants]:
    """Name -> colony."""
    found: dict[str, Ants] = {
        "published, told abilities": Published(world, told=True),
        "published, no heuristic": Published(world, told=False),
        "agora, told, gate a step": Agora(world, told=True, by_step=True),
        "agora, told, gate a path": Agora(world, told=True, by_step=False),
        "agora, not told, gate a step": Agora(world, told=False, by_step=True),
        "agora, not told, gate a path": Agora(world, told=False, by_step=False),
        "agora, told, gate a step, one row a layer": Agora(world, told=True, by_step=True, sources=False),
        "agora, told, gate a path, one row a layer": Agora(world, told=True, by_step=False, sources=False),
    }
    if tuning:
        harder = AntRules(phi=0.2)
        found["phi .2, told, gate a step"] = Agora(world, told=True, by_step=True, rules=harder)
        found["phi .2, told, gate a path"] = Agora(world, told=True, by_step=False, rules=harder)
    return found


def learning(seeds: Sequence[int], *, tuning: bool, only: str) -> None:
    """Print both experiments; 95 % intervals are the mean +- t times the standard error over seeds."""
    print(
        f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}; ceiling {CEILING:.3f}; share: of the ceiling, after the shift"
    )
    results: dict[str, list[Ran]] = {}
    for seed in seeds:
        world = World(seed)
        for name, ants in arms(world, tuning=tuning).items():
            if only in name:
                results.setdefault(name, []).append(run(ants, world, seed))
    print(f"{'':<42} {'stationary':>14} {'shifted':>14} {'best':>6} {'share':>6}  {'least':>6}")
    for name, ran in results.items():
        before, after = _mean([one.before for one in ran]), _mean([one.after for one in ran])
        best = statistics.fmean(one.best_path for one in ran)
        share, least = (pick([one.after for one in ran]) / CEILING for pick in (statistics.fmean, min))
        print(f"{name:<42} {before:>14} {after:>14} {best:>6.2f} {share:>6.2f}  {least:>6.2f}")


def _mean(values: Sequence[float]) -> str:
    half = T_95[len(values)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{statistics.fmean(values):.3f} +-{half:.3f}"


async def crowd(seed: int) -> tuple[list[float], list[float], list[float], int]:
    """A thousand tasks begin at once; each is routed, lets the others go on, and reports.

    Returns:
        Milliseconds of each routing call, and of CPU in it; from the start of all until it was routed; updates lost.
    """
    chance = np.random.default_rng([seed, 3])
    weights = chance.dirichlet([1.0] * len(TYPES), size=CROWD)
    draws, fates = chance.uniform(size=CROWD), chance.uniform(size=CROWD) < 0.7
    events: list[ColonyEvent] = []
    empty = ColonyState(types=TYPES)
    colony = Colony(empty, log=events.append)
    candidates = [Candidate(agent=f"a{number}", lot=f"{number:x}") for number in range(CROWD_AGENTS)]
    for one in candidates:
        colony.join(one.agent)
    calls, busy, waits = list[float](), list[float](), list[float]()

    async def task(number: int, start: float) -> None:
        mixture: dict[str, float] = dict(
            zip(TYPES, (float(one) for one in weights[number] / weights[number].sum()), strict=True)
        )
        began, cpu = time.perf_counter(), time.thread_time()
        colony.route(f"{number}", weights=mixture, layer=number % 3, candidates=candidates, draw=float(draws[number]))
        busy.append(1000 * (time.thread_time() - cpu))
        ended = time.perf_counter()
        calls.append(1000 * (ended - began))
        waits.append(1000 * (ended - start))
        await anyio.lowlevel.checkpoint()
        await colony.deliver(Gate(decision=f"{number}", passed=bool(fates[number]), cost=0.3))

    async with anyio.create_task_group() as writer:
        writer.start_soon(colony.run)
        async with anyio.create_task_group() as tasks:
            start = time.perf_counter()
            for number in range(CROWD):
                tasks.start_soon(task, number, start)
        colony.drain()
        writer.cancel_scope.cancel()
    if replayed(empty, events).to_json() != colony.state.to_json():
        raise SystemExit("replay of the events did not rebuild the state")
    return calls, busy, waits, CROWD - (colony.state.number - CROWD_AGENTS) + colony.dropped


def crowds() -> None:
    """Print the percentiles over all seeds."""
    calls, busy, waits, lost = list[float](), list[float](), list[float](), 0
    for seed in CROWD_SEEDS:
        one = anyio.run(crowd, seed)
        calls, busy, waits, lost = calls + one[0], busy + one[1], waits + one[2], lost + one[3]
    print(f"{CROWD} routings at once, {CROWD_AGENTS} candidates, {len(TYPES)} types, {len(CROWD_SEEDS)} rounds")
    for name, values in (("routing call", calls), ("routing call, CPU", busy), ("from the common start", waits)):
        middle, high = np.percentile(values, [50, 99])
        print(f"{name:<24} median {middle:8.3f} ms   p99 {high:8.3f} ms   most {max(values):8.3f} ms")
    print(f"updates lost: {lost}; replay rebuilt every state")


def main() -> None:
    """Choose the experiment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["learning", "crowd"])
    parser.add_argument("--tuning", action="store_true", help="the seeds that choices were made on, and what was tried")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}")
    if chosen.what == "crowd":
        crowds()
    else:
        learning(TUNING if chosen.tuning else REPORTED, tuning=chosen.tuning, only=chosen.only)


if __name__ == "__main__":
    main()
