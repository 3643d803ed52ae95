"""The end of a task: its terminal row, and the result; of a task that is done already, the result from its record."""

from __future__ import annotations

from collections.abc import Iterable

from agora.bids import Bid
from agora.errors import LedgerError
from agora.events import Applied, Awarded, BidPlaced, Judged, Opened, Performed, Scored, Screened, TaskDone, Verified
from agora.lots import House, Lot
from agora.past import Past
from agora.results import Attempt, Result, attempt_of
from agora.settling import reason_of
from agora.tasks import Task, Verdict


async def unfunded(house: House, task: Task, reason: str) -> Result:
    """A task that the run can no longer pay for: done."""
    await house.record(TaskDone(task=task.id, verdict=Verdict.FAILED, reason=reason, budget_short=True))
    return Result(run=house.run.id, task=task, verdict=Verdict.FAILED, reason=reason, budget_short=True)


async def finish(house: House, lot: Lot) -> Result:
    """The terminal row, and the result."""
    done = ended(house, lot)
    deciding = lot.deciding
    await house.record(done)
    return Result(
        run=house.run.id,
        task=lot.task,
        verdict=done.verdict,
        attempts=tuple(lot.attempts),
        shortlist=lot.shortlist,
        bids=tuple(deciding.bids.values()) if deciding else (),
        clearing=deciding.clearing if deciding and deciding.bids else None,
        usage=done.usage,
        overhead=done.overhead,
        applied=lot.applied,
        reason=done.reason,
        budget_short=done.budget_short,
        parked=done.parked,
    )


def ended(house: House, lot: Lot) -> TaskDone:
    """The terminal row of a task, after its last attempt; pure."""
    last = lot.attempts[-1] if lot.attempts else None
    verdict = last.outcome.verdict if last else Verdict.FAILED
    return TaskDone(
        task=lot.task.id,
        verdict=verdict,
        agent=last.award.agent if last else "",
        attempts=len(lot.attempts),
        usage=lot.purse.spent,
        overhead=lot.overhead,
        reason="" if verdict is Verdict.PASSED else reason_of(lot, house.pool.gone),
        budget_short=not lot.attempts and lot.purse.short,
        parked=bool(lot.parked),
    )


def remembered(house: House, tasks: Iterable[Task]) -> list[Result]:
    """The results of those tasks that are done, from nothing but the record."""
    past = house.run.past
    ended = [(task, past.find(TaskDone, task.id)) for task in tasks]
    return [_result(house.run.id, task, done, past) for task, done in ended if done is not None]


def _result(run: str, task: Task, done: TaskDone, past: Past) -> Result:
    screened, applied = past.find(Screened, task.id), past.find(Applied, task.id)
    awarded = past.find(Awarded, task.id, done.attempts)
    number = awarded.auction if awarded else _last_auction(task, past)
    scored = past.find(Scored, task.id, number, 1) or past.find(Scored, task.id, number, 0)
    bids = _bids(task, scored, past)
    result = Result(
        run=run,
        task=task,
        verdict=done.verdict,
        attempts=tuple(_attempt(task, number, past) for number in range(1, done.attempts + 1)),
        bids=bids,
        clearing=scored.clearing if scored and bids else None,
        usage=done.usage,
        overhead=done.overhead,
        applied=applied is not None and applied.applied,
        reason=done.reason,
        budget_short=done.budget_short,
        parked=done.parked,
    )
    return result.model_copy(update={"shortlist": screened.shortlist}) if screened else result


def _last_auction(task: Task, past: Past) -> int:
    number = 0
    while past.find(Opened, task.id, number + 1) is not None:
        number += 1
    return number


def _bids(task: Task, scored: Scored | None, past: Past) -> tuple[Bid, ...]:
    """The bids that were scored, in the order of names."""
    if scored is None:
        return ()
    names = sorted({*scored.clearing.refused, *(score.agent for score in scored.clearing.ranking)})
    placed = [past.find(BidPlaced, task.id, scored.auction, int(name in scored.refined), name) for name in names]
    opened = past.find(Opened, task.id, scored.auction)
    judges = opened.asked if opened else names  # who makes no bid may judge; older versions left no call on record
    return tuple(_marked(task, found, judges, past) for found in placed if found is not None)


def _marked(task: Task, placed: BidPlaced, judges: Iterable[str], past: Past) -> Bid:
    """A bid with the marks that it was scored by."""
    heard = [past.find(Judged, task.id, placed.auction, placed.bid.round, judge) for judge in judges]
    marks = {one.judge: one.marks[placed.bid.agent] for one in heard if one and placed.bid.agent in one.marks}
    return placed.bid.model_copy(update={"marks": marks})


def _attempt(task: Task, number: int, past: Past) -> Attempt:
    awarded, performed = past.find(Awarded, task.id, number), past.find(Performed, task.id, number)
    verified = past.find(Verified, task.id, number)
    if awarded is None or performed is None or verified is None:
        raise LedgerError(f"attempt {number} at task {task.id!r} is not whole on record: the record is damaged")
    return attempt_of(awarded.award, performed, verified.outcome)
