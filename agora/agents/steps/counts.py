"""What was learned of steps: counts for each situation and model, from verified attempts alone.

A lesson is one verified attempt with all its choices (delayed credit). Two things are counted of it:

- whether the step after a choice was free of trouble: how often a model's steps succeed in a situation;
- what the attempt was worth from that choice on, w = (passed - cost weight x cost to go + cost weight) / (1 + cost
  weight) in [0, 1], where the cost to go is a share of the attempt's budget. A situation that comes several times in an
  attempt counts once for each model, at its first coming (first-visit Monte Carlo); what the budget forced counts not.

Counts are made by folding the lessons in the order of the log; a lesson that comes twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from pydantic import Field, ValidationError

from agora.agents.steps.contexts import CONTEXTS_VERSION
from agora.agents.steps.seam import Size
from agora.desk_events import Step
from agora.errors import ConfigError
from agora.values import JsonValue, Value

COST_WEIGHT: Final = 0.3
"""What the whole budget of an attempt is worth in passed attempts."""


class Lesson(Value):
    """`Learned(what="steps")`: one verified attempt."""

    id: str = Field(min_length=1)
    """Which attempt: run, task, number. What has this id is learned once."""
    version: str
    """Of the situations."""
    passed: bool
    """What the verifier found."""
    taken: tuple[Step, ...]
    """In order."""


class Cell(NamedTuple):
    """One model in one situation."""

    steps: int = 0
    """Steps whose end is known."""
    well: int = 0
    """Those that were free of trouble."""
    tried: int = 0
    """Attempts in which the policy chose it here."""
    worth: float = 0.0
    """Sum of what they were worth from then on."""


class StepCounts:
    """What was learned; owned by one writer.

    >>> counts = StepCounts()
    >>> lesson = {"id": "r/t/1", "version": CONTEXTS_VERSION, "passed": True, "taken": []}
    >>> counts.learn(lesson), counts.learn(lesson), counts.lessons
    (True, False, 1)
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[str, Size], Cell] = {}
        self._seen: set[str] = set()
        self.other_versions = 0
        """Lessons that were learned under other situations, and left out."""

    @classmethod
    def restored(cls, lessons: Iterable[Mapping[str, JsonValue]]) -> StepCounts:
        """The counts behind lessons, in the order of the log.

        Raises:
            ConfigError: One has not the shape of a lesson.
        """
        counts = cls()
        for lesson in lessons:
            counts.learn(lesson)
        return counts

    @property
    def lessons(self) -> int:
        """How many attempts were learned from."""
        return len(self._seen)

    def of(self, context: str, model: Size) -> Cell:
        """What is known of a model in a situation."""
        return self._cells.get((context, model), Cell())

    def learn(self, lesson: Mapping[str, JsonValue]) -> bool:
        """Take in the next lesson of the log; False: it changes nothing.

        Raises:
            ConfigError: It has not the shape of a lesson.
        """
        if lesson.get("version") != CONTEXTS_VERSION:
            self.other_versions += 1
            return False
        try:
            known = Lesson.model_validate({name: lesson.get(name) for name in Lesson.model_fields})
        except ValidationError as problem:
            what = problem.errors()[0]
            at = ".".join(map(str, what["loc"]))
            raise ConfigError("steps", f"a lesson on the ledger is malformed: {at}: {what['msg']}") from problem
        if known.id in self._seen:
            return False
        self._seen.add(known.id)
        self._count_steps(known)
        self._count_worth(known)
        return True

    def _count_steps(self, lesson: Lesson) -> None:
        for taken, following in zip(lesson.taken, lesson.taken[1:], strict=False):
            cell = self.of(taken.context, taken.model)
            well = cell.well + (following.trouble == 0)
            self._cells[taken.context, taken.model] = cell._replace(steps=cell.steps + 1, well=well)

    def _count_worth(self, lesson: Lesson) -> None:
        to_go = sum(taken.cost for taken in lesson.taken)
        visited: set[tuple[str, Size]] = set()
        for taken in lesson.taken:
            place = (taken.context, taken.model)
            if not taken.forced and place not in visited:
                visited.add(place)
                worth = (lesson.passed - COST_WEIGHT * min(to_go, 1.0) + COST_WEIGHT) / (1.0 + COST_WEIGHT)
                cell = self.of(*place)
                self._cells[place] = cell._replace(tried=cell.tried + 1, worth=cell.worth + worth)
            to_go -= taken.cost
