"""One attempt: the winner works in a copy of the workspace, then the verifier looks at what it handed in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import anyio

from agora.abilities import Judge
from agora.bids import Award
from agora.budget import Purse
from agora.desk import MeteredDesk
from agora.errors import AgentError, AgoraError, ApprovalPendingError, ApprovalRefusedError, described
from agora.events import Awarded, Performed, Verified
from agora.lots import House, Lot
from agora.protocols import Workspace
from agora.questions import Question
from agora.results import Attempt, attempt_of
from agora.routing import HardFailure, hard_failure
from agora.sandbox import BareSandbox
from agora.tasks import Outcome, Task, Tier, Verdict, Work
from agora.verifiers.evidence import decided
from agora.verifiers.protected import touched

JUDGE = "judge"
"""Under which name a model that judges works makes its calls."""

MOST_OUTPUT_CHARS = 1_000_000
"""The longest answer in words."""

MOST_CHANGED_BYTES = 16_000_000
"""The most that all changed files of one attempt may hold together; the ledger keeps them in one event."""


async def make_attempt(house: House, lot: Lot, award: Award) -> Attempt:
    """Award, perform, verify: the budget is set aside before any work starts, and what is left comes back.

    Raises:
        BudgetError: The task's purse is closed; nothing was started.
    """
    evidence = lot.evidence
    task, number = lot.task.id, award.attempt
    escrow = lot.purse.fund(f"attempt {number} of {award.agent}", house.pool.cards[award.agent].limits)
    try:
        await _approved(house, lot, award, escrow)
        await house.record(Awarded(task=task, auction=lot.auction.number, award=award, evidence=evidence))
        performed = house.run.past.find(Performed, task, number)
        if performed is None:
            performed = await _perform(house, lot, award, escrow, evidence)
            await house.record(performed)  # verifying may take long, and this is not to be done twice
        else:
            escrow.book(performed.usage)
    finally:
        escrow.close()
    verified = house.run.past.find(Verified, task, number)
    if verified is None:
        outcome = await _verify(house, lot, performed)
        verified = Verified(task=task, agent=award.agent, attempt=number, outcome=outcome)
        house.note(verified)
    else:
        lot.purse.book(house.run.past.spent(task, f"verify-{number}", JUDGE))
    return attempt_of(award, performed, verified.outcome)


async def _approved(house: House, lot: Lot, award: Award, escrow: Purse) -> None:
    """Ask for an award before its money may be spent.

    Raises:
        ApprovalRefusedError: A person said no.
        ApprovalPendingError: Nobody can be asked now.
    """
    if house.run.past.find(Awarded, lot.task.id, award.attempt):
        return
    price = house.agents[award.agent].profile.price
    question = Question(
        id=f"{lot.task.id}/award-{award.attempt}",
        about="award",
        task=lot.task.id,
        agent=award.agent,
        usd=escrow.left.usd or Decimal(0) if price is not None and price.unit == "usd" else Decimal(0),
        reason=award.reason,
    )
    if not await house.run.granted(question):
        raise ApprovalRefusedError(f"a person refused the award to {award.agent!r}")


async def _perform(house: House, lot: Lot, award: Award, escrow: Purse, evidence: tuple[str, ...]) -> Performed:
    """Let the winner work, at a desk of its own."""
    desk = MeteredDesk(
        house.run,
        lot.task,
        agent=award.agent,
        phase=f"attempt-{award.attempt}",
        price=house.agents[award.agent].profile.price,
        purse=escrow,
        files=lot.files,
        evidence=evidence,
        write_cap=award.plan.tokens,
        lessons=lambda: house.step_lessons.of(house.agents[award.agent].profile.operator, award.agent),
    )
    operator = house.agents[award.agent].profile.operator
    house.working[operator] += 1
    try:
        done = await _work(house, lot.task, award, desk)
    finally:
        house.working[operator] -= 1
        desk.leave()
    return Performed(
        task=lot.task.id,
        agent=award.agent,
        attempt=award.attempt,
        work=done.work,
        error=done.error,
        blameless=done.blameless,
        failure=done.failure,
        usage=escrow.spent,
        tool_calls=desk.tool_calls,
        tool_calls_ok=desk.tool_calls_ok,
        steps=desk.steps,
    )


class _Done(NamedTuple):
    """How performing ended."""

    work: Work | None
    """None where there is none."""
    error: str = ""
    """Why there is none."""
    blameless: bool = False
    """True: for want of a sandbox, and not by the agent's doing."""
    failure: HardFailure | None = None
    """Where nothing usable came back."""


async def _work(house: House, task: Task, award: Award, desk: MeteredDesk) -> _Done:
    """Let the winner work in a copy of its own."""
    agent = house.agents[award.agent]
    workspace: Workspace | None = None
    if task.workspace is not None:
        sandbox = BareSandbox() if agent.profile.tier is Tier.BARE else house.sandbox
        try:
            workspace = await sandbox.open(Path(task.workspace), least=task.tier)
        except AgoraError as error:
            return _Done(None, str(error), blameless=True)
        desk.sit_down(workspace)
    try:
        with anyio.fail_after(desk.left.seconds) as deadline:
            desk.end_with(deadline)
            work = await agent.perform(desk, award.plan)
        house.run.stop_if_waiting(task.id)
        if workspace is not None:
            work = work.model_copy(update={"patch": workspace.patch()})
        _bounded(work, award.agent)
        return _Done(work)
    except ApprovalPendingError:
        raise
    except Exception as error:  # an agent is the user's code: what breaks in it is a failed attempt, not the run's end
        house.run.stop_if_waiting(task.id)
        late = isinstance(error, TimeoutError) and not isinstance(error, AgoraError)
        said = f"agent {award.agent!r} ran out of time" if late else described(error)
        return _Done(None, said, failure=hard_failure(error))
    finally:
        if workspace is not None:
            with anyio.CancelScope(shield=True):
                await workspace.close()


def _bounded(work: Work, agent: str) -> None:
    """Refuse what is no work, or more than the ledger keeps in one event.

    Raises:
        AgentError: Naming the bound.
    """
    if not isinstance(work, Work):  # pyright: ignore[reportUnnecessaryIsInstance] -- untyped agents
        raise AgentError(agent, f"handed in a {type(work).__name__}: return Work, or text")
    changed = sum(len(change.after or b"") for change in work.patch.changes)
    for what, size, most in (("output", len(work.output), MOST_OUTPUT_CHARS), ("files", changed, MOST_CHANGED_BYTES)):
        if size > most:
            raise AgentError(agent, f"handed in {size:,} of {what}, and {most:,} is the most: hand in less")


async def _verify(house: House, lot: Lot, performed: Performed) -> Outcome:
    """The verifier sees the work and never who did it."""
    if (outcome := outcome_without(lot.task, performed)) is not None:
        return outcome
    assert performed.work is not None
    verifier = house.verifiers[lot.task.id]
    try:
        if isinstance(verifier, Judge):
            return await _judged(house, lot, verifier, performed.work, performed.attempt)
        return await verifier.verify(lot.task, performed.work, sandbox=house.sandbox)
    except Exception as fault:  # a verifier that cannot say is no failure of the work, and a plug-in may break
        return Outcome(verdict=Verdict.UNKNOWN, verifier=verifier.name, evidence=described(fault))


def outcome_without(task: Task, performed: Performed) -> Outcome | None:
    """What is decided without the verifier; None: it has to look. Pure.

    Args:
        task: With its verifier.
        performed: What came of the attempt.
    """
    if performed.work is None:
        verdict = Verdict.UNKNOWN if performed.blameless else Verdict.FAILED
        return Outcome(verdict=verdict, verifier="none", evidence=performed.error)
    if not performed.work.patch.whole:
        evidence = "its patch held a secret, which is not on record: nothing can be said of it after a restart"
        return Outcome(verdict=Verdict.UNKNOWN, verifier="none", evidence=evidence)
    if guarded := touched(performed.work.patch, task.protect):  # whatever the verifier looks at
        return decided("protect", False, f"the patch changes protected files: {', '.join(guarded[:20])}")
    if task.verify is None:
        return Outcome(verdict=Verdict.UNKNOWN, verifier="none", evidence="the task names no verifier")
    return None


async def _judged(house: House, lot: Lot, judge: Judge, work: Work, attempt: int) -> Outcome:
    """A model's opinion, paid from the task's purse; whatever it is, it is no grounded one."""
    desk = MeteredDesk(
        house.run, lot.task, agent=JUDGE, phase=f"verify-{attempt}", price=None, purse=lot.purse, files=lot.files
    )
    try:
        outcome = await judge.judge(lot.task, work, desk=desk)
    finally:
        desk.leave()
    return outcome.model_copy(update={"grounded": False})
