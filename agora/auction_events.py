"""What an auction puts on the ledger: who may bid, the calls for bids, bids, judgements, scores, awards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from agora.bids import Award, Bid, Clearing, Lesson, Reserve, Shortlist, Standing
from agora.desk_events import Happening
from agora.routing import HardFailure
from agora.tasks import Limits


class Screened(Happening):
    """Who may bid, with propensities, and who was kept out and why."""

    kind: Literal["screened"] = "screened"
    shortlist: Shortlist
    """The policy's choice."""
    reserve: Reserve
    """What is left for the task, fixed before any bid is opened."""
    files: tuple[str, ...] = ()
    """Names of the files in the workspace then, capped: what agents are told."""
    standings: Mapping[str, Standing] = Field(default_factory=dict)
    """What the market knew then of everyone on the shortlist."""
    histories: Mapping[str, str] = Field(default_factory=dict)
    """What each with a record is told of it before it bids."""
    records_at: int | None = Field(default=None, ge=0)
    """Position on the ledger up to which the records were known that the task is decided by; None: not on record."""
    left: Limits | None = None
    """What was left for the task; None: not on record."""
    down: Mapping[str, str] = Field(default_factory=dict)
    """Who could not be reached then, and why."""


class Opened(Happening):
    """A call for bids: the first one, and one more after each attempt that did not pass."""

    kind: Literal["opened"] = "opened"
    auction: int = 0
    """Which one, from 0."""
    how: Literal["auction", "post", "explore", "replan", "reassign"]
    """Bids are called for; the price is posted to one agent, or to a newcomer by lot; who failed tries again; the
    others get it, with the evidence."""
    asked: tuple[str, ...]
    """Who is asked for a bid."""
    reserve: Reserve
    """The most that an award may cost now: the scale of this auction's scores."""
    reason: str = ""
    """Why these, in one sentence."""
    left: Limits | None = None
    """What was left for the task; None: not on record."""


class Closed(Happening):
    """No more calls for bids on a task: it is decided, a limit is reached, or it is set aside."""

    kind: Literal["closed"] = "closed"
    parked: bool = False
    """True: enough agents failed; a person may look at its trace."""
    reason: str
    """Why, in one sentence."""
    left: Limits | None = None
    """What was left for the task; None: not on record."""


class BidPlaced(Happening):
    """A sealed bid arrived in time."""

    kind: Literal["bid"] = "bid"
    auction: int = 0
    """Of which call for bids."""
    bid: Bid
    """As the market weighed it."""


class BidRefused(Happening):
    """An agent did not bid: late, failed, malformed or unwilling."""

    kind: Literal["bid_refused"] = "bid_refused"
    auction: int = 0
    """Of which call for bids."""
    agent: str
    """Who."""
    round: int = 0
    """1: it has bid, and did not refine its bid."""
    reason: str
    """Why, in words."""
    malformed: bool = False
    """True: what it gave was no plan, or did not fit the schema of one."""
    failure: HardFailure | None = None
    """Where it could not be reached or never answered."""


class Judged(Happening):
    """One judge's marks for all bids of a round, or why it has none."""

    kind: Literal["judged"] = "judged"
    auction: int = 0
    """Of which call for bids."""
    judge: str
    """Who."""
    round: int = 0
    """0 for the first bids, 1 for the refined ones."""
    marks: Mapping[str, int] = Field(default_factory=dict)
    """Bidder -> 0 to 5; none where the judge was dropped."""
    agreement: float = Field(default=0.5, ge=0, le=1)
    """How far its marks went with grounded outcomes until then."""
    dropped: str = ""
    """Why its marks do not count: late, failed, unreadable twice."""


class Recalled(Happening):
    """What one agent is shown of past auctions before it may write its plan again."""

    kind: Literal["recalled"] = "recalled"
    auction: int = 0
    """Of which call for bids."""
    agent: str
    """Who."""
    lessons: tuple[Lesson, ...]
    """The most similar past task first."""


class Scored(Happening):
    """All bids were opened together and scored; once more after some were refined."""

    kind: Literal["scored"] = "scored"
    auction: int = 0
    """Of which call for bids."""
    clearing: Clearing
    """Every term of every score."""
    seed: int
    """What ties were broken with."""
    round: int = 0
    """0 for the first bids, 1 with the refined ones."""
    refined: tuple[str, ...] = ()
    """Whose second bid counts instead of the first."""
    aside: Mapping[str, str] = Field(default_factory=dict)
    """Whose second bid does not count, and why."""
    withdrawn: tuple[str, ...] = ()
    """Whose bid does not count, since it left before the bids were opened."""


class Awarded(Happening):
    """The task goes to an agent."""

    kind: Literal["awarded"] = "awarded"
    auction: int = 0
    """Of which call for bids."""
    award: Award
    """To whom, for what, and why."""
    evidence: tuple[str, ...] = ()
    """What earlier attempts failed with, handed to this one."""
