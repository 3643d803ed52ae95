"""The two things that the stages of the loop pass around: the house (what is fixed) and the lot (what is decided)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from agora.abilities import Juried, MayBeDown, Ruled
from agora.auctions.ranking import tie_hash
from agora.bids import Bid, Clearing, Juror, Shortlist, Standing
from agora.budget import Purse
from agora.desk.steps import StepLessons
from agora.events import Event, Opened
from agora.pool import Pool
from agora.protocols import Agent, Mechanism, Policy, Sandbox, Verifier
from agora.records import AgentRecord
from agora.results import Attempt
from agora.routing import NOWHERE, HardFailure, Place
from agora.rules import NO_RULES, Rules
from agora.runs import Run
from agora.sandbox import refuse_below
from agora.tasks import Task, Tier, Usage

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, kw_only=True)
class House:
    """The collaborators of one run."""

    run: Run
    """Ledger, clock, chance, and what is on record."""
    pool: Pool
    """Who takes part, as it changes."""
    mechanism: Mechanism
    """Ranks the bids."""
    policy: Policy
    """Makes the shortlist."""
    sandbox: Sandbox
    """Makes the copies that agents work in and that verifiers check."""
    bid_deadline_s: float
    """Later bids do not count."""
    attempts: int
    """How many awards a task gets at most."""
    learn: bool
    """False for a measurement: outcomes stand on the ledger, and nothing is learned from them."""
    verifiers: dict[str, Verifier] = field(default_factory=dict[str, Verifier])
    """Task id -> verifier, of the tasks that were posted."""
    parallel: int = 1
    """How many tasks are worked on at once."""
    working: Counter[str] = field(default_factory=Counter[str])
    """Operator -> attempts that it is at."""

    def require_sandbox(self, tasks: Iterable[Task]) -> None:
        """Refuse before anything is spent what no sandbox here may do.

        Raises:
            SandboxError: A task demands a stronger tier than there is.
        """
        least = max((task.tier for task in tasks if task.workspace is not None), default=Tier.BARE)
        if least > Tier.BARE:
            refuse_below(least, self.sandbox.tier)

    @property
    def agents(self) -> Mapping[str, Agent]:
        """Everyone at hand, by name; those that left, too."""
        return self.pool.agents

    @property
    def cards(self) -> Mapping[str, str]:
        """What each agent is, whatever its name: its card's hash."""
        return self.pool.hashes

    @cached_property
    def step_lessons(self) -> StepLessons:
        """What was learned of which model a call goes to."""
        return StepLessons(self.run.store)

    @property
    def operators(self) -> Mapping[str, str]:
        """Who is behind each agent, those that left among them."""
        return self.pool.operators

    @cached_property
    def rules(self) -> Rules:
        """How auctions are held besides their scores."""
        return self.mechanism.rules if isinstance(self.mechanism, Ruled) else NO_RULES

    @cached_property
    def jury(self) -> frozenset[str] | None:
        """Who judges, by name; None: everyone who can."""
        return self.mechanism.jury if isinstance(self.mechanism, Juried) else frozenset()

    def in_lot_order(self, names: Iterable[str], label: str) -> list[str]:
        """Names by a lot on what each agent is: who starts first reserves first, and no name decides that."""
        seed = self.run.chance.integer(label)
        return sorted(names, key=lambda name: (tie_hash(seed, self.cards[name]), name))

    def deadline_s(self, lot: Lot) -> float:
        """Seconds after which bids or marks do not count: the market's, or what the task still has."""
        left = lot.purse.left.seconds
        return self.bid_deadline_s if left is None else min(self.bid_deadline_s, left)

    def judges_among(self, asked: Iterable[str]) -> tuple[str, ...]:
        """Who of those that are asked for a bid judges now, in the order of names; nobody who has left."""
        return tuple(name for name in self.judges_of(asked) if name not in self.pool.gone)

    def judges_of(self, asked: Iterable[str]) -> tuple[str, ...]:
        """The same, with those who have left since they were asked."""
        able = (name for name in asked if "judges" in self.pool.able.get(name, ()))
        return tuple(sorted(name for name in able if self.jury is None or name in self.jury))

    def note(self, *events: Event) -> None:
        """Put events on the ledger with the next commit, all or none."""
        self.run.note(*events)

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
        members = {card.name: self.agents[card.name] for card in self.pool.members}
        reasons = {name: agent.down() for name, agent in members.items() if isinstance(agent, MayBeDown)}
        return {name: why for name, why in reasons.items() if why}


@dataclass(kw_only=True)
class Auction:
    """One call for bids, and what came of it."""

    opened: Opened
    """Which one of the task's, who is asked, and within what reserve."""
    purse: Purse
    """What bidding takes, jury and second plans included: out of the task's."""
    bids: dict[str, Bid] = field(default_factory=dict[str, Bid])
    """As opened, by agent; a refined one where it counts."""
    taken: defaultdict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    """Agent -> what its bids and its marks took."""
    jury: dict[str, Juror] = field(default_factory=dict[str, Juror])
    """Judge -> who it is; those that were dropped are not there."""
    refusals: dict[str, str] = field(default_factory=dict[str, str])
    """Who did not bid, and why."""
    failures: dict[str, HardFailure] = field(default_factory=dict[str, HardFailure])
    """Who could not be reached or never answered."""
    malformed: set[str] = field(default_factory=set[str])
    """Whose bid was no plan, or did not fit the schema of one."""
    clearing: Clearing = field(default_factory=lambda: Clearing(mechanism="", ranking=()))
    attempt: Attempt | None = None
    """What came of its award."""

    @property
    def number(self) -> int:
        """Which one of the task's, from 0."""
        return self.opened.auction

    def phase(self, name: str) -> str:
        """The name of a phase of this auction: of the first one, the name itself."""
        return f"{name}-{self.number}" if self.number else name

    @property
    def phases(self) -> tuple[str, ...]:
        """The names of its phases in which somebody is asked."""
        return tuple(self.phase(name) for name in ("bid", "refine", "jury-0", "jury-1"))


@dataclass(kw_only=True)
class Lot:
    """One task on its way through the market."""

    task: Task
    purse: Purse
    """What it may take, bids included."""
    place: Place = NOWHERE
    """Where it stands in its workflow."""
    files: tuple[str, ...] = ()
    """Names of the files in the workspace."""
    shortlist: Shortlist = field(default_factory=lambda: Shortlist(members={}))
    standings: dict[str, Standing] = field(default_factory=dict[str, Standing])
    """What the market knew of those on the shortlist before they bid."""
    records: tuple[AgentRecord, ...] = ()
    """All records on the task's skill, read once: grounded outcomes only."""
    histories: dict[str, str] = field(default_factory=dict[str, str])
    """The same in words, for those that have a record: each is told its own before it bids."""
    auctions: list[Auction] = field(default_factory=list[Auction])
    """In order; the last one is under way, or was the last."""
    refused: str = ""
    """Why a person refused to let it go on."""
    parked: str = ""
    """Why it is set aside for a person to look at."""
    applied: bool = False

    @property
    def auction(self) -> Auction:
        """The last one."""
        return self.auctions[-1]

    @property
    def overhead(self) -> Usage:
        """What bidding took so far."""
        return sum((auction.purse.spent for auction in self.auctions), Usage())

    @property
    def attempts(self) -> list[Attempt]:
        """What came of the awards so far, in order."""
        return [auction.attempt for auction in self.auctions if auction.attempt is not None]

    @property
    def deciding(self) -> Auction | None:
        """The auction of the attempt that counts; the last one where there was no attempt; None: there was none."""
        awarded = [auction for auction in self.auctions if auction.attempt is not None]
        return next(reversed(awarded or self.auctions), None)

    @property
    def evidence(self) -> tuple[str, ...]:
        """What the attempts so far failed with."""
        return tuple(attempt.outcome.evidence for attempt in self.attempts)
