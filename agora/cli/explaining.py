"""One auction in words and tables, such that a person can redo its award with a pencil.

Nothing is decided here and nothing is looked up: the figures are the ledger's (`agora/traces/explaining/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Final

from rich.table import Table

from agora.bids import Amount, Bid, Clearing, Reserve
from agora.cli.explaining_jury import lay, name_of, print_jury, say
from agora.cli.explaining_run import flip_lines
from agora.cli.paint import grid, number, safe
from agora.events import Scored
from agora.traces.explaining.reckoning import Sheet, Turn, rounded, sheet_of, ties_of, turns_of
from agora.traces.told.asks import ranked
from agora.traces.told.story import AuctionStory
from agora.traces.told.wording import by_reason, exact, plain, short_price

PLAN_CHARS: Final = 160


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
    say(f"[head]call for bids{number_of}[/] ({opened.how}){reason}", by=2)
    say(f"asked: {', '.join(safe(name) for name in opened.asked) or 'nobody'}")
    say(f"reserve, fixed before opening: {_reserve(opened.reserve)}")
    for text, names in by_reason(auction.first.refused):
        say(f"[quiet]did not bid: {safe(names)} ({safe(text, limit=200)})[/]")
    first, second = auction.first.scored, auction.second.scored
    if first is not None:
        _print_round(auction, first, operators)
    if any(auction.lessons.values()):
        _print_lessons(auction)
    if second is not None and second.refined:
        _print_round(auction, second, operators)
    if auction.scored is not None:
        _print_end(auction, auction.scored)


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
        say(f"[head]{what}[/][quiet] (cost is what is asked / the reserve of its unit{rest})[/]")
        lay(_figures(clearing, bids, sheet, shown))
    for note in clearing.notes:
        say(f"[quiet]{safe(note)}[/]")
    print_jury(auction, scored, bids, operators, sheet, set(shown))
    if shown:
        say(f"[head]reckoning[/][quiet] ({safe(clearing.mechanism)}: lowest score wins; - counts for a bid)[/]")
        lay(_reckoning(sheet, set(shown)))
    for line in _remarks(scored, bids, auction.opened.reserve):
        say(f"[quiet]{line}[/]")


def _figures(clearing: Clearing, bids: Mapping[str, Bid], sheet: Sheet, agents: Sequence[str]) -> Table:
    figures = {score.agent: score.figures for score in clearing.ranking}
    used = [bids[agent] for agent in agents]
    columns: list[tuple[str, list[str]]] = [
        ("tokens>", [str(bid.projected_tokens) for bid in used]),
        ("asks>", [exact(bid.price) for bid in used]),
    ]
    if "cost" in clearing.weights:
        columns.append(("cost>", [_digits(figures[bid.agent].get("cost"), sheet) for bid in used]))
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
        table.add_row(name_of(bid.agent), *(cells[place] for _, cells in columns))
    return table


def _digits(value: float | None, sheet: Sheet) -> str:
    return "-" if value is None else f"{rounded(value, sheet.digits):f}"


def _reckoning(sheet: Sheet, shown: set[str]) -> Table:
    table = grid("place>", "bidder", "term", "weight x>", "figure =>", "term>")
    for place, one in enumerate(sheet.sums, start=1):
        if one.agent not in shown:
            continue
        for index, line in enumerate(one.lines):
            who = (str(place), name_of(one.agent)) if index == 0 else ("", "")
            told = (f"{line.weight} x", f"{line.figure} =") if line.weight else ("", "as it is")
            table.add_row(*who, safe(line.term), *told, line.product)
        table.add_row("", "", "[head]score[/]", "", "sum =", f"[head]{one.total}[/]")
    return table


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
    say("[head]second plans[/][quiet] (from past tasks: a plan that lost, and one that won and passed)[/]")
    before = {one.agent: one.total for one in sheet_of(first.clearing).sums} if first else {}
    after = {one.agent: one.total for one in sheet_of(second.clearing).sums} if second else {}
    for agent, lessons in sorted(auction.lessons.items()):
        if not lessons:
            say(f"[quiet]{safe(agent)}: nothing like this task is remembered of which it could learn[/]")
            continue
        shown = f"{safe(agent)} was shown {len(lessons)} {'pair' if len(lessons) == 1 else 'pairs'} of plans"
        if second is None and agent in auction.second.bids:
            say(f"{shown}, and its second bid waits for its score")
        elif second is not None and agent in second.refined:
            first_score = before.get(agent, "not on record")
            say(f"{shown}; its second bid counts: first score {first_score}, second {after[agent]}")
        elif second is not None and agent in second.aside:
            say(f"{shown}; its second bid does not count: it {safe(second.aside[agent], limit=200)}")
        else:
            why = auction.second.refused.get(agent, "it gave none yet")
            say(f"{shown}; it wrote no second plan ({safe(why, limit=200)})")


def _print_end(auction: AuctionStory, scored: Scored) -> None:
    """The order, what would have turned it, what is paid, and the plans."""
    clearing, sheet = scored.clearing, sheet_of(scored.clearing)
    if not clearing.ranking:
        say("no award: no bid can be taken")
        return
    if scored.round and scored.refined:
        say("order: " + ", ".join(f"{safe(one.agent)} {one.total}" for one in sheet.sums))
    if turns := turns_of(clearing, reserve=auction.opened.reserve):
        say(_turned(turns[0], sheet))
    for line in flip_lines(clearing, auction.opened.reserve):
        say(line)
    asked = clearing.ranking[0].price
    if clearing.payment is not None:
        same = (clearing.payment.value, clearing.payment.unit) == (asked.value, asked.unit)
        told = "what it asks" if same else f"it asks {exact(asked)}"
        say(f"payment: {exact(clearing.payment)} to {safe(clearing.ranking[0].agent)}, {told}")
    for bid in ranked(auction):
        plan = safe(bid.plan.text, limit=PLAN_CHARS)
        say(f"plan of {safe(bid.agent)}: [quiet]{plan}[/]")


def _turned(turn: Turn, sheet: Sheet) -> str:
    """What would have given the second the award, all else equal."""
    needs: list[str] = []
    if turn.price is not None and turn.share is not None:
        most = Amount(value=short_price(turn.price.value), unit=turn.price.unit)
        needs.append(f"asking less than {exact(most)} ({number(100 * turn.share)} % less)")
    if turn.jury is not None:
        above = Decimal(repr(turn.jury)).quantize(Decimal(1).scaleb(-sheet.sum_digits), rounding=ROUND_CEILING)
        needs.append(f"a jury value above {above:f}")
    behind = f"{safe(turn.agent)} was {rounded(turn.behind, sheet.sum_digits):f} behind"
    if needs:
        return f"{behind}: {', or '.join(needs)} would have turned the award"
    return f"{behind}: no price could have turned the award"
