"""The counts that figures over many runs are made from: one set for each task class, and one for all together.

Pure, and no larger for more tasks: sums, windows, and one entry for each combination of agents that met at a task.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from typing import Final

from agora.intervals import Sums
from agora.records import LEAST_YES
from agora.traces.many.facts import Attempted, OnTask, Part, Spent, TaskFacts, Who
from agora.traces.many.windows import Windows

MOST_TOGETHER: Final = 5
"""Of more agents than that at one task, what some of them took together is not kept."""


@dataclass(kw_only=True)
class Count:
    """How many of so many."""

    n: int = 0
    passed: int = 0

    def add(self, passed: bool) -> None:
        """One more."""
        self.n += 1
        self.passed += passed

    def merge(self, other: Count) -> None:
        """All of another one."""
        self.n += other.n
        self.passed += other.passed


@dataclass(kw_only=True)
class Promised:
    """Promised against delivered, in one unit."""

    promised: float = 0.0
    delivered: float = 0.0
    kept: Count = field(default_factory=Count)
    """Attempts that took no more than was promised."""


@dataclass(kw_only=True)
class AgentTally:
    """What one agent did."""

    attempts: int = 0
    grounded: Count = field(default_factory=Count)
    """Tasks on which a check decided."""
    judged: Count = field(default_factory=Count)
    """Tasks on which a model decided."""
    unknown: int = 0
    """Tasks on which nothing did."""
    usd: Sums = field(default_factory=Sums)
    """Dollars a task."""
    total_usd: Decimal = Decimal(0)
    seconds: Sums = field(default_factory=Sums)
    """Seconds a task."""
    promises: dict[str, Promised] = field(default_factory=dict[str, Promised])
    """Unit -> promised and delivered."""

    def add(self, one: OnTask) -> None:
        """One task."""
        self.attempts += one.attempts
        if one.grounded is not None:
            self.grounded.add(one.grounded)
        if one.judged is not None:
            self.judged.add(one.judged)
        self.unknown += one.grounded is None and one.judged is None
        self.usd.add(float(one.usd))
        self.total_usd += one.usd
        self.seconds.add(one.seconds)

    def hold(self, attempt: Attempted) -> None:
        """What one attempt promised and delivered."""
        for unit, promised, delivered in attempt.promises():
            told = self.promises.setdefault(unit, Promised())
            told.promised += promised
            told.delivered += delivered
            told.kept.add(delivered <= promised)


@dataclass(kw_only=True)
class JudgeTally:
    """What one judge's marks for plans were worth, where a check knew better."""

    passed: int = 0
    passed_right: int = 0
    failed: int = 0
    failed_right: int = 0

    def add(self, mark: int, *, passed: bool) -> None:
        """A mark, 0 to 5, and what came of the plan."""
        if passed:
            self.passed += 1
            self.passed_right += mark >= LEAST_YES
        else:
            self.failed += 1
            self.failed_right += mark < LEAST_YES


@dataclass(kw_only=True)
class Cost:
    """What a task took: dollars and seconds."""

    usd: Sums = field(default_factory=Sums)
    seconds: Sums = field(default_factory=Sums)

    def add(self, usd: Decimal, seconds: float) -> None:
        """One task."""
        self.usd.add(float(usd))
        self.seconds.add(seconds)

    def merge(self, other: Cost) -> None:
        """All tasks of another one."""
        self.usd.merge(other.usd)
        self.seconds.merge(other.seconds)


@dataclass(kw_only=True)
class Met:
    """The tasks at which the same agents were checked with the same results."""

    n: int = 0
    costs: dict[frozenset[Who], Cost] = field(default_factory=dict[frozenset[Who], Cost])
    """Some of them -> what they took together."""


@dataclass(kw_only=True)
class TaskWindow:
    """Tasks that ended one after the other."""

    first_us: int = 0
    last_us: int = 0
    units: int = 0
    grounded: Count = field(default_factory=Count)
    judged: Count = field(default_factory=Count)
    cost: Cost = field(default_factory=Cost)
    usd: Decimal = Decimal(0)
    seconds: float = 0.0
    overhead_usd: Decimal = Decimal(0)
    overhead_s: float = 0.0

    def add(self, task: TaskFacts) -> None:
        """One task."""
        count_in(task, self.grounded, self.judged)
        self.cost.add(task.usage.usd, task.usage.seconds)
        self.usd, self.seconds = self.usd + task.usage.usd, self.seconds + task.usage.seconds
        self.overhead_usd += task.overhead.usd
        self.overhead_s += task.overhead.seconds

    def merge(self, other: TaskWindow) -> None:
        """All tasks of the next one."""
        self.grounded.merge(other.grounded)
        self.judged.merge(other.judged)
        self.cost.merge(other.cost)
        self.usd, self.seconds = self.usd + other.usd, self.seconds + other.seconds
        self.overhead_usd += other.overhead_usd
        self.overhead_s += other.overhead_s


@dataclass(kw_only=True)
class AwardWindow:
    """Awards that were made one after the other."""

    first_us: int = 0
    last_us: int = 0
    units: int = 0
    to: Counter[Who] = field(default_factory=Counter[Who])

    def merge(self, other: AwardWindow) -> None:
        """All awards of the next one."""
        self.to.update(other.to)


@dataclass(kw_only=True)
class Scope:
    """The counts of one task class, or of all."""

    tasks: int = 0
    grounded: Count = field(default_factory=Count)
    """What a check decided; tasks that nobody attempted count as not passed."""
    judged: Count = field(default_factory=Count)
    unknown: int = 0
    untried: int = 0
    cost: Cost = field(default_factory=Cost)
    """Of a task that a check decided: all that it took, bids included."""
    usd: Decimal = Decimal(0)
    tokens: int = 0
    seconds: float = 0.0
    overhead: Spent = field(default_factory=Spent)
    parts: dict[Part, Spent] = field(default_factory=dict[Part, Spent])
    agents: dict[Who, AgentTally] = field(default_factory=dict[Who, AgentTally])
    judges: dict[Who, JudgeTally] = field(default_factory=dict[Who, JudgeTally])
    met: dict[frozenset[tuple[Who, bool]], Met] = field(default_factory=dict[frozenset[tuple[Who, bool]], Met])
    windows: Windows[TaskWindow] = field(default_factory=lambda: Windows(TaskWindow))
    awards: Windows[AwardWindow] = field(default_factory=lambda: Windows(AwardWindow))

    def add(self, task: TaskFacts) -> None:
        """One task."""
        self.tasks += 1
        count_in(task, self.grounded, self.judged)
        self.unknown += task.ground == "unknown"
        self.untried += task.ground == "untried"
        if task.ground in ("grounded", "untried"):
            self.cost.add(task.usage.usd, task.usage.seconds)
        self.usd += task.usage.usd
        self.tokens += task.usage.tokens
        self.seconds += task.usage.seconds
        self.overhead = self.overhead.plus(task.overhead)
        for part, spent in task.parts.items():
            usd, tokens, seconds = self.parts.get(part, Spent())
            self.parts[part] = Spent(usd + spent.usd, tokens + spent.tokens, seconds + spent.seconds)
        self.windows.next(task.at_us).add(task)
        self._add_agents(task)

    def _add_agents(self, task: TaskFacts) -> None:
        on_task = task.by_agent()
        for one in on_task:
            self.agents.setdefault(one.who, AgentTally()).add(one)
        for attempt in task.attempts:
            self.awards.next(task.at_us).to[attempt.who] += 1
            if attempt.took is not None:
                self.agents.setdefault(attempt.who, AgentTally()).hold(attempt)
            if attempt.ground == "grounded":
                for judge, mark in attempt.marks.items():
                    self.judges.setdefault(judge, JudgeTally()).add(mark, passed=attempt.passed)
        self._add_met([one for one in on_task if one.grounded is not None])

    def _add_met(self, checked: list[OnTask]) -> None:
        if not checked:
            return
        met = self.met.setdefault(frozenset((one.who, bool(one.grounded)) for one in checked), Met())
        met.n += 1
        sizes = range(1, len(checked) + 1) if len(checked) <= MOST_TOGETHER else (1,)
        for size in sizes:
            for some in combinations(checked, size):
                cost = met.costs.setdefault(frozenset(one.who for one in some), Cost())
                cost.add(sum((one.usd for one in some), Decimal(0)), sum(one.seconds for one in some))


def count_in(task: TaskFacts, grounded: Count, judged: Count) -> None:
    """Count a task where it belongs: what nobody attempted did not pass, and no model had to say so."""
    if task.ground in ("grounded", "untried"):
        grounded.add(task.passed and task.ground == "grounded")
    elif task.ground == "judged":
        judged.add(task.passed)
