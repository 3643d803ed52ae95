"""`agora runs`: what ran, newest first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agora.cli.options import Json, Ledger, Project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agora.cli.session import Session
    from agora.fork_events import Fork
    from agora.protocols import Store
    from agora.records import RunInfo
    from agora.values import JsonValue

_ONE_LINE_CHARS = 34
_OTHER_COLUMNS = 62


def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """List the latest runs."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_runs, open_session(project=project, ledger=ledger), limit=limit, json=json))


async def _runs(session: Session, *, limit: int, json: bool) -> None:
    from agora.cli.forms import print_form, usage_form
    from agora.cli.paint import ago, grid, number, out, safe, usd
    from agora.cli.session import opened_store
    from agora.forks import fork_of

    async with opened_store(session) as store:
        found = store.runs(limit=limit)
        held_against = {info.id: alternative(store, info.id) for info in found}
        forks = {info.id: fork_of(store, info.id) for info in found}
        states: dict[str, State] = {info.id: "done" if info.done else state_in(store, info.id) for info in found}
    if json:
        rows: list[JsonValue] = [
            {
                **info._asdict(),
                "usage": usage_form(info.usage),
                "alternative": held_against[info.id] or None,
                "state": states[info.id],
                "forked": _forked(forks[info.id]),
            }
            for info in found
        ]
        print_form("agora.runs/1", {"runs": rows})
        return
    if not found:
        out().print("no runs yet: start one with `agora run` or `agora demo`")
        return
    table = grid("run", "when", "passed>", "cost>", "tokens>", "seconds>", "goal")
    for info in found:
        goal = _goal(info, states[info.id], alternative=bool(held_against[info.id]))
        if fork := forks[info.id]:
            goal += f" [quiet](forked from {safe(fork.run)} at {fork.at})[/]"
        passed = f"{info.passed}/{info.tasks}"
        cost, seconds = usd(info.usage.usd), number(info.usage.seconds)
        table.add_row(
            f"[name]{safe(info.id)}[/]", ago(info.started_us), passed, cost, str(info.usage.tokens), seconds, goal
        )
    out().print(table)


def _forked(fork: Fork | None) -> JsonValue:
    return None if fork is None else {"run": fork.run, "at": fork.at}


def alternative(store: Store, run: str) -> str:
    """Which way of a comparison a run is; empty where it is none."""
    from agora.bench.ways import NOTE
    from agora.events import Started

    first = next(iter(store.events(run)), None)
    return first.event.notes.get(NOTE, "") if first and isinstance(first.event, Started) else ""


def latest_run(store: Store) -> str:
    """The id of the latest run that is no alternative of the demo's.

    Raises:
        UnknownNameError: There is no run.
    """
    return next((info.id for info in store.runs() if not alternative(store, info.id)), None) or store.find_run("last")


State = Literal["done", "running", "waiting", "cut off"]
"""Where a run is: at its end, in a process that lives, at a question for a person, or nowhere."""

STATES: Mapping[State, str] = {
    "running": " [quiet](running)[/]",
    "waiting": " [unknown](waits for an answer)[/]",
    "cut off": " [unknown](cut off)[/]",
    "done": "",
}
"""The states for markup, as they stand behind a run's name."""


def state_in(store: Store, run: str) -> State:
    """Where a run is."""
    from agora.forks import events_of
    from agora.traces.told.story import told

    if store.holder(run):
        return "running"
    story = told(entry.event for entry in events_of(store, run))
    return "done" if story.done else "waiting" if story.waiting else "cut off"


def _goal(info: RunInfo, state: State, *, alternative: bool) -> str:
    """The first goal, how many more there are, and what a reader would be puzzled by, for markup."""
    from textwrap import shorten

    from agora.cli.paint import out, safe

    before = "alternative: " if alternative else ""
    after = f" … and {info.tasks - 1} more" if info.tasks > 1 else ""
    left = out().width - _OTHER_COLUMNS
    room = max(_ONE_LINE_CHARS, left if left >= _ONE_LINE_CHARS else 2 * left) - len(before) - len(after)
    goal = shorten(info.goal, room, placeholder="") if after else info.goal
    return f"[quiet]{before}[/]{safe(goal, limit=room)}[quiet]{after}[/]{STATES[state]}"
