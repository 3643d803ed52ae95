"""The tree over any archive: a store has a part of it at hand, of a file or a list it is made from the entries."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from agora.abilities import Archive, Rooted
from agora.errors import LedgerError
from agora.ledger.chain import envelope_bytes
from agora.ledger.checkpoint import Checkpoint, origin_of
from agora.ledger.tree import Tree, leaf_hash


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
    origin = origin_of(first.entry.hash)
    if isinstance(archive, Rooted):
        return Whole(origin, archive.size(), Tree(archive.hashes))
    leaves = [leaf_hash(envelope_bytes(one.entry.envelope)) for one in archive.stored()]
    return Whole(origin, len(leaves), Tree.of(leaves))
