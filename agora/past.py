"""What a run has on record, in the form in which it is gone on with.

A run is resumed by running its loop again from the start: what was decided is taken from here instead of being decided
again, a model call that ended is answered from here, and an event that is on record is not written twice. Durable
execution by journal, as in Temporal and DBOS; the journal is the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, TypeVar

from agora.desk_events import FATE_UNKNOWN, Happening
from agora.events import (
    Applied,
    Applying,
    Asked,
    Awarded,
    BidPlaced,
    BidRefused,
    Called,
    Closed,
    CommandReserved,
    Compared,
    ContextRouted,
    Credited,
    Done,
    Event,
    FlowBegan,
    FlowEnded,
    Judged,
    Learned,
    NodeSkipped,
    Opened,
    Paced,
    PacingBegan,
    Performed,
    PlanningBegan,
    PlanningEnded,
    Posted,
    Recalled,
    Reserved,
    Routed,
    Scored,
    Screened,
    Settled,
    Started,
    Stepped,
    TaskDone,
    ToolUsed,
    TopologyChosen,
    Verified,
)
from agora.messages import Request, ToolCall
from agora.models.recorded import whole_request
from agora.models.retries import call_of
from agora.questions import Question
from agora.tasks import Task, Usage

E = TypeVar("E", bound=Event)

COMMAND: Final = "command"
"""The name under which a command of an agent stands among its tools."""

_TAKING_OVER: Final = frozenset({"started", "joined", "left", "posted", "judged", "bid"})  # how a fork begins
INTERRUPTED: Final = "interrupted"
"""The failure of a call whose fate nobody can know."""


@dataclass(kw_only=True)
class PastCall:
    """One model call of one desk: its attempts, and whether it was counted yet."""

    id: str
    """The call's id, without the number of an attempt."""
    model: str
    """Which model."""
    request: Request
    """What was asked, whole."""
    attempts: list[Called]
    """How each attempt ended."""
    latest: bool = True
    """Whether nothing later of this desk is on record."""
    booked: bool = False
    """Whether what it took stands in the purse."""

    @property
    def usage(self) -> Usage:
        """What all attempts took."""
        return sum((ended.usage for ended in self.attempts), Usage())

    @property
    def overrun(self) -> bool:
        """Whether one cost more than was reserved."""
        return any(ended.overrun for ended in self.attempts)


@dataclass(kw_only=True)
class PastTool:
    """One tool call or command of one desk."""

    event: ToolUsed
    at: int
    """How many of this desk ended before it."""
    booked: bool = False
    """Whether what it took stands in the purse."""

    @property
    def usage(self) -> Usage:
        """What it took."""
        return self.event.usage

    @property
    def overrun(self) -> bool:
        """Whether it cost more than was reserved."""
        return self.event.overrun


class DeskPast:
    """What one desk has on record, in order; whatever is taken from it is not there any more."""

    def __init__(self) -> None:
        self.calls: list[PastCall] = []
        self.tools: list[PastTool] = []
        self.number = 0
        """The highest number of a call."""
        self.questions: set[str] = set()
        """Ids of those whose answers were used up."""
        self.last: Request | None = None
        """What was asked last, whole."""

    def take_call(self, model: str, same: Callable[[Request], bool]) -> PastCall | None:
        """The first call that asked this of this model."""
        for index, call in enumerate(self.calls):
            if call.model == model and same(call.request):
                return self.calls.pop(index)
        return None

    def take_tool(self, asked: str, *, id: str | None = None) -> PastTool | None:
        """The first use that was asked for in the same words; None as id: whatever it was called."""
        for index, tool in enumerate(self.tools):
            if tool.event.asked == asked and id in (None, tool.event.call.id):
                return self.tools.pop(index)
        return None

    def unbooked(self) -> list[PastCall | PastTool]:
        """What was spent and stands in no purse yet."""
        spent: list[PastCall | PastTool] = [*self.calls, *self.tools]
        return [one for one in spent if not one.booked]


class Past:
    """The events of one run so far.

    Args:
        events: In order; none for a run that begins.
        before: Of a fork, what stands of the run that it was forked from: the beginning of `events`.
    """

    def __init__(self, events: Iterable[Event] = (), *, before: Past | None = None) -> None:
        self.before = before
        self._by_key: dict[tuple[object, ...], Event] = {}
        self._learned: dict[str, list[Learned]] = defaultdict(list)
        self._intents: dict[str, Reserved] = {}
        self._commands: dict[str, CommandReserved] = {}
        self._spent: defaultdict[tuple[str, str, str], Usage] = defaultdict(Usage)
        self._desks: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
        self._claimed: set[tuple[str, str, str]] = set()  # desks whose spend somebody counts
        self._tasks: dict[str, Task] = {}
        self._in_order: list[Event] = []
        for event in events:
            self.add(event)

    @property
    def tasks(self) -> list[Task]:
        """What was posted, in order."""
        return list(self._tasks.values())

    @property
    def untouched(self) -> bool:
        """Whether it is of a fork that has asked, paid and decided nothing of its own yet."""
        taken_over = 0 if self.before is None else len(self.before._in_order)
        return taken_over > 0 and all(event.kind in _TAKING_OVER for event in self._in_order[taken_over:])

    def add(self, event: Event) -> None:
        """One more event."""
        self._in_order.append(event)
        if isinstance(event, Posted):
            self._tasks[event.spec.id] = event.spec  # a fork posts once more what it takes over
        if isinstance(event, Learned):
            self._learned[event.task].append(event)
        elif isinstance(event, (Reserved, Called, ToolUsed, CommandReserved)):
            self._add_spend(event)
        elif (key := _key(event)) is not None:
            self._by_key[key] = event

    def __contains__(self, event: Event) -> bool:
        """Whether what this event says was said before."""
        if isinstance(event, Learned):
            return event in self._learned.get(event.task, ())
        # A question stands there twice: waiting, and answered. A patch is announced by each process that writes it.
        key = None if isinstance(event, (Asked, Applying)) else _key(event)
        return key is not None and key in self._by_key

    def find(self, kind: type[E], task: str = "", *more: str | int) -> E | None:
        """The event of a kind about a task (and, where there are several, an attempt or an agent)."""
        found = self._by_key.get((kind, task, *more))
        return found if isinstance(found, kind) else None

    def of_kinds(self, kinds: Collection[str]) -> list[Event]:
        """All events of some kinds, in order."""
        return [event for event in self._in_order if event.kind in kinds]

    def taken(self, task: str) -> Usage:
        """What all desks of a task took so far."""
        return sum((usage for (of, _, _), usage in self._spent.items() if of == task), Usage())

    def answer(self, question: Question) -> bool | None:
        """What a person said to exactly this question; None: nothing yet."""
        asked = self.find(Asked, question.task, question.id)
        if asked is None or asked.digest != question.digest or asked.question.usd < question.usd:
            return None
        return asked.granted

    def spent(self, task: str, phase: str, agent: str) -> Usage:
        """What the calls and tools of one desk took; whoever asks counts it."""
        self._claimed.add((task, phase, agent))
        return self._spent[task, phase, agent]

    def left_over(self, task: str, phases: Collection[str]) -> list[tuple[str, str]]:
        """Phase and agent of the desks in some phases, or ballots of them, at which nobody has sat down again."""
        places = sorted(place for place in self._spent.keys() - self._claimed if place[0] == task)
        return [(phase, agent) for _, phase, agent in places if part_of(phase, phases)]

    def desk(self, task: str, phase: str, agent: str) -> DeskPast:
        """What one desk has on record, afresh at each call; whoever sits down counts it."""
        self._claimed.add((task, phase, agent))
        past = DeskPast()
        calls: dict[str, PastCall] = {}
        for event in self._desks.get((task, phase, agent), ()):
            for call in past.calls:
                call.latest = call.latest and _call_id(event) == call.id
            if isinstance(event, Reserved):
                past.last = last = whole_request(event, past.last)
                if (known := call_of(event.call)) not in calls:
                    calls[known] = PastCall(id=known, model=event.model, request=last, attempts=[])
                    past.calls.append(calls[known])
                past.number = max(past.number, _number(known))
            elif isinstance(event, Called):
                if (asked := calls.get(call_of(event.call))) is not None:  # without an intent it only counts as spend
                    asked.attempts.append(event)
            elif isinstance(event, ToolUsed):
                past.tools.append(PastTool(event=event, at=len(past.tools)))
                past.questions.update(event.granted, event.refused)
                own = [event.call.id] if event.call.name == COMMAND else []
                past.number = max(past.number, *map(_number, [*own, *event.commands]), 0)
        return past

    def unknown(self) -> list[Called | ToolUsed]:
        """The ends of all calls and commands that have none: charged at their worst case, their fate unknown."""
        ends: list[Called | ToolUsed] = []
        for intent in self._intents.values():
            usage = Usage(usd=intent.usd, input_tokens=intent.tokens, steps=1)
            task, call, agent = intent.task, intent.call, intent.agent
            ends.append(Called(task=task, call=call, agent=agent, error=FATE_UNKNOWN, failure=INTERRUPTED, usage=usage))
        for command in self._commands.values():
            ends.append(
                ToolUsed(
                    task=command.task,
                    agent=command.agent,
                    phase=phase_of(command.task, command.call),
                    call=ToolCall(id=command.call, name=COMMAND, arguments="\n".join(command.argv)),
                    result=FATE_UNKNOWN,
                    ok=False,
                    unknown=True,
                    usage=Usage(usd=command.usd, steps=1),
                    asked=command.asked,
                    granted=(command.question,) if command.question else (),
                )
            )
        return ends

    def _add_spend(self, event: Reserved | Called | ToolUsed | CommandReserved) -> None:
        if isinstance(event, CommandReserved):
            self._commands[event.call] = event
            return
        phase = event.phase if isinstance(event, ToolUsed) else phase_of(event.task, event.call)
        place = (event.task, phase, event.agent)
        if isinstance(event, Reserved):
            self._intents[event.call] = event
        else:
            self._spent[place] += event.usage
            if isinstance(event, ToolUsed):
                for ended in (event.call.id, *event.commands):
                    self._commands.pop(ended, None)
            else:
                self._intents.pop(event.call, None)
        self._desks[place].append(event)


def phase_of(task: str, call: str) -> str:
    """The phase of a task in which a call was made, by its id."""
    return call.removeprefix(f"{task}/").partition("/")[0]


def part_of(phase: str, phases: Collection[str]) -> bool:
    """Whether a phase is one of some, or one ballot of several in one of them: "jury-0-A"."""
    whole, _, ballot = phase.rpartition("-")
    return phase in phases or (ballot.isalpha() and whole in phases)


def _number(call: str) -> int:
    last = call.rpartition("/")[2]
    return int(last) if last.isdigit() else 0


def _call_id(event: Event) -> str:
    return call_of(event.call) if isinstance(event, (Reserved, Called)) else ""


# What, besides its kind and its task, makes an event the same as another, whatever time it took. What is not here can
# happen again and again.
_TOLD_APART_BY: Final[Mapping[type[Happening], tuple[str, ...]]] = {
    **dict.fromkeys((Started, PlanningBegan, PlanningEnded, FlowBegan, FlowEnded, NodeSkipped, ContextRouted), ()),
    **dict.fromkeys((Compared, TopologyChosen, PacingBegan, Paced, Posted, Routed, Screened, Closed, Applying), ()),
    **dict.fromkeys((Applied, TaskDone, Done), ()),
    Stepped: ("phase", "agent", "number", "instead"),
    Performed: ("attempt",),
    Verified: ("attempt",),
    Settled: ("attempt",),
    Awarded: ("award.attempt",),
    Credited: ("decision",),
    Opened: ("auction",),
    Scored: ("auction", "round"),
    BidPlaced: ("auction", "bid.round", "bid.agent"),
    Judged: ("auction", "round", "judge"),
    BidRefused: ("auction", "round", "agent"),
    Recalled: ("auction", "agent"),
    Asked: ("question.id",),
}


def _key(event: Event) -> tuple[object, ...] | None:
    fields = _TOLD_APART_BY.get(type(event))
    return None if fields is None else (type(event), event.task, *(attrgetter(field)(event) for field in fields))
