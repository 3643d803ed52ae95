"""One row a bid: who asked what, who won, what came of it, promised against delivered."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from agora.bids import Bid
from agora.cli.paint import amount, grid, narrow, number, safe, verdict
from agora.tasks import Verdict
from agora.traces.told.asks import ranked
from agora.traces.told.story import AttemptStory, AuctionStory, TaskStory

LEGEND = "steps, tokens written and seconds: promised/delivered"
"""What the last three columns mean."""

_MARKS = {Verdict.PASSED: "[passed]✓[/]", Verdict.FAILED: "[failed]✗[/]", Verdict.UNKNOWN: "[unknown]?[/]"}
_NAME_CHARS = 20
_NARROW_CHECK_CHARS = 17


def table_of(stories: Iterable[TaskStory], *, title: str = "") -> Table:
    """The checklist as a table: the bids of each task, best first; a task without bids says why in their place."""
    table = grid("check", "bidder", "asks>", "role", "verdict", "steps>", "tokens>", "seconds>", title=title)
    limit = _NARROW_CHECK_CHARS if narrow() else _NAME_CHARS
    for story in stories:
        rows = _rows(story)
        for index, row in enumerate(rows):
            name = f"{mark(story)} {safe(story.task.id, limit=limit)}" if index == 0 else ""
            table.add_row(name, *row)
    return table


def mark(story: TaskStory) -> str:
    """A verdict as one sign, for markup; a dot while the task runs."""
    return _MARKS[story.verdict] if story.verdict else "[quiet]·[/]"


def why(story: TaskStory, *, limit: int = 0) -> str:
    """Why a task is not passed, for markup; empty where it is."""
    return safe(story.done.reason, limit=limit) if story.done and story.done.verdict is not Verdict.PASSED else ""


def _rows(story: TaskStory) -> list[tuple[str, ...]]:
    """All bids of the first auction; of the later ones those that were taken up."""
    rows = [
        _row(story, auction, bid, place)
        for auction in story.auctions
        for place, bid in enumerate(ranked(auction))
        if not auction.opened.auction or _attempt(auction, bid)
    ]
    if rows:
        return rows
    said = f"[quiet]{_nobody(story)}[/]"
    return [(said, "", "", verdict(story.verdict), "", "", "")]


def _nobody(story: TaskStory) -> str:
    if not story.shortlist.members and not story.shortlist.kept_out:
        return "waiting"
    if story.done is None and not any(auction.first.refused for auction in story.auctions):
        return f"asking {len(story.shortlist.members)}"
    return "nobody bid"


def _attempt(auction: AuctionStory, bid: Bid) -> AttemptStory | None:
    return next((one for one in auction.attempts if one.award.agent == bid.agent), None)


def _row(story: TaskStory, auction: AuctionStory, bid: Bid, place: int) -> tuple[str, ...]:
    attempt, role = _attempt(auction, bid), _role(auction, bid, place)
    style = "name" if attempt else "quiet"
    return (
        f"[{style}]{safe(bid.agent, limit=_NAME_CHARS)}[/]",
        amount(bid.price),
        f"[{'quiet' if role in ('', 'runner-up', 'withdrawn') else 'head'}]{role}[/]" if role else "",
        _verdict(attempt, waits=bool(story.waiting)),
        *_promised(bid, attempt),
    )


def _role(auction: AuctionStory, bid: Bid, place: int) -> str:
    clearing = auction.clearing
    if clearing is None or bid.agent in clearing.refused or place > 1:
        return ""
    if bid.agent not in {score.agent for score in clearing.ranking}:
        return "withdrawn"  # it had left before bids were opened
    if place:
        return "runner-up"
    return auction.opened.how if auction.opened.how in ("replan", "reassign") else "winner"


def _verdict(attempt: AttemptStory | None, *, waits: bool) -> str:
    if attempt is None:
        return ""
    return verdict(attempt.outcome.verdict) if attempt.outcome else f"[quiet]{'waiting' if waits else 'working'}[/]"


def _promised(bid: Bid, attempt: AttemptStory | None) -> tuple[str, str, str]:
    """Promised/delivered: steps, tokens written, seconds; a bid that was not taken up has no second half."""
    took = (attempt.delivered or attempt.running) if attempt else None
    asks_s = number(bid.price.value) if bid.price.unit == "s" else "-"
    tokens = "-" if bid.plan.tokens is None else str(bid.plan.tokens)
    if took is None:
        return str(bid.plan.steps), tokens, asks_s
    took_s = number(round(took.seconds, 2))
    return f"{bid.plan.steps}/{took.steps}", f"{tokens}/{took.output_tokens}", f"{asks_s}/{took_s}"
