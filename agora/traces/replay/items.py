"""The entries of a run's record as a replay reads them: events, with the bytes of their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agora.abilities import Archive
from agora.events import Event
from agora.forks import ended_before, lineage
from agora.ledger.canonical import decode
from agora.protocols import Store


class Item(NamedTuple):
    """One entry."""

    seq: int
    kind: str
    own: bool
    """Whether it is the run's own event, and not one of the run that it was forked from."""
    run: str
    event: Event | None
    body: bytes | None


def items_of(store: Store, run: str) -> Iterator[Item]:
    """The record of a run in the ledger's order: of a fork, first what stands of the run that it was forked from.

    Raises:
        LedgerError: It cannot be read.
    """
    for part in lineage(store, run):
        own = part.run == run
        if part.before is None:
            yield from _read(store, part.run, own=own)
            continue
        stands = {one.seq for one in ended_before(store.events(part.run), part.before)}
        yield from (item for item in _read(store, part.run, own=own) if item.seq in stands)


def _read(store: Store, run: str, *, own: bool) -> Iterator[Item]:
    """The events of one run, with the bytes of their bodies where the store has them whole."""
    if not isinstance(store, Archive):
        for recorded in store.events(run):
            kind = recorded.event.kind if recorded.event else "unknown"
            yield Item(recorded.seq, kind, own, run, recorded.event, None)
        return
    for (envelope, _), _, body in store.stored(run):
        yield Item(envelope.seq, envelope.kind, own, run, None if body is None else decode(body), body)
