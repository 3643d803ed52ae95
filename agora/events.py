"""The trace vocabulary: one frozen record for each thing that the loop decides or receives.

A run is its events, in order: what is not one did not happen, and all else can be derived from them. These are the
bodies; the envelope (sequence, chain, salted body hash) is the ledger's.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from agora.auction_events import (
    Awarded,
    BidPlaced,
    BidRefused,
    Closed,
    Judged,
    Opened,
    Recalled,
    Scored,
    Screened,
)
from agora.bids import Ability, Profile
from agora.desk_events import Called, CommandReserved, Happening, Reserved, Step, Stepped, ToolUsed
from agora.flow_events import (
    Compared,
    ContextItem,
    ContextRouted,
    FlowBegan,
    FlowEnded,
    NodeSkipped,
    PlanningBegan,
    PlanningEnded,
    Remembered,
    TopologyChosen,
)
from agora.fork_events import Fork
from agora.pacing_events import Paced, PacingBegan
from agora.pool_events import Joined, Left
from agora.questions import Question
from agora.routing import HardFailure
from agora.routing_events import Credited, Routed
from agora.tasks import Limits, Outcome, Task, Usage, Verdict, Work
from agora.values import JsonValue

__all__ = [
    "EVENT",
    "Applied",
    "Applying",
    "Asked",
    "Awarded",
    "BidPlaced",
    "BidRefused",
    "Called",
    "Closed",
    "CommandReserved",
    "Compared",
    "ContextItem",
    "ContextRouted",
    "Credited",
    "Done",
    "Event",
    "FlowBegan",
    "FlowEnded",
    "Joined",
    "Judged",
    "Learned",
    "Left",
    "NodeSkipped",
    "Opened",
    "Paced",
    "PacingBegan",
    "Performed",
    "PlanningBegan",
    "PlanningEnded",
    "Posted",
    "Recalled",
    "Remembered",
    "Reserved",
    "Resumed",
    "Routed",
    "Scored",
    "Screened",
    "Settled",
    "Started",
    "Step",
    "Stepped",
    "TaskDone",
    "ToolUsed",
    "TopologyChosen",
    "Verified",
]


class Started(Happening):
    """A run begins: everything that its decisions depend on."""

    kind: Literal["started"] = "started"
    seed: int
    """Seed of all chance in the run."""
    agents: tuple[Profile, ...]
    """The pool."""
    limits: Limits
    """The run's purse."""
    mechanism: str
    """Name of the auction's mechanism."""
    policy: str
    """Name of the coordinator's policy."""
    mechanism_settings: str = ""
    """Its options as text, where it has such: with its name they make it again."""
    policy_settings: str = ""
    """Its options, where it learns: others would decide otherwise from the same record."""
    abilities: Mapping[str, tuple[Ability, ...]] = Field(default_factory=dict)
    """Agent -> what the market found it able to do; empty: not on record."""
    versions: Mapping[str, str] = Field(default_factory=dict)
    """Agora, Python, the packages that decide, and the platform."""
    parallel: int = 1
    """How many tasks are worked on at once."""
    attempts: int = 2
    """Awards that one task gets at most."""
    learn: bool = True
    """False for a measurement."""
    knows: int = Field(default=0, ge=0)
    """Position on the ledger up to which the policy had learned from other runs."""
    notes: Mapping[str, str] = Field(default_factory=dict)
    """Anything a reader should know: agents that did not join and why, a bare sandbox."""
    command: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What the command line was asked for: enough to make the same market again and go on."""
    forked: Fork | None = None
    """What of another run stands as this one's past; None: it began by itself."""


class Resumed(Happening):
    """A run that was cut off goes on."""

    kind: Literal["resumed"] = "resumed"
    unknown: tuple[str, ...] = ()
    """Calls and commands whose fate nobody can know; each is charged at its worst case."""
    usd: Decimal = Decimal(0)
    """What they are charged together, in US dollars."""
    tokens: int = 0
    """What they are charged together, in tokens."""


class Posted(Happening):
    """A task is announced."""

    kind: Literal["posted"] = "posted"
    spec: Task
    """The task as the agents see it, and its verifier."""


class Performed(Happening):
    """An attempt ended with work, or with an error."""

    kind: Literal["performed"] = "performed"
    agent: str
    """Whose."""
    attempt: int
    """Which attempt."""
    work: Work | None = None
    """None where the agent failed."""
    error: str = ""
    """Why it failed."""
    blameless: bool = False
    """True: it failed for want of a sandbox or a workspace, and not by the agent's doing."""
    failure: HardFailure | None = None
    """Where nothing usable came back at all: it says something of the agent's health, and nothing of its ability."""
    usage: Usage = Usage()
    """What the attempt took, bids left out."""
    tool_calls: int = 0
    """Calls of tools that ended."""
    tool_calls_ok: int = 0
    """Those that ran without an error."""
    steps: tuple[Step, ...] = ()
    """Which of its two models each call went to, in order; empty of an agent that has one."""


class Verified(Happening):
    """The verifier decided."""

    kind: Literal["verified"] = "verified"
    agent: str
    """Whose work."""
    attempt: int
    """Which attempt."""
    outcome: Outcome
    """passed, failed or unknown, with evidence."""


class Settled(Happening):
    """Promised against delivered, for one attempt."""

    kind: Literal["settled"] = "settled"
    agent: str
    """Who."""
    attempt: int
    """Which attempt."""
    promised_steps: int
    """From the plan."""
    promised_tokens: int
    """From the plan, or projected from its length."""
    delivered: Usage
    """What it took."""
    verdict: Verdict
    """What came of it."""


class Learned(Happening):
    """One update of what the market knows; only verified outcomes make one."""

    kind: Literal["learned"] = "learned"
    what: str
    """Which learner: record, bids, judge, memory, steps."""
    key: str
    """What was updated, as "operator/agent/skill"."""
    update: Mapping[str, JsonValue]
    """The update itself: enough to make it again."""


class Asked(Happening):
    """A person is asked before the task can go on, or has answered."""

    kind: Literal["asked"] = "asked"
    question: Question
    """What is asked; a diff stands with its attempt."""
    digest: str
    """SHA-256 of what is asked for, the diff included: an answer counts for nothing else."""
    granted: bool | None = None
    """Yes or no; None: the question waits for an answer."""


class Applying(Happening):
    """The intent of an application: from here on the workspace may be changed; once for each process that is at it."""

    kind: Literal["applying"] = "applying"
    attempt: int
    """The one whose patch it is."""


class Applied(Happening):
    """The patch was written to the user's workspace, or was not."""

    kind: Literal["applied"] = "applied"
    paths: tuple[str, ...]
    """The files."""
    applied: bool
    """False: not approved, or the files had changed."""
    reason: str = ""
    """Why not."""


class TaskDone(Happening):
    """The terminal row of a task."""

    kind: Literal["task_done"] = "task_done"
    verdict: Verdict
    """The last attempt's, or failed where nobody bid."""
    budget_short: bool = False
    """Whether money or tokens were what kept it from being done."""
    parked: bool = False
    """True: several agents failed; it is set aside with its trace for a person to look at."""
    agent: str = ""
    """Whose work counts."""
    attempts: int = 0
    """How many were made."""
    usage: Usage = Usage()
    """Everything the task took, bids included."""
    overhead: Usage = Usage()
    """The part that went into bids."""
    reason: str = ""
    """Why it ended, where no attempt passed."""


class Done(Happening):
    """The terminal row of a run: without it, the run is not finished."""

    kind: Literal["done"] = "done"
    verdicts: Mapping[str, Verdict]
    """Task -> verdict."""
    usage: Usage
    """Everything the run took."""


Event = Annotated[
    Started
    | Resumed
    | Joined
    | Left
    | PlanningBegan
    | PlanningEnded
    | FlowBegan
    | NodeSkipped
    | ContextRouted
    | Compared
    | TopologyChosen
    | PacingBegan
    | Paced
    | FlowEnded
    | Posted
    | Routed
    | Screened
    | Opened
    | Closed
    | BidPlaced
    | BidRefused
    | Judged
    | Recalled
    | Scored
    | Awarded
    | Reserved
    | Called
    | Stepped
    | CommandReserved
    | ToolUsed
    | Performed
    | Verified
    | Settled
    | Credited
    | Learned
    | Asked
    | Applying
    | Applied
    | TaskDone
    | Done,
    Field(discriminator="kind"),
]
"""Any event; `kind` says which, and `EVENT` reads it back from its body."""

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
