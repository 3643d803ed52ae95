"""What one task comes to, when figures over many runs are made: the facts that a fold hands to its tallies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from agora.tasks import Usage, Verdict

Ground = Literal["grounded", "judged", "unknown", "untried"]
"""What a verdict rests on: a check, a model's opinion, nothing; untried: there was no attempt."""

Part = Literal["bids", "jury", "second plans", "work", "verifying", "other"]
"""What money goes into."""
PARTS: Final[tuple[Part, ...]] = ("bids", "jury", "second plans", "work", "verifying", "other")
OVERHEAD: Final[tuple[Part, ...]] = ("bids", "jury", "second plans")
"""The parts that an auction takes."""
_PREFIXES: Final[Mapping[str, Part]] = {
    "bid": "bids",
    "jury": "jury",
    "refine": "second plans",
    "attempt": "work",
    "solo": "work",
    "verify": "verifying",
}


class Who(NamedTuple):
    """An agent: another operator behind the same name is another one."""

    name: str
    operator: str


class Spent(NamedTuple):
    """So much, exactly."""

    usd: Decimal = Decimal(0)
    tokens: int = 0
    seconds: float = 0.0

    def plus(self, usage: Usage) -> Spent:
        """With what a call took besides."""
        return Spent(self.usd + usage.usd, self.tokens + usage.tokens, self.seconds + usage.seconds)


@dataclass(kw_only=True)
class Attempted:
    """One attempt: who, what it asked and took, what came of it."""

    who: Who
    marks: Mapping[Who, int]
    """Judge -> 0 to 5 for the plan that was followed."""
    asked_usd: Decimal | None = None
    """What its bid asked; None where it asked no dollars."""
    asked_s: float | None = None
    """What its bid asked; None where it asked no seconds."""
    capped: bool = False
    """Whether its plan named a cap on the tokens that it writes."""
    verified: bool = False
    """Whether what it came to is on record."""
    verdict: Verdict = Verdict.UNKNOWN
    grounded: bool = True
    promised_steps: int = 0
    promised_tokens: int = 0
    took: Usage | None = None
    """None: it never ended."""

    @property
    def ground(self) -> Ground:
        """What its verdict rests on."""
        return "unknown" if self.verdict is Verdict.UNKNOWN else "grounded" if self.grounded else "judged"

    @property
    def passed(self) -> bool:
        """Whether its work passed."""
        return self.verdict is Verdict.PASSED

    def promises(self) -> Iterator[tuple[str, float, float]]:
        """What was promised and delivered, in each unit in which something was."""
        if self.took is None:
            return
        yield "steps", self.promised_steps, self.took.steps
        yield "tokens", self.promised_tokens, self.took.output_tokens if self.capped else self.took.tokens
        if self.asked_usd is not None:
            yield "usd", float(self.asked_usd), float(self.took.usd)
        if self.asked_s is not None:
            yield "s", self.asked_s, self.took.seconds


class OnTask(NamedTuple):
    """What one agent did at one task, all its attempts together."""

    who: Who
    attempts: int
    grounded: bool | None
    """Whether a check passed one of them; None: no check decided."""
    judged: bool | None
    """Whether a model passed one of them; None: no model decided."""
    usd: Decimal
    seconds: float


@dataclass(kw_only=True)
class TaskFacts:
    """One task that ended."""

    skill: str
    at_us: int
    """When it ended, microseconds since the epoch."""
    passed: bool
    ground: Ground
    usage: Usage
    """Everything that it took."""
    overhead: Usage
    """The part that finding out who does it took."""
    attempts: Sequence[Attempted] = ()
    """In order."""
    parts: Mapping[Part, Spent] = field(default_factory=dict[Part, Spent])
    """What its calls took, by what they were for."""

    def by_agent(self) -> list[OnTask]:
        """What each agent did at it, in the order in which they got it."""
        mine: dict[Who, list[Attempted]] = {}
        for attempt in self.attempts:
            if attempt.took is not None:
                mine.setdefault(attempt.who, []).append(attempt)
        return [_on_task(who, attempts) for who, attempts in mine.items()]


def _on_task(who: Who, attempts: Sequence[Attempted]) -> OnTask:
    found: dict[Ground, list[bool]] = {}
    usd, seconds = Decimal(0), 0.0
    for attempt in attempts:
        found.setdefault(attempt.ground, []).append(attempt.passed)
        if attempt.took is not None:
            usd, seconds = usd + attempt.took.usd, seconds + attempt.took.seconds
    grounded, judged = found.get("grounded"), found.get("judged")
    return OnTask(
        who,
        len(attempts),
        None if grounded is None else any(grounded),
        None if judged is None else any(judged),
        usd,
        seconds,
    )


def part_of(phase: str) -> Part:
    """What a phase of a task is for.

    >>> part_of("bid"), part_of("refine-2"), part_of("jury-0-A"), part_of("attempt-1"), part_of("sort")
    ('bids', 'second plans', 'jury', 'work', 'other')
    """
    return _PREFIXES.get(phase.partition("-")[0], "other")


def phase_of(task: str, call: str) -> str:
    """The phase in a call's id, task/phase/agent/number.

    >>> phase_of("a/b", "a/b/jury-0/scout/1")
    'jury-0'
    """
    return call.removeprefix(f"{task}/").partition("/")[0]
