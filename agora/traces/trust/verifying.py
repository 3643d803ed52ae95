"""Is a ledger what was recorded? The chain, the bodies, the tree, and the checkpoints that were kept of it.

The chain finds what was changed, left out, put in or swapped, and names the first such entry. It cannot see a cut end,
nor a ledger that was written anew with hashes to match: for these there are checkpoints, which say how long the ledger
was and what its root was, with a signature. What comes after the last of them is only as good as the chain.

One pass over the entries as they are stored; no event is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple

from agora.errors import Exit, LedgerError
from agora.ledger.chain import GENESIS, VERSION, envelope_bytes, holds
from agora.ledger.checkpoint import origin_of
from agora.ledger.tree import Frontier, leaf_hash
from agora.records import Stored
from agora.traces.trust.checkpoints import By, Signed

_GRAVEST: Final = (Exit.CHANGED, Exit.DIVERGED, Exit.CUT, Exit.INCOMPLETE, Exit.UNSIGNED)
_MOST_REMARKS: Final = 20


class Finding(NamedTuple):
    """One thing that is wrong."""

    kind: Exit
    """CHANGED, CUT, UNSIGNED, DIVERGED or INCOMPLETE."""
    seq: int
    """The first entry that it concerns; 0: none in particular."""
    what: str
    """In words."""


class Checked(NamedTuple):
    """What a pass over a ledger gave."""

    origin: str
    """The ledger's name; empty where its first entry is not there."""
    entries: int
    """Entries that hold, from the first one on."""
    bodies: int
    """Bodies of these that are there, and are what their entries say."""
    head: str
    """Hash of the last of them, hexadecimal."""
    root: bytes
    """Root of the tree over them; empty in half a ledger."""
    held: tuple[Signed, ...]
    """Checkpoints that they agree with, the smallest first."""
    findings: tuple[Finding, ...]
    """What is wrong, the gravest first; empty: nothing."""
    remarks: tuple[str, ...]
    """What is worth knowing and not wrong."""
    subtrees: tuple[tuple[int, int, bytes], ...] = ()
    """The complete subtrees that a store should have: level, number, hash."""

    @property
    def exit(self) -> Exit:
        """The exit code."""
        return self.findings[0].kind if self.findings else Exit.PASSED


def examine(
    stored: Iterable[Stored],
    signed: Sequence[Signed],
    *,
    first: int = 1,
    promised: int | None = None,
    part: bool = False,
) -> Checked:
    """Check a ledger from its first entry on, up to the first that does not hold.

    Args:
        stored: All entries, in order.
        signed: Checkpoints with a good signature, the smallest first.
        first: Position of the first entry that must be there; more than 1 in half a ledger.
        promised: Position of the last one, as a file's header says it; what it holds is done and signed up to its end.
            None: the ledger itself, to which runs that are under way may have added since it was last signed.
        part: Whether the file says of itself that it ends before the ledger does, as a run's export.
    """
    walk = _Walk(first, {one.checkpoint.size for one in signed})
    for one in stored:
        if not walk.take(one):
            break
    findings = walk.findings
    if first > 1:
        what = f"half a ledger: it begins at entry {first}, so that no root and no checkpoint can be checked"
        findings.append(Finding(Exit.INCOMPLETE, first, what))
    entries = first - 1 + walk.count
    if promised is not None and entries < promised and not walk.broken:
        what = f"entries {entries + 1} to {promised}, which the file promises, are not there"
        findings.append(Finding(Exit.CUT, entries + 1, what))
    held: tuple[Signed, ...] = ()
    if first == 1:
        held = _compare(walk, signed, part=part)
    diverged = any(one.kind is Exit.DIVERGED for one in findings)
    if not signed or (first == 1 and not diverged and not _over(walk, signed)):
        findings.append(Finding(Exit.UNSIGNED, 0, BLIND))
    after = _after_the_last(entries, held)
    if after and promised is not None and not walk.broken:
        begin = 1 + max(one.checkpoint.size for one in held)
        findings.append(Finding(Exit.UNSIGNED, begin, after))
        after = ""
    return Checked(
        origin=walk.origin,
        entries=entries,
        bodies=walk.bodies,
        head=walk.prev,
        root=walk.frontier.root() if first == 1 else b"",
        held=held,
        findings=by_gravity(findings),
        remarks=(*walk.remarks, *([after] if after else [])),
        subtrees=tuple(walk.frontier.subtrees) if first == 1 else (),
    )


def by_gravity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first; of equals, the first in the ledger."""
    return tuple(sorted(findings, key=lambda finding: (_GRAVEST.index(finding.kind), finding.seq)))


BLIND: Final = (
    "no checkpoint vouches for it: its entries fit together, and whether its end was cut, or all of it "
    "was written anew with hashes to match, cannot be seen"
)
"""What is not known without a checkpoint."""


class _Walk:
    """The chain and the tree, entry by entry."""

    def __init__(self, first: int, sizes: set[int]) -> None:
        self._first, self._sizes = first, sizes
        self.frontier = Frontier()
        self.roots: dict[int, bytes] = {0: self.frontier.root()}
        self.count = self.bodies = 0
        self.prev, self.origin = GENESIS, ""
        self.broken = False
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self._times: dict[str, int] = {}

    def take(self, one: Stored) -> bool:
        """Check the next entry; False: it does not hold, and nothing after it is looked at."""
        (envelope, hashed), salt, body = one
        due = self._first + self.count
        if self._first > 1 and not self.count:
            self.prev = envelope.prev
        try:
            leaf = envelope_bytes(envelope)
            what = _wrong(one, leaf, due, self.prev)
            if not what and body is not None and not holds(envelope, salt, body):
                what = f"the body of entry {due} is not the one that was recorded"
        except (LedgerError, TypeError, ValueError):  # a database may hold anything in any column
            what = f"entry {due} is none: its fields are not of their types"
            leaf = b""
        if what:
            self.broken = True
            twice = self.count > 0 and envelope.seq == due - 1
            self.findings.append(Finding(Exit.CHANGED, due - twice, f"{what}; nothing after it was looked at"))
            return False
        if due == 1:
            self.origin = origin_of(hashed)
        self.count += 1
        self.bodies += body is not None
        self.prev = hashed
        self.frontier.add(leaf_hash(leaf))
        if self.count in self._sizes:
            self.roots[self.count] = self.frontier.root()
        self._tell_time(due, envelope.run, envelope.at_us)
        return True

    def _tell_time(self, seq: int, run: str, at_us: int) -> None:
        # One process writes a run, in order; entries of several runs may be a little out of order with each other.
        before = self._times.get(run, at_us)
        if at_us < before and len(self.remarks) < _MOST_REMARKS:
            back = (before - at_us) / 1e6
            self.remarks.append(f"entry {seq}: the clock of run {run} went back by {back:.6g} s; times are only said")
        self._times[run] = at_us


def _wrong(one: Stored, leaf: bytes, due: int, prev: str) -> str:
    """What is wrong with an entry; empty: nothing."""
    envelope, hashed = one.entry
    if due > 1 and envelope.seq == due - 1:
        return f"entry {envelope.seq} is there twice"
    if envelope.seq != due:
        return f"entry {due} is not there: entry {envelope.seq} stands in its place"
    if envelope.v != VERSION:
        return f"entry {due} has version {envelope.v} of the envelope, and this Agora knows {VERSION}"
    if sha256(leaf).hexdigest() != hashed:
        return f"entry {due} was changed: it does not hash to what stands beside it"
    if envelope.prev != prev:
        return f"entry {due} does not follow entry {due - 1}: one of them is another than was recorded"
    return ""


def _compare(walk: _Walk, signed: Sequence[Signed], *, part: bool) -> tuple[Signed, ...]:
    """Hold checkpoints against the entries; return those that agree."""
    held: list[Signed] = []
    findings = walk.findings
    mine = _over(walk, signed)
    _tell_others(walk, [one for one in signed if one not in mine], mine)
    for one, other in pairwise(mine):
        if one.checkpoint.size == other.checkpoint.size:
            what = f"{one.where} and {other.where} sign two histories of {one.checkpoint.size} entries"
            findings.append(Finding(Exit.DIVERGED, 0, what))
    good = 0
    for one in mine:
        size = one.checkpoint.size
        if size in walk.roots:
            if walk.roots[size] == one.checkpoint.root:
                good = size
                held.append(one)
            elif not any(finding.kind is Exit.DIVERGED for finding in findings):
                what = f"entries {good + 1} to {size} are not those that {one.where} signs: another history"
                findings.append(Finding(Exit.DIVERGED, good + 1, what))
    longer = [one for one in mine if one.checkpoint.size > walk.count]
    owed = [one for one in longer if not part or one.by is not By.FOUND]
    if longer and not walk.broken:
        _tell_cut(walk, (owed or longer)[-1], part=not owed and good == walk.count)
    return tuple(held)


def _over(walk: _Walk, signed: Sequence[Signed]) -> list[Signed]:
    """The checkpoints that are over this ledger; of an empty one, those that cannot be over another."""
    if not walk.origin:
        return [one for one in signed if walk.broken or one.by is not By.FOUND]
    return [one for one in signed if one.checkpoint.origin == walk.origin]


def _tell_others(walk: _Walk, others: Sequence[Signed], mine: Sequence[Signed]) -> None:
    """Checkpoints of other ledgers: these may be kept together, unless one of them should be over this ledger."""
    named = any(one.by is By.NAMED for one in mine)
    due = [one for one in others if one.by is By.PLACE or (one.by is By.NAMED and not named)]
    for one in due:
        what = f"{one.where} signs another ledger, {one.checkpoint.origin}; this is {walk.origin}"
        walk.findings.append(Finding(Exit.DIVERGED, 1, what))
    rest = [one for one in others if one not in due]
    if rest:
        origins = sorted({one.checkpoint.origin for one in rest})
        more = f" and {len(origins) - 1} more" if len(origins) > 1 else ""
        walk.remarks.append(f"{len(rest)} of the checkpoints at hand sign other ledgers: {origins[0]}{more}")


def _tell_cut(walk: _Walk, longest: Signed, *, part: bool) -> None:
    size, count = longest.checkpoint.size, walk.count
    if part:
        walk.remarks.append(f"this is the beginning of a ledger of {size} entries or more, signed up to its end here")
        return
    which = (
        f"entry {size}, which {longest.where} signs, is"
        if count + 1 == size
        else (f"entries {count + 1} to {size}, which {longest.where} signs, are")
    )
    what = f"{which} not there"
    walk.findings.append(Finding(Exit.CUT, count + 1, what))


def _after_the_last(entries: int, held: Sequence[Signed]) -> str:
    """What is to be said of entries that nobody has signed; empty: there are none, or nothing is signed."""
    last = held[-1].checkpoint.size if held else 0
    if not held or last == entries:
        return ""
    which = f"entry {entries} is" if last + 1 == entries else f"entries {last + 1} to {entries} are"
    return f"{which} not signed: whoever has the ledger may have added them, cut their end, or written them anew"
