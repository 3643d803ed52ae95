"""A jury's marks in words and tables: as they were given, as they counted, and the sum that each value is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.padding import Padding
from rich.table import Table

from agora.bids import Bid, Juror
from agora.cli.paint import grid, inset, narrow, out, safe
from agora.events import Scored
from agora.traces.explaining.juries import Counted, above_a_coin, judges_of, marks_of, reckoned
from agora.traces.explaining.reckoning import Sheet, rounded
from agora.traces.told.story import AuctionStory
from agora.traces.told.wording import by_reason

_NAME_CHARS: Final = 20
_NARROW_NAME_CHARS: Final = 12


def say(markup: str, *, by: int = 4) -> None:
    """One paragraph, set in."""
    out().print(inset(markup, by))


def lay(table: Table, *, by: int = 4) -> None:
    """One table, set in."""
    out().print(Padding(table, (0, 0, 0, by), expand=False))


def name_of(agent: str) -> str:
    """An agent's name as it stands in tables: of a long one the beginning and the end."""
    limit = _NARROW_NAME_CHARS if narrow() else _NAME_CHARS
    if len(agent) > limit:
        agent = f"{agent[: (limit - 1) // 2]}…{agent[-(limit // 2) :]}"
    return safe(agent)


def print_jury(
    auction: AuctionStory,
    scored: Scored,
    bids: Mapping[str, Bid],
    operators: Mapping[str, str],
    sheet: Sheet,
    shown: set[str],
) -> None:
    """What the judges of a round gave, who gave nothing and why, and how the marks make the figures.

    Args:
        auction: Which.
        scored: Its round.
        bids: The bids of the round, by agent.
        operators: Agent -> who is behind it.
        sheet: The scores as they are printed.
        shown: Whose values are told.
    """
    jury = auction.jury(operators, round=scored.round)
    judged = (auction.second if scored.round else auction.first).judged
    if not judged:
        return
    marks = marks_of(auction, scored)
    marked = [agent for agent in bids if marks.get(agent) and (agent in shown or not scored.round)]
    say("[head]jury[/][quiet] (marks from 0 to 5, as given)[/]")
    judges = judges_of(jury)
    for some in _chunks(marked, _room(marked, [judge.name for judge in judges])):
        table = grid("judge", "agreement>", "weight>", *(f"{name_of(agent)}>" for agent in some))
        for judge in judges:
            given = (str(marks[agent].get(judge.name, "-")) for agent in some)
            table.add_row(name_of(judge.name), judge.agreement, judge.weight, *given)
        lay(table)
    for text, names in by_reason({judge: one.dropped for judge, one in judged.items() if one.dropped}):
        say(f"[quiet]no judge: {safe(names)} ({safe(text, limit=200)})[/]")
    if judges:
        _print_worth(scored, bids, marks, jury, sheet, shown)


def _print_worth(
    scored: Scored,
    bids: Mapping[str, Bid],
    marks: Mapping[str, Mapping[str, int]],
    jury: Mapping[str, Juror],
    sheet: Sheet,
    shown: set[str],
) -> None:
    """How the marks make the figures: the rule once, then each bid's sum."""
    weight = (
        "2 x agreement - 1, at least 0"
        if above_a_coin(jury)
        else "alike, since none is known to be better than a coin (0.5)"
    )
    if "jury" not in scored.clearing.weights:
        say(f"[quiet]weight: {weight}; the marks did not count in these scores[/]")
        return
    redone = reckoned(scored.clearing, bids, marks, jury, digits=sheet.digits)
    if redone is None:
        say("[quiet]how these marks make the figures is not on the ledger[/]")
        return
    if not scored.round:
        own = "counts at most what the others' are worth" if redone.heard_own else "does not count"
        say(
            f"[quiet]weight: {weight}. Consensus: the highest mark that half of the weight reaches, without the"
            f" bidder's own judges. A mark counts as the consensus at most and as {redone.slack} below it at least; a"
            f" mark by the bidder's own operator {own}.[/]"
        )
    for one in redone.counts:
        if one.agent in shown:
            counted = "".join(f", {told}" for told in _changed(one))
            say(f"{safe(one.agent)}: consensus {one.consensus}{counted}: {one.sum}")


def _changed(one: Counted) -> Iterator[str]:
    """Marks that count as something else than they say."""
    for judge, mark in sorted(one.counted.items()):
        if mark != one.marks[judge]:
            own = " (own)" if judge in one.own else ""
            yield f"{safe(judge)}{own} {one.marks[judge]} as {number_of(mark)}"


def number_of(mark: float) -> str:
    """A mark as it counted: whole, or with the digits that say something.

    >>> number_of(3), number_of(10 / 3)
    ('3', '3.333333')
    """
    return f"{rounded(mark, 6).normalize():f}"


def _room(agents: Sequence[str], judges: Sequence[str]) -> int:
    """How many bidders' columns fit beside the judges."""
    gap = 1 if narrow() else 2
    fixed = 4 + max([len(name_of(name)) for name in (*judges, "judge")]) + len("agreement") + len("0.000000") + 3 * gap
    widest = max([len(name_of(agent)) for agent in agents], default=1) + gap
    return max(1, (out().width - fixed) // widest)


def _chunks(agents: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(agents), size):
        yield agents[start : start + size]
