"""What a policy is told before it says who may bid on a task, and the reckoning that it leaves on record."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field

from agora.errors import (
    BadReplyError,
    BudgetError,
    ContextOverflowError,
    ModelError,
    ProviderBusyError,
    ReplyCutError,
    UsageError,
)
from agora.tasks import Limits
from agora.values import JsonValue, Value

HardFailure = Literal["timeout", "transport", "format"]
"""Nothing usable came back: no answer in time, no connection, or an answer that is not of the agreed form."""


def hard_failure(error: Exception) -> HardFailure | None:
    """Which hard failure an error is; None: it says nothing of whoever it came from, or of its ability only."""
    if isinstance(error, (BudgetError, ContextOverflowError, ProviderBusyError, UsageError)):
        return None
    if isinstance(error, (BadReplyError, ReplyCutError)):
        return "format"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "transport" if isinstance(error, (ModelError, ConnectionError)) else None


class Known(Value):
    """What the market knows of an agent when a task is routed; None: nothing."""

    similarity: float | None = Field(default=None, ge=0, le=1)
    """How well what it says it can do fits the task."""
    difficulty: float | None = Field(default=None, ge=0, le=1)
    """How hard tasks of this skill were so far: the same for all agents."""
    load: float = Field(default=0.0, ge=0, le=1)
    """Share of the places in the run that its operator is working at."""
    latency_s: float | None = Field(default=None, ge=0)
    """Seconds that its attempts at this skill took, on average."""
    cost_share: float | None = Field(default=None, ge=0)
    """What an attempt is expected to cost, as a share of what the task may."""
    cost: Decimal | None = Field(default=None, ge=0)
    """The same in the unit of its price."""
    advice: float | None = Field(default=None, ge=0, le=1)
    """How much a model that was asked favours it for the task."""
    lot: str = ""
    """A seeded hash of what it is, without its name: decides between equals."""


class Place(Value):
    """Where a task stands in its workflow."""

    layer: int = Field(default=0, ge=0)
    """Its depth: 0 where it follows nothing."""
    sources: tuple[str, ...] = ()
    """The arms of those who did what it follows, in the order in which it follows them."""


NOWHERE = Place()
"""In no workflow."""


class Outlook(Value):
    """What a policy sees besides the task and the pool."""

    limits: Limits = Limits()
    """What is left for the task."""
    down: Mapping[str, str] = Field(default_factory=dict)
    """Agent -> why it cannot be called now: it is kept out with that reason."""
    known: Mapping[str, Known] = Field(default_factory=dict)
    """Agent -> what the market knows of it."""
    arms: Mapping[str, str] = Field(default_factory=dict)
    """Agent -> what its record is kept by; of who is not named, its operator."""
    place: Place = NOWHERE
    """Where the task stands in its workflow."""
    types: Mapping[str, float] = Field(default_factory=dict)
    """Task type -> probability that the task is of it, where somebody was asked; sum 1."""


class Considered(Value):
    """One agent that a policy looked at."""

    agent: str
    """Its name."""
    arm: str
    """What its record is kept by: its operator and what it is told besides, so that a new name is no new agent."""
    known: Known
    """What the policy was told of it."""
    x: tuple[float, ...] = ()
    """The context that its outcome is credited to, where the policy has one."""
    terms: Mapping[str, float] = Field(default_factory=dict)
    """What decided, by name: mean, width and score of LinUCB; tau, ability, eta and p of the ants."""


class Routing(Value):
    """The reckoning behind a shortlist."""

    by: str
    """The rule that decided, where a policy chooses between several; else the policy itself."""
    considered: tuple[Considered, ...]
    """Everyone who could be chosen, the best first."""
    draw: float | None = None
    """The chance that decided, in [0, 1); None: nothing was left to chance."""
    details: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What else the choice rests on, and what learning from its outcome needs."""
    reason: str = ""
    """One sentence with the figures that decided."""
