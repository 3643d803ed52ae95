"""The owner of a colony's state: many read, one writes.

A routing reads one immutable state and never waits. Outcomes go to a bounded queue; one writer takes them in the order
in which they came, turns each into an event, hands the event to the log and only then puts the next state in place of
the last. Used from one event loop, not from threads.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import anyio
import anyio.lowlevel

from agora.coordinator.ants.choosing import Candidate, Step, decide
from agora.coordinator.ants.learning import (
    ColonyEvent,
    Gate,
    Ignored,
    applied,
    joining,
    leaving,
    weigh,
)
from agora.coordinator.ants.rules import RULES, AntRules
from agora.coordinator.ants.state import ColonyState
from agora.errors import ConfigError

ROOM: Final = 256
"""Outcomes that may wait for the writer."""


def _unlogged(event: ColonyEvent) -> None:
    """Events are not kept."""


class Colony:
    """Routes steps and learns from their outcomes.

    Args:
        state: What is known at the start.
        rules: How ants choose and learn.
        log: Takes each event before the state changes by it; what it raises keeps the state as it was.
        room: Outcomes that may wait; of more, `offer` drops the oldest and counts it, and `deliver` waits.
        open_steps: Decisions whose outcome may still come; of more, the oldest is given up, its outcome unknown.

    >>> colony = Colony(ColonyState(types=("code",)))
    >>> colony.join("ada", declared={"code": 0.9})
    >>> one = Candidate(agent="ada", lot="1f")
    >>> colony.route("d1", weights={"code": 1.0}, layer=0, candidates=[one], draw=0.5).chosen
    'ada'
    >>> colony.offer(Gate(decision="d1", passed=True, cost=0.1))
    >>> colony.drain(), round(colony.state.tau(0, "", "ada", "code", start=1.0), 9)
    (1, 5.9)
    """

    def __init__(
        self,
        state: ColonyState,
        *,
        rules: AntRules = RULES,
        log: Callable[[ColonyEvent], None] = _unlogged,
        room: int = ROOM,
        open_steps: int = 4096,
    ) -> None:
        if room < 1 or open_steps < 1:
            raise ConfigError("colony", f"room {room!r} and open_steps {open_steps!r} must be 1 or more")
        self._state, self._rules, self._log = state, rules, log
        self._room, self._open_steps = room, open_steps
        self._queue: deque[Gate] = deque()
        self._open: dict[str, Step] = {}  # decision -> step, the oldest first
        self._writing = self._running = False
        self._came, self._room_made = anyio.Event(), anyio.Event()
        self._dropped = self._given_up = 0
        self._ignored: Counter[str] = Counter()

    @property
    def state(self) -> ColonyState:
        """What is known now: whole, and never changed in place."""
        return self._state

    @property
    def queued(self) -> int:
        """Outcomes that wait for the writer."""
        return len(self._queue)

    @property
    def dropped(self) -> int:
        """Outcomes that were dropped since the queue was full."""
        return self._dropped

    @property
    def given_up(self) -> int:
        """Decisions that were given up since too many were open."""
        return self._given_up

    @property
    def ignored(self) -> Mapping[str, int]:
        """Reason -> outcomes from which nothing was learned."""
        return dict(self._ignored)

    def join(self, agent: str, *, declared: Mapping[str, float] | None = None) -> None:
        """Let an agent be chosen; outcomes that wait are learned from first. Joining twice changes nothing."""
        self.drain()
        self._apply(joining(self._state, agent, declared=declared))

    def leave(self, agent: str) -> None:
        """Forget an agent at once; outcomes that wait are learned from first, later ones of it are ignored."""
        self.drain()
        self._apply(leaving(self._state, agent))

    def route(
        self,
        decision: str,
        *,
        weights: Mapping[str, float],
        layer: int,
        candidates: Sequence[Candidate],
        draw: float,
        sources: Sequence[str] = (),
    ) -> Step:
        """Choose who does a step, as `decide` does, and keep the step until its outcome comes.

        Raises:
            ConfigError: Besides what `decide` raises: the decision's id was used before.
        """
        if decision in self._open or decision in self._state.settled:
            raise ConfigError("decision", f"{decision!r} was decided before: give each decision an id of its own")
        step = decide(
            self._state,
            decision=decision,
            weights=weights,
            layer=layer,
            candidates=candidates,
            draw=draw,
            sources=sources,
            rules=self._rules,
        )
        self._keep(step)
        return step

    def reopen(self, steps: Iterable[Step]) -> None:
        """After a restart: take recorded steps back whose outcome may still come; those learned from are left out."""
        for step in steps:
            if step.decision not in self._state.settled:
                self._keep(step)

    def offer(self, gate: Gate) -> None:
        """Queue an outcome without waiting; where the queue is full its oldest is dropped and counted."""
        if len(self._queue) >= self._room:
            self._queue.popleft()
            self._dropped += 1
        self._queue.append(gate)
        self._came.set()

    async def deliver(self, gate: Gate) -> None:
        """Queue an outcome, waiting for room: none is dropped. Where no writer runs, room is made here."""
        await anyio.lowlevel.checkpoint()
        while len(self._queue) >= self._room:
            if self._running:
                await self._room_made.wait()
            else:
                self.drain(at_most=1)
        self.offer(gate)

    def drain(self, *, at_most: int | None = None) -> int:
        """Learn from outcomes that wait, in the order in which they came.

        Args:
            at_most: How many; None: all.

        Returns:
            How many left the queue, those ignored included.

        Raises:
            ConfigError: The log called back into the writer.
        """
        if self._writing:
            raise ConfigError("colony", "its log may not write to it: hand the event on and return")
        done, limit = 0, len(self._queue) if at_most is None else min(at_most, len(self._queue))
        while done < limit:
            self._learn(self._queue[0])
            self._queue.popleft()
            done += 1
        self._room_made.set()
        self._room_made = anyio.Event()
        return done

    async def run(self) -> None:
        """Be the writer until cancelled: one update, then a turn for whoever routes.

        Raises:
            ConfigError: Another writer runs.
        """
        if self._running:
            raise ConfigError("colony", "has a writer already: run one")
        self._running = True
        try:
            while True:
                while self._queue:
                    self.drain(at_most=1)
                    await anyio.lowlevel.checkpoint()
                self._came = anyio.Event()
                await self._came.wait()
        finally:
            self._running = False
            self._room_made.set()
            self._room_made = anyio.Event()

    def _keep(self, step: Step) -> None:
        if len(self._open) >= self._open_steps:
            del self._open[next(iter(self._open))]
            self._given_up += 1
        self._open[step.decision] = step

    def _learn(self, gate: Gate) -> None:
        step = self._open.get(gate.decision)
        if step is None:
            self._ignored["twice" if gate.decision in self._state.settled else "unknown"] += 1
            return
        event = weigh(self._state, step, gate, rules=self._rules)
        if isinstance(event, Ignored):
            self._ignored[event.reason] += 1
        else:
            self._apply(event)
        self._open.pop(gate.decision, None)

    def _apply(self, event: ColonyEvent | None) -> None:
        if event is None:
            return
        state = applied(self._state, event)
        self._writing = True
        try:
            self._log(event)
        finally:
            self._writing = False
        self._state = state
