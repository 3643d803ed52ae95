"""A real desk for testing one agent: real purse, real record in memory, no auction around it."""

from __future__ import annotations

from decimal import Decimal

from agora.ambient import SeededChance
from agora.bids import Price
from agora.budget import Purse
from agora.desk import MeteredDesk
from agora.memory.in_memory import MemoryStore
from agora.models.retries import Retries
from agora.protocols import Clock, Store, Workspace
from agora.runs import Run
from agora.tasks import Limits, Task
from agora.testing.clocks import FakeClock


def desk_for(
    task: Task,
    *,
    agent: str = "agent",
    workspace: Workspace | None = None,
    files: tuple[str, ...] = (),
    evidence: tuple[str, ...] = (),
    price: Price | None = None,
    limits: Limits | None = None,
    write_cap: int | None = None,
    store: Store | None = None,
    clock: Clock | None = None,
    retries: Retries = Retries(),  # noqa: B008 - a frozen value
) -> MeteredDesk:
    """A desk at which an agent can bid and perform in a test.

    Args:
        task: What is to be done.
        agent: The agent's name.
        workspace: A workspace made by any sandbox; None for bidding, or where the task has none.
        files: What `desk.files` lists.
        evidence: What earlier attempts failed with.
        price: What the agent states for a model without a list price.
        limits: One dollar, 400,000 tokens and 60 steps by default.
        write_cap: The plan's promised cap on written tokens.
        store: Where events go; by default a MemoryStore of its own.
        clock: By default one that stands still.
        retries: How failed model calls are tried again; `Retries(base_s=0.0)` does it without a pause.
    """
    clock = clock or FakeClock()
    bounds = limits or Limits(usd=Decimal(1), tokens=400_000, steps=60)
    return MeteredDesk(
        Run(
            id="test",
            store=store or MemoryStore(clock=clock),
            clock=clock,
            chance=SeededChance(0),
            retries=retries,
        ),
        task,
        agent=agent,
        phase="test",
        price=price,
        purse=Purse(f"agent {agent}", bounds, clock=clock),
        workspace=workspace,
        files=files,
        evidence=evidence,
        write_cap=write_cap,
    )
