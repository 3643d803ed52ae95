"""The two things that the stages of the loop pass around: the house (what is fixed) and the lot (what is decided)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from agora.abilities import MayBeDown
from agora.bids import Bid, Clearing, Juror, Reserve, Shortlist, Standing
from agora.budget import Purse
from agora.events import Event
from agora.protocols import Agent, Mechanism, Policy, Sandbox, Verifier
from agora.results import Attempt
from agora.runs import Run
from agora.sandbox import refuse_below
from agora.tasks import Task, Tier, Usage

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, kw_only=True)
class House:
    """The collaborators of one run."""

    run: Run
    """Ledger, clock, chance, and what is on record."""
    agents: Mapping[str, Agent]
    """The pool, by name."""
    mechanism: Mechanism
    """Ranks the bids."""
    policy: Policy
    """Makes the shortlist."""
    verifiers: Mapping[str, Verifier]
    """Task id -> verifier."""
    sandbox: Sandbox
    """Makes the copies that agents work in and that verifiers check."""
    bid_deadline_s: float
    """Later bids do not count."""
    attempts: int
    """How many awards a task gets at most."""
    learn: bool
    """False for a measurement: outcomes stand on the ledger, and nothing is learned from them."""

    def require_sandbox(self, tasks: Iterable[Task]) -> None:
        """Refuse before anything is spent what no sandbox here may do.

        Raises:
            SandboxError: A task demands a stronger tier than there is.
        """
        least = max((task.tier for task in tasks if task.workspace is not None), default=Tier.BARE)
        if least > Tier.BARE:
            refuse_below(least, self.sandbox.tier)

    def note(self, event: Event) -> None:
        """Put an event on the ledger with the next commit."""
        self.run.note(event)

    async def record(self, *events: Event) -> None:
        """Put events on the ledger; return when they are durable."""
        await self.run.record(*events)

    def decided(self, kind: type[E], task: str, decide: Callable[[], E], *more: str | int) -> E:
        """Decide once: what is on record (about the task, and `more`) stands, what is decided now is put there."""
        event = self.run.past.find(kind, task, *more)
        if event is None:
            event = decide()
            self.note(event)
        return event

    def down(self) -> dict[str, str]:
        """Who cannot be reached now, and why."""
        reasons = {name: agent.down() for name, agent in self.agents.items() if isinstance(agent, MayBeDown)}
        return {name: why for name, why in reasons.items() if why}


@dataclass(kw_only=True)
class Lot:
    """One task on its way through the market."""

    task: Task
    purse: Purse
    """What it may take, bids included."""
    files: tuple[str, ...] = ()
    """Names of the files in the workspace."""
    reserve: Reserve = field(default_factory=Reserve)
    shortlist: Shortlist = field(default_factory=lambda: Shortlist(members={}))
    bids: dict[str, Bid] = field(default_factory=dict[str, Bid])
    """As opened, by agent."""
    standings: dict[str, Standing] = field(default_factory=dict[str, Standing])
    """What the market knew of those on the shortlist before they bid."""
    jury: dict[str, Juror] = field(default_factory=dict[str, Juror])
    """Judge -> who it is; those that were dropped are not there."""
    refusals: dict[str, str] = field(default_factory=dict[str, str])
    """Who did not bid, and why."""
    malformed: set[str] = field(default_factory=set[str])
    """Whose bid was no plan, or did not fit the schema of one."""
    overhead: Usage = field(default_factory=Usage)
    """What bidding took."""
    clearing: Clearing = field(default_factory=lambda: Clearing(mechanism="", ranking=()))
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    refused: str = ""
    """Why a person refused to let it go on."""
    applied: bool = False
