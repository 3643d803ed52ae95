"""One task in words: who might bid and who was kept out, and what was promised and delivered."""

from __future__ import annotations

from collections.abc import Iterator

from agora.cli.paint import inset, number, out, safe, steps, usd, verdict
from agora.traces.told.story import AttemptStory, AuctionStory, TaskStory
from agora.traces.told.wording import by_reason, exact


def print_shortlist(story: TaskStory) -> None:
    """Who might bid, with which chance, and who was kept out and why."""
    console = out()
    members = ", ".join(f"{safe(name)} (p={p:g})" for name, p in story.shortlist.members.items())
    console.print(inset(f"may bid: {members or 'nobody'}"))
    for reason, names in by_reason(story.shortlist.kept_out):
        console.print(inset(f"[quiet]kept out: {safe(names)} ({safe(reason)})[/]"))


def attempt_lines(attempt: AttemptStory, auction: AuctionStory) -> Iterator[tuple[str, int]]:
    """Lines of markup, and how far each is set in."""
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
