"""What goes on record after an attempt: promised against delivered, and memories. Pure: values in, events out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from agora.agents.steps import CONTEXTS_VERSION
from agora.bids import Award, Bid, Unit
from agora.events import BidPlaced, BidRefused, Credited, Event, Judged, Learned, Performed, Settled
from agora.lots import Auction, Lot
from agora.past import Past
from agora.results import Attempt
from agora.tasks import Task, Usage, Verdict
from agora.values import JsonValue


def award_for(lot: Lot) -> Award:
    """The award of the auction under way: to the lowest score.

    Raises:
        ValueError: Nobody made a bid that could be taken.
    """
    auction = lot.auction
    score, *others = auction.clearing.ranking
    terms = ", ".join(f"{name} {value:+.4f}" for name, value in score.terms.items())
    against = f"next is {others[0].agent} with {others[0].total:.4f}" if others else "it was the only bid"
    why = f"{auction.opened.reason}; " if auction.number else ""
    return Award(
        agent=score.agent,
        attempt=len(lot.attempts) + 1,
        plan=auction.bids[score.agent].plan,
        payment=auction.clearing.payment or score.price,
        runner_up=auction.clearing.runner_up,
        reason=f"{why}lowest score {score.total:.4f} ({terms}); {against}",
    )


def settlement(task: Task, auction: Auction, attempt: Attempt) -> Settled:
    """Promised against delivered."""
    return Settled(
        task=task.id,
        agent=attempt.award.agent,
        attempt=attempt.award.attempt,
        promised_steps=attempt.award.plan.steps,
        promised_tokens=auction.bids[attempt.award.agent].projected_tokens,
        delivered=attempt.delivered,
        verdict=attempt.outcome.verdict,
    )


def credit(lot: Lot, auction: Auction, attempt: Attempt) -> Credited:
    """What the policy learns of an attempt; of what no grounded verifier decided, only that the agent answered."""
    verdict = attempt.outcome.verdict
    known = attempt.outcome.grounded and not attempt.blameless and verdict is not Verdict.UNKNOWN
    award = attempt.award
    return Credited(
        task=lot.task.id,
        decision=f"{lot.task.id}/{award.attempt}",
        agent=award.agent,
        passed=verdict is Verdict.PASSED if known else None,
        failure=attempt.failure,
        cost_share=_share(attempt.delivered, auction, award.payment.unit),
        overhead_share=_share(auction.purse.spent, auction, award.payment.unit),
    )


def no_bids(lot: Lot, auction: Auction) -> list[Credited]:
    """What the policy learns of those who could not be reached for a bid, in the order of names."""
    return [
        Credited(
            task=lot.task.id,
            decision=f"{lot.task.id}/bid-{auction.number}/{name}",
            agent=name,
            failure=auction.failures[name],
        )
        for name in sorted(auction.failures)
    ]


def _share(took: Usage, auction: Auction, unit: Unit) -> float:
    """What was taken of what the task still had when its bids were called for; 0 where that was nothing."""
    reserve = auction.opened.reserve
    spent, most = (took.usd, reserve.usd) if unit == "usd" else (Decimal(str(took.seconds)), reserve.s)
    return float(spent / most) if most else 0.0


def own_credits(credits: Iterable[Credited], lot: Lot, before: Past | None) -> list[Credited]:
    """Those that rest on what happened in this run; what a fork took over was credited where it happened."""
    tried = {f"{lot.task.id}/{one}" for one in range(1, len(lot.attempts) + 1) if _theirs(before, Performed, lot, one)}
    asked = {
        f"{lot.task.id}/bid-{auction.number}/{name}"
        for auction in lot.auctions
        for name in auction.failures
        if _theirs(before, BidRefused, lot, auction.number, 0, name)
    }
    return [one for one in credits if one.decision not in tried | asked]


def lessons(lot: Lot, operators: Mapping[str, str], *, before: Past | None = None) -> list[Event]:
    """What is learned from a task, of those auctions whose award a verifier has judged; nothing of what stayed unknown.

    A line on the record of whoever made an attempt, whose bids fitted, what the judges' marks were worth, and every bid
    as a memory.

    Args:
        lot: The task, after its last attempt.
        operators: Agent -> who is behind it.
        before: Of a fork, what stands of the run that it was forked from: that is learned there.
    """
    known = [
        (auction, auction.attempt)
        for auction in lot.auctions
        if auction.attempt is not None and auction.attempt.outcome.verdict is not Verdict.UNKNOWN
    ]
    if not known:
        return []
    grounded = all(attempt.outcome.grounded for _, attempt in known)
    new = [(one, made) for one, made in known if not _theirs(before, Performed, lot, made.award.attempt)]
    bids = _bids(lot, operators, before, grounded=grounded)
    return [
        *(_record(lot.task, auction, attempt, operators) for auction, attempt in new),
        *([bids] if before is None or bids.update["bidders"] else []),
        *_judges(lot, known, operators, before),
        *(_steps(lot.task, attempt, operators) for _, attempt in new if attempt.steps and attempt.outcome.grounded),
        *(
            _memory(lot.task, auction, bid, attempt)
            for auction, attempt in known
            for bid in auction.bids.values()
            if (bid.agent == attempt.award.agent and attempt.award.attempt in {made.award.attempt for _, made in new})
            or not _theirs(before, BidPlaced, lot, auction.number, bid.round, bid.agent)
        ),
    ]


def _theirs(before: Past | None, kind: type[Event], lot: Lot, *which: str | int) -> bool:
    """Whether something happened in the run that this one was forked from."""
    return before is not None and before.find(kind, lot.task.id, *which) is not None


def _record(task: Task, auction: Auction, attempt: Attempt, operators: Mapping[str, str]) -> Learned:
    award, delivered = attempt.award, attempt.delivered
    bid, operator = auction.bids[award.agent], operators[award.agent]
    return Learned(
        task=task.id,
        what="record",
        key=f"{operator}/{award.agent}/{task.skill}",
        update={
            "operator": operator,
            "agent": award.agent,
            "skill": task.skill,
            "attempt": award.attempt,
            "grounded": attempt.outcome.grounded,
            "passed": int(attempt.outcome.verdict is Verdict.PASSED),
            "promised_steps": award.plan.steps,
            "delivered_steps": delivered.steps,
            "promised_tokens": bid.projected_tokens,
            "delivered_tokens": delivered.tokens if award.plan.tokens is None else delivered.output_tokens,
            "usd": str(delivered.usd),
            "seconds": f"{delivered.seconds:.6f}",
            "promised_usd": str(bid.price.value) if bid.price.unit == "usd" else None,
            "promised_seconds": str(bid.price.value) if bid.price.unit == "s" else None,
            "stated": award.plan.confidence,
            "tool_calls": attempt.tool_calls,
            "tool_calls_ok": attempt.tool_calls_ok,
        },
    )


def _bids(lot: Lot, operators: Mapping[str, str], before: Past | None, *, grounded: bool) -> Learned:
    """Whose bids fitted, and what bidding took; who was late, could not be reached or declined gave no bid."""
    bidders: list[JsonValue] = []
    for auction in lot.auctions:
        charged = {name for name, usage in auction.taken.items() if usage != Usage()}
        for name in sorted({*auction.bids, *auction.malformed, *charged}):
            if any(_theirs(before, kind, lot, auction.number, 0, name) for kind in (BidPlaced, BidRefused)):
                continue
            bid = auction.bids.get(name)
            bidders.append(
                {
                    "operator": operators[name],
                    "agent": name,
                    "malformed": name in auction.malformed,
                    "gave": name in auction.bids or name in auction.malformed,
                    "entropy": bid.entropy if bid and bid.entropy_form == "top_k" else None,
                    "surprisal_nats": bid.surprisal_nats if bid else None,
                    "usd": str(auction.taken[name].usd),
                    "seconds": auction.taken[name].seconds,
                }
            )
    update: dict[str, JsonValue] = {"skill": lot.task.skill, "grounded": grounded, "bidders": bidders}
    return Learned(task=lot.task.id, what="bids", key=lot.task.id, update=update)


def _judges(
    lot: Lot, known: Sequence[tuple[Auction, Attempt]], operators: Mapping[str, str], before: Past | None
) -> list[Learned]:
    """What the judges said of the plans that were followed, where a grounded verifier knows better.

    A judge of the bidder's own operator is no witness.
    """
    marked: dict[str, list[JsonValue]] = {}
    for auction, attempt in known:
        bid = auction.bids[attempt.award.agent]
        for judge, mark in bid.marks.items():
            if _theirs(before, Judged, lot, auction.number, bid.round, judge):
                continue
            if attempt.outcome.grounded and operators[judge] != operators[bid.agent]:
                passed = int(attempt.outcome.verdict is Verdict.PASSED)
                marked.setdefault(judge, []).append({"mark": mark, "passed": passed})
    return [
        Learned(
            task=lot.task.id,
            what="judge",
            key=f"{operators[judge]}/{judge}/{lot.task.skill}",
            update={
                "operator": operators[judge],
                "agent": judge,
                "skill": lot.task.skill,
                "grounded": True,
                "bids": bids,
            },
        )
        for judge, bids in sorted(marked.items())
    ]


def _steps(task: Task, attempt: Attempt, operators: Mapping[str, str]) -> Learned:
    """Which of its two models each call of an attempt went to, for the policy that chose them."""
    agent = attempt.award.agent
    return Learned(
        task=task.id,
        what="steps",
        key=f"{operators[agent]}/{agent}",
        update={
            "operator": operators[agent],
            "agent": agent,
            "attempt": attempt.award.attempt,
            "version": CONTEXTS_VERSION,
            "passed": attempt.outcome.verdict is Verdict.PASSED,
            "taken": [step.model_dump(mode="json") for step in attempt.steps],
        },
    )


def _memory(task: Task, auction: Auction, bid: Bid, attempt: Attempt) -> Learned:
    won = bid.agent == attempt.award.agent
    return Learned(
        task=task.id,
        what="memory",
        key=task.id,
        update={
            "goal": task.goal,
            "agent": bid.agent,
            "auction": auction.number,
            "plan": bid.plan.text,
            "won": won,
            "passed": won and attempt.outcome.verdict is Verdict.PASSED,
            "grounded": attempt.outcome.grounded,
        },
    )


def reason_of(lot: Lot, gone: Mapping[str, str]) -> str:
    """Why a task is not passed, in one sentence.

    Args:
        lot: The task.
        gone: Who left the run, in words.
    """
    if lot.attempts:
        last = lot.attempts[-1]
        lines = (last.error or last.outcome.evidence).strip().splitlines()
        found = lines[-1] if lines else ""
        return f"parked, {lot.parked}; the last one: {found}" if lot.parked else found
    if lot.refused:
        return lot.refused
    left = {agent: why for agent, why in gone.items() if agent in lot.shortlist.members}
    if any(auction.clearing.ranking for auction in lot.auctions):
        if left and lot.auction.clearing.winner in {*left, ""}:
            return f"nobody is left to be asked: {_listed(left)}"
        return "no award: the task's purse was closed or empty before any work"
    if any(auction.bids for auction in lot.auctions):
        refused = {agent: why for auction in lot.auctions for agent, why in auction.clearing.refused.items()}
        return f"no bid within the reserve: {_listed(refused)}"
    declined = {agent: why for auction in lot.auctions for agent, why in auction.refusals.items()}
    why = _listed({**lot.shortlist.kept_out, **left, **declined})
    return f"nobody bid: {why}" if why else "nobody bid"


def _listed(reasons: Mapping[str, str]) -> str:
    """In the order of names: what is read back from the ledger knows no other."""
    return "; ".join(f"{agent} {why}" for agent, why in sorted(reasons.items()))
