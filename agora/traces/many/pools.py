"""Which agents are enough: pools, their frontier of cost and quality, and the cheapest that passes a share of a class.

A pool passes a task if one of its agents does. What is on record of it are the tasks that one of its agents attempted
and a check decided: passed where one of them passed; failed where all of them were tried and failed; not known where
some were not tried. What is not known is counted against the pool at the lower end and for it at the upper one (Manski,
"Nonparametric bounds on treatment effects", 1990), so that no award is taken to say what it does not. A pool of several
is compared only where they have met: at least one task on which a check decided on each of them.

Many pools are compared, and the best of many looks better than it is: intervals are such that all of them hold together
with 95 % (Bonferroni). They do not heal that the market chose who got which task: a pool is known on the tasks that its
agents were given, and the page says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from agora.intervals import LEVEL, Rate, lowest, passes_needed
from agora.traces.many.facts import Who
from agora.traces.many.figures import Cheapest, PoolFigures
from agora.traces.many.tallies import MOST_TOGETHER, Cost, Scope
from agora.traces.many.words import Unit, cost, interval, short

MOST_POOLS: Final = 200
"""So many pools are compared at most: all agents alone first, then those that met most often."""


class _Record(NamedTuple):
    """What is on record of a pool."""

    passed: int
    failed: int
    unknown: int
    cost: Cost


def pools_of(scope: Scope, labels: Mapping[Who, str], *, unit: Unit) -> tuple[tuple[PoolFigures, ...], float]:
    """The pools of a class, the cheapest first, and how sure the interval of each one is.

    Args:
        scope: The counts of the class.
        labels: Agent -> label.
        unit: What costs are compared in.
    """
    found = [(tuple(sorted(labels[who] for who in pool)), _record(scope, pool)) for pool in _candidates(scope)]
    if scope.grounded.n:
        market = scope.grounded
        found.append(((), _Record(market.passed, market.n - market.passed, 0, scope.cost)))
    sure = 1.0 - (1.0 - LEVEL) / max(1, len(found))
    rows = [_figures(agents, record, sure) for agents, record in found]
    rows.sort(key=lambda pool: _price(pool, unit))
    best = 0.0  # a pool that passed nothing is on no frontier
    shown: list[PoolFigures] = []
    for pool in rows:
        value = pool.grounded.value
        better = value is not None and value > best
        best = max(best, value or 0.0)
        shown.append(pool.model_copy(update={"frontier": better}))
    return tuple(shown), sure


def cheapest_of(pools: Sequence[PoolFigures], *, target: float, sure: float, unit: Unit) -> Cheapest:
    """The cheapest pool that is known to pass a share; where none is, what is missing.

    Args:
        pools: The cheapest first.
        target: The share, in (0, 1).
        sure: How sure the interval of each one is.
        unit: What costs are compared in.
    """
    asked = f"{100 * target:g} %"
    tried = [pool for pool in pools if pool.grounded.n]
    if not any(pool.agents for pool in tried):
        said = f"Not known yet which pool passes at least {asked} of these: no check has decided on an attempt."
        return Cheapest(target=target, pool=None, sentence=said, needed=None)
    for pool in tried:
        if pool.grounded.low >= target:
            said = (
                f"The cheapest pool that passes at least {asked} of these is {short(pool.label)}: {_told(pool, unit)}."
            )
            return Cheapest(target=target, pool=pool.label, sentence=said, needed=None)
    near = [
        (needed, place)
        for place, pool in enumerate(tried)
        if pool.grounded.high >= target and (needed := _needed(pool, target, sure)) is not None
    ]
    if not near:
        best = max(tried, key=lambda pool: pool.grounded.high)
        said = f"No pool on record passes {asked} of these: the most that can be hoped for is {short(best.label)}, "
        return Cheapest(target=target, pool=None, sentence=f"{said}{_told(best, unit)}.", needed=None)
    needed, place = min(near)
    pool = tried[place]
    near_by = f"the nearest is {short(pool.label)}, {_told(pool, unit)};"
    said = f"Not known yet which pool passes at least {asked} of these: {near_by}"
    more = f"{needed} more {'pass' if needed == 1 else 'passes'} and no failure would settle it."
    return Cheapest(target=target, pool=None, sentence=f"{said} {more}", needed=needed)


def _told(pool: PoolFigures, unit: Unit) -> str:
    rate = pool.grounded
    costs = pool.usd if unit == "usd" else pool.seconds
    price = f"; {cost(costs, unit)} a task" if costs.value is not None else ""
    open_ = f", {pool.unknown} not known" if pool.unknown else ""
    return f"{rate.passed} of {rate.n} passed{open_}, interval {interval(rate)}{price}"


def _needed(pool: PoolFigures, target: float, sure: float) -> int | None:
    return passes_needed(pool.grounded.passed, pool.grounded.n, target=target, level=sure)


def _price(pool: PoolFigures, unit: Unit) -> tuple[float, float, float, int, tuple[str, ...]]:
    """Cheapest first; at one price the better one, then the smaller one."""
    dollars, seconds = pool.usd.value, pool.seconds.value
    first = (dollars if unit == "usd" else seconds) if dollars is not None and seconds is not None else float("inf")
    then = (seconds if unit == "usd" else dollars) if first != float("inf") else 0.0
    quality = -(pool.grounded.value or 0.0)
    return first or 0.0, quality, then or 0.0, len(pool.agents) or MOST_POOLS, pool.agents


def _candidates(scope: Scope) -> list[frozenset[Who]]:
    """Agents alone, and those that met: those first that met at most tasks."""
    met: dict[frozenset[Who], int] = {}
    alone: set[Who] = set()
    for key, tasks in scope.met.items():
        agents = sorted(who for who, _ in key)
        alone.update(agents)
        if len(agents) > MOST_TOGETHER:
            continue
        for size in range(2, len(agents) + 1):
            for some in combinations(agents, size):
                met[frozenset(some)] = met.get(frozenset(some), 0) + tasks.n
    together = sorted(met, key=lambda pool: (-met[pool], len(pool), sorted(pool)))
    return [*(frozenset((who,)) for who in sorted(alone)), *together][:MOST_POOLS]


def _record(scope: Scope, pool: frozenset[Who]) -> _Record:
    passed = failed = unknown = 0
    cost = Cost()
    for key, met in scope.met.items():
        results = {who: result for who, result in key if who in pool}
        if not results:
            continue
        if any(results.values()):
            passed += met.n
        elif len(results) == len(pool):
            failed += met.n
        else:
            unknown += met.n
            continue
        cost.merge(met.costs.get(frozenset(results), Cost()))
    return _Record(passed, failed, unknown, cost)


def _figures(agents: Iterable[str], record: _Record, sure: float) -> PoolFigures:
    n = record.passed + record.failed + record.unknown
    rate = Rate(
        n=n,
        passed=record.passed,
        value=record.passed / n if n else None,
        low=lowest(record.passed, n, level=sure),
        high=1.0 - lowest(record.failed, n, level=sure),
    )
    return PoolFigures(
        agents=tuple(agents),
        grounded=rate,
        unknown=record.unknown,
        usd=record.cost.usd.mean(),
        seconds=record.cost.seconds.mean(),
        frontier=False,
    )
