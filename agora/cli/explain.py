"""`agora explain`: why a run's tasks went to whom they went, from the ledger alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Json, Project
from agora.cli.show import Run, read_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agora.bids import Clearing
    from agora.cli.session import Session
    from agora.cli.story import AttemptStory, AuctionStory, TaskStory

_PLAN_CHARS = 160


def explain(
    run: Run = "last",
    task: Annotated[str | None, typer.Argument(metavar="[TASK]", help="One task of the run.")] = None,
    json: Json = False,
    project: Project = None,
) -> None:
    """Explain every award of a run.

    Who was asked, who was kept out and why, every term of every score, what would have turned the award, and what
    was promised and delivered: from the ledger alone.
    """
    import anyio

    from agora.cli.session import open_session

    anyio.run(partial(_explain, open_session(project=project), run, task, json=json))


async def _explain(session: Session, ref: str, name: str | None, *, json: bool) -> None:
    from agora.cli.forms import explain_form, print_form
    from agora.cli.paint import out
    from agora.errors import UnknownNameError

    run, story = await read_run(session, ref)
    if name is not None and name not in story.tasks:
        raise UnknownNameError(f"task of run {run}", name, story.tasks)
    chosen = [task for task_id, task in story.tasks.items() if name in (None, task_id)]
    if json:
        print_form("agora.explain/2", {"run": run, "tasks": [explain_form(task) for task in chosen]})
        return
    for task in chosen:
        _print(task)
    out().print(f"[quiet]the same as JSON: agora explain {run} --json[/]")


def _print(story: TaskStory) -> None:
    from agora.cli.paint import inset, number, out, safe, usd
    from agora.cli.rows import mark, why

    console = out()
    console.print(f"{mark(story)} [head]{safe(story.task.id)}[/]")
    console.print(inset(safe(story.task.goal, limit=200)))
    reserve = story.reserve
    console.print(f"  reserve, fixed before opening: {usd(reserve.usd)} and {number(reserve.s)} s")
    members = ", ".join(f"{safe(name)} (p={p:g})" for name, p in story.shortlist.members.items())
    console.print(inset(f"asked: {members or 'nobody'}"))
    for reason, names in _by_reason(story.shortlist.kept_out):
        console.print(inset(f"[quiet]kept out: {safe(names)} ({safe(reason)})[/]"))
    for auction in story.auctions:
        for reason, names in _by_reason(auction.first.refused):
            console.print(inset(f"[quiet]did not bid: {safe(names)} ({safe(reason, limit=200)})[/]"))
        if auction.clearing is not None and auction.bids:
            _print_scores(auction, auction.clearing)
        for attempt in auction.attempts:
            for line, by in _attempt_lines(attempt):
                console.print(inset(line, by))
    if reason := why(story, limit=300):
        console.print(inset(f"ended {story.done.verdict.value if story.done else ''}: {reason}"))
    console.print()


def _by_reason(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each reason with the names that it holds for, in the order of names."""
    names: dict[str, list[str]] = {}
    for name, reason in sorted(reasons.items()):
        names.setdefault(reason, []).append(name)
    return [(reason, ", ".join(those)) for reason, those in names.items()]


def _print_scores(story: AuctionStory, clearing: Clearing) -> None:
    from rich.padding import Padding

    from agora.cli.paint import amount, grid, inset, out, safe

    terms = list(dict.fromkeys(term for score in clearing.ranking for term in score.terms))
    table = grid("place>", "bidder", "asks>", "length>", "entropy>", *(f"+{term}>" for term in terms), "=score>")
    for place, score in enumerate(clearing.ranking, start=1):
        bid = story.bids[score.agent]
        entropy = "-" if bid.entropy is None else f"{bid.entropy:.3f}"
        parts = (f"{score.terms.get(term, 0.0):+.5f}" for term in terms)
        row = (str(place), safe(score.agent), amount(score.price), str(bid.length_tokens), entropy, *parts)
        table.add_row(*row, f"{score.total:.5f}")
    weights = ", ".join(f"{name} {weight:g}" for name, weight in clearing.weights.items())
    out().print(Padding(table, (0, 0, 0, 2), expand=False))
    dropped = f"; dropped since some bid lacked it: {', '.join(clearing.dropped)}" if clearing.dropped else ""
    out().print(inset(f"[quiet]{safe(clearing.mechanism)}, lowest score wins; weights: {weights}{dropped}[/]"))
    for name, reason in sorted(clearing.refused.items()):
        out().print(inset(f"[quiet]refused: {safe(name)} {safe(reason)}[/]"))
    if flip := flip_of(clearing):
        out().print(inset(f"[quiet]{flip}[/]"))
    for score in clearing.ranking:
        plan = safe(story.bids[score.agent].plan.text, limit=_PLAN_CHARS)
        out().print(inset(f"plan of {safe(score.agent)}: [quiet]{plan}[/]"))


def flip_of(clearing: Clearing) -> str:
    """What would have turned the award, in words; empty where there was no second bid or no price term."""
    from agora.cli.paint import number, safe

    if len(clearing.ranking) < 2:
        return ""
    first, second = clearing.ranking[:2]
    gap = second.total - first.total
    cost = second.terms.get("cost")
    if not cost:
        return f"{safe(second.agent)} was {gap:.5f} behind"
    share = 100 * gap / cost
    if share >= 100:
        return f"{safe(second.agent)} was {gap:.5f} behind: no price could have turned the award"
    return f"{safe(second.agent)} was {gap:.5f} behind: asking {number(share)} % less would have turned the award"


def _attempt_lines(attempt: AttemptStory) -> Iterator[tuple[str, int]]:
    """Lines of markup, and how far each is set in."""
    from agora.cli.paint import number, safe, steps, verdict

    award = attempt.award
    yield f"award {award.attempt}: [name]{safe(award.agent)}[/], {safe(award.reason)}", 2
    took = attempt.delivered
    if took is not None:
        tokens = "no cap" if award.plan.tokens is None else str(award.plan.tokens)
        delivered = f"{steps(took.steps)}, {took.output_tokens} tokens written, {number(took.seconds)} s"
        yield f"promised {steps(award.plan.steps)}, {tokens} tokens; delivered {delivered}", 4
    if attempt.outcome is not None:
        said = safe(attempt.outcome.evidence, limit=160)
        found = f"verified by {safe(attempt.outcome.verifier)}: {verdict(attempt.outcome.verdict)}"
        yield found + (f" ({said})" if said else ""), 4
