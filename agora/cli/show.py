"""`agora show`: one run, from the ledger alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agora.cli.runs import State
    from agora.cli.session import Session
    from agora.traces.told.story import RunStory, TaskStory

_NEXT: Mapping[State, str] = {
    "done": "why it went so: agora explain",
    "running": "why it went so: agora explain",
    "waiting": "to answer it: agora approve",
    "cut off": "to go on with it: agora resume",
}

Run = Annotated[str, typer.Argument(metavar="RUN", help='An id, the beginning of one, or "last".')]


def show(run: Run = "last", json: Json = False, project: Project = None, ledger: Ledger = None) -> None:
    """Show a run: bids, verdicts, work, cost."""
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_show, open_session(project=project, ledger=ledger), run, json=json))


async def read_run(session: Session, ref: str) -> tuple[str, RunStory]:
    """A run's id and story; "last" is the latest that is no alternative of the demo's.

    Raises:
        UnknownNameError: No run, or several, are meant by that.
    """
    from agora.cli.runs import latest_run
    from agora.cli.session import opened_store
    from agora.forks import events_of
    from agora.traces.told.story import told

    async with opened_store(session) as store:
        run = latest_run(store) if ref == "last" else store.find_run(ref)
        return run, told(entry.event for entry in events_of(store, run))


async def _show(session: Session, ref: str, *, json: bool) -> None:
    from agora.cli.forms import print_form, run_form

    run, story = await read_run(session, ref)
    state = "done" if story.done else await _state(session, run)
    if json:
        print_form("agora.show/2", {**run_form(run, story), "state": state})
        return
    _print(run, story, state)


async def _state(session: Session, run: str) -> State:
    from agora.cli.runs import state_in
    from agora.cli.session import opened_store

    async with opened_store(session) as store:
        return state_in(store, run)


def _print(run: str, story: RunStory, state: State) -> None:
    from agora.cli.flow_story import story_tree
    from agora.cli.joining import ABSENT, grouped
    from agora.cli.paint import fork_line, inset, out, remarks, safe, taken, times
    from agora.cli.resume import charged
    from agora.cli.rows import LEGEND, table_of
    from agora.cli.runs import STATES
    from agora.tasks import Usage
    from agora.traces.told.pool import change_line

    console = out()
    console.print(f"[head]run {safe(run)}[/]{STATES[state]}")
    if story.started is not None:
        began = story.started
        console.print(f"[quiet]seed {began.seed} · mechanism {safe(began.mechanism)} · policy {safe(began.policy)}[/]")
        if (fork := began.forked) is not None:
            console.print(f"[quiet]{fork_line(fork)}[/]")
        absent = {name.removeprefix(ABSENT): note for name, note in began.notes.items() if name.startswith(ABSENT)}
        other = [(safe(name), safe(note)) for name, note in began.notes.items() if not name.startswith(ABSENT)]
        changes = [change_line(change) for change in story.changes]
        lines = [*(("absent", line) for line in grouped(absent)), *changes]
        console.print(remarks([*other, *((what, safe(line)) for what, line in lines)]))
    console.print()
    if story.flow is not None:
        console.print(story_tree(story, story.flow))
        console.print()
    if story.tasks:
        console.print(table_of(story.tasks.values()))
        console.print(f"[quiet]{LEGEND}[/]")
    for node, reason in story.skipped.items():
        console.print(f"[quiet]{safe(node)} was passed over: {safe(reason, limit=160)}[/]")
    for task in story.tasks.values():
        _print_work(task)
    if story.resumed:
        console.print(f"\nresumed {times(len(story.resumed))}")
        for resumed in story.resumed:
            if resumed.unknown:
                console.print(inset(f"[unknown]{charged(resumed)}[/]"))
    before = story.started.forked.usage if story.started and story.started.forked else Usage()
    console.print(f"\ntook {taken(story.done.usage if story.done else story.spent.without(before))}")
    console.print(f"[quiet]{_NEXT[state]} {safe(run)}[/]")


def _print_work(task: TaskStory) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from agora.cli.endings import brief
    from agora.cli.paint import inset, out, safe, visible
    from agora.cli.rows import mark, why

    console = out()
    console.print(f"\n{mark(task)} [head]{safe(task.task.id)}[/]")
    console.print(inset(safe(task.task.goal, limit=240)))
    if reason := why(task, limit=400):
        console.print(inset(f"[quiet]{reason}[/]"))
    for asked in task.asked.values():
        said = "[unknown]waits for an answer[/]" if asked.granted is None else "yes" if asked.granted else "no"
        console.print(inset(f"[quiet]asked: {brief(asked.question).partition(': ')[2]}[/]: {said}"))
    if task.last is None:
        return
    if task.last.output.strip():
        console.print(Padding(Text(visible(task.last.output.strip())), (0, 0, 0, 2), expand=False))
    if task.last.patch.text:
        console.print(Padding(Text(visible(task.last.patch.text.rstrip())), (0, 0, 0, 2), expand=False))
