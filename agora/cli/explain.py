"""`agora explain`: why a run's tasks went to whom they went, from the ledger alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Ledger, Project
from agora.cli.show import Run, read_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agora.cli.session import Session
    from agora.traces.story import AttemptStory, AuctionStory, TaskStory
    from agora.values import JsonValue


def explain(
    run: Run = "last",
    task: Annotated[str | None, typer.Argument(metavar="[TASK]", help="One task of the run.")] = None,
    json: Json = False,
    project: Project = None,
    ledger: Ledger = None,
) -> None:
    """Explain every award of a run.

    Who was asked, who was kept out and why, the jury's marks, every term of every score in digits that add up, what
    would have turned the award, and what was promised and delivered: from the ledger alone.
    """
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_explain, open_session(project=project, ledger=ledger), run, task, json=json))


async def _explain(session: Session, ref: str, name: str | None, *, json: bool) -> None:
    from agora.cli.explain_form import explain_form
    from agora.cli.forms import print_form
    from agora.cli.paint import out
    from agora.errors import UnknownNameError

    run, story = await read_run(session, ref)
    if name is not None and name not in story.tasks:
        raise UnknownNameError(f"task of run {run}", name, story.tasks)
    chosen = [task for task_id, task in story.tasks.items() if name in (None, task_id)]
    operators = {name: card.operator for name, card in story.cards.items()}
    if json:
        forms: list[JsonValue] = [explain_form(task, operators) for task in chosen]
        print_form("agora.explain/2", {"run": run, "tasks": forms})
        return
    for task in chosen:
        _print(task, operators)
    out().print(f"[quiet]the same as JSON: agora explain {run} --json[/]")


def _print(story: TaskStory, operators: Mapping[str, str]) -> None:
    from agora.cli.explaining import print_auction
    from agora.cli.explaining_routing import print_routing
    from agora.cli.paint import inset, out, safe
    from agora.cli.rows import mark, why
    from agora.traces.wording import by_reason

    console = out()
    console.print(f"{mark(story)} [head]{safe(story.task.id)}[/]")
    console.print(inset(safe(story.task.goal, limit=200)))
    members = ", ".join(f"{safe(name)} (p={p:g})" for name, p in story.shortlist.members.items())
    console.print(inset(f"may bid: {members or 'nobody'}"))
    for reason, names in by_reason(story.shortlist.kept_out):
        console.print(inset(f"[quiet]kept out: {safe(names)} ({safe(reason)})[/]"))
    if story.routed is not None:
        print_routing(story.routed, story.shortlist.waves)
    for auction in story.auctions:
        print_auction(auction, operators, of=len(story.auctions))
        for attempt in auction.attempts:
            for line, by in _attempt_lines(attempt, auction):
                console.print(inset(line, by))
    if reason := why(story, limit=300):
        console.print(inset(f"ended {story.done.verdict.value if story.done else ''}: {reason}"))
    console.print()


def _attempt_lines(attempt: AttemptStory, auction: AuctionStory) -> Iterator[tuple[str, int]]:
    """Lines of markup, and how far each is set in."""
    from agora.cli.paint import number, safe, steps, usd, verdict
    from agora.traces.wording import exact

    award = attempt.award
    yield f"award {award.attempt}: [name]{safe(award.agent)}[/], {safe(award.reason)}", 4
    took, bid = attempt.delivered, auction.bids.get(award.agent)
    if took is not None:
        tokens = "no cap on tokens" if award.plan.tokens is None else f"at most {award.plan.tokens} tokens"
        asked = f", {exact(bid.price)}" if bid else ""
        spent = f"{usd(took.usd)}, {number(took.seconds)} s" if took.usd else f"{number(took.seconds)} s"
        delivered = f"{steps(took.steps)}, tokens written {took.output_tokens}, {spent}"
        yield f"promised {steps(award.plan.steps)}, {tokens}{asked}; delivered {delivered}", 6
    if attempt.outcome is not None:
        said = safe(attempt.outcome.evidence, limit=160)
        found = f"verified by {safe(attempt.outcome.verifier)}: {verdict(attempt.outcome.verdict)}"
        yield found + (f" ({said})" if said else ""), 6
