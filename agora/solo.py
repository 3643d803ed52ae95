"""One agent at work without a market: no auction, no verifier, and by default no record."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import anyio

from agora.ambient import SeededChance, SystemClock
from agora.bids import Plan
from agora.budget import Purse
from agora.desk import MeteredDesk
from agora.errors import AgentError
from agora.ledger.redact import redactor_of
from agora.memory.null_store import NullStore
from agora.posting import DEFAULT_LIMITS, as_task, fill, listing
from agora.protocols import Agent, Store
from agora.runs import Run
from agora.sandbox import best_sandbox
from agora.tasks import Limits, Task, Work

NO_PLAN = Plan(text="Do the task.")
"""What an agent follows that nobody asked for a bid."""

_LIMITS = DEFAULT_LIMITS.model_copy(update={"usd": Decimal(1)})


async def solo(
    agent: Agent,
    work: str | Task,
    *,
    workspace: str | Path | None = None,
    limits: Limits | None = None,
    store: Store | None = None,
) -> Work:
    """Let one agent do one task, inside the same limits and through the same desk as in a market.

    Args:
        agent: Who.
        work: The goal in words, or a whole task.
        workspace: The folder it is about; the agent gets a copy, and `Work.patch` says what changed.
        limits: Bounds; by default a task's, and a dollar.
        store: Where its calls are recorded; None keeps nothing.

    Raises:
        AgentError: The agent failed, or ran out of time.
        AgoraError: The workspace or the sandbox cannot be used.
    """
    task = as_task(work, workspace=workspace)
    clock, name = SystemClock(), agent.profile.name
    bounds = fill(limits or Limits(), _LIMITS)
    desk = MeteredDesk(
        Run(id="solo", store=store or NullStore(), clock=clock, chance=SeededChance(0), redactor=redactor_of()),
        task,
        agent=name,
        phase="solo",
        price=agent.profile.price,
        purse=Purse(f"agent {name}", bounds, clock=clock),
        files=listing(task.workspace),
    )
    if task.workspace is None:
        return await _perform(agent, desk, bounds)
    copy = await best_sandbox().open(Path(task.workspace), least=task.tier)
    try:
        desk.sit_down(copy)
        done = await _perform(agent, desk, bounds)
        return done.model_copy(update={"patch": copy.patch()})
    finally:
        with anyio.CancelScope(shield=True):
            await copy.close()


async def _perform(agent: Agent, desk: MeteredDesk, bounds: Limits) -> Work:
    try:
        with anyio.fail_after(bounds.seconds):
            return await agent.perform(desk, NO_PLAN)
    except TimeoutError as late:
        raise AgentError(agent.profile.name, f"ran out of time after {bounds.seconds:g} s; raise `limits`") from late
