"""What is seen while a run runs, on standard error: a live table on a terminal, plain lines elsewhere.

It is built from events only, so it shows what the ledger will say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agora.bids import Award
from agora.cli.flow_story import LiveTree
from agora.cli.paint import amount, err, number, safe, steps, taken, usd, verdict
from agora.cli.rows import LEGEND, table_of
from agora.cli.tail import Tail
from agora.events import (
    Asked,
    Awarded,
    BidPlaced,
    BidRefused,
    Event,
    Joined,
    Judged,
    Left,
    Opened,
    PlanningEnded,
    Recalled,
    Scored,
    TaskDone,
    Verified,
)
from agora.ledger.redact import Redactor
from agora.tasks import Task
from agora.traces.told.pool import change_line
from agora.traces.told.story import AuctionStory, RunStory, TaskStory

_REFRESH_HZ = 8
_FOOTER_ROWS = 5
"""Kept free below a tree: the footer, which may be cut into two rows, and what is being written."""
_STOPPING = "stopping: what was begun is being booked; Ctrl-C again stops at once"


class View(Protocol):
    """Whoever watches a run."""

    story: RunStory
    """Everything seen so far."""

    def watch(self, event: Event) -> None:
        """The next event."""
        ...

    @contextmanager
    def shown(self) -> Generator[None]:
        """While this context lasts, the view is on the screen."""
        ...

    @contextmanager
    def paused(self) -> Generator[None]:
        """While this context lasts, the screen belongs to somebody else (a question)."""
        ...

    def stopping(self) -> None:
        """The run was interrupted and finishes its bookings; called inside a signal's handler."""
        ...

    @property
    def write(self) -> Callable[[str, str], None] | None:
        """Takes what models write, piece by piece: the agent, and the piece. None: there is no screen for it."""
        ...


def view_of(tasks: Sequence[Task], *, budget_usd: Decimal, quiet: bool = False, secrets: Iterable[str] = ()) -> View:
    """The view that fits standard error.

    Args:
        tasks: What is going to be done.
        budget_usd: What the spend is shown against.
        quiet: Show nothing.
        secrets: What must not be shown of the words of models.
    """
    if quiet:
        return Silent(tasks)
    return LiveView(tasks, budget_usd=budget_usd, secrets=secrets) if err().is_terminal else Lines(tasks)


class Silent:
    """Sees everything and shows nothing.

    Args:
        tasks: What is going to be done.
    """

    def __init__(self, tasks: Sequence[Task] = ()) -> None:
        self.story = RunStory(tasks={task.id: TaskStory(task=task) for task in tasks})

    def watch(self, event: Event) -> None:
        """Take it in."""
        self.story.tell(event)

    @contextmanager
    def shown(self) -> Generator[None]:
        """Nothing is shown."""
        yield

    @contextmanager
    def paused(self) -> Generator[None]:
        """Nothing has to be hidden."""
        yield

    def stopping(self) -> None:
        """Nobody looks."""

    @property
    def write(self) -> Callable[[str, str], None] | None:
        """Nobody looks."""
        return None


class Lines(Silent):
    """One plain line for whatever a reader of a log wants to know."""

    def watch(self, event: Event) -> None:
        """Take it in, and say it."""
        super().watch(event)
        line = _line(event)
        if line:
            err().print(f"{safe(event.task)}: {line}" if event.task else line)

    def stopping(self) -> None:
        """Say it at once, past every lock and buffer."""
        os.write(2, f"{_STOPPING}\n".encode())


class LiveView(Silent):
    """The table of bids and attempts as it fills, with the spend below.

    Args:
        tasks: What is going to be done.
        budget_usd: What the spend is shown against.
        secrets: What must not be shown of the words of models.
    """

    def __init__(self, tasks: Sequence[Task] = (), *, budget_usd: Decimal, secrets: Iterable[str] = ()) -> None:
        super().__init__(tasks)
        self._tail = Tail(Redactor(secrets).text)
        self._budget_usd = budget_usd
        self._live: Live | None = None
        self._tree: LiveTree | None = None
        self._stopping = False

    def stopping(self) -> None:
        """The next refresh says it."""
        self._stopping = True

    @property
    def write(self) -> Callable[[str, str], None] | None:
        """The last words stand below the table."""
        return self._tail.write

    def __rich__(self) -> Group:
        """As it stands now."""
        parts = [self._footer(), self._tail.line(err().width)]
        return Group(self._shown(), *(Text.from_markup(part) for part in parts if part))

    def _shown(self) -> Tree | Table:
        story = self.story
        if story.flow is None:
            return table_of(story.tasks.values())
        if self._tree is None:
            self._tree = LiveTree(story.flow)
        return self._tree.drawn(story, rows=err().size.height - _FOOTER_ROWS)

    @contextmanager
    def shown(self) -> Generator[None]:
        """The table is refreshed until the context ends, and then goes: the result takes its place."""
        self._live = self._started()
        try:
            yield
        finally:
            self._live.stop()
            self._live = None

    @contextmanager
    def paused(self) -> Generator[None]:
        """The table is taken off the screen and comes back."""
        if self._live is None:
            yield
            return
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._started()  # a new one: the old one would draw over what stands on the screen now

    def _started(self) -> Live:
        live = Live(self, console=err(), refresh_per_second=_REFRESH_HZ, transient=True)
        live.start(refresh=True)
        return live

    def _footer(self) -> str:
        spent = self.story.spent
        done = sum(1 for task in self.story.tasks.values() if task.done)
        if self._stopping:
            return f"\n[unknown]{_STOPPING}[/]"
        parts = [f"{done} of {len(self.story.tasks)} done"]
        if _charges_dollars(self.story):
            parts.append(f"spent {usd(spent.usd)} of {usd(self._budget_usd)}")
        return f"\n[quiet]{' · '.join([*parts, taken(spent), _now(self.story)])}[/]"


def _charges_dollars(story: RunStory) -> bool:
    """Whether anybody here costs dollars; local work is not shown in any."""
    return any(card.price is not None and card.price.unit == "usd" for card in story.cards.values())


def _now(story: RunStory) -> str:
    """What is happening, in words."""
    undone = [task for task in story.tasks.values() if not task.done]
    task = next((task for task in undone if not task.waiting), undone[0] if undone else None)
    return f"{safe(task.task.id)}: {_stage(task)}" if task else LEGEND


def _stage(task: TaskStory) -> str:
    if task.waiting:
        return "waits for an answer"
    auction = task.auction
    if auction is None or not auction.attempts:
        return _bidding(auction) if auction else f"waiting for sealed bids of {len(task.shortlist.members)}"
    assert task.last is not None
    agent = safe(task.last.award.agent)
    if task.last.outcome is not None:
        return f"{agent}'s work {task.last.outcome.verdict.value}"
    return f"verifying {agent}'s work" if task.last.delivered is not None else f"{agent} works"


def _bidding(auction: AuctionStory) -> str:
    """What an auction is at, in words."""
    called = f"{auction.opened.how}: " if auction.opened.auction else ""
    if not auction.first.bids:
        return f"{called}waiting for sealed bids of {len(auction.opened.asked)}"
    again = auction.lessons and auction.first.scored and not auction.second.scored
    return f"{called}{len(auction.lessons)} write once more" if again else f"{called}{len(auction.bids)} bids open"


def _line(event: Event) -> str:
    match event:
        case Awarded(award=award):
            return _award(award)
        case Asked(question=question, granted=None) if question.about == "step":
            return f"waits for an answer: {safe(question.reason)}"
        case Asked(question=question, granted=None):
            return f"waits for an answer: {safe(question.about)} of {safe(question.agent)}"
        case Verified(outcome=outcome):
            return f"{safe(event.agent)}'s work: {verdict(outcome.verdict)}"
        case PlanningEnded(came_to="one task", errors=errors, repair=repair):
            last = errors if repair is None else repair
            return f"the goal runs as one task ({safe('; '.join(last) or 'the plan has one part', limit=400)})"
        case Joined() | Left():
            what, who = change_line(event)
            return f"{what}: {safe(who, limit=160)}"
        case TaskDone(usage=usage):
            return f"done: {number(usage.seconds)} s of work, {usd(usage.usd)}"
        case _:
            return _line_of_bidding(event)


def _line_of_bidding(event: Event) -> str:
    match event:
        case Opened(how="replan" | "reassign" | "post" | "explore"):
            asked = ", ".join(safe(name) for name in event.asked)
            return f"{event.how}, asking {asked} ({safe(event.reason, limit=120)})"
        case BidPlaced(bid=bid):
            again = " again" if bid.round else ""
            return f"{safe(bid.agent)} bids{again} {amount(bid.price)}, {steps(bid.plan.steps)}"
        case BidRefused():
            what = "refine its bid" if event.round else "bid"
            return f"{safe(event.agent)} does not {what}: {safe(event.reason, limit=120)}"
        case Judged(dropped=dropped) if dropped:
            return f"{safe(event.judge)} is no judge here: {safe(dropped, limit=120)}"
        case Recalled():
            return f"{safe(event.agent)} may write its plan once more, shown {len(event.lessons)} past tasks"
        case Scored(clearing=clearing) if not clearing.ranking:
            return "no bid can be taken"
        case _:
            return ""


def _award(award: Award) -> str:
    return f"awarded to {safe(award.agent)} ({safe(award.reason, limit=120)})"
