"""A budget that is paced over the tasks of a run, followed along the run's events."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agora.events import Event, Paced, PacingBegan, TaskDone
from agora.traces.replay.desks import Uncalled
from agora.workflows.paced import paced, price_after, way_of


class PacingReplay:
    """Owned by one replay."""

    def __init__(self) -> None:
        self._began: PacingBegan | None = None
        self._decided: list[Paced] = []
        self._cost: dict[str, Decimal] = {}
        self._price, self._booked = 0.0, 0  # after so many decisions, all of whose costs are known

    def ended(self, event: TaskDone) -> None:
        """What a task took is known."""
        self._cost[event.task] = event.usage.usd

    def take(self, event: PacingBegan | Paced, posted: Sequence[str]) -> Event:
        """What a task may take, as it comes out now; what was left is what the purse said.

        Args:
            event: As on record.
            posted: The tasks of the run in order: their turns come in that order.

        Raises:
            Uncalled: Nobody asked for it.
        """
        if isinstance(event, PacingBegan):
            self._began = event
            return event
        began, number = self._began, len(self._decided) + 1
        if began is None or number > min(began.tasks, len(posted)):
            raise Uncalled("no task of a paced list had its turn then")
        if event.left is None:
            raise ValueError("what was left of the budget is not on record")
        price = self._price_before(event)
        now = paced(
            posted[number - 1],
            number,
            left=event.left,
            to_come=began.tasks - len(self._decided),
            price=price,
            way=way_of(began),
        )
        self._decided.append(event)
        return now.model_copy(update={"under_way": event.under_way})

    def _price_before(self, event: Paced) -> float:
        """The price of money when a turn came: by what was known of costs then."""
        waits = frozenset(event.under_way)
        while self._booked < len(self._decided):
            last = self._decided[self._booked]
            if last.task not in self._cost or last.task in waits:
                break
            self._price = price_after([last], self._cost, price=self._price)
            self._booked += 1
        known = {one.task: self._cost[one.task] for one in self._decided[self._booked :] if one.task in self._cost}
        known = {task: cost for task, cost in known.items() if task not in waits}
        return price_after(self._decided[self._booked :], known, price=self._price)
