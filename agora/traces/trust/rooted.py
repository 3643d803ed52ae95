"""The tree over any archive: a store has a part of it at hand, of a file or a list it is made from the entries."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple, cast

from agora.abilities import Archive, Rooted
from agora.errors import ChangedError, LedgerError
from agora.ledger.chain import envelope_bytes
from agora.ledger.checkpoint import Checkpoint, origin_of
from agora.ledger.tree import Tree, leaf_hash
from agora.records import Stored


class Whole(NamedTuple):
    """A ledger as it is now."""

    origin: str
    """Its name; empty where it has no entry."""
    size: int
    """Its entries."""
    tree: Tree
    """The tree over them."""

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """What is signed of it: of all entries, or of the first ones.

        Raises:
            LedgerError: It has no entries, or its stored subtrees are not whole.
        """
        if not self.origin:
            raise LedgerError("the ledger is empty: there is nothing to sign or prove; run something first")
        size = self.size if size is None else size
        try:
            return Checkpoint(self.origin, size, self.tree.root(size))
        except LookupError as problem:
            raise LedgerError(f"{problem}: `agora trace verify` says why, `agora memory rebuild` mends it") from None


def name_of(first: Stored | None) -> str:
    """The name of the ledger that begins with an entry; empty where it is not a ledger's first one."""
    if first is None or first.entry.envelope.seq != 1:
        return ""
    hashed = cast("object", first.entry.hash)  # a database may hold anything in any column
    return origin_of(hashed) if isinstance(hashed, str) else ""


def whole(archive: Archive) -> Whole:
    """The ledger of an archive, with its tree.

    Raises:
        LedgerError: It cannot be read, or does not begin with its first entry.
    """
    first = next(islice(archive.stored(), 1), None)
    if first is None:
        return Whole("", 0, Tree.of(()))
    if first.entry.envelope.seq != 1:
        raise LedgerError(f"half a ledger: it begins at entry {first.entry.envelope.seq}, and has no root")
    origin = name_of(first)
    if not origin:
        raise ChangedError(1, "its hash is no text, and it has no root; `agora trace verify` says more")
    if isinstance(archive, Rooted):
        return Whole(origin, archive.size(), Tree(archive.hashes))
    leaves = [leaf_hash(envelope_bytes(one.entry.envelope)) for one in archive.stored()]
    return Whole(origin, len(leaves), Tree.of(leaves))
