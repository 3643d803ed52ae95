"""All ways of choosing that are compared, by name, and what was chosen for them on seeds that are never reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from agora.auctions.always import Always
from agora.auctions.central import CentralRouter
from agora.auctions.posted_price import Lottery
from agora.bench.simulation.auction import Auction, Rules
from agora.bench.simulation.baselines import BestOf, ByRule, Cascade, Neighbours, One, Oracle
from agora.bench.simulation.measuring import figures, measure
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.work import Arm
from agora.bench.simulation.world import MOST_ATTEMPTS, World

Builder: TypeAlias = Callable[[World], Arm]

CHOOSING_SEEDS: Final = tuple(range(1000, 1020))
"""On these, settings are chosen; reports never use them."""

LARGEST: Final = "always the largest"
SMALLEST: Final = "always the smallest"
ORACLE: Final = "oracle"
PLAIN: Final = "SALE without memory"
WHOLE: Final = "SALE"
POSTED: Final = "posted by record, no bids"
LEARNING: Final = "SALE, learning"
EVERYTHING: Final = "SALE, everything on"


def baselines(parameters: Parameters, *, loop: bool) -> dict[str, Builder]:
    """Everything that is no auction, from single agents to hindsight."""
    singles = {f"{agent.name} alone": _single(place, loop=loop) for place, agent in enumerate(parameters.agents)}
    return {
        LARGEST: lambda world: ByRule(world, Always("largest"), loop=loop),
        SMALLEST: lambda world: ByRule(world, Always("smallest"), loop=loop),
        **singles,
        "random": lambda world: ByRule(world, Lottery(), loop=loop),
        "nearest neighbours": lambda world: Neighbours(world, loop=loop),
        "cascade": lambda world: Cascade(world, loop=loop),
        "central router": lambda world: ByRule(world, CentralRouter(), loop=loop),
        "central router, fine": lambda world: ByRule(world, CentralRouter(), loop=loop, fine=True),
        ORACLE: lambda world: Oracle(world, loop=loop),
    }


def singles_of(parameters: Parameters) -> tuple[str, ...]:
    """The names of single agents among the baselines."""
    return tuple(f"{agent.name} alone" for agent in parameters.agents)


def auction(rules: Rules, *, loop: bool) -> Builder:
    """The auction by some rules."""
    return lambda world: Auction(world, rules, loop=loop)


class BestOfChoice(NamedTuple):
    """Whose attempts, and how many."""

    agent: int
    """Who, by place in the pool."""
    n: int
    """Attempts at most."""


def best_of_n(parameters: Parameters, *, usd_task: float, tasks: int, loop: bool) -> BestOfChoice:
    """The agent and n that pass most for no more dollars a task, on choosing seeds."""
    worlds = [World(parameters, seed=seed, tasks=tasks) for seed in CHOOSING_SEEDS[:3]]
    options: list[tuple[float, int, int]] = []
    for agent in range(len(parameters.agents)):
        for n in range(1, MOST_ATTEMPTS + 1):
            found = [figures(measure(BestOf(world, agent, n, loop=loop), world)) for world in worlds]
            if sum(one.usd_task for one in found) / len(found) > usd_task:
                break
            options.append((sum(one.passed for one in found), -agent, -n))
    _, agent, n = max(options, default=(0.0, 0, -1))
    return BestOfChoice(-agent, -n)


def _single(place: int, *, loop: bool) -> Builder:
    return lambda world: One(world, place, loop=loop)
