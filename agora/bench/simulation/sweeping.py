"""How strong the plan signal has to be before the auction does what the paper reports, and what else it hangs on.

The paper's shape: at most half of the awards go to the largest model, a task costs at most two thirds of what it costs
with the largest alone, and no fewer tasks pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from agora.bench.simulation.arms import LARGEST, auction, baselines, singles_of
from agora.bench.simulation.auction import Rules
from agora.bench.simulation.comparing import Row, row_of
from agora.bench.simulation.measuring import Series, measure
from agora.bench.simulation.parameters import Kind, Parameters
from agora.bench.simulation.spreading import spread
from agora.bench.simulation.world import World

MOST_SHARE: Final = 0.5
"""Of the awards, for the largest model."""
MOST_COST: Final = 2 / 3
"""Of what a task costs with the largest alone."""


class Point(NamedTuple):
    """One auction under one assumption."""

    what: str
    """The assumption in words."""
    signal: float
    """Strength of the plan signal."""
    arm: str
    """Which auction."""
    row: Row
    """What came of it."""

    @property
    def cheap(self) -> bool:
        """Whether half of the reliance and a third of the cost are gone."""
        return self.row.figures["largest"].mean <= MOST_SHARE and self.row.cost.mean <= MOST_COST

    @property
    def shaped(self) -> bool:
        """Whether it has the paper's shape, by the means over seeds."""
        return self.cheap and self.row.more_passed.mean >= 0

    @property
    def sure(self) -> bool:
        """Whether it has it with the whole interval of what it passes more."""
        return self.cheap and self.row.more_passed.low >= 0

    @property
    def chooses(self) -> bool:
        """Whether it passes more than a lot at the same dollars, with the whole interval."""
        return self.row.choosing.low > 0


async def sweep(
    cases: Sequence[tuple[str, Parameters, Mapping[str, Rules]]],
    *,
    seeds: Sequence[int],
    tasks: int,
    workers: int | None = None,
) -> tuple[Point, ...]:
    """Auctions under several assumptions, one attempt a task, on the same seeds.

    Args:
        cases: The assumption in words, the parameters, and name -> rules of an auction.
        seeds: 2 or more.
        tasks: How many a seed.
        workers: Processes; None: all processors.
    """
    jobs = [partial(_run, parameters, rules, seed, tasks) for _, parameters, rules in cases for seed in seeds]
    found = await spread(jobs, workers=workers)
    points: list[Point] = []
    for place, (what, parameters, rules) in enumerate(cases):
        mine = found[place * len(seeds) : (place + 1) * len(seeds)]
        for arm in rules:
            row = row_of(arm, None, mine, singles=singles_of(parameters))
            points.append(Point(what, parameters.signal, arm, row))
    return tuple(points)


def strengths(points: Sequence[Point], arm: str, *, trait: str) -> tuple[float, ...]:
    """The strengths at which an auction has a trait, from the least on; none: it never does.

    Args:
        points: Of a sweep.
        arm: Which auction.
        trait: The name of a property of `Point`.
    """
    return tuple(sorted(point.signal for point in points if point.arm == arm and getattr(point, trait)))


def assumptions(parameters: Parameters) -> list[tuple[str, Parameters]]:
    """The parameters with one thing changed at a time."""

    def kinds(**change: object) -> Parameters:
        return parameters.model_copy(
            update={"kinds": tuple(kind.model_copy(update=change) for kind in parameters.kinds)}
        )

    return [
        ("as assumed", parameters),
        ("agents fail alike (shared 0.95)", kinds(shared=0.95)),
        ("agents fail apart (shared 0)", kinds(shared=0.0)),
        ("every judge errs alike", parameters.model_copy(update={"judges_shared": 1.0})),
        ("entropy tells nothing", parameters.model_copy(update={"entropy_share": 0.0})),
        ("tasks a tenth as long", _scaled(parameters, 0.1)),
        ("tasks ten times as long", _scaled(parameters, 10.0)),
    ]


def _scaled(parameters: Parameters, by: float) -> Parameters:
    def scaled(kind: Kind) -> Kind:
        tokens = tuple(max(1, round(count * by)) for count in kind.tokens)
        return kind.model_copy(update={"tokens": tokens, "token_limit": round(kind.token_limit * by)})

    return parameters.model_copy(update={"kinds": tuple(scaled(kind) for kind in parameters.kinds)})


def _run(parameters: Parameters, rules: Mapping[str, Rules], seed: int, tasks: int) -> dict[str, Series]:
    world = World(parameters, seed=seed, tasks=tasks)
    ways = baselines(parameters, loop=False)
    kept = {name: ways[name] for name in (LARGEST, *singles_of(parameters))}
    kept |= {name: auction(rule, loop=False) for name, rule in rules.items()}
    return {name: measure(build(world), world) for name, build in kept.items()}
