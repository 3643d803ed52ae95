"""The chain finds every change that a chain can find, and no more is promised."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.ledger.canonical import canonical
from agora.ledger.chain import GENESIS, body_hash, entry_hash, envelope_bytes, verify
from agora.records import Entry, Envelope
from ledger.event_strategies import texts


def chain(length: int) -> list[Entry]:
    entries: list[Entry] = []
    for seq in range(1, length + 1):
        prev = entries[-1].hash if entries else GENESIS
        envelope = Envelope(1, seq, "r1", "done", 1000 + seq, body_hash(bytes(16), b"%d" % seq), prev)
        entries.append(Entry(envelope, entry_hash(envelope)))
    return entries


@given(
    seq=st.integers(1, 2**53 - 1),
    at_us=st.integers(0, 2**53 - 1),
    run=texts,
    kind=texts,
)
def test_an_envelope_has_its_canonical_bytes(seq: int, at_us: int, run: str, kind: str) -> None:
    envelope = Envelope(1, seq, run, kind, at_us, "ab" * 32, GENESIS)
    assert envelope_bytes(envelope) == canonical(envelope._asdict())


def test_the_envelope_of_version_1_is_what_it_will_always_be() -> None:
    envelope = Envelope(1, 1, "r1", "done", 2, body_hash(bytes(16), b"{}"), GENESIS)
    assert envelope_bytes(envelope) == (
        b'{"at_us":2,"body":"' + hashlib.sha256(bytes(16) + b"{}").hexdigest().encode() + b'","kind":"done","prev":"'
        b'0000000000000000000000000000000000000000000000000000000000000000","run":"r1","seq":1,"v":1}'
    )
    assert entry_hash(envelope) == hashlib.sha256(envelope_bytes(envelope)).hexdigest()


def test_a_whole_chain_holds() -> None:
    assert verify(chain(20)) is None
    assert verify([]) is None


def test_a_part_holds_from_a_known_entry_on() -> None:
    entries = chain(20)
    assert verify(entries[10:], seq=10, prev=entries[9].hash) is None
    assert verify(entries[10:]) == 1


@given(at=st.integers(0, 19), field=st.sampled_from(Envelope._fields), rehash=st.booleans())
def test_a_changed_field_is_found_where_it_stands(at: int, field: str, rehash: bool) -> None:
    entries = chain(20)
    parts = entries[at].envelope._asdict()
    parts[field] = parts[field] + 1 if isinstance(parts[field], int) else parts[field][::-1] + "x"
    changed = Envelope(**parts)
    entries[at] = Entry(changed, entry_hash(changed) if rehash else entries[at].hash)
    found = verify(entries)
    # A recomputed hash moves the finding to the next entry, and past the end where there is none.
    structural = field in {"v", "seq", "prev"}
    expected = at + 1 if structural or not rehash else at + 2
    assert found == (expected if expected <= 20 else None)


@given(at=st.integers(0, 18))
def test_deleted_swapped_and_inserted_entries_are_found(at: int) -> None:
    entries = chain(20)
    deleted = entries[:at] + entries[at + 1 :]
    swapped = [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]
    inserted = [*entries[: at + 1], entries[at], *entries[at + 1 :]]
    assert (verify(deleted), verify(swapped), verify(inserted)) == (at + 1, at + 1, at + 2)


def test_a_cut_tail_is_not_found_by_the_chain_alone() -> None:
    assert verify(chain(20)[:15]) is None


def test_a_salt_of_another_length_is_refused_so_that_it_cannot_be_shifted_into_the_body() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        body_hash(bytes(15), b"\0body")
