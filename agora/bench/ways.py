"""One way of having the same tasks done, and what it gave: a row for each task. Pure: reports in, rows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agora.results import Report, Result
from agora.tasks import Usage, Verdict

NOTE: Final = "baseline"
"""The note that marks a run as one of a comparison."""

OUT_OF_USD: Final = "raise the usd limit"
"""What an error says of a call that could not be paid for."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one task."""

    task: str
    """Its id."""
    verdict: Verdict
    """passed, failed or unknown."""
    usage: Usage
    """Everything it took."""
    overhead: Usage = field(default_factory=Usage)
    """The part that went into finding out who does it."""
    agent: str = ""
    """Whose work counts."""

    @property
    def passed(self) -> bool:
        """Whether its verifier said so."""
        return self.verdict is Verdict.PASSED


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of having the tasks done, and what it gave."""

    name: str
    """What is measured."""
    how: str = ""
    """How it was measured."""
    runs: tuple[str, ...] = ()
    """Its runs; none where it could not be measured."""
    rows: tuple[Row, ...] = ()
    """A row for each task that was measured, and again for each repetition."""
    short: tuple[str, ...] = ()
    """Tasks that were not measured, since this way's share of the budget had run out."""
    spent: Usage = field(default_factory=Usage)
    """Everything, tasks that were not measured to the end included."""
    error: str = ""
    """Why it could not be measured."""

    @property
    def passed(self) -> int:
        """Tasks passed."""
        return sum(row.passed for row in self.rows)

    @property
    def usage(self) -> Usage:
        """What all its tasks took."""
        return sum((row.usage for row in self.rows), Usage())


def way_of(report: Report, name: str, *, how: str = "") -> Way:
    """A report as a way; tasks that nobody could be paid for, or not to the end, are not measured."""
    short = {result.task.id for result in report.results if _unpaid(result)}
    return Way(
        name=name,
        how=how,
        runs=(report.run,),
        rows=tuple(row_of(result) for result in report.results if result.task.id not in short),
        short=tuple(result.task.id for result in report.results if result.task.id in short),
        spent=report.usage,
    )


def together(ways: Sequence[Way]) -> Way:
    """The repetitions of one way."""
    first = next((way for way in ways if not way.error), ways[0])
    return Way(
        name=first.name,
        how="; or ".join(dict.fromkeys(way.how for way in ways if not way.error)),
        runs=tuple(run for way in ways for run in way.runs),
        rows=tuple(row for way in ways for row in way.rows),
        short=tuple(task for way in ways for task in way.short),
        spent=sum((way.spent for way in ways), Usage()),
        error=first.error,
    )


def _unpaid(result: Result) -> bool:
    """Whether a way's share of the budget, and no limit of the task's own, kept a task from being done."""
    if result.budget_short:
        return True
    if result.passed or result.task.limits.usd is not None:
        return False
    if not result.attempts:  # there were bids, and every one asked for more dollars than were left
        dear = {bid.agent for bid in result.bids if bid.price.unit == "usd"}
        clearing = result.clearing
        return clearing is not None and not clearing.ranking and bool(dear & set(clearing.refused))
    last = result.attempts[-1]
    return OUT_OF_USD in last.error or OUT_OF_USD in last.output


def row_of(result: Result) -> Row:
    """A task's row."""
    return Row(
        task=result.task.id,
        verdict=result.verdict,
        usage=result.usage,
        overhead=result.overhead,
        agent=result.award.agent if result.award else "",
    )


def added(before: Row | None, now: Row) -> Row:
    """A task that was tried again: the last verdict counts, and all that it took."""
    if before is None:
        return now
    usage, overhead = before.usage + now.usage, before.overhead + now.overhead
    return Row(task=now.task, verdict=now.verdict, usage=usage, overhead=overhead, agent=now.agent or before.agent)
