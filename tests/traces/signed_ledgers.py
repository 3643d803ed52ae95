"""Ledgers with checkpoints that were kept elsewhere, to be tampered with."""

from __future__ import annotations

from collections.abc import Sequence

from agora.events import BidRefused
from agora.ledger.chain import GENESIS, body_hash, entry_hash
from agora.ledger.notes import SecretKey
from agora.memory.in_memory import MemoryStore
from agora.records import Entry, Stored
from agora.testing.clocks import FakeClock
from agora.traces.trust.checkpoints import Signed
from agora.traces.trust.rooted import whole

KEY = SecretKey("agora", bytes(range(32)))


def event(number: int) -> BidRefused:
    return BidRefused(task=f"t{number}", agent="scout", reason=f"reason {number}")


def ledger(entries: int) -> MemoryStore:
    """A ledger of small events of three runs, in turn."""
    store = MemoryStore(clock=FakeClock(), salt=lambda: b"0123456789abcdef")

    for number in range(entries):
        store.note(f"r{number % 3}", event(number))
    return store


def signed_at(store: MemoryStore, *sizes: int, key: SecretKey = KEY) -> list[Signed]:
    """Checkpoints over the first so many entries."""
    made = [whole(store).checkpoint(size) for size in sorted(sizes)]
    return [Signed(one, key.sign(one.text()), "elsewhere") for one in made]


def rewritten(entries: Sequence[Stored], begin: int = 0) -> list[Stored]:
    """The same entries from an index on, numbered and chained anew, each body with a hash to match."""
    made = list(entries[:begin])
    prev = made[-1].entry.hash if made else GENESIS
    for (envelope, _), salt, body in entries[begin:]:
        hashed = envelope.body if body is None or salt is None else body_hash(salt, body)
        fresh = envelope._replace(seq=len(made) + 1, prev=prev, body=hashed)
        prev = entry_hash(fresh)
        made.append(Stored(Entry(fresh, prev), salt, body))
    return made
