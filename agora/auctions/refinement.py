"""Refinement from memory: who writes its plan again, what it is shown, and when that moves the award.

After SALE (arXiv 2602.02751, section on auction memory).
Where Agora differs from the paper: a plan counts as "won" only where its work also passed a grounded check, so a winner
that failed is a losing example. Where the public texts leave something open, each function says what was chosen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, Literal

from agora.auctions.ranking import amount_share, tie_hash
from agora.bids import Bid, Clearing, Lesson, Reserve
from agora.records import MemoryEntry
from agora.values import Value

LESSONS = 8
"""The paper's k: the most past tasks that an agent is shown."""

ROUND_ONE_STANDS = "the first round stands"

_FIGURES: Final[Mapping[str, str]] = {
    "entropy": "entropy",
    "entropy_scaled": "entropy on its own scale",
    "confidence": "confidence",
}
"""What a bid may be scored by besides marks, as fields and in words."""


def lessons_for(entries: Sequence[MemoryEntry], *, agent: str, k: int = LESSONS, seed: int = 0) -> tuple[Lesson, ...]:
    """Pairs of a losing and a winning plan, one for each past task in which the agent had a part in the pair.

    Where the agent lost, its losing plan stands against the winner's. Where it won, the loser is a plan that was
    tried and failed, if there is one (that it is worse is known), else any that was not chosen: entries carry no
    score, so a seeded hash of the text decides, never a name and never the order of the entries of a task. A task in
    which nobody passed has no winning plan and gives no pair; nor do two plans of the same words.

    Args:
        entries: Remembered bids of grounded outcomes, as `Store.recall` gives them: best match first. All bids of a
            past task should be among them: ask for k x the size of the pool.
        agent: Who is to learn.
        k: The most pairs, >= 0.
        seed: Of the hash.
    """
    tasks: dict[tuple[str, str], list[MemoryEntry]] = {}
    for entry in entries:
        tasks.setdefault((entry.run, entry.task), []).append(entry)
    pairs = (_pair(bids, agent, seed) for bids in tasks.values())
    return tuple(pair for pair in pairs if pair is not None)[: max(k, 0)]


def may_refine(first: Clearing, *, reserve: Reserve, winner_too: bool = False) -> tuple[str, ...]:
    """Who may write its plan again: those strictly cheaper than the provisional winner, in the order of the ranking.

    The paper compares list prices per token. Agora compares what the bids ask, as a share of the reserve: that is what
    an award costs, it is there for agents that charge by the task, it compares dollars with seconds, and it stands in
    the clearing. The price of this: an agent that is cheap per token and asks more, since its plan is long, is not
    asked again. Nobody refines where nobody is cheaper than the winner.

    Args:
        first: Of the first round.
        reserve: What it was cleared against.
        winner_too: Whether the provisional winner refines with them. As published it does not, and then a lower price
            can lose an award: who leads the first round by it may no longer refine, and a rival's second plan
            overtakes. With the winner among them, lowering a price never loses an award.
    """
    if not first.ranking:
        return ()
    most = amount_share(first.ranking[0].price, reserve)
    cheaper = tuple(score.agent for score in first.ranking if amount_share(score.price, reserve) < most)
    return (first.ranking[0].agent, *cheaper) if winner_too and cheaper else cheaper


class Refinement(Value):
    """What stands after the second round."""

    clearing: Clearing
    """The award's clearing: of the whole field, with each bidder's better plan, so that whoever takes over is there."""
    bids: tuple[Bid, ...]
    """The bids that it was made of: one a bidder, in the order of the first round."""
    aside: Mapping[str, str]
    """Refined bids that do not count, bidder -> why."""


def after_refinement(
    first: Clearing, bids: Sequence[Bid], refined: Sequence[Bid], *, clear: Callable[[Sequence[Bid]], Clearing]
) -> Refinement:
    """Clear once more, with every refined bid that is strictly better than its bidder's first one.

    The award moves only to a bid whose score is strictly lower than the provisional winner's: a refined bid that only
    equals that score is set aside, and so is one that is not better than the first of its bidder, one that is over the
    reserve, and one that lacks a figure (entropy, confidence, a heard judge's mark) which the first one was scored by,
    since a score on other terms cannot be compared. A first bid was scored by a figure if the clearing would be another
    one without it: what the mechanism does not weigh is not asked for. Figures that the first bid lacked are not
    counted. So no bidder's score, and not the winning one, is ever worse
    than in the first round.

    A judge that marked the first plans and none of the second spoils nothing by its silence, and nobody gains by it.
    Second plans then have the marks of the others, and must pass two comparisons instead of one: with the scores of
    the first round as they stand, and with what the first bids would score without the silent judges' marks. In both
    a second plan must beat its bidder's first, and to take the award it must beat the provisional winner in the first
    comparison and every first bid in the second. Where no judge of the first round is left, or not enough to mark
    every bidder by another than its own operator, nothing can be compared, and second plans do not count.

    Args:
        first: The first round's, made of these bids by the same `clear`.
        bids: Of the first round, one a bidder.
        refined: Second bids, in any order.
        clear: The mechanism with its reserve, seed and the first round's jury fixed. One bid must not move another's
            score; if the winning score or the weights come out worse or different all the same, the first round
            stands.
    """
    totals = {score.agent: score.total for score in first.ranking}
    lead = min(totals.values(), default=0.0)
    anew = clear(bids)
    first_bids = {bid.agent: bid for bid in bids}
    own = {agent: first_bids[agent] for agent in totals}
    heard = {judge for bid in refined if bid.agent in own for judge in bid.marks}

    def scored_by(agent: str, blank: Mapping[str, object]) -> bool:
        return clear(_field(bids, {agent: own[agent].model_copy(update=blank)})) != anew

    better, aside = _comparable(own, refined, heard, scored_by)
    if better:
        aside |= _taken_out(better, clear(list(better.values())).refused)
        aside |= _taken_out(better, _off_the_scale(anew, bids, better, clear))
    if better:
        second = {score.agent: score.total for score in clear(_field(bids, better)).ranking}
        common = _without_the_silent(anew, bids, heard, clear)
        why = {agent: _no_gain(agent, second.get(agent, math.inf), totals, common) for agent in better}
        aside |= _taken_out(better, {agent: reason for agent, reason in why.items() if reason})
    field = _field(bids, better)
    clearing = clear(field) if better else first
    if clearing.weights != first.weights or (better and clearing.ranking[0].total > lead):
        aside |= _taken_out(better, dict.fromkeys(better, f"moved the scores of others: {ROUND_ONE_STANDS}"))
        return Refinement(clearing=first, bids=tuple(bids), aside=aside)
    return Refinement(clearing=clearing, bids=tuple(field), aside=aside)


def _pair(bids: Sequence[MemoryEntry], agent: str, seed: int) -> Lesson | None:
    """One task's pair; None: it has none for this agent."""
    passed = sorted(
        (bid for bid in bids if bid.won and bid.passed), key=lambda bid: (bid.agent != agent, *_lot(bid, seed))
    )
    if not passed:
        return None
    won = passed[0]
    lost = [bid for bid in bids if not (bid.won and bid.passed) and not _same_words(bid.plan, won.plan)]
    if won.agent != agent:
        lost = [bid for bid in lost if bid.agent == agent]
    if not lost:
        return None
    worse = min(lost, key=lambda bid: (not bid.won, *_lot(bid, seed)))
    own: Literal["lost", "won", "both"] = "lost" if won.agent != agent else "both" if worse.agent == agent else "won"
    return Lesson(goal=won.goal, lost=worse.plan, won=won.plan, own=own)


def _lot(bid: MemoryEntry, seed: int) -> tuple[int, str]:
    return tie_hash(seed, bid.plan), bid.agent


def _same_words(one: str, other: str) -> bool:
    return one.split() == other.split()


def _comparable(
    own: Mapping[str, Bid],
    refined: Sequence[Bid],
    heard: Set[str],
    scored_by: Callable[[str, Mapping[str, object]], bool],
) -> tuple[dict[str, Bid], dict[str, str]]:
    """Refined bids that can be scored by the figures of their bidders' first ones, and the others, bidder -> why."""
    sent = Counter(bid.agent for bid in refined)
    fit: dict[str, Bid] = {}
    aside: dict[str, str] = {}
    for bid in refined:
        if bid.agent not in own:
            aside[bid.agent] = "had no admitted bid in the first round"
        elif sent[bid.agent] > 1:
            aside[bid.agent] = f"sent {sent[bid.agent]} refined bids, and one counts: send one"
        elif lacking := [
            said for said, blank in _lacking(own[bid.agent], bid, heard).items() if scored_by(bid.agent, blank)
        ]:
            aside[bid.agent] = f"its refined bid has no {lacking[0]}, by which its first was scored"
        else:
            fit[bid.agent] = on_the_same_figures(own[bid.agent], bid)
    return fit, aside


def _lacking(own: Bid, refined: Bid, heard: Set[str]) -> dict[str, Mapping[str, object]]:
    """What a refined bid lacks and its bidder's first one has: in words -> the first bid's fields without it."""
    lacking: dict[str, Mapping[str, object]] = {
        said: {figure: None}
        for figure, said in _FIGURES.items()
        if getattr(own, figure) is not None and getattr(refined, figure) is None
    }
    if own.entropy is not None and own.entropy_form != refined.entropy_form:
        lacking[f"entropy in the form {own.entropy_form}"] = {"entropy": None}
    if own.marks and heard.isdisjoint(own.marks):
        lacking["mark of any judge of the first round"] = {"marks": {}}
    elif missing := sorted((own.marks.keys() & heard) - refined.marks.keys()):
        lacking[f"mark of {missing[0]!r}"] = {"marks": {}}
    return lacking


def on_the_same_figures(own: Bid, refined: Bid) -> Bid:
    """A refined bid without the figures and the marks that its bidder's first one has none of."""
    return refined.model_copy(
        update={
            **{figure: None for figure in _FIGURES if getattr(own, figure) is None},
            "marks": {judge: mark for judge, mark in refined.marks.items() if judge in own.marks},
        }
    )


def _off_the_scale(
    first: Clearing, bids: Sequence[Bid], better: Mapping[str, Bid], clear: Callable[[Sequence[Bid]], Clearing]
) -> dict[str, str]:
    """Refined bids that would move the terms of the auction, as one that no judge but its own marked; with why."""
    if _same_terms(clear(_field(bids, better)), first):
        return {}
    why: dict[str, str] = {}
    for agent, bid in better.items():
        alone = clear(_field(bids, {agent: bid}))
        if lost := sorted({*alone.dropped} - {*first.dropped}):
            why[agent] = f"its refined bid has nothing that counts for {lost[0]}, by which its first was scored"
        elif not _same_terms(alone, first):
            why[agent] = f"moved the scores of others: {ROUND_ONE_STANDS}"
    return why


def _without_the_silent(
    first: Clearing, bids: Sequence[Bid], heard: Set[str], clear: Callable[[Sequence[Bid]], Clearing]
) -> dict[str, float] | None:
    """What the first bids score by the judges that were heard in both rounds; None: they cannot be compared so."""
    if {judge for bid in bids for judge in bid.marks} <= heard:
        return {score.agent: score.total for score in first.ranking}
    left = clear(
        [
            bid.model_copy(update={"marks": {judge: mark for judge, mark in bid.marks.items() if judge in heard}})
            for bid in bids
        ]
    )
    return {score.agent: score.total for score in left.ranking} if _same_terms(left, first) else None


def _same_terms(one: Clearing, other: Clearing) -> bool:
    return one.weights == other.weights and one.dropped == other.dropped


def _no_gain(agent: str, second: float, totals: Mapping[str, float], common: Mapping[str, float] | None) -> str:
    """Why a second score does not count, by the first round's scores and by the judges of both; empty: it does."""
    if common is None:
        return f"too few judges were heard in both rounds: {ROUND_ONE_STANDS}"
    lead, bar = min(totals.values()), min(common.values(), default=math.inf)
    if second >= (least := min(totals[agent], common.get(agent, math.inf))):
        return f"is no better than its first bid: {second:.4f} against {least:.4f}"
    if second == lead:
        return f"only equals the provisional winner's score {lead:.4f}"
    if bar <= second < lead:
        return f"is no better than the best first bid by the judges of both rounds: {second:.4f} against {bar:.4f}"
    return ""


def _taken_out(better: dict[str, Bid], why: Mapping[str, str]) -> dict[str, str]:
    """Take these bidders' refined bids out; the reasons."""
    for agent in why:
        del better[agent]
    return dict(why)


def _field(bids: Iterable[Bid], better: Mapping[str, Bid]) -> list[Bid]:
    return [better.get(bid.agent, bid) for bid in bids]
