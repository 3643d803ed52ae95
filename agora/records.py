"""What the seams hand back: plain rows, without behaviour."""

from __future__ import annotations

from typing import NamedTuple

from agora.events import Event
from agora.tasks import Usage


class Ran(NamedTuple):
    """How a command ended."""

    exit_code: int
    """The command's own; 124 where the time limit ended it, 137 where a resource limit did."""
    stdout: str
    """Capped; undecodable bytes replaced."""
    stderr: str
    """Capped; undecodable bytes replaced."""
    seconds: float
    """Wall time."""
    limit: str = ""
    """Which limit ended it: time, output, memory, disk; empty where none did."""


class ToolResult(NamedTuple):
    """What a tool gave."""

    text: str
    """Its answer, or the error message that the model gets to read."""
    ok: bool = True
    """False: it failed, and the model may try again."""
    origin: str = ""
    """Where the text comes from, if it is not to be trusted."""


class Recorded(NamedTuple):
    """An event with its place on the ledger."""

    seq: int
    """Position, from 1, without gaps."""
    run: str
    """The run's id."""
    at_us: int
    """When it was recorded, microseconds since the epoch."""
    hash: str
    """SHA-256 over the previous hash and this entry."""
    event: Event | None
    """The body; None where it was erased."""


class RunInfo(NamedTuple):
    """One run, summed up."""

    id: str
    """The run's id."""
    started_us: int
    """When it began."""
    done: bool
    """Whether its terminal row is there."""
    tasks: int
    """How many tasks were posted."""
    passed: int
    """How many of them passed."""
    goal: str
    """The first task's goal."""
    usage: Usage
    """What it took so far."""


class AgentRecord(NamedTuple):
    """What an agent promised and delivered, for one skill; grounded outcomes only."""

    operator: str
    """Who is behind the agent."""
    agent: str
    """Its name."""
    skill: str
    """The skill that its tasks asked for; may be empty."""
    tried: int
    """Verified attempts."""
    passed: int
    """How many of them passed."""
    promised_steps: int
    """Sum over the plans."""
    delivered_steps: int
    """Sum over the attempts."""
    promised_tokens: int
    """Sum over the plans."""
    delivered_tokens: int
    """Sum over the attempts."""
    usd: str
    """Dollars spent, as text."""
    seconds: float
    """Seconds inside models, tools and commands."""


class MemoryEntry(NamedTuple):
    """One remembered bid of a verified task."""

    task: str
    """The task's id."""
    goal: str
    """What was wanted."""
    agent: str
    """Who bid."""
    plan: str
    """The plan."""
    won: bool
    """Whether it was awarded the task."""
    passed: bool
    """Whether its work passed; only meaningful where it won."""
    run: str
    """The run's id."""
