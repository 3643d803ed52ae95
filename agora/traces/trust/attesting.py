"""What may be signed of a ledger: that it goes on from what was signed, by its entries and not by what is stored.

A signature cannot be taken back: over a false root it would make a stranger of the honest ledger. So the stored
subtrees are believed only where a signed root stands for them. What comes after it is checked entry by entry, its part
of the tree is made from these entries, and the stored one has to be the same. This takes as long as the entries since
the last checkpoint (all of them, when a ledger is first signed), and some hundred rows of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agora.abilities import Archive, Rooted
from agora.errors import ChangedError, DivergedError, LedgerError
from agora.ledger.chain import GENESIS, envelope_bytes, follows
from agora.ledger.checkpoint import Checkpoint
from agora.ledger.tree import BLOCK, STRIDE, Frontier, Tree, fold, leaf_hash
from agora.records import Stored
from agora.traces.trust.checkpoints import Checkpoints, Signed, latest
from agora.traces.trust.rooted import Whole, whole

ANEW: Final = "`agora trace checkpoint --anew` signs it from here on, if you restored or began it so yourself"
"""What a rightful owner does with a ledger that is not the one that was signed."""
_REBUILD: Final = "the stored part of its tree is not that of its entries: `agora memory rebuild` mends it"


def at_home(kept: Checkpoints, place: str, origin: str) -> None:
    """Refuse a ledger that stands where another one was signed.

    Raises:
        DivergedError: Another one was.
    """
    other = kept.origin_at(place)
    if other and origin and other != origin:
        what = f"this is not the ledger that was signed here before ({other})"
        raise DivergedError(f"{what}: it is not signed; `agora trace verify` says more; {ANEW}")


def go_on(archive: Archive, ledger: Whole, before: Checkpoint | None) -> None:
    """Refuse a ledger that does not go on from what was signed of it before.

    Raises:
        DivergedError: It is shorter, or begins with other entries.
        LedgerError: Its entries are those that were signed, and the stored part of its tree is not theirs.
    """
    if before is None:
        return
    if ledger.size < before.size:
        what = f"it has {ledger.size} entries, and {before.size} were signed"
    elif _root(ledger.tree, before.size) == before.root:
        return
    elif _made_root(archive, before.size) == before.root:
        raise LedgerError(_REBUILD)
    else:
        what = f"its first {before.size} entries are not those that were signed"
    raise DivergedError(f"{what}: `agora trace verify` says more; it is not signed again; {ANEW}")


def attested(archive: Archive, signed: Sequence[Signed], size: int | None = None) -> Checkpoint:
    """What may be signed of a ledger.

    Args:
        archive: With the ledger.
        signed: What was signed of it before.
        size: Only of so many first entries; None: of all that are there.

    Raises:
        DivergedError: It does not go on from what was signed.
        ChangedError: An entry after that does not follow from the one before it.
        LedgerError: It is empty or shorter, or the stored part of its tree is not that of its entries.
    """
    ledger = whole(archive)
    if not ledger.origin:
        raise LedgerError("the ledger is empty: there is nothing to sign or prove; run something first")
    size = ledger.size if size is None else size
    go_on(archive, ledger, latest(signed, ledger.origin))
    base = latest([one for one in signed if one.checkpoint.size <= size], ledger.origin)
    go_on(archive, ledger, base)
    believed = base.size if base is not None and isinstance(archive, Rooted) else 0
    recent = _Recent(archive, believed, size)
    root = Tree(recent.hashes).root(size)
    if not recent.stored_so() or _root(ledger.tree, size) != root:
        raise LedgerError(_REBUILD)
    return Checkpoint(ledger.origin, size, root)


class _Recent:
    """The tree of a ledger: up to a signed size as it is stored, after that made from entries that were checked."""

    def __init__(self, archive: Archive, base: int, size: int) -> None:
        self._archive, self._size = archive, size
        self._begin = base // BLOCK * BLOCK  # complete blocks before it are under the signed root
        self._made: dict[tuple[int, int], bytes] = {}
        self._leaves: list[bytes] = []  # of the last block, which is not complete
        self._walk()

    def _walk(self) -> None:
        begin, prev, count = self._begin, GENESIS, self._begin
        for one in self._archive.stored(after=max(begin - 1, 0)):
            seq, hashed = one.entry.envelope.seq, one.entry.hash
            if count >= self._size:
                break
            if begin and seq == begin and count == begin and prev == GENESIS:
                prev = hashed
                continue
            if not _next(one, count, prev):
                raise ChangedError(count + 1, "it is not signed; `agora trace verify` says more")
            self._leaves.append(leaf_hash(envelope_bytes(one.entry.envelope)))
            count, prev = count + 1, hashed
            if len(self._leaves) == BLOCK:
                self._made[STRIDE, count // BLOCK - 1] = fold(self._leaves)
                self._leaves = []
        if count < self._size:
            raise LedgerError(f"the ledger has {count} entries where {self._size} were to be signed")

    def hashes(self, level: int, first: int, count: int) -> Sequence[bytes]:
        """As `agora.ledger.tree.Hashes` has it."""
        end = min(first + count, self._size >> level)
        if level == 0:
            done = self._size - len(self._leaves)
            return self._leaves[first - done : end - done] if first >= done else ()
        known = min(end, self._begin >> level)
        found = list(self._stored(level, first, known - first)) if known > first else []
        return [*found, *(self._node(level, number) for number in range(max(first, known), end))]

    def stored_so(self) -> bool:
        """Whether the subtrees that were made are stored as they were made."""
        if not isinstance(self._archive, Rooted):
            return True
        return all([made] == list(self._stored(level, at, 1)) for (level, at), made in self._made.items())

    def _node(self, level: int, number: int) -> bytes:
        if (level, number) not in self._made:
            self._made[level, number] = fold(self.hashes(level - STRIDE, number * BLOCK, BLOCK))
        return self._made[level, number]

    def _stored(self, level: int, first: int, count: int) -> Sequence[bytes]:
        return self._archive.hashes(level, first, count) if isinstance(self._archive, Rooted) else ()


def _next(one: Stored, seq: int, prev: str) -> bool:
    try:
        return follows(one, seq=seq, prev=prev)
    except (LedgerError, TypeError, ValueError):  # a database may hold anything in any column
        return False


def _root(tree: Tree, size: int) -> bytes:
    """The root as it is stored; empty where that is not whole."""
    try:
        return tree.root(size)
    except (LookupError, TypeError, ValueError):
        return b""


def _made_root(archive: Archive, size: int) -> bytes:
    """The root over the first entries, made from all of them."""
    frontier, prev = Frontier(), GENESIS
    for one in archive.stored():
        if frontier.size == size:
            break
        if not _next(one, frontier.size, prev):
            return b""
        frontier.add(leaf_hash(envelope_bytes(one.entry.envelope)))
        prev = one.entry.hash
    return frontier.root()
