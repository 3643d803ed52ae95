"""What comes after an attempt that did not pass: the same agent again, another one, or the end.

The life of a contract in the Contract Net (Smith, 1980; FIPA SC00029) with a failure in it: the agent that failed has
seen the evidence, so it replans first; then the task goes to others; then it is parked for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from agora.errors import ConfigError
from agora.tasks import Limits, Verdict
from agora.values import Value


class Tried(Value):
    """One attempt at the task."""

    agent: str
    """Who made it."""
    verdict: Verdict
    """What came of it."""
    blameless: bool = False
    """True: it could not work at all, by no doing of its own (there was no sandbox)."""


class Replan(Value):
    """The same agent writes a new plan, with the evidence of its failure, and works again."""

    kind: Literal["replan"] = "replan"
    agent: str
    """Who."""
    reason: str
    """In words."""


class Reassign(Value):
    """The task goes to another bidder, with the evidence."""

    kind: Literal["reassign"] = "reassign"
    excluding: tuple[str, ...]
    """Who does not get it again, in order of name."""
    reason: str
    """In words."""


class Park(Value):
    """The task is set aside with its trace: more of the same is not worth its price, and a person may look."""

    kind: Literal["park"] = "park"
    reason: str
    """In words."""


class Stop(Value):
    """The task ends here: it is decided, or a limit is reached."""

    kind: Literal["stop"] = "stop"
    reason: str
    """In words."""


Next: TypeAlias = Replan | Reassign | Park | Stop


class Patience(Value):
    """How long a task is tried; the defaults: twice by one agent, once by the next, and then it is parked."""

    replans: int = Field(default=1, ge=0)
    """How often one agent may try again after a failure of its own."""
    failures: int = Field(default=3, ge=1)
    """So many failures, by so many `agents`, park the task."""
    agents: int = Field(default=2, ge=1)
    """Different agents that must have failed before the number of failures parks it."""
    retries: int = Field(default=1, ge=0)
    """How often one agent is started again after it could not work by no doing of its own."""
    attempts: int = Field(default=6, ge=1)
    """The most attempts of all kinds."""
    least: Limits = Limits(tokens=1, steps=1, seconds=1.0)
    """What must be left for another attempt; None asks for nothing (dollars: local work needs none)."""


def after_attempt(
    attempts: Sequence[Tried],
    *,
    left: Limits,
    bidders: int,
    out: Collection[str] = (),
    patience: Patience = Patience(),  # noqa: B008 - a frozen value
) -> Next:
    """Decide what comes after the last attempt.

    In this order: a task that passed, or whose outcome nobody can tell, ends; enough failures by enough agents park it;
    limits end it; the same agent replans while it may; any other bidder gets it; where nobody is left, it is parked.
    An attempt that could not start by no doing of the agent counts as an attempt and never as its failure: it is
    started again a few times, and then others are tried whose sandbox may be there.

    Called again after each attempt it always ends: at the latest after `patience.attempts` attempts, and after
    `bidders` x (replans + retries + 1) of them if every attempt is made by whom it names.

    Args:
        attempts: All so far, oldest first; at least one.
        left: What the task may still use; None is no limit.
        bidders: How many agents may bid, those that tried and those that are out among them.
        out: Who was asked and has no bid to make, or no other plan than the one that failed.
        patience: The caps.

    Raises:
        ConfigError: There was no attempt, or there are fewer bidders than agents that tried.

    >>> failed = Tried(agent="a", verdict=Verdict.FAILED)
    >>> after_attempt([failed], left=Limits(), bidders=2).kind
    'replan'
    >>> after_attempt([failed, failed], left=Limits(), bidders=2).excluding
    ('a',)
    """
    tried = {attempt.agent for attempt in attempts}
    if not attempts or bidders < len(tried):
        raise ConfigError("attempts", f"{len(attempts)} by {len(tried)} of {bidders} bidders: give each attempt made")
    last = attempts[-1]
    failures = Counter(
        attempt.agent for attempt in attempts if attempt.verdict is Verdict.FAILED and not attempt.blameless
    )
    starts = Counter(attempt.agent for attempt in attempts if attempt.blameless)
    if end := _decided(last):
        return Stop(reason=end)
    counted = f"failed {_times(failures.total())} on {_many(len(failures), 'agent')}"
    if failures.total() >= patience.failures and len(failures) >= patience.agents:
        return Park(reason=counted)
    if end := _limited(len(attempts), left, patience):
        return Stop(reason=end)
    gone = {*out} | {agent for agent, count in failures.items() if count > patience.replans}
    gone |= {agent for agent, count in starts.items() if count > patience.retries}
    if last.agent not in gone:
        what = "could not work, by no doing of its own" if last.blameless else f"failed {_times(failures[last.agent])}"
        return Replan(agent=last.agent, reason=f"{last.agent} {what}: it tries again")
    if len(gone) < bidders:
        return Reassign(excluding=tuple(sorted(gone)), reason=f"{counted}: {_many(bidders - len(gone), 'bidder')} left")
    unable = [f"{agent} could not work, by no doing of its own" for agent in sorted(starts)]
    return Park(reason="; ".join([*([counted] if failures else []), *unable, "no bidder is left"]))


def _decided(last: Tried) -> str:
    """What came of the task; empty: nothing yet."""
    if last.verdict is Verdict.PASSED:
        return f"{last.agent} passed"
    if last.verdict is Verdict.UNKNOWN and not last.blameless:
        return f"nobody can tell what came of {last.agent}'s work, so there is nothing to mend"
    return ""


def _limited(attempts: int, left: Limits, patience: Patience) -> str:
    """The limit that is reached; empty: none is."""
    if attempts >= patience.attempts:
        return f"{_many(attempts, 'attempt')} of at most {patience.attempts}"
    for name in Limits.model_fields:
        have, need = getattr(left, name), getattr(patience.least, name)
        if have is not None and need is not None and have < need:
            return f"{have} {name} left, and another attempt takes at least {need}"
    return ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
