"""The end of a task: its terminal row, and the result."""

from __future__ import annotations

from agora.events import TaskDone
from agora.lots import House, Lot
from agora.results import Result
from agora.settling import reason_of
from agora.tasks import Task, Verdict


async def unfunded(house: House, task: Task, reason: str) -> Result:
    """A task that the run can no longer pay for: done."""
    await house.record(TaskDone(task=task.id, verdict=Verdict.FAILED, reason=reason))
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
    )
    await house.record(done)
    return result
