"""The JSON form of `agora explain`: every award with all that it takes to redo it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agora.bids import Bid, Score
from agora.cli.explaining_routing import routing_form
from agora.cli.explaining_run import flips_form, lesson_form
from agora.cli.forms import Form, amount_form, auction_form, plain, task_form
from agora.events import ContextRouted, Scored
from agora.traces.explaining.juries import judges_of, marks_of, reckoned
from agora.traces.explaining.reckoning import sheet_of, ties_of, turns_of
from agora.traces.explaining.sources import Source
from agora.traces.told.story import AuctionStory, TaskStory
from agora.values import JsonValue

NOWHERE: Final[Mapping[tuple[str, str], Source]] = MappingProxyType({})
"""Nothing was looked up."""


def explain_form(
    story: TaskStory,
    operators: Mapping[str, str],
    *,
    sources: Mapping[tuple[str, str], Source] = NOWHERE,
    context: ContextRouted | None = None,
) -> Form:
    """Why one task went to whom it went.

    Args:
        story: The task.
        operators: Agent -> who is behind it.
        sources: (Goal, plan) -> where it was remembered, of the lessons that were shown.
        context: What it was shown of what came before it, in a workflow.
    """
    auctions: list[JsonValue] = [auction_reckoning(auction, operators, sources) for auction in story.auctions]
    routing = routing_form(story.routed) if story.routed is not None else None
    shown = None if context is None else context.model_dump(mode="json", exclude={"kind", "task"})
    return {**task_form(story), "routing": routing, "context": shown, "auctions": auctions}


def auction_reckoning(
    auction: AuctionStory, operators: Mapping[str, str], sources: Mapping[tuple[str, str], Source] = NOWHERE
) -> Form:
    """One call for bids with all that it takes to redo it."""
    rounds: list[JsonValue] = [
        _round(auction, scored, operators)
        for scored in (auction.first.scored, auction.second.scored)
        if scored is not None
    ]
    clearing = auction.clearing
    lessons: dict[str, JsonValue] = {
        agent: [lesson_form(one, sources) for one in shown] for agent, shown in sorted(auction.lessons.items())
    }
    payment = clearing.payment if clearing else None
    return {
        **auction_form(auction),
        "mechanism": clearing.mechanism if clearing else None,
        "payment": amount_form(payment) if payment else None,
        "rounds": rounds,
        "lessons": lessons,
        "did_not_refine": dict(auction.second.refused),
        "turns": _turns(auction),
        "flips": flips_form(auction),
    }


def _round(auction: AuctionStory, scored: Scored, operators: Mapping[str, str]) -> Form:
    clearing, jury = scored.clearing, auction.jury(operators, round=scored.round)
    bids = auction.bids if scored.round else auction.first.bids
    marks, sheet = marks_of(auction, scored), sheet_of(clearing)
    redone = reckoned(clearing, bids, marks, jury, digits=sheet.digits)
    values = {one.agent: one for one in redone.counts} if redone else {}
    printed = {one.agent: one for one in sheet.sums}
    weights = {judge.name: judge.weight for judge in judges_of(jury)}
    scores: list[JsonValue] = []
    for place, score in enumerate(clearing.ranking, start=1):
        one = values.get(score.agent)
        worth: Form | None = None
        if one is not None:
            own: list[JsonValue] = [*sorted(one.own)]
            worth = {"consensus": one.consensus, "counted": dict(one.counted), "own": own, "sum": one.sum}
        lines: list[JsonValue] = [line._asdict() for line in printed[score.agent].lines]
        form: Form = {"place": place, **_score(score, bids.get(score.agent))}
        form |= {"marks": dict(marks.get(score.agent, {})), "jury": worth}
        form |= {"printed": {"lines": lines, "score": printed[score.agent].total}}
        scores.append(form)
    ties: list[JsonValue] = [
        {"agents": list(tie.agents), "shares": list(tie.shares), "lots": list(tie.lots)}
        for tie in ties_of(clearing, bids, reserve=auction.opened.reserve, seed=scored.seed)
    ]
    judged = (auction.second if scored.round else auction.first).judged
    judges: list[JsonValue] = [
        {
            "judge": name,
            "operator": operators.get(name, ""),
            "agreement": one.agreement,
            "weight": float(weights[name]) if name in weights else None,
            "marks": dict(one.marks),
            "dropped": one.dropped,
        }
        for name, one in sorted(judged.items())
    ]
    return {
        "round": scored.round,
        "seed": scored.seed,
        "weights": dict(clearing.weights),
        "dropped": list(clearing.dropped),
        "notes": list(clearing.notes),
        "refused": dict(clearing.refused),
        "refined": list(scored.refined),
        "aside": dict(scored.aside),
        "judges": judges,
        "slack": redone.slack if redone else None,
        "own_marks_heard": redone.heard_own if redone else None,
        "scores": scores,
        "ties": ties,
    }


def _score(score: Score, bid: Bid | None) -> Form:
    """A score with the bid that it is of, where its body was not erased."""
    form: Form = {
        "agent": score.agent,
        "price": amount_form(score.price),
        "figures": dict(score.figures),
        "terms": dict(score.terms),
        "total": score.total,
    }
    if bid is None:
        return form
    standing: Form = bid.standing.model_dump(mode="json")
    return {
        **form,
        "round": bid.round,
        "projected_tokens": bid.projected_tokens,
        "length_tokens": bid.length_tokens,
        "entropy": bid.entropy,
        "entropy_form": bid.entropy_form,
        "entropy_scaled": bid.entropy_scaled,
        "family": bid.family,
        "confidence": bid.confidence,
        "standing": standing,
        "content_hash": bid.content_hash,
    }


def _turns(auction: AuctionStory) -> list[JsonValue]:
    if auction.clearing is None:
        return []
    return [
        {
            "agent": turn.agent,
            "behind": turn.behind,
            "price_below": plain(turn.price.value) if turn.price else None,
            "price_less": turn.share,
            "jury_above": turn.jury,
        }
        for turn in turns_of(auction.clearing, reserve=auction.opened.reserve)
    ]
