"""Whose desk it is: the run, the task, the agent, the purse, and what is on record of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from agora.budget import Purse
from agora.desk.cleaning import Cleaner
from agora.past import DeskPast, PastCall, PastTool
from agora.runs import Run
from agora.tasks import Task


@dataclass(kw_only=True)
class Seat:
    """What the calls and the uses of one desk share."""

    run: Run
    task: Task
    """As the agent sees it."""
    agent: str
    phase: str
    """As "bid" or "attempt-1": part of every call's id."""
    purse: Purse
    """What may be spent here."""
    past: DeskPast = field(init=False)
    """What is on record and was not asked for again yet."""
    cleaner: Cleaner = field(init=False)
    """Takes secrets out of what passes."""

    def __post_init__(self) -> None:
        self.cleaner = Cleaner(self.run.redactor)
        self.past = self.run.past.desk(self.task.id, self.phase, self.agent)
        self._numbers = itertools.count(self.past.number + 1)

    @property
    def place(self) -> str:
        """What the ids of this desk begin with."""
        return f"{self.task.id}/{self.phase}/{self.agent}"

    def next_id(self) -> str:
        """The id of the next call."""
        return f"{self.place}/{next(self._numbers)}"

    def book(self, spent: PastCall | PastTool) -> None:
        """Count what is on record, once."""
        if not spent.booked:
            spent.booked = True
            self.purse.book(spent.usage, overrun=spent.overrun)

    def book_all(self) -> None:
        """Count all that is on record: before anything new is spent, and at the end."""
        for spent in self.past.unbooked():
            self.book(spent)

    def since(self, started_s: float) -> float:
        """Seconds that have passed."""
        return max(0.0, self.run.clock.monotonic_s() - started_s)
