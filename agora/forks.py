"""The events of a run, with those of the run that it was forked from: what every reader of a run goes by.

A fork's ledger holds only what is its own. What happened before it stands in the run that it was forked from, up to a
position that its opening row names, and is read from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from agora.desk_events import Called, CommandReserved, Reserved, ToolUsed
from agora.errors import LedgerError
from agora.events import Started
from agora.fork_events import Fork
from agora.protocols import Store
from agora.records import Recorded

_STARTED: Final = frozenset({"started"})
_RESERVED: Final = "reserved"
_COMMAND: Final = "command_reserved"
_MOST_FORKS: Final = 1000


class Part(NamedTuple):
    """One run's part in the record of a run."""

    run: str
    """Its id."""
    before: int | None
    """The position of the first of its events that is not part of it; None: all are."""


def lineage(store: Store, run: str) -> Sequence[Part]:
    """The runs whose events are a run's record, the oldest first; of a run that is no fork, itself alone.

    Args:
        store: With the ledger.
        run: The run's id.

    Raises:
        LedgerError: The record goes in a circle, which no market writes.
    """
    parts = [Part(run, None)]
    while fork := fork_of(store, parts[-1].run):
        if any(part.run == fork.run for part in parts) or len(parts) > _MOST_FORKS:
            raise LedgerError(f"run {run} was forked from itself, it says: the record is damaged")
        parts.append(Part(fork.run, fork.at))
    return parts[::-1]


def fork_of(store: Store, run: str) -> Fork | None:
    """Where a run was forked from; None: it began by itself."""
    first = next(iter(store.events(run, kinds=_STARTED)), None)
    return first.event.forked if first is not None and isinstance(first.event, Started) else None


def events_of(store: Store, run: str) -> Iterator[Recorded]:
    """The whole record of a run in the ledger's order: what stands of the run it was forked from, then its own.

    Of a run that is no fork these are its own events. Each says by `run` whose it is. A call of the other run that had
    not ended when it was forked is left out: it is made anew, and was paid there.

    Args:
        store: With the ledger.
        run: The run's id.

    Raises:
        LedgerError: It cannot be read.
    """
    for part in lineage(store, run):
        own = store.events(part.run)
        yield from own if part.before is None else ended_before(own, part.before)


def ended_before(events: Iterable[Recorded], before: int) -> Iterator[Recorded]:
    """The events of one run before a position, without the intents of calls and commands whose ends come later."""
    stand = list(takewhile(lambda one: one.seq < before, events))
    open_at: dict[tuple[str, str], int] = {}
    for place, one in enumerate(stand):
        match one.event:
            case Reserved(call=call) | CommandReserved(call=call):
                open_at[one.event.kind, call] = place
            case Called(call=call):
                open_at.pop((_RESERVED, call), None)
            case ToolUsed(call=call, commands=commands):
                for ended in (call.id, *commands):
                    open_at.pop((_COMMAND, ended), None)
            case _:
                pass
    left_out = frozenset(open_at.values())
    yield from (one for place, one in enumerate(stand) if place not in left_out)
