"""Seven kinds of tampering, 200 random cases of each: all found up to the last checkpoint that was kept elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from agora.ambient import SeededChance
from agora.errors import Exit
from agora.ledger.chain import entry_hash
from agora.records import Entry, Envelope, Stored
from agora.traces.trust.checkpoints import By, Signed
from agora.traces.trust.verifying import examine
from traces.signed_ledgers import ledger, rewritten, signed_at

CASES = 200
ENTRIES = 48
STORE = ledger(ENTRIES)
WHOLE = tuple(STORE.stored())
SIZES = (7, 20, 41)
SIGNED = signed_at(STORE, *SIZES)
LAST = SIZES[-1]

Draw = Callable[[str, int, int], int]
"""A label, the least and the most -> a whole number between them."""
Tampered = tuple[Sequence[Stored], Exit, int]
"""The ledger, what is to be found, and the first entry that it concerns."""


def with_entry(index: int, one: Stored) -> list[Stored]:
    return [*WHOLE[:index], one, *WHOLE[index + 1 :]]


def flipped(data: bytes, draw: Draw) -> bytes:
    at, bit = draw("byte", 0, len(data) - 1), draw("bit", 0, 7)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def other_text(text: str, draw: Draw) -> str:
    at = draw("character", 0, len(text) - 1)
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def envelope(draw: Draw) -> Tampered:
    index = draw("entry", 0, LAST - 1)
    (old, hashed), salt, body = WHOLE[index]
    field = ("v", "seq", "run", "kind", "at_us", "body", "prev", "hash")[draw("field", 0, 7)]
    if field == "hash":
        entry = Entry(old, other_text(hashed, draw))
    else:
        value = getattr(old, field)
        new = value ^ 1 << draw("bit", 0, 20) if isinstance(value, int) else other_text(value, draw)
        fields: dict[str, Any] = {**old._asdict(), field: new}
        entry = Entry(Envelope(**fields), hashed)
    twice = index > 0 and entry.envelope.seq == index
    return with_entry(index, Stored(entry, salt, body)), Exit.CHANGED, index + 1 - twice


def body(draw: Draw) -> Tampered:
    index = draw("entry", 0, LAST - 1)
    entry, salt, content = WHOLE[index]
    assert salt is not None
    assert content is not None
    changed = Stored(entry, flipped(salt, draw), content) if draw("salt", 0, 3) == 0 else None
    return with_entry(index, changed or Stored(entry, salt, flipped(content, draw))), Exit.CHANGED, index + 1


def delete(draw: Draw) -> Tampered:
    index = draw("entry", 0, LAST - 1)
    return [*WHOLE[:index], *WHOLE[index + 1 :]], Exit.CHANGED, index + 1


def swap(draw: Draw) -> Tampered:
    one = draw("one", 0, LAST - 2)
    other = draw("other", one + 1, LAST - 1)
    swapped = list(WHOLE)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    return swapped, Exit.CHANGED, one + 1


def insert(draw: Draw) -> Tampered:
    index = draw("entry", 0, LAST - 1)
    forged = rewritten([*WHOLE[:index], WHOLE[draw("which", 0, ENTRIES - 1)]], index)  # it follows the one before it
    return [*forged, *WHOLE[index:]], Exit.CHANGED, index + 1


def cut(draw: Draw) -> Tampered:
    left = draw("left", 0, LAST - 1)
    return WHOLE[:left], Exit.CUT, left + 1


def rewrite(draw: Draw) -> Tampered:
    index = draw("entry", 0, LAST - 1)
    how = draw("how", 0, 3)
    entry, salt, content = WHOLE[index]
    begun = list(WHOLE)
    if how == 0:
        begun[index] = Stored(entry, salt, flipped(content or b"", draw))
    elif how == 1:
        del begun[index]
    elif how == 2:
        begun.insert(index, Stored(Entry(entry.envelope._replace(run="r9"), ""), salt, content))
    else:
        at_us = entry.envelope.at_us + draw("later", 1, 1_000)
        begun[index] = Stored(Entry(entry.envelope._replace(at_us=at_us), ""), salt, content)
    good = max((size for size in SIZES if size <= index), default=0)
    return rewritten(begun, index), Exit.DIVERGED, good + 1


@pytest.mark.parametrize("tamper", [envelope, body, delete, swap, insert, cut, rewrite])
def test_it_is_found_and_the_first_bad_entry_is_named(tamper: Callable[[Draw], Tampered]) -> None:
    chance = SeededChance(6)
    for case in range(CASES):

        def draw(label: str, least: int, most: int, case: int = case) -> int:
            return least + int(chance.uniform(f"{tamper.__name__} {case} {label}") * (most - least + 1))

        entries, kind, seq = tamper(draw)
        found = examine(entries, SIGNED)
        assert (found.exit, found.findings[0].seq) == (kind, seq), (case, found.findings)
        assert all(one.checkpoint.size < seq for one in found.held if kind is Exit.CHANGED)


def test_the_ledger_itself_is_verified_by_each_of_its_checkpoints() -> None:
    found = examine(WHOLE, SIGNED)
    assert found.exit is Exit.PASSED
    assert [one.checkpoint.size for one in found.held] == list(SIZES)
    assert found.remarks == (
        "entries 42 to 48 are not signed: whoever has the ledger may have added them, cut their end, or written them"
        " anew",
    )
    assert examine(WHOLE, signed_at(STORE, ENTRIES)).remarks == ()


def test_what_comes_after_the_last_checkpoint_is_only_as_good_as_the_chain() -> None:
    assert examine(WHOLE[:-3], SIGNED).exit is Exit.PASSED
    assert examine(rewritten([*WHOLE[:45], *WHOLE[46:]], 45), SIGNED).exit is Exit.PASSED
    assert examine([*WHOLE[:45], *WHOLE[46:]], SIGNED).findings[0][:2] == (Exit.CHANGED, 46)


def test_an_entry_that_was_hashed_anew_does_not_fit_the_next() -> None:
    (old, _), salt, content = WHOLE[10]
    fresh = old._replace(at_us=old.at_us + 1)
    found = examine(with_entry(10, Stored(Entry(fresh, entry_hash(fresh)), salt, content)), SIGNED)
    assert found.findings[0][:2] == (Exit.CHANGED, 12)
    assert "entry 12 does not follow entry 11" in found.findings[0].what


def test_entries_that_are_chained_and_numbered_otherwise_are_not_in_their_places() -> None:
    prev, entries = WHOLE[9].entry.hash, list(WHOLE[:10])
    for (envelope, _), salt, content in WHOLE[11:]:  # one is left out, and the rest keep their numbers
        fresh = envelope._replace(prev=prev)
        prev = entry_hash(fresh)
        entries.append(Stored(Entry(fresh, prev), salt, content))
    found = examine(entries, ())
    assert found.findings[0][:2] == (Exit.CHANGED, 11)
    assert "entry 11 is not there: entry 12 stands in its place" in found.findings[0].what


def test_without_a_checkpoint_it_says_what_it_cannot_see() -> None:
    for entries in (WHOLE, WHOLE[:9], rewritten(WHOLE[1:])):
        found = examine(entries, ())
        assert found.exit is Exit.UNSIGNED
        assert "whether its end was cut, or all of it was written anew" in found.findings[0].what
    assert examine(swap(lambda _label, least, _most: least)[0], ()).exit is Exit.CHANGED


def test_two_checkpoints_that_contradict_each_other_are_two_histories() -> None:
    other = ledger(20)
    first = WHOLE[0].entry.hash
    (mine,) = signed_at(other, 20)
    told = mine.checkpoint._replace(origin=SIGNED[0].checkpoint.origin, root=bytes(32))
    both = sorted([*SIGNED, mine._replace(checkpoint=told)], key=lambda one: one.checkpoint.size)
    found = examine(WHOLE, both)
    assert found.exit is Exit.DIVERGED
    assert "sign two histories of 20 entries" in found.findings[0].what
    assert found.origin.endswith(first[:16])


def test_a_checkpoint_of_another_ledger_is_another_history() -> None:
    other = rewritten([WHOLE[1], *WHOLE])
    found = examine(other, SIGNED)
    assert (found.exit, found.findings[0].seq) == (Exit.DIVERGED, 1)
    assert "signs another ledger" in found.findings[0].what


def test_checkpoints_of_several_ledgers_may_be_kept_together() -> None:
    foreign = [one._replace(checkpoint=one.checkpoint._replace(origin="agora-ledger/other")) for one in SIGNED]

    def by(which: By) -> list[Signed]:
        return sorted([*SIGNED, *(one._replace(by=which) for one in foreign)], key=lambda one: one.checkpoint.size)

    for which in (By.NAMED, By.FOUND):
        found = examine(WHOLE[:LAST], by(which))
        assert (found.exit, len(found.held)) == (Exit.PASSED, len(SIZES))
        assert found.remarks == ("3 of the checkpoints at hand sign other ledgers: agora-ledger/other",)
    assert examine(WHOLE[:LAST], by(By.PLACE)).exit is Exit.DIVERGED  # of the ledger that was signed here before
    alone = [one._replace(by=By.FOUND) for one in foreign]
    assert examine(WHOLE, alone).exit is Exit.UNSIGNED
    assert examine((), alone).exit is Exit.UNSIGNED
    assert examine((), SIGNED).exit is Exit.CUT


def test_half_a_ledger_is_checked_as_far_as_it_can_be() -> None:
    found = examine(WHOLE[10:], (), first=11, promised=48)
    assert (found.exit, found.entries, found.root) == (Exit.INCOMPLETE, 48, b"")
    broken = [*WHOLE[10:30], *WHOLE[31:]]
    assert examine(broken, (), first=11, promised=48).findings[0][:2] == (Exit.CHANGED, 31)


def test_a_part_is_whole_up_to_the_checkpoint_at_its_end() -> None:
    found = [one._replace(by=By.FOUND) for one in SIGNED]
    part = examine(WHOLE[:20], found, promised=20, part=True)
    assert part.exit is Exit.PASSED
    assert "the beginning of a ledger of 41 entries or more" in part.remarks[0]
    assert examine(WHOLE[:19], found, promised=20, part=True).findings[0][:2] == (Exit.CUT, 20)
    assert examine(WHOLE[:19], found, promised=19, part=True).exit is Exit.CUT


def test_a_file_that_says_it_is_whole_or_a_checkpoint_that_is_named_makes_a_cut_of_it() -> None:
    found = [one._replace(by=By.FOUND) for one in SIGNED]
    for signed, part in ((found, False), (SIGNED, True), (SIGNED, False)):
        cut_at_20 = examine(WHOLE[:20], signed, promised=20, part=part)
        assert cut_at_20.findings[0][:2] == (Exit.CUT, 21)


def test_what_was_put_behind_the_last_checkpoint_of_a_file_is_not_signed() -> None:
    for entries in (WHOLE[:45], rewritten([*WHOLE[:41], *WHOLE[:4]], 41)):
        found = examine(entries, SIGNED, promised=45)
        assert found.findings[0][:2] == (Exit.UNSIGNED, 42)
        assert "entries 42 to 45 are not signed" in found.findings[0].what
    assert examine(WHOLE[:41], SIGNED, promised=41).exit is Exit.PASSED


def test_a_clock_that_went_back_is_said_and_is_no_error() -> None:
    times = [5, 6, 7, 4, 9]
    stored = [
        Stored(Entry(one.entry.envelope._replace(run="r", at_us=at * 1_000_000), ""), one.salt, one.body)
        for one, at in zip(WHOLE, times, strict=False)
    ]
    found = examine(rewritten(stored), ())
    assert found.remarks == ("entry 4: the clock of run r went back by 3 s; times are only said",)
    assert all(one.kind is Exit.UNSIGNED for one in found.findings)
    assert all(left != right for left, right in pairwise(times))


def test_fields_of_other_types_are_no_entry() -> None:
    for broken in ({"seq": "x"}, {"at_us": "x"}, {"run": None}, {"v": 2}, {"run": "\ud800"}):
        one = WHOLE[3]
        fields: dict[str, Any] = {**one.entry.envelope._asdict(), **broken}
        bent = Stored(Entry(Envelope(**fields), one.entry.hash), one.salt, one.body)
        assert examine(with_entry(3, bent), SIGNED).findings[0][:2] == (Exit.CHANGED, 4)
