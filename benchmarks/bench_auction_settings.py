"""Choose the settings that the auction's simulation reports with, on seeds that it never reports.

The dial, for each strength of the plan signal: of those with which the largest agent gets at most half of the awards
and a task costs at most two thirds of what it costs with the largest alone, the one that passes most.
The rules that learn: of some combinations, the one whose cost of a solved task falls most from the first 100 of 300
tasks to the last 100, against the same rules without learning, while success does not fall against them.

    .venv/bin/python -m benchmarks.bench_auction_settings dials|learning [SIGNAL]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from statistics import fmean

import anyio
import anyio.to_process

from agora.bench.simulation.arms import CHOOSING_SEEDS
from agora.bench.simulation.auction import Auction, Rules
from agora.bench.simulation.baselines import One
from agora.bench.simulation.measuring import Series, figures, measure
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.seeds import paired
from agora.bench.simulation.world import World

TASKS = 300
GRID = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
SHAPE_SEEDS = CHOOSING_SEEDS[:8]
LEARNING_SEEDS = CHOOSING_SEEDS[:10]


LEARNS = Rules(memory=False, judges=True, explored=0.1)
CANDIDATES = [
    *(
        LEARNS.model_copy(update={**change, "fine": fine})
        for fine in (False, True)
        for change in (
            {"dial": 0.25},
            {"dial": 0.25, "post": True},
            {"dial": 0.25, "memory": True},
            {"dial": 0.25, "memory": True, "post": True},
            {"dial": 0.5, "record": 1 / 3},
            {"dial": 0.1, "record": 1 / 3, "post": True},
        )
    ),
    *(
        LEARNS.model_copy(update={"fine": True, "post": True, "told": told, "dial": dial, "explored": explored})
        for told in (0.1, 0.3)
        for dial in (0.1, 0.25, 0.5)
        for explored in (0.1, 0.3)
    ),
]


def run(parameters: Parameters, rules: Rules | None, seeds: Sequence[int], loop: bool) -> list[Series]:
    """One series a seed; no rules: the largest alone."""
    found: list[Series] = []
    for seed in seeds:
        world = World(parameters, seed=seed, tasks=TASKS)
        largest = len(parameters.agents) - 1
        arm = One(world, largest, loop=loop) if rules is None else Auction(world, rules, loop=loop)
        found.append(measure(arm, world))
    return found


def dial(signal: float, memory: bool, loop: bool) -> str:
    """The dial for one strength, with its figures."""
    parameters = Parameters(signal=signal)
    alone = fmean(figures(one).usd_task for one in run(parameters, None, SHAPE_SEEDS, loop))
    options: list[tuple[float, float, float, float]] = []
    for turned in GRID:
        found = [figures(one) for one in run(parameters, Rules(memory=memory, dial=turned), SHAPE_SEEDS, loop)]
        share, cost = fmean(one.largest for one in found), fmean(one.usd_task for one in found) / alone
        if share <= 0.5 and cost <= 2 / 3:
            options.append((fmean(one.passed for one in found), turned, share, cost))
    best = max(options, default=(0.0, 0.5, 0.0, 0.0))
    told = "passed {:.4f}, dial {:.2f}, share of the largest {:.2f}, cost {:.2f} of the largest alone".format(*best)
    return f"signal {signal:.1f}, {'with' if memory else 'without'} memory, {'loop' if loop else 'one attempt'}: {told}"


def learning(rules: Rules, signal: float, loop: bool) -> str:
    """How far the cost of a solved task falls by learning."""
    parameters = Parameters(signal=signal)
    taught = run(parameters, rules, LEARNING_SEEDS, loop)
    control = run(parameters, rules.model_copy(update={"learn": False}), LEARNING_SEEDS, loop)
    last = slice(TASKS - 100, TASKS)
    falls = [
        [figures(one, last).usd_solved / figures(one, slice(100)).usd_solved - 1 for one in arm]
        for arm in (taught, control)
    ]
    success = [[figures(one, last).passed for one in arm] for arm in (taught, control)]
    fall, passed = paired(*falls), paired(*success)
    return (
        f"{fall.mean:+.3f} ({fall.low:+.3f} to {fall.high:+.3f}) cost of a solved task against control, success "
        f"{passed.mean:+.3f} ({passed.low:+.3f} to {passed.high:+.3f}): {'loop' if loop else 'one'} "
        f"{rules.model_dump(exclude_defaults=True)}"
    )


async def main(what: str, signal: float) -> None:
    """All of them, on all processors."""
    if what == "dials":
        jobs = [partial(dial, step / 10, memory, False) for memory in (False, True) for step in range(11)]
    else:
        jobs = [partial(learning, rules, signal, loop) for loop in (False, True) for rules in CANDIDATES]
    limiter = anyio.CapacityLimiter(2)

    async def one(job: partial[str]) -> None:
        print(await anyio.to_process.run_sync(job, limiter=limiter), flush=True)

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(one, job)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else Parameters().signal)
