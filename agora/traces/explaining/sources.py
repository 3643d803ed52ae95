"""Where what a decision used comes from, and what later decisions used of it: by positions on the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from agora.bids import Lesson
from agora.errors import LedgerError
from agora.events import Credited, Event, Learned, Posted, Recalled, Routed, Screened, Started
from agora.memory.learned import MemoryUpdate, read_update
from agora.protocols import Store

_USES: Final = frozenset({"started", "posted", "routed", "screened", "recalled"})
MOST_TOLD: Final = 5
"""So many later decisions are named."""


class Source(NamedTuple):
    """Where a remembered plan stands."""

    run: str
    """Whose run."""
    task: str
    """Its task."""
    seq: int
    """Position of the entry that put it into memory."""


class Use(NamedTuple):
    """A later decision that something learned entered."""

    run: str
    """Its run."""
    task: str
    """Its task."""
    seq: int
    """Its position."""
    kind: str
    """What it decided."""


def sources_of(store: Store, lessons: Iterable[Lesson], *, before: int) -> Mapping[tuple[str, str], Source]:
    """Where the plans of lessons were remembered: by the goal and the plan, the latest entry before a position.

    Args:
        store: With the ledger; an exported one may not hold them.
        lessons: As they were shown.
        before: Position at which they were shown.
    """
    wanted = {(one.goal, plan) for one in lessons for plan in (one.lost, one.won)}
    found: dict[tuple[str, str], Source] = {}
    if not wanted:
        return found
    for entry in store.events(kinds=frozenset({"learned"})):
        if entry.seq >= before:
            break
        update = _memory(entry.event)
        if update is not None and (key := (update.goal, update.plan)) in wanted and isinstance(entry.event, Learned):
            found[key] = Source(entry.run, entry.event.key, entry.seq)
    return found


def uses_of(store: Store, run: str, event: Event, *, seq: int) -> Sequence[Use]:
    """The later decisions that something learned was known to, in order.

    A line on a record is known where an agent is weighed afterwards at a task of that skill; a memory where its plan is
    shown; a credit where a policy that knew the ledger so far looks at the agent again.

    Args:
        store: With the ledger.
        run: Whose run learned it.
        event: What was learned.
        seq: Its position.
    """
    knows: dict[str, int] = {}
    skills: dict[tuple[str, str], str] = {}
    found: list[Use] = []
    for entry in store.events(kinds=_USES):
        later = entry.event
        if isinstance(later, Started):
            knows[entry.run] = later.knows
        elif isinstance(later, Posted):
            skills[entry.run, later.spec.id] = later.spec.skill
        elif later is not None and entry.seq > seq:
            told = entry.run == run or knows.get(entry.run, 0) >= seq
            if _used(event, later, skill=skills.get((entry.run, later.task), ""), seq=seq, told=told):
                found.append(Use(entry.run, later.task, entry.seq, later.kind))
    return found


def _used(event: Event, later: Event, *, skill: str, seq: int, told: bool) -> bool:
    if isinstance(event, Credited):
        return told and isinstance(later, Routed) and event.agent in {one.agent for one in later.routing.considered}
    if not isinstance(event, Learned):
        return False
    if (memory := _memory(event)) is not None:
        shown = later.lessons if isinstance(later, Recalled) else ()
        return any(one.goal == memory.goal and memory.plan in (one.lost, one.won) for one in shown)
    if not isinstance(later, Screened) or (later.records_at is not None and later.records_at < seq):
        return False
    about = event.update.get("bidders")
    who = {str(event.update.get("agent", ""))}
    if isinstance(about, list):
        who = {str(one.get("agent", "")) for one in about if isinstance(one, Mapping)}
    return skill == event.update.get("skill") and bool(who & later.shortlist.members.keys())


def _memory(event: Event | None) -> MemoryUpdate | None:
    if not isinstance(event, Learned):
        return None
    try:
        update = read_update(event)
    except LedgerError:
        return None
    return update if isinstance(update, MemoryUpdate) else None
