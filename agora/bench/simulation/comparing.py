"""All ways of choosing on the same tasks, with intervals over seeds: overall, and by bin of difficulty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from agora.bench.simulation.arms import (
    CHOOSING_SEEDS,
    LARGEST,
    ORACLE,
    BestOfChoice,
    auction,
    baselines,
    best_of_n,
    singles_of,
)
from agora.bench.simulation.auction import Rules
from agora.bench.simulation.baselines import BestOf
from agora.bench.simulation.measuring import Figures, Series, at_same_cost, figures, measure
from agora.bench.simulation.parameters import BINS, Parameters
from agora.bench.simulation.seeds import Interval, interval, paired
from agora.bench.simulation.spreading import spread
from agora.bench.simulation.world import World


class Row(NamedTuple):
    """One way of choosing, on all tasks or those of one bin."""

    arm: str
    """Its name."""
    bin: int | None
    """Difficulty, from 0; None: all."""
    tasks: float
    """How many a seed."""
    figures: Mapping[str, Interval]
    """The figures of `Figures` by name."""
    more_passed: Interval
    """Share passed, less that of always the largest on the same tasks."""
    cost: Interval
    """Dollars a task / those of always the largest on the same tasks."""
    choosing: Interval
    """Share passed, less that of a lot among single agents with the same dollars a task (`at_same_cost`)."""


class Comparison(NamedTuple):
    """All rows, and what they came from."""

    rows: tuple[Row, ...]
    """Overall first, then by bin."""
    best_of: BestOfChoice
    """Whose attempts the best of n is made of: for the dollars of the last of the auctions that was compared."""


async def compare(
    parameters: Parameters,
    rules: Mapping[str, Rules],
    *,
    seeds: Sequence[int],
    tasks: int,
    loop: bool,
    matched: str,
    workers: int | None = None,
) -> Comparison:
    """Compare baselines and auctions.

    Args:
        parameters: What is taken for given.
        rules: Name -> the rules of an auction.
        seeds: One draw of everything each; 2 or more.
        tasks: How many a seed.
        loop: Whether there are attempts after the first.
        matched: The auction whose dollars the best of n may take.
        workers: Processes; None: all processors.
    """
    chosen = matching(parameters, rules[matched], tasks=tasks, loop=loop)
    jobs = [partial(run_all, parameters, rules, seed, tasks, loop=loop, chosen=chosen) for seed in seeds]
    found = await spread(jobs, workers=workers)
    rows = [
        row_of(name, level, found, singles=singles_of(parameters))
        for level in (None, *range(BINS))
        for name in found[0]
    ]
    return Comparison(tuple(rows), chosen)


def matching(parameters: Parameters, rules: Rules, *, tasks: int, loop: bool) -> BestOfChoice:
    """The best of n for what an auction takes, by choosing seeds."""
    spent = 0.0
    for seed in CHOOSING_SEEDS[:3]:
        world = World(parameters, seed=seed, tasks=tasks)
        spent += figures(measure(auction(rules, loop=loop)(world), world)).usd_task / 3
    return best_of_n(parameters, usd_task=spent, tasks=tasks, loop=loop)


def run_all(
    parameters: Parameters, rules: Mapping[str, Rules], seed: int, tasks: int, *, loop: bool, chosen: BestOfChoice
) -> dict[str, Series]:
    """Every way of choosing on the tasks of one seed."""
    world = World(parameters, seed=seed, tasks=tasks)
    ways = baselines(parameters, loop=loop)
    oracle = ways.pop(ORACLE)
    name = f"best of {chosen.n} of {parameters.agents[chosen.agent].name}"
    ways[name] = lambda world: BestOf(world, chosen.agent, chosen.n, loop=loop)
    ways |= {name: auction(rule, loop=loop) for name, rule in rules.items()}
    ways[ORACLE] = oracle
    return {name: measure(build(world), world) for name, build in ways.items()}


def row_of(arm: str, level: int | None, found: Sequence[Mapping[str, Series]], *, singles: Sequence[str]) -> Row:
    """One row, from the series of all seeds.

    Args:
        arm: Which way of choosing.
        level: The bin; None: all tasks.
        found: A seed each: name -> series.
        singles: The names of the single agents.
    """
    cut = [
        {name: _cut(series, level) for name, series in one.items() if name in (arm, LARGEST, *singles)} for one in found
    ]
    mine, largest = [one[arm] for one in cut], [one[LARGEST] for one in cut]
    by_lot = [at_same_cost(one[arm].usd_task, [one[name] for name in singles]) for one in cut]
    passed = [one.passed for one in mine]
    return Row(
        arm=arm,
        bin=level,
        tasks=sum(one.tasks for one in mine) / len(mine),
        figures={name: interval([getattr(one, name) for one in mine]) for name in Figures._fields[1:]},
        more_passed=paired(passed, [one.passed for one in largest]),
        cost=interval([one.usd_task / other.usd_task for one, other in zip(mine, largest, strict=True)]),
        choosing=paired(passed, by_lot),
    )


def _cut(series: Series, level: int | None) -> Figures:
    return figures(series) if level is None else figures(series, series.bins == level)
