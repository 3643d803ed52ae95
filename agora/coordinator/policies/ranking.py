"""What ranks those who may do a task, and learns from what became of them; owned by one writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from typing_extensions import Protocol

from agora.routing import Considered, Known, Place
from agora.routing_events import Credited, Routed
from agora.tasks import Task
from agora.values import JsonValue


class Asked(NamedTuple):
    """A task that somebody is to be found for."""

    task: Task
    """What is to be done."""
    place: Place
    """Where it stands in its workflow."""
    draw: float
    """All the chance there is, in [0, 1)."""
    types: Mapping[str, float] = {}
    """Task type -> probability, where somebody was asked."""
    recorded: Mapping[str, JsonValue] = {}
    """The details of its routing, where that stands on record and is made again."""


class Able(NamedTuple):
    """An agent that passed the hard filters."""

    agent: str
    """Its name."""
    arm: str
    """What its record is kept by, and nobody else's."""
    known: Known
    """What is known of it."""


class Ranking(NamedTuple):
    """Everyone who may be asked, the best first."""

    considered: tuple[Considered, ...]
    """With every figure; nobody twice. Who is held back comes last."""
    first: tuple[str, ...]
    """Who may still be the best: those that an auction is held among."""
    chosen: str
    """Who gets the task where there is no auction."""
    p_chosen: Mapping[str, float]
    """Agent -> chance of being the chosen one; who is not named has none."""
    p_first: Mapping[str, float]
    """Agent -> chance of being among the first; who is not named has none."""
    held_back: Mapping[str, str]
    """Agent -> why it is asked only when nobody else is left."""
    reason: str
    """One sentence with the figures that decided."""
    draw: float | None = None
    """The chance that decided."""
    by: str = ""
    """Which of several policies decided; empty: the one that asked."""
    direct: bool | None = None
    """Whether that one awards without an auction; None: as the one that asked does."""
    details: Mapping[str, JsonValue] = {}
    """What else learning needs to see again."""


class Case(NamedTuple):
    """A decision whose outcome is to be learned from: somebody was asked, or got the task."""

    id: str
    """Unique over all runs."""
    routed: Routed
    """What was seen when it was made."""
    whom: Considered
    """Who it was for."""


class Ranker(Protocol):
    """Ranks by what it knows, and knows what `seen`, `began` and `ended` said to it in the ledger's order."""

    @property
    def name(self) -> str:
        """What its reckonings are called on record."""
        ...

    def rank(self, asked: Asked, able: Sequence[Able]) -> Ranking:
        """Rank all of them; a pure function of the arguments and of what is known. At least one is `able`."""
        ...

    def seen(self, routed: Routed) -> None:
        """A task was routed."""
        ...

    def began(self, case: Case) -> None:
        """A decision was made, by whomever."""
        ...

    def ended(self, case: Case, credited: Credited) -> None:
        """Its outcome came; once a case."""
        ...

    def withdrawn(self, case: Case) -> None:
        """No outcome of it will come."""
        ...

    def saved(self) -> JsonValue:
        """What it knows."""
        ...

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            AgoraError: Another version of it wrote that.
        """
        ...
