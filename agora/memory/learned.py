"""The two shapes of `Learned` events that shared memory keeps: an agent's record and a remembered bid.

Whoever emits them states grounded (tests, match, schema, a person) or judged (a model); the two are kept apart.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, ValidationError

from agora.errors import LedgerError
from agora.events import Learned
from agora.values import Value


class RecordUpdate(Value):
    """`Learned(what="record")`: one settled attempt, to be added to the agent's record."""

    operator: str
    """Who is behind the agent."""
    agent: str
    """The agent's name."""
    skill: str
    """The task's skill; may be empty."""
    grounded: bool
    """Whether the verifier was grounded."""
    passed: int = Field(ge=0, le=1)
    """1 where the attempt passed."""
    promised_steps: int = Field(ge=0)
    """From the plan."""
    delivered_steps: int = Field(ge=0)
    """What it took."""
    promised_tokens: int = Field(ge=0)
    """From the plan, or projected."""
    delivered_tokens: int = Field(ge=0)
    """What it took."""
    usd: Decimal = Field(ge=0)
    """US dollars that it took."""
    seconds: float = Field(ge=0)
    """Seconds that it took."""


class MemoryUpdate(Value):
    """`Learned(what="memory")`: one bid of a verified task."""

    goal: str
    """The task, in words."""
    agent: str
    """Who bid."""
    plan: str
    """What it promised."""
    won: bool
    """Whether it got the award."""
    passed: bool
    """Whether the work passed."""
    grounded: bool
    """Whether the verifier was grounded."""


def read_update(event: Learned) -> RecordUpdate | MemoryUpdate | None:
    """The update as a value; None for learners that shared memory does not know.

    Raises:
        LedgerError: The update lacks a field or has one of another type.
    """
    try:
        if event.what == "record":
            return RecordUpdate.model_validate(dict(event.update))
        return MemoryUpdate.model_validate(dict(event.update)) if event.what == "memory" else None
    except ValidationError as problem:
        raise LedgerError(f"Learned({event.what!r}, key={event.key!r}) is malformed: {problem}") from problem
