"""Who may call models and tools in a task, and what each desk took: every call is one that was asked for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from agora.classifying import CLASSIFIER, ROUTE
from agora.desk.calls import NOT_MADE
from agora.events import Called, CommandReserved, Performed, Reserved, Stepped, ToolUsed
from agora.lots import Auction
from agora.past import INTERRUPTED, phase_of
from agora.performing import JUDGE
from agora.tasks import Usage
from agora.traces.replay.compare import close_usage

if TYPE_CHECKING:
    from agora.traces.replay.task import TaskReplay

What = Literal["bid", "refine", "jury", "attempt", "verify", "route"]
"""What is done at a desk."""


class Uncalled(Exception):
    """Something is on record that nobody called for, or something is missing that was; said in words."""


class _Place(NamedTuple):
    what: What
    number: int = 0
    """Of the auction, or of the attempt."""
    round: int = 0


class Desks:
    """The desks of one task; owned by its replay.

    Args:
        task: Whose.
    """

    def __init__(self, task: TaskReplay) -> None:
        self._task = task
        self._places: dict[str, _Place] = {ROUTE: _Place("route")}
        self._auctions: dict[int, Auction] = {}
        self._taken: defaultdict[tuple[What, int, int, str], Usage] = defaultdict(Usage)
        self.open_calls: set[str] = set()
        """Intents of model calls that have no end yet."""
        self._commands: set[str] = set()

    def opened(self, auction: Auction) -> None:
        """A call for bids: its desks may be sat down at."""
        number = auction.number
        self._auctions[number] = auction
        self._places[auction.phase("bid")] = _Place("bid", number)
        self._places[auction.phase("refine")] = _Place("refine", number, 1)
        for round in (0, 1):
            self._places[auction.phase(f"jury-{round}")] = _Place("jury", number, round)

    def taken(self, what: What, number: int, round: int, agent: str) -> Usage:
        """What the calls and tools of one desk took; of a judge that is asked for each plan, of all of them."""
        return self._taken[what, number, round, agent]

    def of(self, number: int) -> list[tuple[What, int, str]]:
        """The desks of one auction at which something was taken: what was done, round, agent."""
        asked = ("bid", "refine", "jury")
        return sorted((what, round, who) for what, at, round, who in self._taken if at == number and what in asked)

    def take(self, event: Reserved | Called | CommandReserved | ToolUsed | Stepped) -> None:
        """Follow one event.

        Raises:
            Uncalled: Nobody called for it.
        """
        phase = event.phase if isinstance(event, (ToolUsed, Stepped)) else phase_of(event.task, event.call)
        place = self._place(phase)
        if isinstance(event, Reserved):
            self._may(place, event.agent, f"call {event.call}")
            if event.call in self.open_calls:
                raise Uncalled(f"call {event.call} was made twice")
            self.open_calls.add(event.call)
        elif isinstance(event, Called):
            if event.call not in self.open_calls and _not_made(event):  # its intent could not be put on record
                self._may(place, event.agent, f"call {event.call}")
            elif event.call not in self.open_calls:
                raise Uncalled(f"call {event.call} ended and was never made: its intent is not on record")
            self.open_calls.discard(event.call)
            self._book(place, event.agent, event.usage)
        elif isinstance(event, CommandReserved):
            self._may(place, event.agent, f"command {event.call}")
        elif isinstance(event, ToolUsed):
            if not event.unknown:
                self._may(place, event.agent, f"tool {event.call.name} ({event.call.id})")
            self._book(place, event.agent, event.usage)
        else:
            self._may(place, event.agent, f"choice {event.number} of a model")

    def book_attempt(self, performed: Performed) -> None:
        """The budget of an attempt comes back: what it took is the task's.

        Raises:
            Uncalled: It says that it took something else than its calls and tools did.
        """
        took = self._taken["attempt", performed.attempt, 0, performed.agent]
        if not close_usage(took, performed.usage):
            said = f"{performed.usage.tokens} tokens and ${performed.usage.usd}"
            raise Uncalled(f"the attempt took {said}, and its calls {took.tokens} tokens and ${took.usd}")
        self._task.lot.purse.book(performed.usage)

    def _place(self, phase: str) -> _Place:
        if (known := self._places.get(phase)) is not None:
            return known
        what, _, number = phase.rpartition("-")
        if what in ("attempt", "verify") and number.isdigit():
            place = _Place("attempt" if what == "attempt" else "verify", int(number))
        else:  # one ballot of several: "jury-0-A"
            begun = [name for name, one in self._places.items() if one.what == "jury" and phase.startswith(f"{name}-")]
            if not begun:
                raise Uncalled(f"nothing of the task was in the phase {phase!r}")
            place = self._places[max(begun, key=len)]
        self._places[phase] = place
        return place

    def _may(self, place: _Place, agent: str, what: str) -> None:
        if not self._allowed(place, agent):
            raise Uncalled(f"{what} was made by {agent}, of whom nothing was asked then")

    def _allowed(self, place: _Place, agent: str) -> bool:
        task, house = self._task, self._task.house
        awarded = task.awarded.award if task.awarded else None
        if place.what == "route":
            return agent == CLASSIFIER and task.stage == "posted"
        if place.what == "attempt":
            mine = awarded is not None and (awarded.agent, awarded.attempt) == (agent, place.number)
            return mine and task.stage == "awarded"
        if place.what == "verify":
            mine = awarded is not None and awarded.attempt == place.number
            return mine and task.stage == "performed" and agent == JUDGE
        auction = self._auctions[place.number]
        if auction is not task.lot.auction or task.stage != ("refining" if place.round else "bids"):
            return False
        if place.what == "jury":
            return agent in house.judges_of(auction.opened.asked)
        return task.auction is not None and agent in task.auction.waited_for(place.round)

    def _book(self, place: _Place, agent: str, usage: Usage) -> None:
        lot = self._task.lot
        self._taken[place.what, place.number, place.round, agent] += usage
        if place.what in ("bid", "refine", "jury"):
            self._auctions[place.number].purse.book(usage)
        elif place.what != "attempt" or self._task.stage != "awarded":
            lot.purse.book(usage)


def _not_made(event: Called) -> bool:
    """Whether a call was given up before it was made: nothing was received, and nothing paid."""
    nothing = event.usage.model_copy(update={"seconds": 0.0}) == Usage(steps=1)
    return event.error == NOT_MADE and event.failure == INTERRUPTED and event.reply is None and nothing
