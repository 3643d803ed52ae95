"""`agora approve`: answer the questions that a run waits with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project

if TYPE_CHECKING:
    from agora.cli.session import Session
    from agora.events import Asked
    from agora.protocols import Store
    from agora.questions import Question
    from agora.traces.told.story import RunStory


def approve(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="An id, or the beginning of one.", show_default="latest waiting"),
    ] = None,
    question: Annotated[str | None, typer.Argument(metavar="[QUESTION]", help="One question's id.")] = None,
    answer: Annotated[bool | None, typer.Option("--yes/--no", help="Answer without being asked.")] = None,
    json: Json = False,
    project: Project = None,
) -> None:
    """Answer what a run waits for.

    Each question is shown with the real command or diff and asked for on the terminal, or answered by --yes or --no.
    An answer counts for exactly what was shown. Exit code 5: a question still waits.
    """
    from functools import partial

    import anyio

    from agora.cli.session import open_session

    code = anyio.run(partial(_approve, open_session(project=project), run, question, answer, json=json))
    raise typer.Exit(code)


async def _approve(session: Session, ref: str | None, name: str | None, answer: bool | None, *, json: bool) -> int:
    from agora.cli.asking import can_ask
    from agora.cli.forms import print_form, question_form
    from agora.cli.paint import out, safe
    from agora.cli.session import opened_store
    from agora.forks import events_of
    from agora.traces.told.story import told

    async with opened_store(session) as store:
        run = waiting_run(store, ref)
        story = told(entry.event for entry in events_of(store, run))
        chosen = _chosen(story, run, name)
        asking = can_ask() and not json
        if chosen and (asking or answer is not None):
            async with store.hold(run):  # a run that goes on in another process is not written to
                await _answer(story, chosen, answer, store=store, run=run, json=json)
        elif not json:
            for asked in chosen:
                _show(whole_of(story, asked), "waits for an answer")
    left = len(story.waiting)
    if json:
        forms = [question_form(said_of(story, asked), whole_of(story, asked).patch) for asked in chosen]
        print_form("agora.approve/1", {"run": run, "questions": list(forms), "waiting": left})
    elif left:
        out().print(f"{left} still wait{'s' if left == 1 else ''}: [name]agora approve {safe(run)}[/]")
    else:
        out().print(f"next: [name]agora resume {safe(run)}[/]" if chosen else f"run {safe(run)} waits for no answer")
    return _STILL_WAITS if left else 0


_STILL_WAITS = 5
"""The exit code of ApprovalPendingError."""


def waiting_run(store: Store, ref: str | None) -> str:
    """The run that is meant; without a name, the latest that waits for an answer.

    Raises:
        UnknownNameError: There is none of that name, or several.
        ConfigError: No run waits.
    """
    from agora.errors import ConfigError
    from agora.forks import events_of
    from agora.traces.told.story import told

    if ref is not None:
        return store.find_run(ref)
    for info in store.runs():
        if not info.done and told(entry.event for entry in events_of(store, info.id)).waiting:
            return info.id
    raise ConfigError("RUN", "no run waits for an answer: `agora runs` lists them all")


def whole_of(story: RunStory, asked: Asked) -> Question:
    """The question with its diff, which stands on the ledger with the attempt.

    An answer goes with the digest on record, which was made before secrets were taken out of what is shown.

    Raises:
        LedgerError: The diff on record is not what the question was about.
    """
    from agora.errors import LedgerError

    question = asked.question
    if question.about != "diff":
        return question
    task = story.tasks[question.task]
    if task.last is not None:
        question = question.model_copy(update={"patch": task.last.patch})
    if question.digest != asked.digest:
        raise LedgerError(f"question {question.id!r} was about something else than is on record: nothing was answered")
    return question


def said_of(story: RunStory, asked: Asked) -> Asked:
    """The question as it stands now."""
    if asked.question.about == "step":
        return story.steps[asked.question.task]
    return story.tasks[asked.question.task].asked[asked.question.id]


def _chosen(story: RunStory, run: str, name: str | None) -> list[Asked]:
    from agora.errors import UnknownNameError

    chosen = [asked for asked in story.waiting if name in (None, asked.question.id)]
    if name is not None and not chosen:
        raise UnknownNameError(f"waiting question of run {run}", name, (one.question.id for one in story.waiting))
    return chosen


async def _answer(
    story: RunStory, chosen: list[Asked], answer: bool | None, *, store: Store, run: str, json: bool
) -> None:
    """Show each question, and record what is said to it at once; "later" leaves it waiting."""
    from agora.cli.asking import ask

    every: set[str] = set()
    for asked in chosen:
        question = whole_of(story, asked)
        granted = True if question.about in every else answer
        if granted is None:
            reply = await ask(question)
            if reply == "later":
                continue
            granted = reply != "no"
            every |= {question.about} if reply == "all" else set()
        elif not json:
            _show(question, "yes" if granted else "no")
        event = asked.model_copy(update={"granted": granted})
        await store.record(run, event)
        story.tell(event)


def _show(question: Question, state: str) -> None:
    from agora.cli.asking import show
    from agora.cli.paint import err, safe

    show(question, whole=True)
    err().print(f"[quiet]{safe(question.id)}[/]: {state}\n")
