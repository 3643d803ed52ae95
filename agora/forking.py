"""A run that is forked from another one: what it stands on, and what its ledger begins with.

The new run takes the events of the other one before a position as its past, by name: they were paid and learned there.
Everything from there on is decided, asked and paid anew, by the loop that goes on with a run that was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from agora.errors import ConfigError
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Event,
    FlowBegan,
    Joined,
    Judged,
    Left,
    Performed,
    PlanningBegan,
    Posted,
    Started,
    TaskDone,
    ToolUsed,
)
from agora.fork_events import Fork
from agora.forks import ended_before, events_of
from agora.past import Past
from agora.pool import CHANGES, Pool, abilities_of
from agora.protocols import Agent, Store
from agora.records import Recorded
from agora.tasks import Usage

_ANNOUNCING: Final = frozenset({"started", "posted", "pacing_began", "joined", "left", "resumed"})
"""What a list of tasks begins with: before its end nothing was decided."""
_AWARDED: Final = frozenset({"awarded"})
_ONE_DECISION: Final[Mapping[str, tuple[str, ...]]] = {
    "screened": ("routed",),
    "credited": ("settled",),
    "topology_chosen": ("planning_ended", "topology_chosen"),
    "flow_began": ("planning_ended", "topology_chosen"),
}
"""What goes on the ledger together with what stands before it, all or none."""


class Ground(NamedTuple):
    """What a fork stands on."""

    fork: Fork
    """Which run, and from where."""
    past: Past
    """What is on record before that."""
    at: Recorded
    """The event that is decided or received anew."""

    @property
    def started(self) -> Started:
        """How the other run began.

        Raises:
            ConfigError: Its beginning is not on record.
        """
        if (began := self.past.find(Started)) is None:
            raise ConfigError(f"run {self.fork.run}", "has no beginning on record: start it again")
        return began


def ground_of(store: Store, run: str, at: int, changes: Mapping[str, str]) -> Ground:
    """Where a run can be forked.

    Args:
        store: With the ledger.
        run: The run's id.
        at: The position of the first event that is not to stand, as `agora trace events` lists it.
        changes: What is to be otherwise, in words.

    Raises:
        ConfigError: It cannot be forked there; where it can is said.
    """
    where = f"run {run} from event {at}"
    whole = list(events_of(store, run))
    place = next((number for number, one in enumerate(whole) if one.seq == at), None)
    if place is None:
        near = min(whole, key=lambda one: (abs(one.seq - at), one.seq), default=None)
        mend = f"did you mean {near.seq} ({_kind(near)})?" if near else "it has no events"
        raise ConfigError(where, f"the run has no event at that position; {mend}")
    first = _first_free(whole)
    if place < first:
        mend = f"the first is {whole[first].seq} ({_kind(whole[first])})" if first < len(whole) else "it has none yet"
        raise ConfigError(where, f"nothing was decided before that: fork from a later event, {mend}")
    while _kind(whole[place - 1]) in _ONE_DECISION.get(_kind(whole[place]), ()) and place > first:
        place -= 1
    one = whole[place]
    stand = list(_standing(whole[:place], before=one.seq, run=one.run))
    spent = sum((event.usage for event in stand if isinstance(event, Called | ToolUsed)), Usage())
    fork = Fork(run=one.run, at=one.seq, changes=changes, usage=spent)
    return Ground(fork, Past(stand), one)


def opening_of(
    ground: Ground, started: Started, agents: Mapping[str, Agent], *, seed: int | None, instead: Event | None = None
) -> list[Event]:
    """What a fork's ledger begins with: how it began, who comes and goes, and the tasks that it takes over.

    Args:
        ground: What it stands on.
        started: How its market would begin a run.
        agents: Who is to take part from here on, by name.
        seed: Of all chance from here on; None: the other run's.
        instead: What was received at its position, with a change.

    Raises:
        ConfigError: An attempt that stands is under way of an agent that is not to take part.
    """
    began = ground.started
    _whose_attempts(ground.past, agents)
    update: dict[str, object] = {
        "seed": began.seed if seed is None else seed,
        "agents": began.agents,
        "abilities": began.abilities,
        "knows": began.knows,
        "parallel": began.parallel,
        "learn": started.learn and began.learn and instead is None,  # nobody said it: nothing is learned from it
        "forked": ground.fork,
    }
    undone = [task for task in ground.past.tasks if ground.past.find(TaskDone, task.id) is None]
    changed = instead.spec.id if isinstance(instead, Posted) else ""
    posted = [Posted(task=task.id, spec=task) for task in undone if task.id != changed]
    more = [instead] if instead is not None else []
    return [started.model_copy(update=update), *_comings(ground.past, began, agents), *posted, *more]


def instead_of(event: Event | None, field: str, value: str) -> Event:
    """What was received at the position of a fork, with a change.

    A mark, the price of a bid and the goal of a task can be otherwise. A verdict cannot: only what a verifier finds is
    evidence, so that a fork from before it has the work verified anew.

    Args:
        event: As it is on record; None: it was erased.
        field: "mark.AGENT", "price" or "goal".
        value: In words.

    Raises:
        ConfigError: That cannot be otherwise there.

    >>> judged = Judged(task="t", judge="ada", marks={"ben": 2})
    >>> instead_of(judged, "mark.ben", "5").marks
    {'ben': 5}
    """
    where = f"--change {field}={value}"
    name = field.partition(".")[2]
    match event:
        case Judged() if field.startswith("mark."):
            if name not in event.marks:
                raise ConfigError(where, f"{event.judge!r} marked only {', '.join(sorted(event.marks)) or 'nobody'}")
            if value not in {"0", "1", "2", "3", "4", "5"}:
                raise ConfigError(where, "a mark is a whole number from 0 to 5")
            return event.model_copy(update={"marks": {**event.marks, name: int(value)}})
        case BidPlaced(bid=bid) if field == "price":
            try:
                asked = Decimal(value)
            except InvalidOperation:
                asked = Decimal(-1)
            if not asked.is_finite() or asked < 0:
                raise ConfigError(where, f"a price is an amount of 0 or more, in {bid.price.unit}")
            price = bid.price.model_copy(update={"value": asked})
            return event.model_copy(update={"bid": bid.model_copy(update={"price": price})})
        case Posted(spec=spec) if field == "goal" and value.strip():
            return event.model_copy(update={"spec": spec.model_copy(update={"goal": value})})
        case _:
            pass
    kind = "erased" if event is None else event.kind
    if "verdict" in field or kind in {"verified", "task_done", "settled", "done", "flow_ended"}:
        what = "a verdict is what a verifier found, and is never changed: fork from before it, and it is found anew"
        raise ConfigError(where, what)
    can = "mark.AGENT of a judgement, price of a bid, goal of a task that a workflow posted"
    raise ConfigError(where, f"is nothing that event {kind!r} can have otherwise: {can}")


def _whose_attempts(past: Past, agents: Mapping[str, Agent]) -> None:
    """Refuse to leave out whoever is at work: its attempt was awarded, and only it can go on with it."""
    for event in past.of_kinds(_AWARDED):
        if not isinstance(event, Awarded) or event.award.agent in agents:
            continue
        task, attempt, name = event.task, event.award.attempt, event.award.agent
        if past.find(Performed, task, attempt) is None and past.find(TaskDone, task) is None:
            what = f"is at attempt {attempt} of task {task!r} there and cannot be left out: fork at its award or before"
            raise ConfigError(f"agent {name!r}", what)


def _standing(events: Sequence[Recorded], *, before: int, run: str) -> Iterable[Event]:
    """The events that stand; none of a call of the same run that ends later."""
    own = {one.seq for one in ended_before((one for one in events if one.run == run), before)}
    for one in events:
        if one.event is None:
            raise ConfigError(f"run {run}", f"cannot be forked here: the body of event {one.seq} was erased")
        if one.run != run or one.seq in own:
            yield one.event


def _first_free(events: Sequence[Recorded]) -> int:
    """The place of the first event at which a run can be forked: all that it is about stands before it."""
    for kind in (PlanningBegan, FlowBegan):
        for place, one in enumerate(events):
            if isinstance(one.event, kind):
                return place + 1
    return next((place for place, one in enumerate(events) if _kind(one) not in _ANNOUNCING), len(events))


def _comings(past: Past, began: Started, agents: Mapping[str, Agent]) -> Iterable[Event]:
    """Who leaves and who comes, or is or can do something else from here on."""
    pool = Pool(began.agents, past.of_kinds(CHANGES), able=began.abilities)
    here = {card.name: card for card in pool.members}
    for name in here:
        if name not in agents:
            yield Left(agent=name, reason="is left out of this fork")
    for name, agent in agents.items():
        if (before := pool.operators.get(name, agent.profile.operator)) != agent.profile.operator:
            what = f"took part with the operator {before!r}: give the one that takes its place another name"
            raise ConfigError(f"agent {name!r}", what)
        if here.get(name) != agent.profile or pool.able.get(name, abilities_of(agent)) != abilities_of(agent):
            yield Joined(profile=agent.profile, abilities=abilities_of(agent))


def _kind(one: Recorded) -> str:
    return one.event.kind if one.event is not None else "erased"
