"""CPU of LinUCB: screening and choosing among 100 agents, and 1,000 arms with parameters of their own.

    OPENBLAS_NUM_THREADS=1 python benchmarks/bench_linucb.py

Each figure is a median, and the least, over rounds of process CPU time with one BLAS thread. The floor of 1,000 arms is
the time that this machine takes to read as many bytes as their inverses have in float32: measured here, in the same
rounds, by summing an array of that size. A step is a choice and the update after it. Batches are of 64 known contexts.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.coordinator.coordinating import Coordinator
from agora.coordinator.features import Sight
from agora.coordinator.linucb import LinUCB, Settings
from agora.coordinator.shortlisting import Candidate, shortlist

ROUNDS, BATCH = 25, 64
Array = npt.NDArray[np.float64]


def contexts(chance: np.random.Generator, *shape: int) -> Array:
    """Contexts of length 1."""
    rows: Array = chance.standard_normal(shape)
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows


def candidates(count: int) -> list[Candidate]:
    """With lots in no order."""
    return [Candidate(f"arm{n}", 0.1 * (n % 7), f"{n * 7919 % 10_007:05d}") for n in range(count)]


def taught(count: int, dimension: int, *, per_arm: bool) -> LinUCB:
    """A policy that knows something of every arm."""
    chance = np.random.default_rng(1)
    policy = LinUCB(Settings(dimension=dimension, per_arm=per_arm))
    for n in range(count):
        policy.update(f"arm{n}", contexts(chance, dimension), float(chance.random()))
    return policy


def side_by_side(works: list[Callable[[], object]]) -> list[tuple[float, float]]:
    """Median and least CPU milliseconds of each, in turns, so that a busy machine is busy for all of them."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(ROUNDS + 2):
        for n, work in enumerate(works):
            started = time.process_time_ns()
            work()
            if turn > 1:
                taken[n].append((time.process_time_ns() - started) / 1e6)
    return [(statistics.median(one), min(one)) for one in taken]


def many(work: Callable[[], object], times: int) -> Callable[[], object]:
    """So often that the clock's tick does not matter."""

    def repeated() -> None:
        for _ in range(times):
            work()

    return repeated


def hundred() -> None:
    """100 agents: the bar is .2 ms for screening and LinUCB with 32 features."""
    chance, times = np.random.default_rng(0), 20
    pool, x = candidates(100), contexts(chance, 100, 32)
    policy = taught(100, 32, per_arm=False)
    rows: list[list[float]] = chance.random((100, 6)).tolist()
    sights = [Sight(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
    coordinator = Coordinator()
    seen = list(zip(pool, sights, strict=True))

    def step() -> None:
        choice = policy.choose(pool, x)
        policy.update(choice.arm, x[choice.place], 0.5)

    def both() -> None:
        shortlist(pool, sights)
        step()

    works: dict[str, Callable[[], object]] = {
        "screen 100": lambda: shortlist(pool, sights),
        "LinUCB over 100, d = 32, with its update": step,
        "screen 100, then LinUCB over all 100": both,
        "the whole decision (d = 8, L = 3)": lambda: coordinator.decide(seen, id="d"),
    }
    for label, (median, least) in zip(works, side_by_side([many(one, times) for one in works.values()]), strict=True):
        print(f"{label:<46} {median / times:>9.3f} {least / times:>9.3f} {0.2:>9.3f} {median / times / 0.2:>7.2f}")


def thousand(count: int, dimension: int) -> None:
    """Arms with parameters of their own, against the reading of their float32 inverses."""
    chance = np.random.default_rng(0)
    pool, policy = candidates(count), taught(count, dimension, per_arm=True)
    x, batch = contexts(chance, count, dimension), contexts(chance, BATCH, count, dimension)
    memory = np.ones(count * dimension * dimension, np.float32)

    def step() -> None:
        choice = policy.choose(pool, x)
        policy.update(choice.arm, x[choice.place], 0.5)

    read, stepped, batched = side_by_side(
        [lambda: memory.sum(), step, lambda: policy.choose_each([pool] * BATCH, batch)]
    )
    label = f"{count} arms, d = {dimension}"
    print(f"{label + ': read the inverses once (floor)':<46} {read[0]:>9.3f} {read[1]:>9.3f}")
    bar = 1.3 * read[0]
    print(f"{label + ': a step':<46} {stepped[0]:>9.3f} {stepped[1]:>9.3f} {bar:>9.3f} {stepped[0] / bar:>7.2f}")
    median, least = batched[0] / BATCH, batched[1] / BATCH
    print(f"{label + ': a decision of a batch':<46} {median:>9.3f} {least:>9.3f} {1.0:>9.3f} {median:>7.2f}")


def main() -> None:
    """Print every figure beside its bar."""
    print(f"load over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'what':<46} {'median ms':>9} {'least ms':>9} {'bar ms':>9} {'ratio':>7}")
    hundred()
    thousand(1_000, 128)


if __name__ == "__main__":
    main()
