"""Runs as a list, newest first, a page at a time: what each was about, where it is, what came of it.

The list is read once and then kept up: a page costs what is new on the ledger, and a few rows for each run on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from threading import Lock
from typing import Final, Literal, NamedTuple

from agora.events import Asked, Called, Done, NodeSkipped, Posted, Started, TaskDone, ToolUsed
from agora.protocols import Store
from agora.records import Recorded
from agora.tasks import Usage, Verdict
from agora.traces.many.fold import COMPARED

State = Literal["done", "running", "waiting", "cut off"]
"""Where a run is: at its end, in a process that lives, at a question for a person, or nowhere."""

_STARTED: Final = frozenset({"started"})
_TOLD: Final = frozenset({"posted", "asked", "task_done", "node_skipped", "done"})
_SPENT: Final = frozenset({"called", "tool"})
_MOST_KEPT: Final = 4_000
_MOST_CALLS: Final = 2_000
"""Of an open run with more calls, what it took so far is not added up for a list."""


class RunLine(NamedTuple):
    """One run in the list."""

    seq: int
    """Position on the ledger of its opening row."""
    run: str
    """Its id."""
    began_us: int
    """When it began, microseconds since the epoch."""
    aside: str
    """What it was made for, where it is an alternative or a fork; else empty."""
    state: State
    """Where it is."""
    goal: str
    """The first task's goal; empty where none was posted, or it was erased."""
    tasks: int
    """How many were posted."""
    ended: int
    """How many of them have ended."""
    passed: int
    """How many of them passed."""
    usage: Usage | None
    """What it took so far; None: too much happened to add it up for a list."""


class RunPage(NamedTuple):
    """Some of the runs."""

    lines: Sequence[RunLine]
    """Newest first."""
    older: int | None
    """What to give as `before` for those that began before them; None: there are none."""
    total: int
    """How many runs there are."""


class RunList:
    """All runs of a ledger; several threads may ask at the same time.

    Args:
        store: With the ledger.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._begun: dict[str, Recorded] = {}
        self._seq = 0
        self._done: OrderedDict[str, RunLine] = OrderedDict()

    @property
    def newest(self) -> int:
        """Position of the latest run's opening row, as far as was read."""
        return self._seq

    def page(self, *, before: int | None = None, limit: int = 50) -> RunPage:
        """The latest runs, or those that began before a position.

        Args:
            before: Position on the ledger; None: from the newest on.
            limit: How many, >= 1.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._lock:
            self._read_on()
            begun = [one for one in reversed(self._begun.values()) if before is None or one.seq < before]
            total = len(self._begun)
        lines = [self._line(one) for one in begun[:limit]]
        return RunPage(lines, lines[-1].seq if len(begun) > limit else None, total)

    def line(self, run: str) -> RunLine | None:
        """One run; None: there is none of that id.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._lock:
            self._read_on()
            one = self._begun.get(run)
        return None if one is None else self._line(one)

    def _read_on(self) -> None:
        for one in self._store.events(after=self._seq, kinds=_STARTED):
            self._begun.setdefault(one.run, one)
            self._seq = one.seq

    def _line(self, begun: Recorded) -> RunLine:
        if (known := self._done.get(begun.run)) is not None:
            return known
        line = _told(self._store, begun)
        if line.state == "done":
            self._done[begun.run] = line
            if len(self._done) > _MOST_KEPT:
                self._done.popitem(last=False)
        return line


def _told(store: Store, begun: Recorded) -> RunLine:
    goal, posted, ended, passed = "", 0, set[str](), 0
    waiting: dict[str, str] = {}
    done: Done | None = None
    for entry in store.events(begun.run, kinds=_TOLD):
        match entry.event:
            case Posted(spec=spec):
                goal, posted = goal or spec.goal, posted + 1
            case Asked(question=question, granted=granted, task=task):
                waiting.pop(question.id, None)
                if granted is None:
                    waiting[question.id] = task
            case TaskDone(task=task, verdict=verdict):
                ended.add(task)
                passed += verdict is Verdict.PASSED
            case NodeSkipped(task=task):
                ended.add(task)
            case Done():
                done = entry.event
            case _:
                pass
    asks = any(task not in ended for task in waiting.values())
    state: State = "done" if done else "running" if store.holder(begun.run) else "waiting" if asks else "cut off"
    usage = done.usage if done else _spent(store, begun.run)
    return RunLine(
        begun.seq, begun.run, begun.at_us, _aside(begun), state, goal, posted, min(len(ended), posted), passed, usage
    )


def _aside(begun: Recorded) -> str:
    event = begun.event
    if not isinstance(event, Started):
        return ""
    return f"forked from {event.forked.run}" if event.forked else event.notes.get(COMPARED, "")


def _spent(store: Store, run: str) -> Usage | None:
    total = Usage()
    calls = list(islice(store.events(run, kinds=_SPENT), _MOST_CALLS + 1))
    if len(calls) > _MOST_CALLS:
        return None
    for entry in calls:
        if isinstance(entry.event, Called | ToolUsed):
            total += entry.event.usage
    return total
