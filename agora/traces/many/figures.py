"""The figures over many runs, as values: what the terminal, the page and the JSON show alike.

Each estimate carries its n and its interval. Sums (dollars spent, awards, shares of spend) are counted, not estimated,
and have none. What a check decided and what a model thought are never added up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from agora.intervals import Mean, Rate
from agora.values import Value


class Kept(Value):
    """Promised against delivered, in one unit, over all attempts that promised something in it."""

    unit: Literal["steps", "tokens", "usd", "s"]
    """Of what; tokens are those written, where the plan capped them."""
    promised: float
    """Together."""
    delivered: float
    """Together."""
    kept: Rate
    """Attempts that took no more than was promised."""


class AgentFigures(Value):
    """What one agent did."""

    agent: str
    """Its label: its name, and who is behind it where several are behind one name."""
    attempts: int
    """Attempts that ended."""
    tasks: int
    """Tasks that it attempted."""
    grounded: Rate
    """Tasks whose check it passed, of those on which a check decided."""
    judged: Rate
    """Tasks that a model said it passed, of those on which a model decided."""
    unknown: int
    """Tasks on which nothing decided."""
    usd: Mean
    """US dollars for one task, all its attempts together, bids left out."""
    seconds: Mean
    """Seconds for one task, likewise."""
    total_usd: Decimal
    """US dollars for all of them."""
    promises: tuple[Kept, ...]
    """Promised against delivered, by unit."""


class PoolFigures(Value):
    """What some agents together came to, by what is on record."""

    agents: tuple[str, ...]
    """Their labels, sorted; empty: the market as it was, with everybody and its auctions."""
    grounded: Rate
    """Tasks that one of them passed, of those that one of them attempted; what is not known counts as not passed at
    the lower end, and as passed at the upper one. The interval holds for all pools that are compared together."""
    unknown: int
    """Tasks that those of them who were tried failed, and somebody was not tried at."""
    usd: Mean
    """US dollars for a task whose end is known."""
    seconds: Mean
    """Seconds for such a task."""
    frontier: bool
    """Whether no other pool is both cheaper and better, by the figures as they are."""

    @property
    def label(self) -> str:
        """How it is called."""
        return " + ".join(self.agents) or "the market"


class Cheapest(Value):
    """Which pool is the cheapest that passes so much of a class."""

    target: float = Field(gt=0, lt=1)
    """The share that it must pass."""
    pool: str | None
    """Its label; None: none is known to."""
    sentence: str
    """In words, with n and interval."""
    needed: int | None
    """How many passes in a row the nearest pool lacks; None: it is known, or none is near."""


class Window(Value):
    """Tasks that ended one after the other."""

    first_us: int
    """When the first of them ended, microseconds since the epoch."""
    last_us: int
    """When the last one did."""
    tasks: int
    """How many."""
    grounded: Rate
    """Those that passed a check, of those on which one decided."""
    judged: Rate
    """Those that a model passed, of those on which one decided."""
    usd: Mean
    """US dollars for a task, bids included."""
    seconds: Mean
    """Seconds for a task, bids included."""
    overhead: float | None
    """The auctions' share of what was spent, in [0, 1]; None: nothing was."""


class AwardsWindow(Value):
    """Awards that were made one after the other."""

    first_us: int
    """When the task of the first ended, microseconds since the epoch."""
    last_us: int
    """When that of the last did."""
    awards: int
    """How many."""
    to: dict[str, int]
    """Label -> how many."""


class Spending(Value):
    """What one part of the market took."""

    part: str
    """bids, jury, second plans, work, verifying, other."""
    usd: Decimal
    """US dollars."""
    tokens: int
    """Tokens read and written."""
    seconds: float
    """Seconds inside models, tools and commands."""
    share: float | None
    """Of all that was spent, in dollars; in seconds where no dollar was spent; None: nothing was."""


class Overhead(Value):
    """What finding out who does it took, as the market booked it."""

    usd: Decimal
    """US dollars."""
    tokens: int
    """Tokens."""
    seconds: float
    """Seconds."""
    share: float | None
    """Of all that was spent, in dollars; in seconds where no dollar was spent; None: nothing was."""


class JudgeFigures(Value):
    """What one judge's marks were worth, where a check knew better."""

    judge: str
    """Its label."""
    passed: Rate
    """Marks that said so, of plans that passed."""
    failed: Rate
    """Marks that said so, of plans that failed."""
    agreement: float
    """As the market weighs it (`agora.auctions.agreement`): 0.5 says nothing, towards 1 it is always right."""


class ScopeFigures(Value):
    """The figures of one task class, or of all."""

    skill: str | None
    """The class; empty: tasks that name none; None: all together."""
    tasks: int
    """Tasks that ended."""
    grounded: Rate
    """Those that passed a check; tasks that nobody attempted count as not passed."""
    judged: Rate
    """Those that a model passed, of those on which one decided."""
    unknown: int
    """Those on which nothing decided."""
    untried: int
    """Those that nobody attempted."""
    usd: Decimal
    """US dollars spent on them, bids included."""
    tokens: int
    """Tokens."""
    seconds: float
    """Seconds."""
    unit: Literal["usd", "s"]
    """What costs are compared in: seconds where no dollar was spent."""
    agents: tuple[AgentFigures, ...]
    """By label."""
    pools: tuple[PoolFigures, ...]
    """The cheapest first; none of all classes together, since they do not compare."""
    sure: float
    """How sure the interval of one pool is, so that all of them together hold with 95 %."""
    cheapest: Cheapest | None
    """None of all classes together."""
    windows: tuple[Window, ...]
    """Oldest first."""
    awards: tuple[AwardsWindow, ...]
    """Oldest first."""
    overhead: Overhead
    """What auctions took, as booked with each task."""
    spending: tuple[Spending, ...]
    """The same and the work, by what calls, tools and commands were for."""
    judges: tuple[JudgeFigures, ...]
    """By label."""


class Selected(Value):
    """What the figures are of."""

    since_us: int | None = None
    """Runs that began then or later, microseconds since the epoch; None: all."""
    last: int | None = Field(default=None, ge=1)
    """So many of the latest runs; None: all."""
    skill: str | None = None
    """One task class; None: all."""


class Figures(Value):
    """All of them."""

    selected: Selected
    """Of what."""
    target: float
    """The share that the cheapest pool must pass."""
    runs: int
    """Runs that count."""
    ended: int
    """Those that are done."""
    aside: int
    """Runs left out: alternatives to others, and forks."""
    open_tasks: int
    """Tasks that have not ended: they are in no figure."""
    partial: int
    """Tasks of which something is missing on record: they are in no figure."""
    erased: int
    """Entries without a body."""
    first_us: int | None
    """When the first run began, microseconds since the epoch."""
    last_us: int | None
    """When the last entry was recorded."""
    seq: int
    """Position of the last entry that was read."""
    total: ScopeFigures
    """All classes together."""
    classes: tuple[ScopeFigures, ...]
    """The largest first, then by name."""
