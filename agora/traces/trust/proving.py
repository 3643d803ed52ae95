"""A proof that one entry stands on the ledger, for somebody who has nothing but the public key (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    extra BASE64 of the entry's envelope, whose hash is the leaf
    index 41
    BASE64 of each hash on the way to the root, the lowest first

    the checkpoint, as a signed note

The envelope says when and in which run an event of which kind was recorded, and commits to its body by a salted hash;
so the proof gives nothing of the body away, and stands when that was erased.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from typing import Final, NamedTuple

from agora.abilities import Archive
from agora.errors import DivergedError, LedgerError, SignatureError, UnknownNameError
from agora.ledger.canonical import MAX_INTEGER
from agora.ledger.chain import VERSION, envelope_bytes
from agora.ledger.checkpoint import Checkpoint
from agora.ledger.notes import Note, PublicKey, notes_in
from agora.ledger.tree import HASH_BYTES, includes, leaf_hash
from agora.records import Envelope
from agora.traces.trust.rooted import whole

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_MOST_HASHES: Final = 63
_MOST_DIGITS: Final = 19


class Proof(NamedTuple):
    """That an entry is among those that a checkpoint is over."""

    envelope: bytes
    """The entry's canonical bytes."""
    number: int
    """The leaf's index, from 0: its position on the ledger less one."""
    path: tuple[bytes, ...]
    """The hashes beside the way from the entry to the root, the lowest first."""
    note: Note
    """The signed checkpoint."""

    def core(self) -> str:
        """The inclusion proof itself: the index and the hashes."""
        return "".join(f"{line}\n" for line in (f"index {self.number}", *map(_base64, self.path)))

    def __str__(self) -> str:
        return f"{_HEADER}\nextra {_base64(self.envelope)}\n{self.core()}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Read the text form.

        Raises:
            SignatureError: It is no proof, was torn, or is not written as `str` writes it: one proof, one text.
        """
        head, gap, rest = text.partition("\n\n")
        lines = head.split("\n")
        found = [one.note for one in notes_in(rest)] if gap else []
        if lines[0] != _HEADER or len(lines) < 3 or len(found) != 1 or found[0] is None:
            raise SignatureError(f"not a proof: it begins with {_HEADER!r} and ends with a signed checkpoint")
        extra, index = lines[1].removeprefix("extra "), lines[2].removeprefix("index ")
        path = tuple(_data(line) for line in lines[3:])
        sound = index.isascii() and index.isdigit() and len(index) <= _MOST_DIGITS and len(path) <= _MOST_HASHES
        if not sound or any(len(step) != HASH_BYTES for step in path):
            raise SignatureError("not a proof: its index or one of its hashes is none; ask for it again")
        proof = cls(_data(extra), int(index), path, found[0])
        if str(proof) != text:
            raise SignatureError("not a proof as Agora writes it: it was changed, or torn; ask for it again")
        return proof

    def leaf_hash(self) -> bytes:
        """What stands in the tree for the entry."""
        return leaf_hash(self.envelope)

    def entry(self) -> Envelope:
        """The envelope, to be shown.

        Raises:
            SignatureError: The bytes are none.
        """
        try:
            fields = json.loads(self.envelope)
            envelope = Envelope(**fields)
            sound = envelope.v == VERSION and abs(envelope.at_us) <= MAX_INTEGER
            if not sound or envelope_bytes(envelope) != self.envelope:
                raise ValueError
        except (LedgerError, TypeError, ValueError, RecursionError):
            raise SignatureError("not a proof: what it proves is no entry of a ledger") from None
        return envelope

    def check(self, key: PublicKey) -> Checkpoint:
        """The checkpoint under which the entry stands.

        Raises:
            SignatureError: The key has not signed it, or it does not hold.
        """
        if not key.signed(self.note):
            raise SignatureError(f"the proof's checkpoint is not signed by the key {key}")
        checkpoint, envelope = Checkpoint.parse(self.note.text), self.entry()
        holds = includes(checkpoint.root, checkpoint.size, self.number, self.leaf_hash(), self.path)
        if not holds or envelope.seq != self.number + 1:
            raise SignatureError("the proof does not hold: it, or the entry in it, was changed")
        return checkpoint


def prove(archive: Archive, seq: int, note: Note) -> Proof:
    """Prove that an entry is among those of a signed checkpoint.

    Args:
        archive: With the ledger.
        seq: The entry's position.
        note: A checkpoint over this entry or later ones.

    Raises:
        UnknownNameError: There is no such entry under the checkpoint.
        DivergedError: The ledger is not the one that was signed.
        LedgerError: It cannot be read.
    """
    checkpoint, ledger = Checkpoint.parse(note.text), whole(archive)
    if not 0 < seq <= min(checkpoint.size, ledger.size):
        raise UnknownNameError("event", str(seq), [f"1 to {min(checkpoint.size, ledger.size)}"])
    entry = next(iter(archive.stored(after=seq - 1))).entry
    leaf = envelope_bytes(entry.envelope)
    try:
        path = tuple(ledger.tree.inclusion(seq - 1, checkpoint.size))
    except LookupError:  # it was cut, or its stored subtrees were
        path = ()
    if not includes(checkpoint.root, checkpoint.size, seq - 1, leaf_hash(leaf), path):
        raise DivergedError(f"entry {seq} cannot be proven: another ledger was signed; `agora trace verify` says more")
    return Proof(leaf, seq - 1, path, note)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _data(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("not a proof: a line of it is not base64; it was torn or changed") from None
