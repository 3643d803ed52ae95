"""One attempt: the winner works in a copy of the workspace, then the verifier looks at what it handed in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import anyio

from agora.bids import Award
from agora.desk import MeteredDesk
from agora.errors import AgentError, AgoraError, described
from agora.events import Awarded, Performed, Verified
from agora.lots import House, Lot
from agora.protocols import Agent, Workspace
from agora.results import Attempt
from agora.sandbox import BareSandbox
from agora.tasks import Outcome, Task, Tier, Verdict, Work

MOST_OUTPUT_CHARS = 1_000_000
"""The longest answer in words."""

MOST_CHANGED_BYTES = 16_000_000
"""The most that all changed files of one attempt may hold together; the ledger keeps them in one event."""


async def make_attempt(house: House, lot: Lot, award: Award) -> Attempt:
    """Award, perform, verify: the budget is set aside before any work starts, and what is left comes back.

    Raises:
        BudgetError: The task's purse is closed; nothing was started.
    """
    evidence = tuple(attempt.outcome.evidence for attempt in lot.attempts)
    agent = house.agents[award.agent]
    escrow = lot.purse.fund(f"attempt {award.attempt} of {award.agent}", agent.profile.limits)
    await house.record(Awarded(task=lot.task.id, award=award, evidence=evidence))
    desk = MeteredDesk(
        house.run,
        lot.task,
        agent=award.agent,
        phase=f"attempt-{award.attempt}",
        price=agent.profile.price,
        purse=escrow,
        files=lot.files,
        evidence=evidence,
        write_cap=award.plan.tokens,
    )
    try:
        done = await _perform(house, lot.task, agent, award, desk)
    finally:
        escrow.close()
    performed = Performed(
        task=lot.task.id,
        agent=award.agent,
        attempt=award.attempt,
        work=done.work,
        error=done.error,
        usage=escrow.spent,
    )
    house.note(performed)
    outcome = await _verify(house, lot.task, done)
    house.note(Verified(task=lot.task.id, agent=award.agent, attempt=award.attempt, outcome=outcome))
    work = done.work or Work(output="")
    return Attempt(
        award=award,
        outcome=outcome,
        output=work.output,
        patch=work.patch,
        delivered=escrow.spent,
        error=done.error,
    )


class _Done(NamedTuple):
    """How performing ended."""

    work: Work | None
    """None where there is none."""
    error: str = ""
    """Why there is none."""
    verdict: Verdict = Verdict.FAILED
    """What it means that there is none: unknown where it is not the agent's fault."""


async def _perform(house: House, task: Task, agent: Agent, award: Award, desk: MeteredDesk) -> _Done:
    """Let the winner work in a copy of its own."""
    workspace: Workspace | None = None
    if task.workspace is not None:
        sandbox = BareSandbox() if agent.profile.tier is Tier.BARE else house.sandbox
        try:
            workspace = await sandbox.open(Path(task.workspace), least=task.tier)
        except AgoraError as error:
            return _Done(None, str(error), Verdict.UNKNOWN)
        desk.sit_down(workspace)
    try:
        with anyio.fail_after(desk.left.seconds):
            work = await agent.perform(desk, award.plan)
        if workspace is not None:
            work = work.model_copy(update={"patch": workspace.patch()})
        _bounded(work, award.agent)
        return _Done(work)
    except Exception as error:  # an agent is the user's code: what breaks in it is a failed attempt, not the run's end
        late = isinstance(error, TimeoutError) and not isinstance(error, AgoraError)
        return _Done(None, f"agent {award.agent!r} ran out of time" if late else described(error))
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


async def _verify(house: House, task: Task, done: _Done) -> Outcome:
    """The verifier sees the work and never who did it."""
    verifier = house.verifiers.get(task.id)
    if done.work is None:
        return Outcome(verdict=done.verdict, verifier="none", evidence=done.error)
    if verifier is None:
        return Outcome(verdict=Verdict.UNKNOWN, verifier="none", evidence="the task names no verifier")
    try:
        return await verifier.verify(task, done.work, sandbox=house.sandbox)
    except Exception as fault:  # a verifier that cannot say is no failure of the work, and a plug-in may break
        return Outcome(verdict=Verdict.UNKNOWN, verifier=verifier.name, evidence=described(fault))
