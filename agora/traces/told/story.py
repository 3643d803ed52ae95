"""A run told from its events alone: what the live view, `show` and `explain` draw from.

Nothing here decides; a story is the ledger in the order in which a reader wants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from agora.bids import Award, Bid, Clearing, Juror, Lesson, Reserve, Shortlist
from agora.events import (
    Applied,
    Asked,
    Awarded,
    BidPlaced,
    BidRefused,
    Called,
    Done,
    Event,
    Judged,
    Opened,
    Performed,
    Posted,
    Recalled,
    Reserved,
    Resumed,
    Scored,
    Screened,
    Settled,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.questions import About
from agora.routing_events import Routed
from agora.tasks import Outcome, Patch, Task, Usage, Verdict
from agora.traces.told.flow import FlowTold
from agora.traces.told.pool import PoolTold


@dataclass(kw_only=True)
class AttemptStory:
    """One award and what came of it so far."""

    award: Award
    """To whom, for what, and why."""
    evidence: tuple[str, ...] = ()
    """What earlier attempts handed on."""
    running: Usage = field(default_factory=Usage)
    """What it has taken so far."""
    delivered: Usage | None = None
    """What it took; None while it runs."""
    promised_tokens: int = 0
    """From the bid."""
    output: str = ""
    """What was handed in, in words."""
    patch: Patch = field(default_factory=Patch)
    """What was changed."""
    error: str = ""
    """Why the agent broke off, where it did."""
    outcome: Outcome | None = None
    """What the verifier found; None until it has."""


@dataclass(kw_only=True)
class RoundStory:
    """One round of an auction: the first bids, or the plans that were written once more."""

    bids: dict[str, Bid] = field(default_factory=dict[str, Bid])
    """Agent -> bid, as it was placed: before anybody judged it."""
    refused: dict[str, str] = field(default_factory=dict[str, str])
    """Agent -> why it did not bid."""
    judged: dict[str, Judged] = field(default_factory=dict[str, Judged])
    """Judge -> its marks, or why it has none."""
    scored: Scored | None = None
    """How the bids were scored; None until they were."""


@dataclass(kw_only=True)
class AuctionStory:
    """One call for bids and what came of it."""

    opened: Opened
    """Why it was called, who was asked, and the scale of its scores."""
    first: RoundStory = field(default_factory=RoundStory)
    """The first bids."""
    second: RoundStory = field(default_factory=RoundStory)
    """What was written once more; empty where nothing was."""
    lessons: dict[str, tuple[Lesson, ...]] = field(default_factory=dict[str, tuple[Lesson, ...]])
    """Agent -> what it was shown before it wrote once more."""
    attempts: list[AttemptStory] = field(default_factory=list[AttemptStory])
    """Its awards: one; of older ledgers a second one to the runner-up."""

    @property
    def scored(self) -> Scored | None:
        """The scores that count; None until there are some."""
        return self.second.scored or self.first.scored

    @property
    def clearing(self) -> Clearing | None:
        """How the bids that count were scored; None until they were."""
        return self.scored.clearing if self.scored else None

    @property
    def bids(self) -> dict[str, Bid]:
        """The bids that count, by agent: a second one where it does."""
        refined = self.second.scored.refined if self.second.scored else ()
        again = {agent: self.second.bids[agent] for agent in refined if agent in self.second.bids}
        return {**self.first.bids, **again}

    def marks(self, agent: str, *, round: int) -> dict[str, int]:
        """Judge -> its mark for a bid, 0 to 5."""
        judged = (self.second if round else self.first).judged
        return {judge: one.marks[agent] for judge, one in judged.items() if agent in one.marks}

    def jury(self, operators: Mapping[str, str], *, round: int) -> dict[str, Juror]:
        """The judges whose marks were read.

        Args:
            operators: Agent -> who is behind it.
            round: Up to which round.
        """
        heard = chain(self.first.judged.items(), self.second.judged.items() if round else ())
        return {
            judge: Juror(operator=operators.get(judge, ""), agreement=one.agreement)
            for judge, one in heard
            if not one.dropped
        }


@dataclass(kw_only=True)
class TaskStory:
    """One task on its way through the market."""

    task: Task
    """What was asked."""
    reserve: Reserve = field(default_factory=Reserve)
    """What was left for it when it was screened."""
    routed: Routed | None = None
    """Why these are asked and not others, where a policy that learns has decided."""
    screened: bool = False
    """False: it was announced, and the run had nothing left to do it with."""
    shortlist: Shortlist = field(default_factory=lambda: Shortlist(members={}))
    """Who was asked, and who was kept out and why."""
    auctions: list[AuctionStory] = field(default_factory=list[AuctionStory])
    """Its calls for bids, in order."""
    calls: list[tuple[Reserved, Called | None]] = field(default_factory=list[tuple[Reserved, Called | None]])
    """Each model call with its end; None where its fate is unknown."""
    tools: list[ToolUsed] = field(default_factory=list[ToolUsed])
    """Tool calls and commands."""
    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    """Question -> the last that was said about it."""
    applied: Applied | None = None
    """Whether the patch was written to the workspace; None where nobody was asked."""
    done: TaskDone | None = None
    """The terminal row."""

    @property
    def attempts(self) -> list[AttemptStory]:
        """In order."""
        return [attempt for auction in self.auctions for attempt in auction.attempts]

    @property
    def auction(self) -> AuctionStory | None:
        """The latest call for bids; None before the first."""
        return self.auctions[-1] if self.auctions else None

    @property
    def verdict(self) -> Verdict | None:
        """What came of it; None while it runs."""
        return self.done.verdict if self.done else None

    @property
    def waiting(self) -> list[Asked]:
        """Questions that it waits for an answer to."""
        return [] if self.done else [asked for asked in self.asked.values() if asked.granted is None]

    def refused_a(self, about: About) -> bool:
        """Whether a person said no to something of a kind."""
        return any(asked.granted is False and asked.question.about == about for asked in self.asked.values())

    @property
    def last(self) -> AttemptStory | None:
        """The attempt that counts."""
        attempts = self.attempts
        return attempts[-1] if attempts else None

    def numbered(self, auction: int) -> AuctionStory:
        """A call for bids by its number; begun here where the ledger is older than its opening rows."""
        for story in self.auctions:
            if story.opened.auction == auction:
                return story
        asked = tuple(sorted(self.shortlist.members))
        opened = Opened(task=self.task.id, auction=auction, how="auction", asked=asked, reserve=self.reserve)
        self.auctions.append(AuctionStory(opened=opened))
        return self.auctions[-1]


@dataclass(kw_only=True)
class RunStory(FlowTold, PoolTold):
    """One run."""

    tasks: dict[str, TaskStory] = field(default_factory=dict[str, TaskStory])
    """Id -> story, in the order of posting."""
    spent: Usage = field(default_factory=Usage)
    """What all calls, tools and commands took so far."""
    resumed: list[Resumed] = field(default_factory=list[Resumed])
    """Each time that it was gone on with, and what of unknown fate was charged."""
    done: Done | None = None
    """The terminal row; None: it was cut short, waits, or still runs."""

    def tell(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case Posted(spec=spec):
                self.tasks.setdefault(spec.id, TaskStory(task=spec)).task = spec  # a fork posts it once more
            case Done():
                self.done = event
            case Resumed():
                self.resumed.append(event)
            case _:
                if self.told_of_pool(event) or self.told_of_flow(event):
                    return
                if story := self.tasks.get(event.task):
                    _tell_task(story, event)
                if isinstance(event, Called | ToolUsed):
                    self.spent += event.usage

    @property
    def waiting(self) -> list[Asked]:
        """Questions that it waits for an answer to, task by task."""
        steps = [asked for asked in self.steps.values() if asked.granted is None]
        return [*steps, *(asked for story in self.tasks.values() for asked in story.waiting)]

    def overhead(self) -> Usage:
        """The part of the spend that went into bids."""
        return sum((story.done.overhead for story in self.tasks.values() if story.done), Usage())


def told(events: Iterable[Event | None]) -> RunStory:
    """The story of a whole run; erased bodies are left out."""
    story = RunStory()
    for event in events:
        if event is not None:
            story.tell(event)
    return story


def _tell_task(story: TaskStory, event: Event) -> None:
    match event:
        case Routed():
            story.routed = event
        case Screened():
            story.screened, story.shortlist, story.reserve = True, event.shortlist, event.reserve
        case Opened():
            story.auctions.append(AuctionStory(opened=event))
        case BidPlaced() | BidRefused() | Judged() | Recalled() | Scored() | Awarded():
            _tell_auction(story.numbered(event.auction), event)
        case Asked(question=question):
            story.asked[question.id] = event
        case Applied():
            story.applied = event
        case TaskDone():
            story.done = event
        case _:
            _tell_work(story, event)


def _tell_auction(auction: AuctionStory, event: BidPlaced | BidRefused | Judged | Recalled | Scored | Awarded) -> None:
    match event:
        case BidPlaced(bid=bid):
            (auction.second if bid.round else auction.first).bids[bid.agent] = bid
        case BidRefused():
            (auction.second if event.round else auction.first).refused[event.agent] = event.reason
        case Judged():
            (auction.second if event.round else auction.first).judged[event.judge] = event
        case Recalled():
            auction.lessons[event.agent] = event.lessons
        case Scored():
            (auction.second if event.round else auction.first).scored = event
        case Awarded():
            auction.attempts.append(AttemptStory(award=event.award, evidence=event.evidence))


def _tell_work(story: TaskStory, event: Event) -> None:
    """Calls, tools, and what came of an attempt."""
    match event:
        case Reserved():
            story.calls.append((event, None))
        case Called():
            _end_call(story, event)
            _count(story, event.agent, event.usage)
        case ToolUsed():
            story.tools.append(event)
            _count(story, event.agent, event.usage)
        case Performed() if story.last:
            work = event.work
            story.last.delivered, story.last.error = event.usage, event.error
            if work is not None:
                story.last.output, story.last.patch = work.output, work.patch
        case Verified(outcome=outcome) if story.last:
            story.last.outcome = outcome
        case Settled() if story.last:
            story.last.promised_tokens = event.promised_tokens
        case _:
            pass


def _end_call(story: TaskStory, event: Called) -> None:
    for index, (intent, end) in enumerate(story.calls):
        if end is None and intent.call == event.call:
            story.calls[index] = (intent, event)
            return


def _count(story: TaskStory, agent: str, usage: Usage) -> None:
    if story.last and story.last.delivered is None and story.last.award.agent == agent:
        story.last.running += usage
