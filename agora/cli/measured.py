"""What `agora bench live` found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from agora.bench.comparing import MEASURES, Summary, summarise
from agora.bench.ways import Way
from agora.cli.forms import Form, plain, print_form, usage_form
from agora.cli.paint import grid, number, out, remarks, safe, usd
from agora.intervals import Interval
from agora.memory.location import shown
from agora.values import JsonValue

_MOST_NAMED: Final = 8
_FEW: Final = 30
"""Tasks below which an interval says little."""
_HEADS: Final = {"usd": "dollars", "seconds": "seconds", "tokens": "tokens"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All ways, and how they were measured."""

    ways: Sequence[Way]
    """The auction first; the others in the order in which they were run, the last one after the auction."""
    budget_usd: Decimal
    """For all of it."""
    share_usd: Decimal
    """For each way and repetition."""
    seed: int
    """Of the first repetition, and of the bootstraps."""
    repeat: int
    """How often."""
    tasks: int
    """How many."""
    database: str
    """Where the runs are recorded."""

    @cached_property
    def summaries(self) -> Sequence[Summary]:
        """Each way that could be measured, in figures."""
        measured = [way for way in self.ways if not way.error]
        return summarise(measured, auction=self.ways[0], seed=self.seed)

    @property
    def order(self) -> list[str]:
        """The names of the ways in the order in which they were run."""
        return [way.name for way in (*self.ways[1:-1], self.ways[0], self.ways[-1])]

    @property
    def spent_usd(self) -> Decimal:
        """What all of it took."""
        return sum((way.spent.usd for way in self.ways), Decimal(0))


def named(names: Sequence[str]) -> str:
    """The first names, and how many there are besides."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def print_measured(measured: Measured) -> None:
    """Two tables, what passed and what it took, and how it was measured."""
    console = out()
    table = grid("", "passed>", "rate>", "95 %", "auction passes more by", "runs")
    for one in measured.summaries:
        runs = one.way.runs[0] + (f" + {len(one.way.runs) - 1}" if len(one.way.runs) > 1 else "")
        rate = f"{one.rate:.2f}" if one.n else "-"
        ends = f"[{one.low:.2f}, {one.high:.2f}]" if one.n else "-"
        passed = f"{_count(one.rate * one.n)} of {one.n}"
        table.add_row(safe(one.way.name), passed, rate, safe(ends), safe(_points(one.behind)), runs)
    console.print(table)
    console.print()
    _print_costs(measured.summaries)
    console.print()
    console.print(remarks(_remarks(measured)))
    console.print(f"\ntrace {safe(shown(measured.database))}")
    console.print(f"next: [name]agora explain {measured.ways[0].runs[0]}[/]")


def print_measured_form(measured: Measured) -> None:
    """The same as one JSON object."""
    found = {one.way.name: one for one in measured.summaries}
    ways: list[JsonValue] = [_way_form(way, found.get(way.name)) for way in measured.ways]
    print_form(
        "agora.bench.live/1",
        {
            "seed": measured.seed,
            "repeat": measured.repeat,
            "tasks": measured.tasks,
            "budget_usd": plain(measured.budget_usd),
            "share_usd": plain(measured.share_usd),
            "spent_usd": plain(measured.spent_usd),
            "order": [*measured.order],
            "database": shown(measured.database),
            "ways": ways,
        },
    )


def _print_costs(found: Sequence[Summary]) -> None:
    """What a task and a solved task took, in each unit that anybody took any of."""
    used = [name for name in MEASURES if any(one.per_task[name] for one in found)]
    if not used:
        out().print("[quiet]none of them took dollars, tokens, or seconds inside models, tools and commands[/]")
        return
    table = grid("a task / a solved task", *(f"{_HEADS[name]}>" for name in used), "bids>", "auction takes less by")
    for one in found:
        share, saved = one.overhead.get(used[0]), one.saved[used[0]]
        table.add_row(
            safe(one.way.name),
            *(f"{_amount(name, one.per_task[name])} / {_solved(name, one.per_solved[name])}" for name in used),
            "-" if share is None else f"{share:.0%}",
            "" if saved is None else safe(_difference(used[0], saved)),
        )
    out().print(table)
    out().print(f"[quiet]bids: their share of the {_HEADS[used[0]]}; less: a task, in {_HEADS[used[0]]}[/]")


def _remarks(measured: Measured) -> Iterable[tuple[str, str]]:
    """How it was measured, and what was not."""
    split = f"{usd(measured.budget_usd)}: {usd(measured.share_usd)} for each of {len(measured.ways)} ways"
    split += f" and {measured.repeat} repetitions" if measured.repeat > 1 else ""
    yield "budget", f"{split}, fixed beforehand; {usd(measured.spent_usd)} spent"
    yield "order", f"{safe(', '.join(measured.order))}; seed {measured.seed}"
    for way in measured.ways:
        yield safe(way.name), f"not measured: {safe(way.error)}" if way.error else safe(way.how)
        if way.short:
            left = f"its share ran out: {len(way.short)} of {measured.repeat * measured.tasks} tasks not measured"
            yield safe(way.name), f"{left} ({safe(named(way.short))})"
    if undecided := sum(one.unknown for one in measured.summaries):
        yield "undecided", f"{undecided} times no verifier could decide; that counts as not passed"
    yield "seconds", "inside models, tools and commands; an equal seeded call on this machine is taken from its record"
    yield "intervals", _intervals(max((one.n for one in measured.summaries), default=0), measured.repeat)


def _intervals(n: int, repeat: int) -> str:
    said = "rates: Wilson; differences: bootstrap over tasks that both ways measured"
    if repeat > 1:
        said += "; repetitions of a task count as one"
    return f"{said}; {n} tasks are few: expect little" if n < _FEW else said


def _count(passed: float) -> str:
    return f"{passed:.0f}" if passed == round(passed) else f"{passed:.1f}"


def _points(value: Interval | None) -> str:
    return "" if value is None else f"{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"


def _amount(name: str, value: float) -> str:
    return usd(Decimal(repr(value))) if name == "usd" else number(value)


def _solved(name: str, value: Interval | None) -> str:
    return "none" if value is None else _amount(name, value.value)


def _difference(name: str, value: Interval) -> str:
    def short(amount: float) -> str:
        sign = "-" if amount < 0 else "+"
        return f"{sign}{_amount(name, abs(amount))}"

    return f"{short(value.value)} [{short(value.low)}, {short(value.high)}]"


def _way_form(way: Way, one: Summary | None) -> Form:
    form: Form = {
        "name": way.name,
        "how": way.how,
        "error": way.error or None,
        "runs": list(way.runs),
        "not_measured": list(way.short),
        "spent": usage_form(way.spent),
    }
    if one is None:
        return form
    verdicts: list[JsonValue] = [
        {"task": row.task, "verdict": row.verdict.value, "agent": row.agent or None} for row in way.rows
    ]
    return {
        **form,
        "n": one.n,
        "passed": one.rate * one.n,
        "rate": one.rate if one.n else None,
        "interval": [one.low, one.high],
        "undecided": one.unknown,
        "per_task": dict(one.per_task),
        "per_solved": {name: _interval_form(value) for name, value in one.per_solved.items()},
        "bids_share": dict(one.overhead),
        "auction_passes_more_by": _interval_form(one.behind),
        "auction_takes_less_by": {name: _interval_form(value) for name, value in one.saved.items()},
        "verdicts": verdicts,
    }


def _interval_form(value: Interval | None) -> Form | None:
    if value is None:
        return None
    return {"n": value.n, "value": value.value, "low": _finite(value.low), "high": _finite(value.high)}


def _finite(value: float) -> float | None:
    """JSON has no infinity: null is an end that is not known."""
    return value if value not in (float("inf"), float("-inf")) else None
