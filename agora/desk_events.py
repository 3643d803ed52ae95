"""What happens at a desk: calls of models, uses of tools and commands. Part of the vocabulary in `agora.events`."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from pydantic import Field

from agora.messages import Reply, Request, ToolCall
from agora.tasks import Patch, Usage
from agora.values import Value

FATE_UNKNOWN: Final = "Agora ended before it did; its fate is unknown"
"""What is said of a call or a command that has no end on record when its run is gone on with."""


class Happening(Value):
    """What every event carries."""

    task: str = ""
    """The task it is about; empty for the whole run."""


class Reserved(Happening):
    """The intent of a model call: its worst case left the purse before it is made."""

    kind: Literal["reserved"] = "reserved"
    call: str
    """Id of the call: task/phase/agent/number; a further attempt at it ends in "+1", "+2"."""
    agent: str
    """Who calls."""
    model: str
    """Which model."""
    request: Request
    """What is sent; where `follows` > 0, without what the previous call of the same desk already put on record."""
    follows: int = 0
    """So many leading messages, and the tools, are those of the previous call: a long conversation is kept once."""
    usd: Decimal
    """Reserved dollars."""
    tokens: int
    """Reserved tokens."""


class Called(Happening):
    """A model call ended: the reply or the error, and the settlement of its reservation."""

    kind: Literal["called"] = "called"
    call: str
    """Id of the call."""
    agent: str
    """Who called."""
    reply: Reply | None = None
    """None where it failed."""
    error: str = ""
    """Why it failed."""
    failure: str = ""
    """The kind of the failure: the name of a model error, or "interrupted" where the fate is unknown."""
    status: int | None = None
    """The provider's HTTP status, where it gave one."""
    usage: Usage
    """What was booked: actual spend, or the whole reservation where the fate is unknown."""
    overrun: bool = False
    """True: it cost more than reserved; it is booked and the purse is closed."""


class Step(Value):
    """Which of two models a call of an attempt went to, and in which situation: what can be learned from."""

    context: str
    """The situation."""
    model: Literal["small", "large"]
    """The cheap model, or the strong one."""
    propensity: float = Field(gt=0, le=1)
    """Chance of that choice."""
    trouble: int = Field(ge=0)
    """Troubled steps in a row before it: 0 after a step says that the step went well."""
    cost: float = Field(ge=0)
    """Estimated share of the attempt's budget that the call takes."""
    forced: bool = False
    """Whether the budget decided, and no policy."""


class Stepped(Happening):
    """It was decided which of an agent's two models the next call of an attempt goes to."""

    kind: Literal["stepped"] = "stepped"
    agent: str = ""
    """Whose call."""
    phase: str = ""
    """Of which attempt, as "attempt-1"."""
    number: int = Field(ge=1)
    """Which call of the attempt."""
    policy: str
    """Who decided."""
    model: str
    """The model's name."""
    step: Step
    """The choice."""
    reason: str
    """One sentence with the figures that decided."""
    instead: bool = False
    """True: in place of the first choice, whose worst case did not fit after all."""


class CommandReserved(Happening):
    """The intent of a command that may cost money, or that no sandbox holds: a fresh copy undoes nothing of it."""

    kind: Literal["command_reserved"] = "command_reserved"
    call: str
    """Id of the call, repeated in the `ToolUsed` that ends it (as its call's, or in its `commands`)."""
    agent: str
    """Whose."""
    argv: tuple[str, ...]
    """The command."""
    usd: Decimal
    """Reserved dollars."""
    asked: str = ""
    """As in `ToolUsed`."""
    question: str = ""
    """Id of the question under whose yes it is started."""


class ToolUsed(Happening):
    """A tool ran, or a command in the sandbox."""

    kind: Literal["tool"] = "tool"
    agent: str
    """Whose."""
    phase: str = ""
    """Where it was used: "bid", "attempt-1" and so on."""
    call: ToolCall
    """What was asked for."""
    result: str
    """What came back, capped."""
    ok: bool = True
    """False: the result is an error message."""
    origin: str = ""
    """Where the text comes from, if it is not to be trusted, as "web"."""
    patch: Patch | None = None
    """The copy as it was left, of what cannot be done again on a fresh one."""
    stdout_chars: int | None = None
    """Of a command: how much of the text after the first line is standard output; None where it was cut."""
    unknown: bool = False
    """True: nobody can know how it ended; it is charged at its worst case."""
    usage: Usage = Usage()
    """Steps, seconds, and dollars where the command reports them."""
    overrun: bool = False
    """True: a command cost more than its worst case; it is booked and the purse is closed."""
    asked: str = ""
    """SHA-256 over what was asked for, without secrets: by it a use is known again. Empty: it never is."""
    granted: tuple[str, ...] = ()
    """Ids of the questions under whose yes commands were started within it; each counts for one start."""
    refused: tuple[str, ...] = ()
    """Ids of those that were answered with no."""
    commands: tuple[str, ...] = ()
    """Ids of the commands that were started within it and end with it."""
