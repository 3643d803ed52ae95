"""Strict replay: every decision of a run made again from the ledger alone, and compared with the one on record.

One pass over the run's events in their order. Each decision is made again by the function that the loop called, from
the state that the loop had just before it; what was received is taken from the record, and only where it was called
for. Nothing here makes a call: no model, no tool, no clock, no table, no network. (Durable execution by journal, as in
`agora.past`; deterministic replay as in rr and Temporal's replayer.)
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from agora.desk_events import FATE_UNKNOWN
from agora.errors import AgoraError, described
from agora.events import (
    Called,
    CommandReserved,
    Done,
    Event,
    Joined,
    Left,
    Paced,
    PacingBegan,
    Posted,
    Reserved,
    Resumed,
    Routed,
    Screened,
    Started,
    Stepped,
    TaskDone,
    ToolUsed,
)
from agora.protocols import Store
from agora.resuming import owed
from agora.tasks import Usage
from agora.traces.replay.compare import close_usage, differences, same_bytes
from agora.traces.replay.desks import Uncalled
from agora.traces.replay.flow import FLOW_KINDS, FlowReplay
from agora.traces.replay.found import DECISIONS, Diverged, Drift, Lack, Replayed
from agora.traces.replay.items import Item, items_of
from agora.traces.replay.pacing import PacingReplay
from agora.traces.replay.rules import Ground, ground_of, here
from agora.traces.replay.task import TaskReplay


def replay(store: Store, run: str) -> Replayed:
    """Make every decision of a run again.

    Args:
        store: With the ledger of all runs; nothing is written.
        run: The run's id.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    return _Replay(store, run).follow()


class _Replay:
    def __init__(self, store: Store, run: str) -> None:
        self._store, self._run = store, run
        self._ground: Ground | None = None
        self._tasks: dict[str, TaskReplay] = {}
        self._flow, self._pacing = FlowReplay(store, run), PacingReplay()
        self._holes: list[str] = []  # what is missing that anything may hang on
        self._holes_of: dict[str, list[str]] = {}  # task -> what is missing that it may hang on
        self._stuck: dict[str, str] = {}  # task -> why it cannot be followed any more
        self._held: Item | None = None  # a routing, until its screening was read
        self._made: Counter[str] = Counter()
        self._lacking: list[Lack] = []
        self._drifts: list[Drift] = []
        self._notes: dict[str, None] = {}
        self._before: list[Event] = []  # of a fork: what stands of the run that it was forked from
        self._opening = False  # a fork begins with what it takes over, and with what was changed of it
        self._tolerant = False
        self._ends: list[Called | ToolUsed] = []  # of what had none when the run was gone on with
        self._done = False
        self._events = 0

    def follow(self) -> Replayed:
        """Read the run to its end, or to the first event that differs."""
        diverged: Diverged | None = None
        for item in items_of(self._store, self._run):
            self._events += item.own
            self._opening = self._opening and item.kind in _TAKEN_OVER
            diverged = self._next(item)
            if diverged is not None and item.own:
                break
        else:
            diverged = self._ending()
        return Replayed(
            run=self._run,
            events=self._events,
            decisions=dict(sorted(self._made.items())),
            lacking=tuple(self._lacking),
            drifts=tuple(self._drifts),
            diverged=diverged,
            notes=tuple(self._notes),
        )

    def _ending(self) -> Diverged | None:
        if self._ground is None and not self._holes:
            return Diverged(0, "started", "", "the run has no beginning on record")
        if not self._done:
            self._notes["the run has no end on record: it was cut off, or goes on"] = None
        return None

    def _next(self, item: Item) -> Diverged | None:
        if item.event is None:
            self._hole(item)
            return None
        event = item.event
        try:
            if (task := self._routed_only(event)) is not None:
                raise Uncalled(f"the screening of {task} is missing, which is put on record with its routing")
            return self._take(item, event)
        except Uncalled as finding:
            return self._fault(item, str(finding))
        except AgoraError as problem:
            return self._fault(item, f"it cannot be made again: {problem}")
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError) as problem:
            return self._fault(item, f"it cannot be made again: {described(problem)}")
        finally:
            self._taken_in(item, event)

    def _routed_only(self, event: Event) -> str | None:
        """The task that was routed just before, if this event is not its screening."""
        if self._held is None or self._held.event is None:
            return None
        task = self._held.event.task
        if isinstance(event, Screened) and event.task == task:
            return None
        self._held = None
        return task

    def _take(self, item: Item, event: Event) -> Diverged | None:
        if isinstance(event, Started):
            self._start(item, event)
            return None
        ground = self._ground
        if ground is None:
            raise Uncalled("the run has no beginning on record before it")
        if event.task in self._stuck and not isinstance(event, Done):
            return self._fault(item, self._stuck[event.task])
        if over := ground.over(event):
            raise Uncalled(over)
        if isinstance(event, Routed):
            self._task_of(event).take(event)
            self._held = item
            return None
        if isinstance(event, Screened):
            return self._screened(item, event)
        return self._compare(item, event, self._again(item.seq, event, ground))

    def _again(self, seq: int, event: Event, ground: Ground) -> Event | None:
        """An event as it comes out now; None of what is only received."""
        match event:
            case Posted():
                return self._posted(event, ground)
            case Resumed():
                self._tolerant = True
                resumed, ends = owed(ground.house.run.past)
                self._ends = [*ends]
                return resumed
            case Joined() | Left():
                self._pool(event, ground)
            case Reserved() | Called() | CommandReserved() | ToolUsed() | Stepped():
                self._task_of(event).desks.take(event)
                return self._end_of_call(event)
            case Done():
                return self._end(event)
            case PacingBegan() | Paced():
                return self._pacing.take(event, list(self._tasks))
            case _ if event.kind in FLOW_KINDS:
                return self._flow.take(seq, event, ground.house)
            case _ if event.kind in _OF_TASKS:
                made = self._task_of(event).take(event)
                if isinstance(event, TaskDone):
                    self._flow.ended(event, self._tasks[event.task].lot)
                    self._pacing.ended(event)
                return made
            case _:
                pass
        return None

    def _end_of_call(self, event: Event) -> Event | None:
        """The end that a call without one is given when its run is gone on with; None of any other."""
        if self._ends:
            return self._ends.pop(0)
        said = event.error if isinstance(event, Called) else event.result if isinstance(event, ToolUsed) else ""
        if said == FATE_UNKNOWN:
            raise Uncalled("the run was not gone on with, and so nothing was charged at its worst case")
        return None

    def _start(self, item: Item, event: Started) -> None:
        ground = ground_of(self._store, item.run, event, before=self._before if event.forked else ())
        self._ground = ground
        self._notes |= dict.fromkeys(ground.notes)
        self._holes += ground.holes
        self._opening = event.forked is not None
        self._tolerant = self._tolerant or self._opening
        for task in self._tasks.values():
            task.forked(ground.house)
        if elsewhere := here(event.versions):
            self._tolerant = True
            self._notes[elsewhere] = None
        if event.forked is not None and item.own:
            took = sum((one.usage for one in self._before if isinstance(one, Called | ToolUsed)), Usage())
            if not close_usage(took, event.forked.usage):
                said = f"${event.forked.usage.usd} were spent before it was forked"
                raise Uncalled(f"it says that {said}, and the calls that stand took ${took.usd}")

    def _posted(self, event: Posted, ground: Ground) -> Event | None:
        if event.spec.id in self._tasks and not ground.forked:
            raise Uncalled(f"task {event.spec.id!r} was posted before")
        known = self._tasks.get(event.spec.id)
        if known is None or known.lot.task != event.spec:
            self._tasks[event.spec.id] = TaskReplay(ground.house, event.spec, ground.records)
            self._holes_of[event.spec.id] = []
        return None if self._opening else self._flow.posted(event)

    def _screened(self, item: Item, event: Screened) -> Diverged | None:
        held, self._held = self._held, None
        routed, now = self._task_of(event).screened(event)
        if held is not None and held.event is not None:
            first = self._compare(held, held.event, routed)
            self._learn(held.run, held.event)
            if first is not None:
                return first
        return self._compare(item, event, now)

    def _pool(self, event: Joined | Left, ground: Ground) -> None:
        members = {card.name for card in ground.house.pool.members}
        if isinstance(event, Joined) and event.profile.name in members and not ground.forked:
            raise Uncalled(f"{event.profile.name} took part already")
        if isinstance(event, Left) and event.agent not in members:
            raise Uncalled(f"{event.agent} did not take part")
        ground.house.pool.take(event)
        for task in self._tasks.values():
            if self._opening or task.stage == "recalling":
                task.look()

    def _end(self, event: Done) -> Event:
        self._done = True
        if waits := [name for name, one in self._tasks.items() if one.done is None and name not in self._stuck]:
            raise Uncalled(f"the end of task {waits[0]!r} is missing")
        if lack := self._flow.missing():
            raise Uncalled(lack)
        ends = {name: one.done for name, one in self._tasks.items() if one.done is not None}
        took = sum((done.usage for done in ends.values()), Usage())
        usage = event.usage if (self._ground and self._ground.forked) or close_usage(took, event.usage) else took
        return event.model_copy(
            update={"verdicts": {name: done.verdict for name, done in ends.items()}, "usage": usage}
        )

    def _compare(self, item: Item, event: Event, now: Event | None) -> Diverged | None:
        if not item.own or self._opening:
            return None
        if now is None or now is event or same_bytes(item.body, event, now):
            if item.kind in DECISIONS:
                self._made[item.kind] += 1
            return None
        fields = differences(event, now)
        if fields and all(field.close for field in fields) and self._tolerant:
            self._drifts.append(Drift(item.seq, item.kind, event.task, fields))
            self._made[item.kind] += item.kind in DECISIONS
            return None
        if holes := self._gaps(event.task):
            self._lack(item, event.task, holes[0])
            return None
        return Diverged(item.seq, item.kind, event.task, fields=fields)

    def _fault(self, item: Item, why: str) -> Diverged | None:
        """Something that was not called for, or cannot be: no wonder where a body is missing that it hangs on."""
        task = item.event.task if item.event is not None else ""
        if task in self._stuck:
            self._lack(item, task, self._stuck[task])
            return None
        if holes := self._gaps(task):
            if task:
                self._stuck[task] = holes[0]
            self._lack(item, task, holes[0])
            return None
        return Diverged(item.seq, item.kind, task, why)

    def _gaps(self, task: str) -> list[str]:
        """What is missing that a decision on a task may hang on."""
        of_records = self._ground.records.holes if self._ground is not None else []
        said = [f"the body of event {seq} (learned) was erased, on which records rest" for seq in of_records]
        whole = [] if task else list(self._stuck.values())  # what the whole run comes to hangs on each of its tasks
        return [*self._holes, *self._holes_of.get(task, ()), *self._flow.holes, *said, *whole]

    def _lack(self, item: Item, task: str, why: str) -> None:
        if item.own and item.kind in DECISIONS:
            self._lacking.append(Lack(item.seq, item.kind, task, why))

    def _hole(self, item: Item) -> None:
        """A body that is not there: whatever is under way may hang on it, and what everybody hangs on, everything."""
        said = f"the body of event {item.seq} ({item.kind}) was erased"
        if item.kind in DECISIONS and item.own:
            self._lacking.append(Lack(item.seq, item.kind, "", said))
        if item.kind in _FOR_ALL or item.kind in FLOW_KINDS:
            self._holes.append(said)
        for name, task in self._tasks.items():
            if task.done is None:
                self._holes_of[name].append(said)
        self._done = self._done or item.kind == "done"

    def _taken_in(self, item: Item, event: Event) -> None:
        """What the loop took in with each event: its own record, and what its policy learns."""
        if not item.own:
            self._before.append(event)
        if self._ground is not None:
            self._ground.house.run.past.add(event)
            if not isinstance(event, Routed):  # it is learned once its screening was read
                self._learn(item.run, event)

    def _learn(self, run: str, event: Event) -> None:
        learner = self._ground.learner if self._ground is not None else None
        if learner is not None and event.kind in learner.kinds:
            learner.learn(run, event)

    def _task_of(self, event: Event) -> TaskReplay:
        if (found := self._tasks.get(event.task)) is None:
            raise Uncalled(f"task {event.task!r} was never posted")
        return found


_OF_TASKS: Final = frozenset(
    {
        *("opened", "closed", "bid", "bid_refused", "judged", "recalled", "scored", "awarded", "performed"),
        *("verified", "settled", "credited", "learned", "applying", "applied", "task_done"),
    }
)
"""The kinds of events of a task that `TaskReplay.take` knows."""
_TAKEN_OVER: Final = frozenset({"started", "joined", "left", "posted", "judged", "bid"})
"""The kinds of events that a fork begins with: one of them may be another one than was received, as someone asked."""
_FOR_ALL: Final = frozenset(
    {"started", "resumed", "joined", "left", "posted", "routed", "awarded", "credited", "task_done", "learned"}
)
"""The kinds of events that the decisions of other tasks may hang on, too."""
