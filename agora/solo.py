"""One agent at work without a market: no auction, no verifier, and by default no record."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import anyio

from agora.ambient import SeededChance, SystemClock
from agora.bids import Plan
from agora.budget import Purse
from agora.desk import MeteredDesk, Run
from agora.memory.null_store import NullStore
from agora.posting import DEFAULT_LIMITS, as_task, fill, listing
from agora.protocols import Agent, Store
from agora.sandbox import best_sandbox
from agora.tasks import Limits, Task, Work

_ONE = Decimal(1)
NO_PLAN = Plan(text="Do the task.")


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
        limits: Bounds; a dollar by default.
        store: Where its calls are recorded; None keeps nothing.

    Raises:
        AgoraError: The agent failed.
    """
    task = as_task(work, workspace=workspace)
    clock, name = SystemClock(), agent.profile.name
    bounds = fill(limits or Limits(usd=None), DEFAULT_LIMITS.model_copy(update={"usd": _ONE}))
    desk = MeteredDesk(
        Run(id="solo", store=store or NullStore(), clock=clock, chance=SeededChance(0)),
        task,
        agent=name,
        phase="solo",
        price=agent.profile.price,
        purse=Purse(f"agent {name}", bounds, clock=clock),
        files=listing(task.workspace),
    )
    if task.workspace is None:
        with anyio.fail_after(bounds.seconds):
            return await agent.perform(desk, NO_PLAN)
    copy = await best_sandbox().open(Path(task.workspace), least=task.tier)
    try:
        desk.sit_down(copy)
        with anyio.fail_after(bounds.seconds):
            done = await agent.perform(desk, NO_PLAN)
        return done.model_copy(update={"patch": copy.patch()})
    finally:
        with anyio.CancelScope(shield=True):
            await copy.close()
