"""One call for bids on a page: scores as a picture, the bids side by side, the jury, second plans, what was close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from agora.auctions.ranking import cost_share
from agora.bids import Bid, Reserve
from agora.events import Judged, Scored
from agora.traces.explaining.juries import judges_of, marks_of, reckoned
from agora.traces.explaining.reckoning import Sheet, Turn, rounded, sheet_of, ties_of, turns_of
from agora.traces.pages.excerpts import Excerpts
from agora.traces.pages.parts import Column, facts, fold, heading, joined, listed, meter, paragraph, table, words
from agora.traces.pages.plots import Bar, Told, bars
from agora.traces.told.asks import ranked
from agora.traces.told.story import AuctionStory
from agora.traces.told.wording import amount, by_reason, exact, number, steps, usd

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_BIDS: Final = 50
"""Of more bids than these only the best are shown."""
MOST_BARS: Final = 12
_HOW: Final = {
    "auction": "bids are called for",
    "post": "the price is posted to one agent",
    "explore": "posted to a newcomer, by lot",
    "replan": "who failed tries again",
    "reassign": "the others get it, with the evidence",
}
_TURNS: Final = 5
_MOST_TERMS: Final = 20


def auction_part(
    auction: AuctionStory,
    operators: Mapping[str, str],
    excerpts: Excerpts,
    *,
    of: int,
    anchor: str,
    drawn: bool,
) -> Markup:
    """All of one call for bids.

    Args:
        auction: Which.
        operators: Agent -> who is behind it.
        excerpts: What may still be shown.
        of: How many calls for bids the task had.
        anchor: Unique on the page.
        drawn: Whether the scores become a picture, besides a table.
    """
    opened = auction.opened
    which = f"Call for bids {opened.auction + 1} of {of}" if of > 1 else "Call for bids"
    bodies: list[Markup] = [heading(f"{which}: {_HOW[opened.how]}", level=4, id=anchor)]
    if opened.reason:
        bodies.append(paragraph(excerpts.line(opened.reason, limit=600)))
    pairs = [
        ("Asked", ", ".join(opened.asked) or "nobody"),
        ("Reserve, fixed before opening", _reserve(opened.reserve)),
    ]
    bodies += [facts(pairs), *_refusals(auction, excerpts)]
    for scored in (auction.first.scored, auction.second.scored):
        if scored is not None and (not scored.round or scored.refined):
            bodies += _round(auction, scored, operators, excerpts, anchor=anchor, drawn=drawn)
        if scored is not None and not scored.round and any(auction.lessons.values()):
            bodies += _second_plans(auction, excerpts)
    if auction.scored is None:
        bodies += [_plans(auction, excerpts)] if auction.bids else []
        bodies.append(paragraph("The bids were not scored.", quiet=True))
    else:
        bodies += _end(auction, auction.scored)
    return joined(*bodies)


def _refusals(auction: AuctionStory, excerpts: Excerpts) -> Iterator[Markup]:
    told = [f"{names}: {excerpts.line(why)}" for why, names in by_reason(auction.first.refused)]
    if told:
        yield paragraph("Did not bid:")
        yield listed(told)


def _round(
    auction: AuctionStory,
    scored: Scored,
    operators: Mapping[str, str],
    excerpts: Excerpts,
    *,
    anchor: str,
    drawn: bool,
) -> Iterator[Markup]:
    """The scores of one round: a picture, the bids side by side with their plans, the jury, the reckoning."""
    clearing, sheet = scored.clearing, sheet_of(scored.clearing)
    if scored.round:
        yield heading("With the second plans", level=5)
    if drawn and len(clearing.ranking) > 1:
        yield _picture(scored, sheet, anchor=f"{anchor}-scores-{scored.round}")
    bids = auction.bids if scored.round else auction.first.bids
    yield _bids(bids, scored, sheet, auction.opened.reserve)
    marks = marks_of(auction, scored)
    for bid in _in_order(bids, scored):
        if not scored.round or bid.agent in scored.refined:
            given = ", ".join(f"{judge} {mark}" for judge, mark in sorted(marks.get(bid.agent, {}).items()))
            about = f" (marks: {given})" if given else ""
            yield fold(f"Plan of {bid.agent}{about}", words(excerpts.cut(bid.plan.text)), _promise(bid, excerpts))
    yield from _jury(auction, scored, bids, operators, sheet)
    yield fold("The reckoning, to redo by hand", _reckoning(sheet), *_remarks(scored, bids, auction.opened.reserve))


def _picture(scored: Scored, sheet: Sheet, *, anchor: str) -> Markup:
    ranking = scored.clearing.ranking[:MOST_BARS]
    rows = [
        Bar(("★ " if place == 0 else "") + score.agent, score.terms, score.total) for place, score in enumerate(ranking)
    ]
    behind = rounded(ranking[1].total - ranking[0].total, sheet.sum_digits)
    says = (
        f"★ {ranking[0].agent} has the lowest score, {sheet.sums[0].total}, and wins; {ranking[1].agent} is {behind:f} "
        "behind. To the right: what counts against a bid; to the left: what counts for it."
    )
    title = "Scores with the second plans, term by term" if scored.round else "Scores, term by term"
    return bars(Told(anchor, title, says), rows, axis="score: the lowest wins", mark="score")


def _bids(bids: Mapping[str, Bid], scored: Scored, sheet: Sheet, reserve: Reserve) -> Markup:
    """The bids side by side, the best first."""
    totals = {one.agent: one.total for one in sheet.sums}
    figures = {score.agent: score.figures for score in scored.clearing.ranking}
    shown = _in_order(bids, scored)
    optional: list[tuple[Column, list[str]]] = [
        (Column("stated", right=True), [_maybe(bid.plan.confidence) for bid in shown]),
        (Column("entropy", right=True), [_maybe(bid.entropy) for bid in shown]),
        (Column("jury", right=True), [_maybe(figures.get(bid.agent, {}).get("jury")) for bid in shown]),
        (
            Column("passed", right=True),
            [f"{bid.standing.passed}/{bid.standing.tried}" if bid.standing.tried else "" for bid in shown],
        ),
    ]
    kept = [(column, cells) for column, cells in optional if any(cells)]
    rows: list[list[Markup | str]] = []
    for place, bid in enumerate(shown):
        share = cost_share(bid, reserve)
        text = f"{share:.3f}" if share < float("inf") else "above it"
        rows.append(
            [
                ("★ " if bid.agent == scored.clearing.winner else "") + bid.agent,
                totals.get(bid.agent, "not admitted"),
                amount(bid.price),
                meter(share, text=text, name="part of the reserve that is asked"),
                str(bid.plan.steps),
                "-" if bid.plan.tokens is None else f"{bid.plan.tokens:,}",
                *(cells[place] for _, cells in kept),
            ]
        )
    columns: list[Column | str] = [
        "bidder",
        Column("score", right=True),
        Column("asks", right=True),
        "of the reserve",
        Column("steps", right=True),
        Column("tokens", right=True),
        *(column for column, _ in kept),
    ]
    more = f"; {len(bids) - len(shown)} more are not shown" if len(bids) > len(shown) else ""
    return table(f"Bids side by side, the best first; ★ wins{more}", columns, rows)


def _in_order(bids: Mapping[str, Bid], scored: Scored) -> list[Bid]:
    order = {score.agent: place for place, score in enumerate(scored.clearing.ranking)}
    return sorted(bids.values(), key=lambda bid: (order.get(bid.agent, len(order)), bid.agent))[:MOST_BIDS]


def _promise(bid: Bid, excerpts: Excerpts) -> Markup:
    tokens = "no cap on tokens" if bid.plan.tokens is None else f"at most {bid.plan.tokens:,} tokens"
    terms = "".join(
        f", {excerpts.line(name)} {excerpts.line(str(value))}"
        for name, value in list(bid.plan.terms.items())[:_MOST_TERMS]
    )
    return paragraph(f"Promises {steps(bid.plan.steps)}, {tokens}{terms}; asks {exact(bid.price)}.", quiet=True)


def _plans(auction: AuctionStory, excerpts: Excerpts) -> Markup:
    return joined(
        *(
            fold(f"Plan of {bid.agent}", words(excerpts.cut(bid.plan.text)), _promise(bid, excerpts))
            for bid in ranked(auction)
        )
    )


def _jury(
    auction: AuctionStory, scored: Scored, bids: Mapping[str, Bid], operators: Mapping[str, str], sheet: Sheet
) -> Iterator[Markup]:
    """Who gave which marks, how far each judge is believed, and what the marks were worth together."""
    judged: Mapping[str, Judged] = (auction.second if scored.round else auction.first).judged
    if not judged:
        return
    jury, marks = auction.jury(operators, round=scored.round), marks_of(auction, scored)
    marked = [agent for agent in bids if marks.get(agent)]
    rows = [
        [judge.name, judge.agreement, judge.weight, *(str(marks[agent].get(judge.name, "-")) for agent in marked)]
        for judge in judges_of(jury)
    ]
    columns: list[Column | str] = ["judge", *(Column(name, right=True) for name in ("agreement", "weight", *marked))]
    bodies: list[Markup] = [table("Marks from 0 to 5, as given", columns, rows)] if rows else []
    dropped = {judge: one.dropped for judge, one in judged.items() if one.dropped}
    bodies += [paragraph(f"No judge: {names} ({why})", quiet=True) for why, names in by_reason(dropped)]
    if "jury" in scored.clearing.weights:
        redone = reckoned(scored.clearing, bids, marks, jury, digits=sheet.digits)
        told = [f"{one.agent}: consensus {one.consensus}; {one.sum}" for one in redone.counts] if redone else []
        bodies.append(listed(told) if told else paragraph("How the marks make the figures is not on the ledger."))
    yield fold(f"Jury of {len(judged)}", *bodies)


def _reckoning(sheet: Sheet) -> Markup:
    rows: list[list[str]] = []
    for place, one in enumerate(sheet.sums[:MOST_BIDS], start=1):
        rows += [[str(place), one.agent, line.term, line.weight, line.figure, line.product] for line in one.lines]
        rows.append([str(place), one.agent, "score", "", "", one.total])
    columns: list[Column | str] = [
        "place",
        "bidder",
        "term",
        *(Column(name, right=True) for name in ("weight", "x figure", "= term")),
    ]
    return table("The lowest score wins; - counts for a bid", columns, rows)


def _remarks(scored: Scored, bids: Mapping[str, Bid], reserve: Reserve) -> Iterator[Markup]:
    clearing = scored.clearing
    lines = list(clearing.notes)
    lines += [
        f"Dropped, since some bid lacks it: {term}; the other weights are scaled up." for term in clearing.dropped
    ]
    lines += [f"Refused: {names}: {why}" for why, names in by_reason(clearing.refused)]
    for tie in ties_of(clearing, bids, reserve=reserve, seed=scored.seed):
        lots = zip(tie.agents, tie.shares, tie.lots, strict=True)
        told = ", ".join(f"{agent} (share {share:g}, lot {lot})" for agent, share, lot in lots)
        lines.append(f"A tie: the lower share of the reserve first, then the lower lot of seed {scored.seed}: {told}")
    if lines:
        yield listed(lines)


def _second_plans(auction: AuctionStory, excerpts: Excerpts) -> Iterator[Markup]:
    """Who was shown what before it might write again, and what became of that."""
    second = auction.second.scored
    bodies: list[Markup] = []
    for agent, lessons in sorted(auction.lessons.items()):
        again = auction.second.bids.get(agent)
        if not lessons:
            bodies.append(paragraph(f"{agent}: nothing like this task is remembered.", quiet=True))
            continue
        if second is not None and agent in second.refined:
            came = "its second plan counts"
        elif second is not None and agent in second.aside:
            came = f"its second plan does not count: it {second.aside[agent]}"
        else:
            came = (
                "its second plan waits" if again else f"no second plan: {auction.second.refused.get(agent, 'none yet')}"
            )
        shown: list[Markup] = []
        for lesson in lessons:
            pair = [("Past task", lesson.goal), ("Lost", lesson.lost), ("Won and passed", lesson.won)]
            shown.append(facts([(name, words(excerpts.cut(text))) for name, text in pair]))
        if again is not None:
            shown += [paragraph("What it wrote then:"), words(excerpts.cut(again.plan.text))]
        bodies.append(fold(f"{agent} was shown {len(lessons)} of the past; {excerpts.line(came)}", *shown))
    if bodies:
        yield heading("Second plans from memory", level=5)
        yield from bodies


def _end(auction: AuctionStory, scored: Scored) -> Iterator[Markup]:
    """What would have turned the award, and what is paid."""
    clearing = scored.clearing
    if not clearing.ranking:
        yield paragraph("No award: no bid can be taken.")
        return
    turns = turns_of(clearing, reserve=auction.opened.reserve)[:_TURNS]
    if turns:
        yield fold("What would have turned the award", _turns(turns, sheet_of(clearing)))
    if clearing.payment is not None:
        yield paragraph(f"Paid to {clearing.ranking[0].agent} for keeping its plan: {exact(clearing.payment)}.")


def _turns(turns: Sequence[Turn], sheet: Sheet) -> Markup:
    rows = [
        [
            turn.agent,
            f"{rounded(turn.behind, sheet.sum_digits):f}",
            "no price" if turn.price is None else f"under {amount(turn.price)}",
            "-" if turn.share is None else f"{number(100 * turn.share)} %",
            "-" if turn.jury is None else f"above {turn.jury:.4f}",
        ]
        for turn in turns
    ]
    names = ("behind", "by asking", "that is less by", "or by a jury value")
    return table("All else equal, it would have won", ["who", *(Column(name, right=True) for name in names)], rows)


def _maybe(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _reserve(reserve: Reserve) -> str:
    return f"{usd(reserve.usd)} and {number(reserve.s)} s"
