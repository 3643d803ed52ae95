"""`agora report`: many runs in figures, in the terminal and as a page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.traces.many.figures import Figures, ScopeFigures, Selected

_WHOLE = 1_000_000
_MOST_CLASSES = 20
_SPANS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help='Only runs that began since: "2026-11-01" (UTC), "12h", "7d", "4w".'),
]
Last = Annotated[int | None, typer.Option("--last", min=1, help="Only so many of the latest runs.")]
Skill = Annotated[str | None, typer.Option("--skill", help="Only tasks of this class.")]


def report(
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write a page there.")] = None,
    since: Since = None,
    last: Last = None,
    skill: Skill = None,
    target: Annotated[
        float, typer.Option("--target", min=0.01, max=0.999, help="What the cheapest pool must pass, as a share.")
    ] = 0.9,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Show many runs in figures: who passes how much at what cost, and what is enough.

    Pass rates with their intervals, the cheapest pool for each task class, shares of the awards and costs over time,
    what auctions take, promised against delivered, what the judges are worth.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    selected = selection(since=since, last=last, skill=skill)
    anyio.run(partial(_report, session, selected, target=target, output=output, json=json))


def selection(*, since: str | None, last: int | None, skill: str | None, now_us: int | None = None) -> Selected:
    """Of which runs and tasks figures are.

    Args:
        since: What --since says.
        last: What --last says.
        skill: What --skill says.
        now_us: What "7d" counts back from, microseconds since the epoch; None: this machine's clock.

    Raises:
        UsageError: The moment cannot be read.

    >>> selection(since="2d", last=None, skill=None, now_us=172_800_000_001).since_us
    1
    >>> selection(since="1970-01-02", last=3, skill=None).since_us
    86400000000
    """
    from agora.ambient import SystemClock
    from agora.traces.many.figures import Selected

    since_us = None
    if since is not None:
        since_us = _moment(since, SystemClock().now_us() if now_us is None else now_us)
    return Selected(since_us=since_us, last=last, skill=skill)


def _moment(text: str, now_us: int) -> int:
    from datetime import UTC, datetime

    from agora.errors import UsageError

    number, unit = text[:-1], text[-1:]
    if unit in _SPANS and number.isascii() and number.isdecimal() and len(number) <= 6:
        return max(0, now_us - int(number) * _SPANS[unit] * _WHOLE)
    try:
        at = datetime.fromisoformat(text)
        return max(0, round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * _WHOLE))
    except (ValueError, OverflowError):
        raise UsageError(f"--since {text!r} is no moment: say a day as 2026-11-01, or a span as 12h, 7d, 4w") from None


async def _report(session: Session, selected: Selected, *, target: float, output: Path | None, json: bool) -> None:
    from agora.cli.forms import print_form
    from agora.cli.paint import out, safe
    from agora.cli.report_form import report_form
    from agora.cli.session import opened_store
    from agora.traces.many.gathering import Many

    if output is not None:
        _refuse(output)
    async with opened_store(session) as store:
        figures = Many(store, selected, target=target).figures()
    if output is not None:
        from agora.traces.files import write_file
        from agora.traces.many.page import many_page

        write_file(output, [many_page(figures).encode()])
    if json:
        print_form("agora.report/1", report_form(figures))
        return
    _print(figures)
    if output is not None:
        out().print(f"[quiet]the page: {safe(str(output))}[/]")
    else:
        out().print("[quiet]as a page: agora report -o report.html; live, with every run: agora ui[/]")


def _refuse(output: Path) -> None:
    """Say what is wrong with a place before anything is worked out.

    Raises:
        UsageError: A page cannot be written there.
    """
    from agora.errors import UsageError

    if output.is_dir():
        raise UsageError(f"-o {str(output)!r} is a folder: name a file")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"-o {str(output)!r}: the folder {str(output.parent)!r} is not there")


def _print(figures: Figures) -> None:
    from agora.cli.paint import out, safe
    from agora.traces.many.page import left_out, of_what
    from agora.traces.many.words import interval, passed, percent, spent

    console = out()
    if figures.runs:
        console.print(f"[quiet]{safe(of_what(figures))}[/]")
    total = figures.total
    if not total.tasks:
        why = "no task has ended yet" if figures.runs else "no runs: start one with `agora run` or `agora demo`"
        console.print(why)
    else:
        console.print(f"passed a check: {passed(total.grounded)} tasks ({interval(total.grounded)})")
        if total.judged.n:
            console.print(f"a model says passed: {passed(total.judged)} tasks ({interval(total.judged)})")
        share = f", {percent(total.overhead.share)} of it on auctions" if total.overhead.share is not None else ""
        console.print(f"spent: {spent(total.usd, total.seconds)}{share}")
    for scope in figures.classes[:_MOST_CLASSES]:
        _print_class(scope)
    if (more := len(figures.classes) - _MOST_CLASSES) > 0:
        console.print(f"\n[quiet]and {more} more classes with fewer tasks: --json has them all[/]")
    for said in left_out(figures):
        console.print(f"[quiet]in no figure: {safe(said)}[/]")


def _print_class(scope: ScopeFigures) -> None:
    from agora.cli.paint import grid, out, safe
    from agora.traces.many.words import class_name, cost, interval, passed

    console = out()
    console.print(f"\n[head]{safe(class_name(scope.skill))}[/]: {scope.tasks} tasks")
    table = grid("pool", "passed>", "unknown>", "interval>", "$ a task>", "s a task>", "frontier")
    for pool in scope.pools:
        if pool.frontier or len(pool.agents) < 2:
            table.add_row(
                f"[name]{safe(pool.label, limit=120)}[/]",
                passed(pool.grounded),
                str(pool.unknown) if pool.unknown else "",
                interval(pool.grounded),
                cost(pool.usd, "usd"),
                cost(pool.seconds, "s"),
                "yes" if pool.frontier else "",
            )
    if scope.pools:
        console.print(table)
    if scope.cheapest is not None:
        console.print(safe(scope.cheapest.sentence))
