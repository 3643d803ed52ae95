"""The chain: each entry commits to its body and to the entry before it.

An envelope of version 1 is the object {v, seq, run, kind, at_us, body, prev}; the entry's hash is SHA-256 over its
canonical form, `prev` is the hash before (64 zeros at first), and `body` is SHA-256 over a random salt and the body's
bytes. A body can be erased together with its salt, and the chain still holds, while nobody can guess what stood there.

The chain alone finds flipped bits, deleted, swapped and inserted entries. It cannot see a cut tail, nor a rewritten
whole: for that a checkpoint has to leave the machine (RFC 9162 trees build on these hashes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from agora.errors import LedgerError
from agora.ledger.canonical import canonical
from agora.records import Entry, Envelope, Stored

VERSION: Final = 1
"""The envelope's version."""
GENESIS: Final = "0" * 64
"""What the first entry has as `prev`."""
SALT_BYTES: Final = 16
"""The length of a body's salt."""
# Characters that stand for themselves in JSON.
_PLAIN: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.")


def body_hash(salt: bytes, body: bytes) -> str:
    """SHA-256 over salt and body; the salt's length is fixed, so the two cannot be shifted against each other.

    Raises:
        ValueError: The salt is not `SALT_BYTES` long.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.sha256(salt + body).hexdigest()


def envelope_bytes(envelope: Envelope) -> bytes:
    """The envelope's canonical form.

    It is written out here since it is made for every event; that it equals `canonical` is a tested property.

    Raises:
        LedgerError: The run holds a lone surrogate, or a number is beyond 2**53-1.
    """
    plain = _PLAIN.issuperset(envelope.run) and _PLAIN.issuperset(envelope.kind)
    if not plain or max(envelope.at_us, envelope.seq) >= 2**53:
        return canonical(envelope._asdict())
    return (
        f'{{"at_us":{envelope.at_us},"body":"{envelope.body}","kind":"{envelope.kind}","prev":"{envelope.prev}",'
        f'"run":"{envelope.run}","seq":{envelope.seq},"v":{envelope.v}}}'
    ).encode()


def entry_hash(envelope: Envelope) -> str:
    """SHA-256 over the envelope's canonical form, hexadecimal."""
    return hashlib.sha256(envelope_bytes(envelope)).hexdigest()


def verify(entries: Iterable[Entry], *, seq: int = 0, prev: str = GENESIS) -> int | None:
    """The position of the first entry that does not follow from those before it; None: all do.

    Args:
        entries: In order, as stored.
        seq: Position of the last entry known to be good; 0 where the ledger begins.
        prev: Its hash.
    """
    for envelope, found in entries:
        seq += 1
        try:
            same = envelope.seq == seq and envelope.prev == prev and envelope.v == VERSION
            if not same or entry_hash(envelope) != found:
                return seq
        except LedgerError:  # it has no canonical form, and so was never recorded
            return seq
        prev = found
    return None


def first_bad(stored: Iterable[Stored]) -> int | None:
    """The position of the first entry, from the ledger's first on, that was changed or whose body was; None: all hold.

    A body that is not there was erased, and is nothing bad.
    """
    seq, prev = 0, GENESIS
    for entry, salt, body in stored:
        if (bad := verify([entry], seq=seq, prev=prev)) is not None:
            return bad
        seq, prev = entry.envelope.seq, entry.hash
        if body is not None and not holds(entry.envelope, salt, body):
            return seq
    return None


def holds(envelope: Envelope, salt: bytes | None, body: bytes) -> bool:
    """Whether a body is the one that an envelope commits to."""
    return salt is not None and len(salt) == SALT_BYTES and body_hash(salt, body) == envelope.body


def follows(stored: Stored, *, seq: int, prev: str) -> bool:
    """Whether an entry, with its body where that is there, comes next after a position whose hash is known."""
    entry, salt, body = stored
    return verify([entry], seq=seq, prev=prev) is None and (body is None or holds(entry.envelope, salt, body))
