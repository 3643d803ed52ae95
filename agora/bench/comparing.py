"""What several ways of having the same tasks done came to, and how far they differ from the auction, task by task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from agora.bench.ways import Row, Way
from agora.intervals import Interval, mean_of, per_solved, wilson
from agora.tasks import Usage, Verdict

MEASURES: Final[Mapping[str, Callable[[Usage], float]]] = {
    "usd": lambda usage: float(usage.usd),
    "seconds": lambda usage: usage.seconds,
    "tokens": lambda usage: float(usage.tokens),
}
"""What work took, in the order in which it is looked at."""


class Summary(NamedTuple):
    """One way in figures. A task that was tried several times counts once, with its mean."""

    way: Way
    """What was measured."""
    n: int
    """Tasks."""
    rate: float
    """Share of them that passed."""
    low: float
    """Lower end of its 95 % interval (Wilson)."""
    high: float
    """Upper end."""
    unknown: int
    """Rows that no verifier could decide; they count as not passed."""
    per_task: Mapping[str, float]
    """Measure -> mean of a task."""
    per_solved: Mapping[str, Interval | None]
    """Measure -> what one solved task took, failures included; None: none was solved."""
    overhead: Mapping[str, float]
    """Measure -> the share that went into finding out who does the task; only where any was taken."""
    behind: Interval | None
    """By how much its pass rate is below the auction's, on tasks that both measured; None for the auction itself."""
    saved: Mapping[str, Interval | None]
    """Measure -> by how much less the auction took for a task; below 0 it took more."""


def summarise(ways: Sequence[Way], *, auction: Way, seed: int) -> list[Summary]:
    """Each way in figures.

    Args:
        ways: What was measured, in any order.
        auction: The one of them that the others are held against.
        seed: Of the bootstraps.
    """
    return [_summary(way, auction=auction, seed=seed) for way in ways]


def only(way: Way, tasks: frozenset[str]) -> Way:
    """The same way on some of its tasks; what it spent in all is left out."""
    rows = tuple(row for row in way.rows if row.task in tasks)
    short = tuple(task for task in way.short if task in tasks)
    return Way(name=way.name, how=way.how, runs=way.runs, rows=rows, short=short, error=way.error)


def _summary(way: Way, *, auction: Way, seed: int) -> Summary:
    passed = _means(way.rows, _passed)
    n, solved = len(passed), sum(passed.values())
    low, high = wilson(solved, n)
    taken = {name: _means(way.rows, _of(measure)) for name, measure in MEASURES.items()}
    overhead = sum((row.overhead for row in way.rows), Usage())
    whole = way.usage
    differs = None if way is auction else mean_of(_paired(auction, way, _passed), seed=seed)
    return Summary(
        way=way,
        n=n,
        rate=solved / n if n else 0.0,
        low=low,
        high=high,
        unknown=sum(row.verdict is Verdict.UNKNOWN for row in way.rows),
        per_task={name: sum(values.values()) / n if n else 0.0 for name, values in taken.items()},
        per_solved={
            name: per_solved(list(values.values()), list(passed.values()), seed=seed) for name, values in taken.items()
        },
        overhead={name: measure(overhead) / measure(whole) for name, measure in MEASURES.items() if measure(whole)},
        behind=differs,
        saved={
            name: None if way is auction else mean_of(_paired(way, auction, _of(measure)), seed=seed)
            for name, measure in MEASURES.items()
        },
    )


def _passed(row: Row) -> float:
    return float(row.passed)


def _of(measure: Callable[[Usage], float]) -> Callable[[Row], float]:
    return lambda row: measure(row.usage)


def _means(rows: Sequence[Row], figure: Callable[[Row], float]) -> dict[str, float]:
    """Task -> mean of its rows, in the order of the rows."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row.task, []).append(figure(row))
    return {task: sum(values) / len(values) for task, values in found.items()}


def _paired(first: Way, second: Way, figure: Callable[[Row], float]) -> list[float]:
    """First less second, on the tasks that both have."""
    ours, theirs = _means(first.rows, figure), _means(second.rows, figure)
    return [ours[task] - theirs[task] for task in ours if task in theirs]


def share_of_budget(budget_usd: Decimal, ways: int) -> Decimal:
    """An even share, rounded down to a millionth of a dollar, so that all together never exceed the budget.

    >>> share_of_budget(Decimal(1), 3)
    Decimal('0.333333')
    """
    millionth = Decimal("0.000001")
    return (budget_usd / ways // millionth) * millionth
