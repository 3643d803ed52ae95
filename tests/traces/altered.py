"""Ledgers that somebody has changed: an event otherwise, left out, or its body erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from agora.events import Event
from agora.ledger.canonical import decode, encode
from agora.memory.in_memory import MemoryStore
from agora.records import Recorded, Stored
from agora.testing import FakeClock

Change = Callable[[Event], Event | None]
"""What becomes of an event; None: it is left out."""
ERASED = "erased"
"""Its body is not there."""


class Altered(MemoryStore):
    """Another store's ledger, with changes; positions stay as they were.

    Args:
        store: Whose.
        changes: Position -> what becomes of the event there.
    """

    def __init__(self, store: MemoryStore, changes: Mapping[int, Change | str]) -> None:
        super().__init__(clock=FakeClock())
        self._own = [one for whole in store.stored() for one in _changed(whole, changes)]

    def stored(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Stored]:
        return iter(
            [
                one
                for one in self._own
                if one.entry.envelope.seq > after
                and run in (None, one.entry.envelope.run)
                and (kinds is None or one.entry.envelope.kind in kinds)
            ]
        )

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        for (envelope, hashed), _, body in self.stored(run, after=after, kinds=kinds):
            yield Recorded(envelope.seq, envelope.run, envelope.at_us, hashed, None if body is None else decode(body))


def _changed(one: Stored, changes: Mapping[int, Change | str]) -> Iterator[Stored]:
    change = changes.get(one.entry.envelope.seq)
    if change is None or one.body is None:
        yield one
    elif isinstance(change, str):
        yield one._replace(salt=None, body=None)
    elif (event := change(decode(one.body))) is not None:
        yield one._replace(body=encode(event))
