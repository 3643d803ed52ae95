"""Many runs folded into counts: one pass over the ledger, in its order, with nothing kept but what is still open.

A task counts when it has ended. Runs that were made to be compared with (`agora bench`, the demo's alternatives) and
forks count for nothing: what was done in them was not for the market to decide. An erased body is counted, and what
stood in it is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from agora.bids import Amount, Plan
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Done,
    Joined,
    Judged,
    Posted,
    Settled,
    Started,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.records import Recorded
from agora.tasks import Usage, Verdict
from agora.traces.many.facts import Attempted, Part, Spent, TaskFacts, Who, part_of, phase_of
from agora.traces.many.tallies import Scope

KINDS: Final = frozenset(
    {
        "started",
        "joined",
        "posted",
        "bid",
        "judged",
        "awarded",
        "called",
        "tool",
        "verified",
        "settled",
        "task_done",
        "done",
    }
)
"""The kinds of events that it reads."""
COMPARED: Final = "baseline"
"""The note that marks a run as one of a comparison (`agora.bench.ways.NOTE`)."""


class _Asked(NamedTuple):
    """One bid, as far as it matters once it has won."""

    plan: Plan
    price: Amount


@dataclass(kw_only=True)
class _Open:
    """A task that has not ended."""

    skill: str
    bids: dict[tuple[int, str, int], _Asked] = field(default_factory=dict[tuple[int, str, int], _Asked])
    """(auction, agent, round) -> bid."""
    marks: dict[tuple[int, int], dict[str, Mapping[str, int]]] = field(
        default_factory=dict[tuple[int, int], dict[str, Mapping[str, int]]]
    )
    """(auction, round) -> judge -> bidder -> mark."""
    attempts: dict[int, Attempted] = field(default_factory=dict[int, Attempted])
    parts: dict[Part, Spent] = field(default_factory=dict[Part, Spent])


@dataclass(kw_only=True)
class _Run:
    """A run that has not ended."""

    counts: bool
    operators: dict[str, str] = field(default_factory=dict[str, str])
    tasks: dict[str, _Open] = field(default_factory=dict[str, _Open])

    def who(self, agent: str) -> Who:
        """An agent of this run."""
        return Who(agent, self.operators.get(agent, ""))


@dataclass(kw_only=True)
class ManyFold:
    """The counts of many runs; take in the entries of kinds `KINDS`, in order."""

    skill: str | None = None
    """Only tasks of this class; None: all."""
    only: frozenset[str] | None = None
    """Only these runs; None: all."""
    since_us: int = 0
    """Only runs that began then or later, microseconds since the epoch."""
    seq: int = 0
    """Position of the last entry that was taken in."""
    runs: int = 0
    """Runs that count."""
    ended: int = 0
    """Those that are done."""
    aside: int = 0
    """Runs that count for nothing: alternatives to others, and forks."""
    erased: int = 0
    """Entries without a body."""
    partial: int = 0
    """Tasks of which something is missing: they count for nothing."""
    first_us: int | None = None
    """When the first run that counts began."""
    last_us: int | None = None
    """When the last entry was recorded."""
    total: Scope = field(default_factory=Scope)
    """All classes together."""
    classes: dict[str, Scope] = field(default_factory=dict[str, Scope])
    """Skill -> counts."""
    _runs: dict[str, _Run] = field(default_factory=dict[str, _Run])
    _others: set[str] = field(default_factory=set[str])

    @property
    def open_tasks(self) -> int:
        """Tasks that were posted and have not ended."""
        return sum(len(run.tasks) for run in self._runs.values() if run.counts)

    def take(self, entry: Recorded) -> None:
        """Take in the next entry."""
        self.seq = entry.seq
        if entry.run in self._others or (self.only is not None and entry.run not in self.only):
            return
        run = self._runs.get(entry.run)
        if run is None and (run := self._begun(entry)) is None:
            return
        if entry.event is None:
            self.erased += run.counts
            return
        self.last_us = max(self.last_us or 0, entry.at_us)
        rule = _RULES.get(entry.event.kind)
        if rule is not None:
            rule(self, run, entry, entry.event)

    def _begun(self, entry: Recorded) -> _Run | None:
        if entry.at_us < self.since_us:
            self._others.add(entry.run)
            return None
        event = entry.event
        counts = not (isinstance(event, Started) and (event.forked is not None or COMPARED in event.notes))
        self.aside += not counts
        self.runs += counts
        if counts:
            self.first_us = entry.at_us if self.first_us is None else min(self.first_us, entry.at_us)
        run = self._runs[entry.run] = _Run(counts=counts)
        return run

    def started(self, run: _Run, entry: Recorded, event: Started) -> None:
        """The pool."""
        run.operators.update({card.name: card.operator for card in event.agents})

    def joined(self, run: _Run, entry: Recorded, event: Joined) -> None:
        """One more in the pool."""
        run.operators[event.profile.name] = event.profile.operator

    def posted(self, run: _Run, entry: Recorded, event: Posted) -> None:
        """A task is announced."""
        if run.counts and self.skill in (None, event.spec.skill):
            run.tasks[event.spec.id] = _Open(skill=event.spec.skill)

    def bid(self, run: _Run, entry: Recorded, event: BidPlaced) -> None:
        """A bid."""
        if task := run.tasks.get(event.task):
            bid = event.bid
            task.bids[event.auction, bid.agent, bid.round] = _Asked(bid.plan, bid.price)

    def judged(self, run: _Run, entry: Recorded, event: Judged) -> None:
        """A judge's marks."""
        if (task := run.tasks.get(event.task)) and not event.dropped:
            task.marks.setdefault((event.auction, event.round), {})[event.judge] = event.marks

    def awarded(self, run: _Run, entry: Recorded, event: Awarded) -> None:
        """An attempt begins."""
        task = run.tasks.get(event.task)
        if task is None:
            return
        award, number = event.award, event.auction
        second = task.bids.get((number, award.agent, 1))
        round_ = int(second is not None and second.plan == award.plan)
        asked = task.bids.get((number, award.agent, round_))
        price = asked.price if asked else None
        task.attempts[award.attempt] = Attempted(
            who=run.who(award.agent),
            marks=_marks(run, task.marks.get((number, round_), {}), award.agent),
            asked_usd=price.value if price and price.unit == "usd" else None,
            asked_s=float(price.value) if price and price.unit == "s" else None,
            capped=award.plan.tokens is not None,
            promised_steps=award.plan.steps,
        )

    def called(self, run: _Run, entry: Recorded, event: Called) -> None:
        """A model call ended."""
        _spend(run, event.task, phase_of(event.task, event.call), event.usage)

    def tool(self, run: _Run, entry: Recorded, event: ToolUsed) -> None:
        """A tool or a command ended."""
        _spend(run, event.task, event.phase, event.usage)

    def verified(self, run: _Run, entry: Recorded, event: Verified) -> None:
        """What an attempt came to."""
        if attempt := _attempt(run, event.task, event.attempt):
            attempt.verified = True
            attempt.verdict, attempt.grounded = event.outcome.verdict, event.outcome.grounded

    def settled(self, run: _Run, entry: Recorded, event: Settled) -> None:
        """What an attempt took."""
        if attempt := _attempt(run, event.task, event.attempt):
            attempt.took, attempt.promised_tokens = event.delivered, event.promised_tokens

    def task_done(self, run: _Run, entry: Recorded, event: TaskDone) -> None:
        """A task ended: it counts."""
        task = run.tasks.pop(event.task, None)
        if task is None:
            self.partial += run.counts and self.skill is None
            return
        whole = [attempt for attempt in task.attempts.values() if attempt.took is not None and attempt.verified]
        if len(whole) < event.attempts:
            self.partial += 1
            return
        facts = TaskFacts(
            skill=task.skill,
            at_us=entry.at_us,
            passed=event.verdict is Verdict.PASSED,
            ground="unknown"
            if whole and event.verdict is Verdict.UNKNOWN
            else whole[-1].ground
            if whole
            else "untried",
            usage=event.usage,
            overhead=event.overhead,
            attempts=[attempt for _, attempt in sorted(task.attempts.items())],
            parts=task.parts,
        )
        self.total.add(facts)
        self.classes.setdefault(task.skill, Scope()).add(facts)

    def done(self, run: _Run, entry: Recorded, event: Done) -> None:
        """A run ended."""
        self.ended += run.counts
        del self._runs[entry.run]
        self._others.add(entry.run)


def _marks(run: _Run, judged: Mapping[str, Mapping[str, int]], agent: str) -> dict[Who, int]:
    """What others than its own operator's agents said of a plan."""
    own = run.operators.get(agent, "")
    return {
        run.who(judge): marks[agent]
        for judge, marks in judged.items()
        if agent in marks and judge != agent and (not own or run.operators.get(judge) != own)
    }


def _spend(run: _Run, task_id: str, phase: str, usage: Usage) -> None:
    if task := run.tasks.get(task_id):
        part = part_of(phase)
        task.parts[part] = task.parts.get(part, Spent()).plus(usage)


def _attempt(run: _Run, task_id: str, number: int) -> Attempted | None:
    task = run.tasks.get(task_id)
    return task.attempts.get(number) if task else None


_RULES: Final[Mapping[str, Callable[[ManyFold, _Run, Recorded, Any], None]]] = {
    "started": ManyFold.started,
    "joined": ManyFold.joined,
    "posted": ManyFold.posted,
    "bid": ManyFold.bid,
    "judged": ManyFold.judged,
    "awarded": ManyFold.awarded,
    "called": ManyFold.called,
    "tool": ManyFold.tool,
    "verified": ManyFold.verified,
    "settled": ManyFold.settled,
    "task_done": ManyFold.task_done,
    "done": ManyFold.done,
}
