"""What goes on record after an attempt: promised against delivered, and memories. Pure: values in, events out."""

from __future__ import annotations

from collections.abc import Mapping

from agora.bids import Award, Bid
from agora.events import Event, Learned, Settled
from agora.lots import Lot
from agora.results import Attempt
from agora.tasks import Outcome, Verdict


def award_for(lot: Lot, attempt: int) -> Award:
    """The award of the n-th best bid: the winner's for attempt 1, the runner-up's for attempt 2.

    A mechanism states the winner's payment; whoever takes over is paid what it asked.
    """
    score = lot.clearing.ranking[attempt - 1]
    after = lot.clearing.ranking[attempt] if attempt < len(lot.clearing.ranking) else None
    payment = lot.clearing.payment if attempt == 1 and lot.clearing.payment else score.price
    terms = ", ".join(f"{name} {value:+.4f}" for name, value in score.terms.items())
    alone = "it was the only bid" if attempt == 1 else "it was the last bid"
    against = f"next is {after.agent} with {after.total:.4f}" if after else alone
    role = "lowest score" if attempt == 1 else f"attempt {attempt - 1} failed; next lowest score"
    return Award(
        agent=score.agent,
        attempt=attempt,
        plan=lot.bids[score.agent].plan,
        payment=payment,
        runner_up=after.agent if after else None,
        reason=f"{role} {score.total:.4f} ({terms}); {against}",
    )


def settlement(lot: Lot, attempt: Attempt) -> Settled:
    """Promised against delivered."""
    return Settled(
        task=lot.task.id,
        agent=attempt.award.agent,
        attempt=attempt.award.attempt,
        promised_steps=attempt.award.plan.steps,
        promised_tokens=lot.bids[attempt.award.agent].projected_tokens,
        delivered=attempt.delivered,
        verdict=attempt.outcome.verdict,
    )


def lessons(lot: Lot, operators: Mapping[str, str]) -> list[Event]:
    """What is learned from a task: a line on the record of each attempt, whose bids fitted, and every bid as a memory.

    Only what a verifier has judged; nothing of work that stayed unknown.

    Args:
        lot: The task, after its last attempt.
        operators: Agent -> who is behind it.
    """
    outcomes = {attempt.award.agent: attempt.outcome for attempt in lot.attempts}
    unknown = {agent for agent, outcome in outcomes.items() if outcome.verdict is Verdict.UNKNOWN}
    if unknown == set(outcomes):
        return []
    judged = [attempt for attempt in lot.attempts if attempt.award.agent not in unknown]
    records = [_record(lot, attempt, operators[attempt.award.agent]) for attempt in judged]
    memories = [_memory(lot, bid, outcomes) for bid in lot.bids.values() if bid.agent not in unknown]
    return [*records, _bids(lot, operators, grounded=all(one.outcome.grounded for one in judged)), *memories]


def _record(lot: Lot, attempt: Attempt, operator: str) -> Learned:
    award, delivered = attempt.award, attempt.delivered
    asked = lot.bids[award.agent].price
    return Learned(
        task=lot.task.id,
        what="record",
        key=f"{operator}/{award.agent}/{lot.task.skill}",
        update={
            "operator": operator,
            "agent": award.agent,
            "skill": lot.task.skill,
            "grounded": attempt.outcome.grounded,
            "passed": int(attempt.outcome.verdict is Verdict.PASSED),
            "promised_steps": award.plan.steps,
            "delivered_steps": delivered.steps,
            "promised_tokens": lot.bids[award.agent].projected_tokens,
            "delivered_tokens": delivered.tokens if award.plan.tokens is None else delivered.output_tokens,
            "usd": str(delivered.usd),
            "seconds": f"{delivered.seconds:.6f}",
            "promised_usd": str(asked.value) if asked.unit == "usd" else None,
            "promised_seconds": str(asked.value) if asked.unit == "s" else None,
            "stated": award.plan.confidence,
            "tool_calls": attempt.tool_calls,
            "tool_calls_ok": attempt.tool_calls_ok,
        },
    )


def _bids(lot: Lot, operators: Mapping[str, str], *, grounded: bool) -> Learned:
    """Whose bids fitted: who was late, could not be reached or declined gave none, and is not counted."""
    names = sorted({*lot.bids, *lot.malformed})
    return Learned(
        task=lot.task.id,
        what="bids",
        key=lot.task.id,
        update={
            "skill": lot.task.skill,
            "grounded": grounded,
            "bidders": [
                {"operator": operators[name], "agent": name, "malformed": name in lot.malformed} for name in names
            ],
        },
    )


def _memory(lot: Lot, bid: Bid, outcomes: dict[str, Outcome]) -> Learned:
    outcome = outcomes.get(bid.agent)
    return Learned(
        task=lot.task.id,
        what="memory",
        key=lot.task.id,
        update={
            "goal": lot.task.goal,
            "agent": bid.agent,
            "plan": bid.plan.text,
            "won": outcome is not None,
            "passed": outcome is not None and outcome.verdict is Verdict.PASSED,
            "grounded": outcome.grounded if outcome is not None else all(one.grounded for one in outcomes.values()),
        },
    )


def reason_of(lot: Lot) -> str:
    """Why a task is not passed, in one sentence."""
    if lot.attempts:
        last = lot.attempts[-1]
        lines = (last.error or last.outcome.evidence).strip().splitlines()
        return lines[-1] if lines else ""
    if lot.refused:
        return lot.refused
    if lot.clearing.ranking:
        return "no award: the task's purse was closed or empty before any work"
    if lot.bids:
        refused = "; ".join(f"{agent} {why}" for agent, why in lot.clearing.refused.items())
        return f"no bid within the reserve: {refused}"
    why = "; ".join(f"{agent} {reason}" for agent, reason in {**lot.shortlist.kept_out, **lot.refusals}.items())
    return f"nobody bid: {why}" if why else "nobody bid"
