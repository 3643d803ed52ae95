"""Whether a market gets better on tasks that it has not seen: its last tasks against its first, and against a control.

The control is the same market that learns nothing, on the same tasks with the same chance. So what differs between
first and last tasks by chance, and not by learning, differs for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from agora.bench.simulation.arms import auction
from agora.bench.simulation.auction import Rules
from agora.bench.simulation.measuring import Series, figures, measure
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.seeds import Interval, interval, paired
from agora.bench.simulation.spreading import spread
from agora.bench.simulation.world import World

PART: Final = 3
"""The first and the last of so many parts of the stream are compared."""
POINTS: Final = 6
"""Points of a curve."""


class Learned(NamedTuple):
    """What learning brought one market."""

    name: str
    """Which market, in words."""
    tasks: int
    """In the stream of one seed."""
    first: Interval
    """Dollars a solved task, in its first part."""
    last: Interval
    """The same, in its last part."""
    change: Interval
    """Last / first - 1."""
    control: Interval
    """The same of the market that does not learn."""
    by_learning: Interval
    """Cost of a solved task in the last part / the control's in the same - 1: what learning did to it."""
    net_change: Interval
    """`change` less `control`, seed by seed."""
    success: Interval
    """Share passed in the last part, less the first."""
    net_success: Interval
    """Share passed in the last part, less the control's in the same."""
    curve: tuple[Interval, ...]
    """Dollars a solved task by part of the stream, in order."""
    control_curve: tuple[Interval, ...]
    """The same of the control."""

    @property
    def met(self) -> bool:
        """Whether cost falls by a fifth at no lower success, both against the control, the fall's interval below 0."""
        fall = self.net_change
        return fall.mean <= -0.2 and fall.high < 0 and self.net_success.mean >= 0


async def learn(
    cases: Sequence[tuple[str, Parameters, Rules, bool]],
    *,
    seeds: Sequence[int],
    tasks: int,
    workers: int | None = None,
) -> tuple[Learned, ...]:
    """What learning brings.

    Args:
        cases: The market in words, the parameters, its rules, and whether there are attempts after the first.
        seeds: 2 or more.
        tasks: How many a seed.
        workers: Processes; None: all processors.
    """
    jobs = [
        partial(_run, parameters, rules, loop, seed, tasks) for _, parameters, rules, loop in cases for seed in seeds
    ]
    found = await spread(jobs, workers=workers)
    return tuple(
        learned_of(case[0], found[place * len(seeds) : (place + 1) * len(seeds)], tasks=tasks)
        for place, case in enumerate(cases)
    )


def learned_of(name: str, found: Sequence[Mapping[str, Series]], *, tasks: int) -> Learned:
    """What learning brought, from the series of all seeds: of the market ("taught") and of its "control"."""
    part = tasks // PART
    first, last = slice(part), slice(tasks - part, tasks)
    cost = {
        arm: [(figures(one[arm], first).usd_solved, figures(one[arm], last).usd_solved) for one in found]
        for arm in ("taught", "control")
    }
    passed = {
        arm: [(figures(one[arm], first).passed, figures(one[arm], last).passed) for one in found]
        for arm in ("taught", "control")
    }
    change = {arm: [after / before - 1 for before, after in pairs] for arm, pairs in cost.items()}
    ends = zip(cost["taught"], cost["control"], strict=True)
    return Learned(
        name=name,
        tasks=tasks,
        first=interval([before for before, _ in cost["taught"]]),
        last=interval([after for _, after in cost["taught"]]),
        change=interval(change["taught"]),
        control=interval(change["control"]),
        by_learning=interval([mine / other - 1 for (_, mine), (_, other) in ends]),
        net_change=paired(change["taught"], change["control"]),
        success=interval([after - before for before, after in passed["taught"]]),
        net_success=paired([after for _, after in passed["taught"]], [after for _, after in passed["control"]]),
        curve=_curve([one["taught"] for one in found], tasks),
        control_curve=_curve([one["control"] for one in found], tasks),
    )


def _curve(found: Sequence[Series], tasks: int) -> tuple[Interval, ...]:
    edges = np.linspace(0, tasks, POINTS + 1).astype(int)
    parts = [slice(int(low), int(high)) for low, high in pairwise(edges)]
    return tuple(interval([figures(one, part).usd_solved for one in found]) for part in parts)


def _run(parameters: Parameters, rules: Rules, loop: bool, seed: int, tasks: int) -> dict[str, Series]:
    world = World(parameters, seed=seed, tasks=tasks)
    off = rules.model_copy(update={"learn": False})
    return {
        name: measure(auction(rule, loop=loop)(world), world) for name, rule in (("taught", rules), ("control", off))
    }
