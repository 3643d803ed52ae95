"""The end of a task: its terminal row, and the result; of a task that is done already, the result from its record."""

from __future__ import annotations

from collections.abc import Iterable

from agora.errors import LedgerError
from agora.events import Applied, Awarded, BidPlaced, Performed, Scored, Screened, TaskDone, Verified
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
    last = lot.attempts[-1] if lot.attempts else None
    verdict = last.outcome.verdict if last else Verdict.FAILED
    result = Result(
        run=house.run.id,
        task=lot.task,
        verdict=verdict,
        attempts=tuple(lot.attempts),
        shortlist=lot.shortlist,
        bids=tuple(lot.bids.values()),
        clearing=lot.clearing if lot.bids else None,
        usage=lot.purse.spent,
        overhead=lot.overhead,
        applied=lot.applied,
        reason="" if verdict is Verdict.PASSED else reason_of(lot),
        budget_short=not lot.attempts and lot.purse.short,
    )
    done = TaskDone(
        task=lot.task.id,
        verdict=verdict,
        agent=last.award.agent if last else "",
        attempts=len(lot.attempts),
        usage=result.usage,
        overhead=result.overhead,
        reason=result.reason,
        budget_short=result.budget_short,
    )
    await house.record(done)
    return result


def remembered(house: House, tasks: Iterable[Task]) -> list[Result]:
    """The results of those tasks that are done, from nothing but the record."""
    past = house.run.past
    ended = [(task, past.find(TaskDone, task.id)) for task in tasks]
    return [_result(house.run.id, task, done, past) for task, done in ended if done is not None]


def _result(run: str, task: Task, done: TaskDone, past: Past) -> Result:
    screened, scored = past.find(Screened, task.id), past.find(Scored, task.id, 0)
    applied = past.find(Applied, task.id)
    placed = [past.find(BidPlaced, task.id, 0, name) for name in sorted(screened.shortlist.members)] if screened else []
    bids = tuple(bid.bid for bid in placed if bid is not None)
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
    )
    return result.model_copy(update={"shortlist": screened.shortlist}) if screened else result


def _attempt(task: Task, number: int, past: Past) -> Attempt:
    awarded, performed = past.find(Awarded, task.id, number), past.find(Performed, task.id, number)
    verified = past.find(Verified, task.id, number)
    if awarded is None or performed is None or verified is None:
        raise LedgerError(f"attempt {number} at task {task.id!r} is not whole on record: the record is damaged")
    return attempt_of(awarded.award, performed, verified.outcome)
