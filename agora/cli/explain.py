"""`agora explain`: why a run's tasks went to whom they went, from the ledger alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project
from agora.cli.show import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agora.cli.session import Session
    from agora.protocols import Store
    from agora.records import Recorded
    from agora.traces.explaining.sources import Source
    from agora.traces.told.story import RunStory, TaskStory
    from agora.values import JsonValue


def explain(
    run: Run = "last",
    decision: Annotated[
        str | None,
        typer.Argument(metavar="[DECISION]", help="One task, or the position of one event (agora trace events)."),
    ] = None,
    credit: Annotated[bool, typer.Option("--credit", help="What each agent added to the run, too.")] = False,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Explain every award of a run, or one decision.

    Who was asked, who was kept out and why, the jury's marks, every term of every score in digits that add up, what
    would have turned the award, what was remembered, and what was promised and delivered: from the ledger alone.
    """
    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project, ledger=ledger)
    anyio.run(partial(_explain, session, run, decision, credit=credit, json=json))


async def _explain(session: Session, ref: str, name: str | None, *, credit: bool, json: bool) -> None:
    from agora.cli.runs import latest_run
    from agora.cli.session import opened_store
    from agora.errors import ConfigError
    from agora.forks import events_of
    from agora.traces.told.story import told

    async with opened_store(session) as store:
        run = latest_run(store) if ref == "last" else store.find_run(ref)
        entries = list(events_of(store, run))
        story = told(entry.event for entry in entries)
        seq = int(name) if name is not None and name.isdecimal() and name not in story.tasks else None
        if seq is not None and credit:
            raise ConfigError("--credit", "is of a run or a task, and not of one event")
        if seq is not None:
            _one_decision(store, run, story, entries, seq, json=json)
        else:
            _tasks(session, store, run, story, entries, name, credit=credit, json=json)


def _one_decision(
    store: Store, run: str, story: RunStory, entries: Sequence[Recorded], seq: int, *, json: bool
) -> None:
    from agora.cli.explaining_decision import Told, decision_form, found_at, print_decision
    from agora.cli.forms import print_form

    told = Told(store, story, found_at(entries, run, seq))
    if json:
        print_form("agora.explain.decision/1", decision_form(told))
    else:
        print_decision(told)


def _tasks(
    session: Session,
    store: Store,
    run: str,
    story: RunStory,
    entries: Sequence[Recorded],
    name: str | None,
    *,
    credit: bool,
    json: bool,
) -> None:
    from agora.cli.explain_form import explain_form
    from agora.cli.explaining_credit import credit_form, credit_in, print_credit
    from agora.cli.explaining_run import print_run
    from agora.cli.forms import print_form
    from agora.cli.paint import out, safe
    from agora.errors import UnknownNameError

    if name is not None and name not in story.tasks:
        raise UnknownNameError(f"task of run {run}", name, story.tasks)
    chosen = [task for task_id, task in story.tasks.items() if name in (None, task_id)]
    operators = {name: card.operator for name, card in story.cards.items()}
    sources = _sources(store, chosen, entries)
    shares = credit_in(session, store, run) if credit else None
    if json:
        forms: list[JsonValue] = [
            explain_form(task, operators, sources=sources, context=story.routed.get(task.task.id)) for task in chosen
        ]
        more: Mapping[str, JsonValue] = {} if shares is None else {"credit": credit_form(shares)}
        print_form("agora.explain/2", {"run": run, "tasks": forms, **more})
        return
    if name is None:
        print_run(story)
    for task in chosen:
        _print(task, story, operators, entries, sources)
    if shares is not None:
        print_credit(shares)
    out().print(f"[quiet]the same as JSON: agora explain {safe(run)} --json[/]")


def _sources(store: Store, tasks: Sequence[TaskStory], entries: Sequence[Recorded]) -> Mapping[tuple[str, str], Source]:
    """Where the plans of all lessons that were shown in these tasks were remembered."""
    from agora.traces.explaining.sources import sources_of

    shown = [
        lesson for task in tasks for auction in task.auctions for some in auction.lessons.values() for lesson in some
    ]
    return sources_of(store, shown, before=entries[-1].seq) if shown else {}


def _print(
    story: TaskStory,
    run: RunStory,
    operators: Mapping[str, str],
    entries: Sequence[Recorded],
    sources: Mapping[tuple[str, str], Source],
) -> None:
    from agora.cli.explaining import print_auction
    from agora.cli.explaining_routing import print_routing
    from agora.cli.explaining_run import positions_line, print_context, print_question, source_line
    from agora.cli.explaining_task import attempt_lines, print_shortlist
    from agora.cli.paint import inset, out, safe
    from agora.cli.rows import mark, why

    console = out()
    console.print(f"{mark(story)} [head]{safe(story.task.id)}[/]")
    console.print(inset(safe(story.task.goal, limit=200)))
    console.print(inset(positions_line(entries, story.task.id)))
    if (context := run.routed.get(story.task.id)) is not None:
        print_context(context)
    print_shortlist(story)
    if story.routed is not None:
        print_routing(story.routed, story.shortlist.waves)
    for auction in story.auctions:
        print_auction(auction, operators, of=len(story.auctions))
        for lesson in dict.fromkeys(lesson for some in auction.lessons.values() for lesson in some):
            console.print(inset(source_line(lesson, sources), 4))
        for attempt in auction.attempts:
            for line, by in attempt_lines(attempt, auction):
                console.print(inset(line, by))
    for asked in story.asked.values():
        print_question(asked)
    if reason := why(story, limit=300):
        console.print(inset(f"ended {story.done.verdict.value if story.done else ''}: {reason}"))
    console.print()
