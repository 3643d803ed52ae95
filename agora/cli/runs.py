"""`agora runs`: what ran, newest first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.protocols import Store
    from agora.records import RunInfo

_ONE_LINE_CHARS = 34
_OTHER_COLUMNS = 62


def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    json: Json = False,
    project: Project = None,
) -> None:
    """List the latest runs."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_runs, open_session(project=project), limit=limit, json=json))


async def _runs(session: Session, *, limit: int, json: bool) -> None:
    from agora.cli.forms import print_form, usage_form
    from agora.cli.paint import ago, grid, number, out, usd
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        found = store.runs(limit=limit)
        held_against = {info.id: alternative(store, info.id) for info in found}
    if json:
        rows = [
            {**info._asdict(), "usage": usage_form(info.usage), "alternative": held_against[info.id] or None}
            for info in found
        ]
        print_form("agora.runs/1", {"runs": list(rows)})
        return
    if not found:
        out().print("no runs yet: start one with `agora run` or `agora demo`")
        return
    table = grid("run", "when", "passed>", "cost>", "tokens>", "seconds>", "goal")
    for info in found:
        goal = _goal(info, alternative=bool(held_against[info.id]))
        passed = f"{info.passed}/{info.tasks}"
        cost, seconds = usd(info.usage.usd), number(info.usage.seconds)
        table.add_row(f"[name]{info.id}[/]", ago(info.started_us), passed, cost, str(info.usage.tokens), seconds, goal)
    out().print(table)


def alternative(store: Store, run: str) -> str:
    """Which of the demo's alternatives a run is; empty where it is none."""
    from agora.cli.baselines import NOTE
    from agora.events import Started

    first = next(iter(store.events(run)), None)
    return first.event.notes.get(NOTE, "") if first and isinstance(first.event, Started) else ""


def _goal(info: RunInfo, *, alternative: bool) -> str:
    """The first goal, how many more there are, and what a reader would be puzzled by, for markup."""
    from textwrap import shorten

    from agora.cli.paint import out, safe

    before = "alternative: " if alternative else ""
    after = f" … and {info.tasks - 1} more" if info.tasks > 1 else ""
    left = out().width - _OTHER_COLUMNS
    room = max(_ONE_LINE_CHARS, left if left >= _ONE_LINE_CHARS else 2 * left) - len(before) - len(after)
    goal = shorten(info.goal, room, placeholder="") if after else info.goal
    state = "" if info.done else " [unknown](not finished)[/]"
    return f"[quiet]{before}[/]{safe(goal, limit=room)}[quiet]{after}[/]{state}"
