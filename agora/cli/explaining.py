"""One auction in words and tables, such that a person can redo its award with a pencil.

Nothing is decided here and nothing is looked up: the figures are the ledger's (`reckoning.py`, `juries.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rich.padding import Padding
from rich.table import Table

from agora.bids import Amount, Bid, Clearing, Juror, Reserve
from agora.cli.forms import plain
from agora.cli.juries import Counted, above_a_coin, judges_of, reckoned
from agora.cli.paint import grid, inset, narrow, number, out, safe
from agora.cli.reckoning import Sheet, Turn, rounded, sheet_of, ties_of, turns_of
from agora.cli.rows import ranked
from agora.cli.story import AuctionStory
from agora.events import Scored

PLAN_CHARS: Final = 160
_NAME_CHARS: Final = 20
_NARROW_NAME_CHARS: Final = 12
_PRICE_DIGITS: Final = 8


def print_auction(auction: AuctionStory, operators: Mapping[str, str], *, of: int) -> None:
    """One auction: why it was called, what was bid, the reckoning, and what would have turned it.

    Args:
        auction: Which.
        operators: Agent -> who is behind it.
        of: How many calls for bids the task had.
    """
    opened = auction.opened
    number_of = f" {opened.auction + 1} of {of}" if of > 1 else ""
    reason = f": {safe(opened.reason)}" if opened.reason else ""
    _say(f"[head]call for bids{number_of}[/] ({opened.how}){reason}", by=2)
    _say(f"asked: {', '.join(safe(name) for name in opened.asked) or 'nobody'}")
    _say(f"reserve, fixed before opening: {_reserve(opened.reserve)}")
    for text, names in by_reason(auction.first.refused):
        _say(f"[quiet]did not bid: {safe(names)} ({safe(text, limit=200)})[/]")
    first, second = auction.first.scored, auction.second.scored
    if first is not None:
        _print_round(auction, first, operators)
    if any(auction.lessons.values()):
        _print_lessons(auction)
    if second is not None and second.refined:
        _print_round(auction, second, operators)
    if auction.scored is not None:
        _print_end(auction, auction.scored)


def by_reason(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each reason with the names that it holds for, in the order of names."""
    names: dict[str, list[str]] = {}
    for name, reason in sorted(reasons.items()):
        names.setdefault(reason, []).append(name)
    return [(reason, ", ".join(those)) for reason, those in names.items()]


def exact(amount: Amount) -> str:
    """An amount with all its digits.

    >>> from decimal import Decimal
    >>> exact(Amount(value=Decimal("0.01650"))), exact(Amount(value=Decimal("2.0"), unit="s"))
    ('$0.0165', '2 s')
    """
    return f"{plain(amount.value)} s" if amount.unit == "s" else f"${plain(amount.value)}"


def _say(markup: str, *, by: int = 4) -> None:
    out().print(inset(markup, by))


def _lay(table: Table, *, by: int = 4) -> None:
    out().print(Padding(table, (0, 0, 0, by), expand=False))


def _name(agent: str) -> str:
    return safe(agent, limit=_NARROW_NAME_CHARS if narrow() else _NAME_CHARS)


def _reserve(reserve: Reserve) -> str:
    return f"${plain(reserve.usd)} and {plain(reserve.s)} s"


def _print_round(auction: AuctionStory, scored: Scored, operators: Mapping[str, str]) -> None:
    """The figures, the jury and the sums of one round; of a second one only the bids that are new in it."""
    clearing, sheet = scored.clearing, sheet_of(scored.clearing)
    bids = auction.bids if scored.round else auction.first.bids
    order = [score.agent for score in clearing.ranking if score.agent in bids]  # a body may have been erased
    shown = [agent for agent in order if not scored.round or agent in scored.refined]
    what = "with the second plans" if scored.round else "figures"
    rest = "; the other bids stand as they were" if len(shown) < len(order) else ""
    if shown:
        _say(f"[head]{what}[/][quiet] (cost is what is asked / the reserve of its unit{rest})[/]")
        _lay(_figures(clearing, bids, sheet, shown))
    for note in clearing.notes:
        _say(f"[quiet]{safe(note)}[/]")
    _print_jury(auction, scored, bids, operators, sheet, set(shown))
    if shown:
        _say(f"[head]reckoning[/][quiet] ({safe(clearing.mechanism)}: lowest score wins; - counts for a bid)[/]")
        _lay(_reckoning(sheet, set(shown)))
    for line in _remarks(scored, bids, auction.opened.reserve):
        _say(f"[quiet]{line}[/]")


def _figures(clearing: Clearing, bids: Mapping[str, Bid], sheet: Sheet, agents: Sequence[str]) -> Table:
    figures = {score.agent: score.figures for score in clearing.ranking}
    used = [bids[agent] for agent in agents]
    columns: list[tuple[str, list[str]]] = [
        ("tokens>", [str(bid.projected_tokens) for bid in used]),
        ("asks>", [exact(bid.price) for bid in used]),
        ("cost>", [_digits(figures[bid.agent].get("cost"), sheet) for bid in used]),
    ]
    if any(bid.entropy is not None for bid in used):
        columns += [
            ("entropy>", [_digits(bid.entropy, sheet) for bid in used]),
            ("form", [(bid.entropy_form or "-").replace("_", "-") for bid in used]),
        ]
    if any(bid.entropy_scaled is not None for bid in used):
        columns.append(("own scale>", [_digits(bid.entropy_scaled, sheet) for bid in used]))
    if {"record", "success"} & clearing.weights.keys():
        columns.append(("passed>", [f"{bid.standing.passed}/{bid.standing.tried}" for bid in used]))
    for term, column, values in (
        ("latency", "mean s>", [bid.standing.seconds for bid in used]),
        ("energy", "mean J>", [bid.standing.energy_j for bid in used]),
        ("confidence", "stated>", [bid.plan.confidence for bid in used]),
    ):
        if term in clearing.weights:
            columns.append((column, ["-" if value is None else f"{value:g}" for value in values]))
    table = grid("bidder", *(name for name, _ in columns))
    for place, bid in enumerate(used):
        table.add_row(_name(bid.agent), *(cells[place] for _, cells in columns))
    return table


def _digits(value: float | None, sheet: Sheet) -> str:
    return "-" if value is None else f"{rounded(value, sheet.digits):f}"


def _reckoning(sheet: Sheet, shown: set[str]) -> Table:
    table = grid("place>", "bidder", "term", "weight x>", "figure =>", "term>")
    for place, one in enumerate(sheet.sums, start=1):
        if one.agent not in shown:
            continue
        for index, line in enumerate(one.lines):
            who = (str(place), _name(one.agent)) if index == 0 else ("", "")
            told = (f"{line.weight} x", f"{line.figure} =") if line.weight else ("", "as it is")
            table.add_row(*who, safe(line.term), *told, line.product)
        table.add_row("", "", "[head]score[/]", "", "sum =", f"[head]{one.total}[/]")
    return table


def _print_jury(
    auction: AuctionStory,
    scored: Scored,
    bids: Mapping[str, Bid],
    operators: Mapping[str, str],
    sheet: Sheet,
    shown: set[str],
) -> None:
    jury = auction.jury(operators, round=scored.round)
    judged = (auction.second if scored.round else auction.first).judged
    if not judged:
        return
    marks = marks_of(auction, scored)
    marked = [agent for agent in bids if marks.get(agent) and (agent in shown or not scored.round)]
    _say("[head]jury[/][quiet] (marks from 0 to 5, as given)[/]")
    judges = judges_of(jury)
    for some in _chunks(marked, _room(marked, [judge.name for judge in judges])):
        table = grid("judge", "agreement>", "weight>", *(f"{_name(agent)}>" for agent in some))
        for judge in judges:
            given = (str(marks[agent].get(judge.name, "-")) for agent in some)
            table.add_row(_name(judge.name), judge.agreement, judge.weight, *given)
        _lay(table)
    for text, names in by_reason({judge: one.dropped for judge, one in judged.items() if one.dropped}):
        _say(f"[quiet]no judge: {safe(names)} ({safe(text, limit=200)})[/]")
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
        _say(f"[quiet]weight: {weight}; the marks did not count in these scores[/]")
        return
    redone = reckoned(scored.clearing, bids, marks, jury, digits=sheet.digits)
    if redone is None:
        _say("[quiet]how these marks make the figures is not on the ledger[/]")
        return
    if not scored.round:
        own = "at most what the others' are worth" if redone.heard_own else "not at all"
        _say(
            f"[quiet]weight: {weight}. Consensus: the highest mark that half of the weight reaches, without the"
            f" bidder's own judges. A mark counts as the consensus at most and as {redone.slack} below it at least; a"
            f" mark by the bidder's own operator counts {own}.[/]"
        )
    for one in redone.counts:
        if one.agent in shown:
            counted = "".join(f", {told}" for told in _changed(one))
            _say(f"{safe(one.agent)}: consensus {one.consensus}{counted}: {one.sum}")


def _changed(one: Counted) -> Iterator[str]:
    """Marks that count as something else than they say."""
    for judge, mark in sorted(one.counted.items()):
        if mark != one.marks[judge]:
            own = " (own)" if judge in one.own else ""
            yield f"{safe(judge)}{own} {one.marks[judge]} as {number_of(mark)}"


def marks_of(auction: AuctionStory, scored: Scored) -> dict[str, dict[str, int]]:
    """Agent -> judge -> the mark of its bid that took part; a second bid's by those who marked its first, too."""
    first = {agent: auction.marks(agent, round=0) for agent in auction.first.bids}
    for agent in scored.refined if scored.round else ():
        again, before = auction.marks(agent, round=1), first.get(agent, {})
        first[agent] = {judge: mark for judge, mark in again.items() if judge in before}
    return first


def number_of(mark: float) -> str:
    """A mark as it counted: whole, or with the digits that say something.

    >>> number_of(3), number_of(10 / 3)
    ('3', '3.333333')
    """
    return f"{rounded(mark, 6).normalize():f}"


def _room(agents: Sequence[str], judges: Sequence[str]) -> int:
    """How many bidders' columns fit beside the judges."""
    gap = 1 if narrow() else 2
    fixed = 4 + max([len(_name(name)) for name in (*judges, "judge")]) + len("agreement") + len("0.000000") + 3 * gap
    widest = max([len(_name(agent)) for agent in agents], default=1) + gap
    return max(1, (out().width - fixed) // widest)


def _chunks(agents: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(agents), size):
        yield agents[start : start + size]


def _remarks(scored: Scored, bids: Mapping[str, Bid], reserve: Reserve) -> Iterator[str]:
    clearing = scored.clearing
    for term in clearing.dropped:
        lacking = ", ".join(safe(name) for name in _lacking(term, bids.values()))
        which = f", which {lacking} lacks" if lacking else ""
        yield f"dropped: {safe(term)}{which}; the other weights are scaled up to keep their sum, in the same ratios"
    for text, names in by_reason(clearing.refused):
        yield f"refused: {safe(names)} {safe(text)}"
    for tie in ties_of(clearing, bids, reserve=reserve, seed=scored.seed):
        told = ", ".join(
            f"{safe(agent)} (share {share:g}, lot {lot})"
            for agent, share, lot in zip(tie.agents, tie.shares, tie.lots, strict=True)
        )
        yield f"a tie: the lower share of the reserve goes first, then the lower lot of seed {scored.seed}: {told}"


def _lacking(term: str, bids: Iterable[Bid]) -> list[str]:
    if term == "entropy":
        return sorted(bid.agent for bid in bids if bid.entropy is None)
    if term == "latency":
        return sorted(bid.agent for bid in bids if bid.standing.seconds is None)
    if term == "energy":
        return sorted(bid.agent for bid in bids if bid.standing.energy_j is None)
    return []


def _print_lessons(auction: AuctionStory) -> None:
    """Who was shown what, what it wrote, and whether that counts."""
    first, second = auction.first.scored, auction.second.scored
    _say("[head]second plans[/][quiet] (from past tasks: a plan that lost, and one that won and passed)[/]")
    before = {score.agent: score.total for score in first.clearing.ranking} if first else {}
    after = {score.agent: score.total for score in second.clearing.ranking} if second else {}
    for agent, lessons in sorted(auction.lessons.items()):
        if not lessons:
            _say(f"[quiet]{safe(agent)}: nothing like this task is remembered of which it could learn[/]")
            continue
        shown = f"{safe(agent)} was shown {len(lessons)} {'pair' if len(lessons) == 1 else 'pairs'} of plans"
        if second is None and agent in auction.second.bids:
            _say(f"{shown}, and its second bid waits for its score")
        elif second is not None and agent in second.refined:
            _say(f"{shown}; its second bid counts: first score {before[agent]:.4f}, second {after[agent]:.4f}")
        elif second is not None and agent in second.aside:
            _say(f"{shown}; its second bid does not count: it {safe(second.aside[agent], limit=200)}")
        else:
            why = auction.second.refused.get(agent, "it gave none yet")
            _say(f"{shown}; it wrote no second plan ({safe(why, limit=200)})")


def _print_end(auction: AuctionStory, scored: Scored) -> None:
    """The order, what would have turned it, what is paid, and the plans."""
    clearing, sheet = scored.clearing, sheet_of(scored.clearing)
    if not clearing.ranking:
        _say("no award: no bid can be taken")
        return
    if scored.round and scored.refined:
        _say("order: " + ", ".join(f"{safe(one.agent)} {one.total}" for one in sheet.sums))
    if turns := turns_of(clearing, reserve=auction.opened.reserve):
        _say(_turned(turns[0], sheet))
    asked = clearing.ranking[0].price
    if clearing.payment is not None:
        same = (clearing.payment.value, clearing.payment.unit) == (asked.value, asked.unit)
        told = "what it asks" if same else f"it asks {exact(asked)}"
        _say(f"payment: {exact(clearing.payment)} to {safe(clearing.ranking[0].agent)}, {told}")
    for bid in ranked(auction):
        plan = safe(bid.plan.text, limit=PLAN_CHARS)
        _say(f"plan of {safe(bid.agent)}: [quiet]{plan}[/]")


def _turned(turn: Turn, sheet: Sheet) -> str:
    """What would have given the second the award, all else equal."""
    needs: list[str] = []
    if turn.price is not None and turn.share is not None:
        most = Amount(value=rounded(turn.price.value, _PRICE_DIGITS), unit=turn.price.unit)
        needs.append(f"asking less than {exact(most)} ({number(100 * turn.share)} % less)")
    if turn.jury is not None:
        needs.append(f"a jury value above {rounded(turn.jury, sheet.digits):f}")
    behind = f"{safe(turn.agent)} was {rounded(turn.behind, sheet.sum_digits):f} behind"
    if needs:
        return f"{behind}: {', or '.join(needs)} would have turned the award"
    return f"{behind}: no price could have turned the award"
