"""Refinement from memory: who writes its plan again, what it is shown, and when that moves the award.

After SALE (arXiv 2602.02751, section on auction memory).
Where Agora differs from the paper: a plan counts as "won" only where its work also passed a grounded check, so a winner
that failed is a losing example. Where the public texts leave something open, each function says what was chosen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    reserve, and one that lacks a figure (entropy, confidence, a judge's mark) which the first one was scored by, since
    a score on other terms cannot be compared. Figures that the first one lacked are not counted either. So no bidder's
    score, and not the winning one, is ever worse than in the first round.

    Args:
        first: The first round's, made by the same `clear`.
        bids: Of the first round, one a bidder.
        refined: Second bids, in any order.
        clear: The mechanism with its reserve, seed and jury fixed. One bid must not move another's score; if the
            winning score or the weights come out worse or different all the same, the first round stands.
    """
    first_bids = {bid.agent: bid for bid in bids}
    totals = {score.agent: score.total for score in first.ranking}
    lead = min(totals.values(), default=0.0)
    better, aside = _comparable({agent: first_bids[agent] for agent in totals}, refined)
    if better:
        aside |= _taken_out(better, clear(list(better.values())).refused)
        second = {score.agent: score.total for score in clear(_field(bids, better)).ranking}
        why = {agent: _no_gain(second.get(agent, math.inf), totals[agent], lead) for agent in better}
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


def _comparable(own: Mapping[str, Bid], refined: Sequence[Bid]) -> tuple[dict[str, Bid], dict[str, str]]:
    """Refined bids that can be scored by the figures of their bidders' first ones, and the others, bidder -> why."""
    sent = Counter(bid.agent for bid in refined)
    fit: dict[str, Bid] = {}
    aside: dict[str, str] = {}
    for bid in refined:
        if bid.agent not in own:
            aside[bid.agent] = "had no admitted bid in the first round"
        elif sent[bid.agent] > 1:
            aside[bid.agent] = f"sent {sent[bid.agent]} refined bids, and one counts: send one"
        elif lacking := _lacking(own[bid.agent], bid):
            aside[bid.agent] = f"its refined bid has no {lacking}, by which its first was scored"
        else:
            fit[bid.agent] = _on_the_same_figures(own[bid.agent], bid)
    return fit, aside


def _lacking(own: Bid, refined: Bid) -> str:
    """The first figure that a refined bid lacks and its bidder's first one has; empty: it lacks none."""
    for figure, said in _FIGURES.items():
        if getattr(own, figure) is not None and getattr(refined, figure) is None:
            return said
    if own.entropy is not None and own.entropy_form != refined.entropy_form:
        return f"entropy in the form {own.entropy_form}"
    missing = sorted(set(own.marks) - set(refined.marks))
    return f"mark of {missing[0]!r}" if missing else ""


def _on_the_same_figures(own: Bid, refined: Bid) -> Bid:
    return refined.model_copy(
        update={
            **{figure: None for figure in _FIGURES if getattr(own, figure) is None},
            "marks": {judge: refined.marks[judge] for judge in own.marks},
        }
    )


def _no_gain(second: float, first: float, lead: float) -> str:
    """Why a second score does not count; empty: it does."""
    if second >= first:
        return f"is no better than its first bid: {second:.4f} against {first:.4f}"
    return f"only equals the provisional winner's score {lead:.4f}" if second == lead else ""


def _taken_out(better: dict[str, Bid], why: Mapping[str, str]) -> dict[str, str]:
    """Take these bidders' refined bids out; the reasons."""
    for agent in why:
        del better[agent]
    return dict(why)


def _field(bids: Iterable[Bid], better: Mapping[str, Bid]) -> list[Bid]:
    return [better.get(bid.agent, bid) for bid in bids]
