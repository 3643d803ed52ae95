"""What the seams hand back: plain rows, without behaviour."""

from __future__ import annotations

from typing import Final, NamedTuple

from agora.events import Event
from agora.tasks import Usage

CONFIDENCE_BINS: Final = 10
"""Stated confidence is counted in so many bins of equal width over [0, 1]; 1 is in the last one."""
RECENT_DECAY: Final = 0.98
"""With each further attempt, the earlier ones count for so much less in the recent figures."""
RECENT_PLANS: Final = 50
"""Of so many of an agent's latest plans the measured uncertainty is kept."""
LEAST_YES: Final = 3
"""A judge's mark (0 to 5) of this or more says that the work will pass, a lower one that it will not."""


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


class Envelope(NamedTuple):
    """What an entry's hash is over."""

    v: int
    """The envelope's version."""
    seq: int
    """Position, from 1, without gaps."""
    run: str
    """The run's id."""
    kind: str
    """The event's kind."""
    at_us: int
    """When it was recorded, microseconds since the epoch."""
    body: str
    """Salted hash of the body, hexadecimal."""
    prev: str
    """Hash of the entry before."""


class Entry(NamedTuple):
    """An envelope with its hash, as stored."""

    envelope: Envelope
    hash: str


class Stored(NamedTuple):
    """An entry as it is kept, with its body."""

    entry: Entry
    salt: bytes | None
    """None where the body was erased."""
    body: bytes | None
    """Canonical bytes of the event; None where it was erased."""


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


def confidence_bin(stated: float) -> int:
    """Which bin a stated confidence in [0, 1] belongs to.

    >>> confidence_bin(0.0), confidence_bin(0.69), confidence_bin(0.7), confidence_bin(1.0)
    (0, 6, 7, 9)
    """
    return min(int(stated * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)


class ConfidenceBin(NamedTuple):
    """The attempts whose stated confidence lies in one bin."""

    tried: int = 0
    """How many."""
    passed: int = 0
    """How many of them passed."""
    stated: float = 0.0
    """Sum of what was stated."""


NOTHING_STATED: Final = (ConfidenceBin(),) * CONFIDENCE_BINS
"""No attempt with a stated confidence."""


class AgentRecord(NamedTuple):
    """What an agent promised and delivered, for one skill; sums over verified attempts, grounded and judged apart."""

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
    recent_tried: float = 0.0
    """Verified attempts, older ones counting for less."""
    recent_passed: float = 0.0
    """Those of them that passed."""
    promised_usd: str = "0"
    """What its bids asked, as text; only attempts whose bid asked dollars."""
    delivered_usd: str = "0"
    """What the same attempts took, as text."""
    promised_seconds: float = 0.0
    """What its bids asked; only attempts whose bid asked seconds."""
    delivered_seconds: float = 0.0
    """What the same attempts took."""
    squared_error: float = 0.0
    """Sum of (stated confidence - outcome) squared; only attempts with a stated confidence, as in the bins."""
    confidence: tuple[ConfidenceBin, ...] = NOTHING_STATED
    """Stated confidence against outcomes, in bins from 0 to 1."""
    bids: int = 0
    """Bids on tasks whose outcome is known, malformed ones too."""
    malformed_bids: int = 0
    """Those that were no plan, or did not fit the schema of one."""
    bidding_usd: str = "0"
    """Dollars that those bids took, marks and second plans included, as text."""
    bidding_seconds: float = 0.0
    """Seconds that they took."""
    tool_calls: int = 0
    """Calls of tools in those attempts."""
    tool_calls_ok: int = 0
    """Those that ran without an error."""
    judged_passed: int = 0
    """Its marks for bids whose work passed, as a judge."""
    judged_passed_right: int = 0
    """Those of them that said so."""
    judged_failed: int = 0
    """Its marks for bids whose work failed, as a judge."""
    judged_failed_right: int = 0
    """Those of them that said so."""
    entropies: tuple[float, ...] = ()
    """Mean token entropies of its latest plans on verified tasks, each in [0, 1], the newest last; the top-k form."""
    surprisals: tuple[float, ...] = ()
    """Mean surprisals in nats of its latest plans on verified tasks, the newest last; the sampled form."""
    seq: int = 0
    """Position on the ledger of the last event that was added."""


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
    auction: int = 0
    """In which of the task's calls for bids, from 0."""
