"""The Merkle tree over the ledger (RFC 6962 section 2.1; RFC 9162 section 2.1).

A leaf is an envelope's canonical bytes; its hash is SHA-256(0x00 || bytes), an inner node's is
SHA-256(0x01 || left || right), and the hash of no entries is SHA-256 of nothing. Entry `seq` of the ledger is leaf
`seq - 1`. Every hash over a range is put together from complete subtrees: the one at (level, number) is over the
2**level leaves from number * 2**level on. So a reader that has the subtrees of a few levels at hand need not read the
ledger to prove something about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

STRIDE: Final = 8
"""Stored subtrees stand this many levels apart."""
BLOCK: Final = 1 << STRIDE
"""Leaves of the smallest stored subtree, and children of each larger one."""
HASH_BYTES: Final = 32
"""The length of a hash."""
EMPTY: Final = hashlib.sha256().digest()
"""The root of a tree without leaves."""
_HIGHEST: Final = 64


class Hashes(Protocol):
    """Reads neighbouring hashes of one level; level 0, `STRIDE`, twice `STRIDE` and so on are asked for."""

    def __call__(self, level: int, first: int, count: int) -> Sequence[bytes]:
        """The hashes of the complete subtrees `first`, `first` + 1 and so on of a level; fewer where they end."""
        ...


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry's canonical bytes."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees of one level; their number is a power of two.

    Raises:
        ValueError: It is not.
    """
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise ValueError(f"{len(hashes)} hashes do not make one complete subtree")
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


class Frontier:
    """A tree that only grows: it keeps one hash for each bit of its size, and knows its root at any time.

    >>> frontier = Frontier()
    >>> frontier.add(leaf_hash(b""))
    >>> frontier.size, frontier.root().hex()[:16]
    (1, '6e340b9cffb37a98')
    """

    def __init__(self) -> None:
        self.size = 0
        """Leaves so far."""
        self.subtrees: list[tuple[int, int, bytes]] = []
        """The complete subtrees of stored levels so far: level, number, hash."""
        self._peaks: list[bytes] = []  # complete subtrees, the largest (leftmost) first

    def add(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        self._peaks.append(leaf)
        size = self.size = self.size + 1
        level = 0
        while not size & 1:
            right = self._peaks.pop()
            self._peaks[-1] = node_hash(self._peaks[-1], right)
            size, level = size >> 1, level + 1
            if not level % STRIDE:
                self.subtrees.append((level, size - 1, self._peaks[-1]))

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _joined(self._peaks)


class Tree:
    """Roots and proofs of a tree of which some subtrees are at hand.

    Args:
        hashes: Reads them.
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> Tree:
        """A tree in memory, over the hashes of its leaves."""
        levels: list[list[bytes]] = [list(leaves)]
        while len(below := levels[-1]) >= BLOCK:
            levels.append([fold(below[at : at + BLOCK]) for at in range(0, len(below) - BLOCK + 1, BLOCK)])

        def hashes(level: int, first: int, count: int) -> Sequence[bytes]:
            return levels[level // STRIDE][first : first + count] if level // STRIDE < len(levels) else ()

        return cls(hashes)

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves.

        Raises:
            LookupError: There are not so many.
        """
        return self._range(0, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """What proves that leaf `index` is among the first `size`: RFC 9162, 2.1.3.1; the lowest hash first.

        Raises:
            LookupError: There is no such leaf among them, or there are not so many.
        """
        if not 0 <= index < size:
            raise LookupError(f"leaf {index} is not among the first {size}")
        path: list[bytes] = []
        begin, end = 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """What proves that the first `old` leaves are the beginning of the first `new`: RFC 9162, 2.1.4.1.

        Raises:
            LookupError: `old` is 0 or above `new`, or there are not so many.
        """
        if not 0 < old <= new:
            raise LookupError(f"a tree of {old} cannot be the beginning of one of {new}")
        path: list[bytes] = []
        begin, end, whole = 0, new, True
        while old < end:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin, whole = middle, False
        if not whole:
            path.append(self._range(begin, end))
        return path[::-1]

    def _range(self, begin: int, end: int) -> bytes:
        """The hash over the leaves from `begin` to before `end`; `begin` is a multiple of the least power of two above.

        It is what RFC 9162 calls MTH(D[begin:end]).
        """
        return _joined([self._node(level, number) for level, number in _parts(begin, end)])

    def _node(self, level: int, number: int) -> bytes:
        height = level % STRIDE
        stored, count = level - height, 1 << height
        found = self._hashes(stored, number << height, count)
        if len(found) != count:
            raise LookupError(f"the subtree {number} at level {level} is not whole")
        return fold(found)


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether a path proves that a leaf (its hash) stands at an index of a tree: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a path proves that one tree is the beginning of another: RFC 9162, 2.1.4.2."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, step)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """The largest power of two below a size of 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _parts(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees (level, number) that a range is made of, the largest (leftmost) first."""
    for level in reversed(range(min((end - begin).bit_length(), _HIGHEST))):
        if end - begin >= 1 << level:
            yield level, begin >> level
            begin += 1 << level


def _joined(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY
    found = peaks[-1]
    for left in reversed(peaks[:-1]):
        found = node_hash(left, found)
    return found
