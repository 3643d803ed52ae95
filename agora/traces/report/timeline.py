"""Who worked when, from the times at which events were recorded: bids, jury, attempts, checks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from agora.events import Awarded, BidPlaced, BidRefused, Judged, Opened, Performed, Recalled, Scored, Screened, Verified
from agora.records import Recorded
from agora.traces.pages.parts import joined, paragraph
from agora.traces.pages.plots import Span, Told, spans
from agora.traces.told.wording import number

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_ROWS: Final = 24
"""Of more agents than these only the busiest are drawn."""
MOST_SPANS: Final = 600
"""Of more spans than these only the longest are drawn."""
VERIFIER: Final = "the verifier"
"""The row of the checks."""
_SECOND: Final = 1_000_000


def spans_of(entries: Sequence[Recorded]) -> list[Span]:
    """What went on when, in the order in which it ended.

    A span ends where its event was recorded and begins where what it waited for was: a bid with the call for it, a
    judge's marks with the last bid, an attempt with its award, a check with the end of the attempt. A clock that went
    backwards makes a span of no length.
    """
    began = entries[0].at_us if entries else 0
    since: defaultdict[str, int] = defaultdict(lambda: began)
    found: list[Span] = []

    def end(row: str, kind: str, about: str, at_us: int) -> None:
        start = min(since[about], at_us)
        found.append(Span(row, (start - began) / _SECOND, (at_us - began) / _SECOND, kind, about))

    bids_at: dict[str, int] = {}
    for one in entries:
        match one.event:
            case Screened(task=task) | Opened(task=task) | Recalled(task=task) | Scored(task=task):
                since[task] = bids_at[task] = one.at_us
            case BidPlaced(task=task, bid=bid):
                end(bid.agent, "second plan" if bid.round else "bid", task, one.at_us)
                bids_at[task] = one.at_us
            case BidRefused(task=task, agent=agent):
                end(agent, "no bid", task, one.at_us)
            case Judged(task=task, judge=judge):
                since[task] = bids_at.get(task, began)
                end(judge, "jury", task, one.at_us)
            case Awarded(task=task):
                since[task] = one.at_us
            case Performed(task=task, agent=agent):
                end(agent, "attempt", task, one.at_us)
                since[task] = one.at_us
            case Verified(task=task):
                end(VERIFIER, "check", task, one.at_us)
            case _:
                pass
    return found


def timeline(entries: Sequence[Recorded]) -> Markup:
    """The picture of a run's time."""
    found = spans_of(entries)
    if not found:
        return paragraph("Nothing was begun.", quiet=True)
    spent: defaultdict[str, float] = defaultdict(float)
    for span in found:
        spent[span.row] += span.end - span.start
    busiest = sorted(spent, key=lambda row: (-spent[row], row))
    rows = set(busiest[:MOST_ROWS])
    kept = sorted((span for span in found if span.row in rows), key=lambda span: span.start - span.end)[:MOST_SPANS]
    drawn = sorted(kept, key=lambda span: (span.start, span.end, span.row))
    whole = (entries[-1].at_us - entries[0].at_us) / _SECOND
    most = busiest[0]
    says = (
        f"{number(whole)} s from the first event to the last. The longest at work: {most}, {number(spent[most])} s in "
        "all, waiting for a place included."
    )
    left = len(found) - len(drawn)
    note = [paragraph(f"{left:,} further spans are not drawn: the shortest ones.", quiet=True)] if left else []
    return joined(spans(Told("timeline-picture", "Who worked when", says), drawn), *note)
