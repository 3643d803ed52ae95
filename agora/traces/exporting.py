"""A ledger as JSON lines (`agora.ledger.lines`): all of it, or one run with what another reader needs to judge it.

The export of a run has every envelope up to the run's last entry, so that the chain and the tree can be checked as
they are. Of the bodies it has the run's own, those of the runs that it was forked from, and from the entries before its
end the kinds of events that policies learn from and records are summed from (KNOWLEDGE): by these others decide again.
Nothing in it depends on when or where it is made: the same ledger gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from agora.abilities import Archive, Rooted
from agora.coordinator.policies.coordinated import KINDS
from agora.errors import ChangedError, SignatureError, UnknownNameError
from agora.forks import lineage
from agora.ledger.chain import GENESIS, follows
from agora.ledger.checkpoint import Checkpoint, origin_of
from agora.ledger.lines import FORMAT, Header, write_entry, write_header
from agora.ledger.notes import notes_in
from agora.protocols import Store
from agora.records import Stored

KNOWLEDGE: Final = KINDS | {"learned"}
"""What policies learn from and records are summed from; of other runs, only these have their bodies."""


class Selection(NamedTuple):
    """What is exported."""

    run: str | None = None
    """The run; None: all of the ledger, with all bodies."""
    runs: frozenset[str] = frozenset()
    """The runs whose bodies are exported: this one, and those that it was forked from."""
    knowledge: bool = True
    """Whether the events that policies learn from are there, of other runs too."""
    last: int = 0
    """Position of the last entry."""


class Counts(NamedTuple):
    """What was written."""

    entries: int
    """Entries."""
    bodies: int
    """Entries with their bodies."""
    head: str
    """Hash of the last entry; empty where there is none."""


def selected(store: Store, archive: Archive, run: str | None, *, knowledge: bool = True) -> Selection:
    """What is exported of a run, or of the whole ledger as it is now.

    Args:
        store: With the ledger.
        archive: The same, for whole entries.
        run: The run's id; None: all.
        knowledge: False: without what policies learned from other runs.

    Raises:
        UnknownNameError: The run has no entry.
    """
    if run is None:
        return Selection(last=archive.size() if isinstance(archive, Rooted) else _last(archive))
    last = max((one.entry.envelope.seq for one in archive.stored(run)), default=0)
    if not last:
        raise UnknownNameError("run", run, [info.id for info in store.runs()])
    return Selection(run, frozenset(part.run for part in lineage(store, run)), knowledge, last)


class Export:
    """The lines of a selection, checked as they are written: once through, `counts` afterwards.

    Args:
        archive: With the ledger.
        chosen: What of it.
        published: The ledger's name -> all that was signed of it, as text; what is signed of more entries than are
            exported is left out of the header.
    """

    def __init__(self, archive: Archive, chosen: Selection, *, published: Callable[[str], str] = lambda _: "") -> None:
        self._archive, self._chosen, self._published = archive, chosen, published
        self.counts = Counts(0, 0, "")

    def lines(self) -> Iterator[bytes]:
        """The header, then one line an entry.

        Raises:
            ChangedError: An entry, or a body that is exported, is not what was recorded.
            LedgerError: The ledger cannot be read.
        """
        first, entries, bodies, prev = 0, 0, 0, GENESIS
        for stored in self._archive.stored():
            envelope, hashed = stored.entry
            if envelope.seq > self._chosen.last:
                break
            if not entries:
                first, prev = envelope.seq, envelope.prev if envelope.seq > 1 else GENESIS
                yield self._header(first, "" if first > 1 else origin_of(hashed))
            kept = self._kept(stored)
            if not follows(kept, seq=first + entries - 1, prev=prev):
                raise ChangedError(envelope.seq, "nothing is exported of such a ledger; see `agora trace verify`")
            entries, bodies, prev = entries + 1, bodies + (kept.body is not None), hashed
            self.counts = Counts(entries, bodies, hashed)
            yield write_entry(kept)
        if not entries:
            yield self._header(0, "")

    def _header(self, first: int, origin: str) -> bytes:
        chosen = self._chosen
        notes = known_notes(self._published(origin), origin=origin, last=chosen.last) if origin else ()
        return write_header(Header(FORMAT, origin, first, chosen.last, chosen.run, notes))

    def _kept(self, stored: Stored) -> Stored:
        chosen, envelope = self._chosen, stored.entry.envelope
        if chosen.run is None or envelope.run in chosen.runs or (chosen.knowledge and envelope.kind in KNOWLEDGE):
            return stored
        return stored._replace(salt=None, body=None)


def known_notes(text: str, *, origin: str, last: int) -> tuple[str, ...]:
    """The notes in a text that sign a ledger or its beginning, each once, those over the fewest entries first.

    Args:
        text: Notes, and whatever else.
        origin: The ledger's name.
        last: Position of its last entry.
    """
    found: set[tuple[int, str]] = set()
    for one in notes_in(text):
        with suppress(SignatureError):  # what is no checkpoint is not carried
            checkpoint = Checkpoint.parse(one.note.text) if one.note is not None else None
            if checkpoint is not None and checkpoint.origin == origin and checkpoint.size <= last:
                found.add((checkpoint.size, str(one.note)))
    return tuple(note for _, note in sorted(found))


def _last(archive: Archive) -> int:
    """The position of the last entry, by halving: an archive can only be asked what comes after a position."""

    def reaches(seq: int) -> bool:
        return next(iter(archive.stored(after=seq - 1)), None) is not None

    most = 1
    while reaches(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if reaches(middle) else (least, middle)
    return least
