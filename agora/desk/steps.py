"""Which of an agent's two models each call of an attempt goes to: decided once, and on record before the call is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from agora.desk.seat import Seat
from agora.events import Learned, Step, Stepped
from agora.protocols import Store
from agora.values import JsonValue

_LEARNED: Final = frozenset({"learned"})

Lessons = Callable[[], Sequence[Mapping[str, JsonValue]]]
"""Reads what was learned; not called where nobody asks."""


def no_lessons() -> Sequence[Mapping[str, JsonValue]]:
    """Nothing was learned."""
    return ()


class Steps:
    """The choices of one desk.

    Args:
        seat: Whose.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._taken: dict[int, Step] = {}

    @property
    def taken(self) -> tuple[Step, ...]:
        """The choices that stood, in order."""
        return tuple(self._taken.values())

    def draw(self, label: str) -> float:
        """A number in [0, 1) for a label."""
        return self._seat.run.chance.uniform(f"step/{self._seat.place}/{label}")

    def step(self, number: int, decide: Callable[[], Stepped], *, instead: bool = False) -> Stepped:
        """What is on record stands, the last word on it first: a call that was given up is not asked for again."""
        seat = self._seat
        where = (seat.task.id, seat.phase, seat.agent, number)
        stepped = seat.run.past.find(Stepped, *where, True)
        if stepped is None and not instead:
            stepped = seat.run.past.find(Stepped, *where, False)
        if stepped is None:
            said = {"task": seat.task.id, "agent": seat.agent, "phase": seat.phase, "number": number}
            stepped = decide().model_copy(update={**said, "instead": instead})
            seat.run.note(stepped)  # it is durable with the intent of its call
        self._taken[number] = stepped.step
        return stepped


class StepLessons:
    """What grounded outcomes taught of steps, read from the ledger as it grows.

    Args:
        store: With the ledger of all runs.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._after = store, 0
        self._lessons: list[tuple[str, str, Mapping[str, JsonValue]]] = []

    def of(self, operator: str, agent: str) -> Sequence[Mapping[str, JsonValue]]:
        """Of one agent, in the order of the log; each under an id of its own."""
        self._lessons.extend(self._read())
        return [lesson for who, name, lesson in self._lessons if (who, name) == (operator, agent)]

    def _read(self) -> Iterator[tuple[str, str, Mapping[str, JsonValue]]]:
        for recorded in self._store.events(after=self._after, kinds=_LEARNED):
            self._after = recorded.seq
            event = recorded.event
            if isinstance(event, Learned) and event.what == "steps":
                id = f"{recorded.run}/{event.task}/{event.update.get('attempt')}"
                yield str(event.update.get("operator")), str(event.update.get("agent")), {**event.update, "id": id}
