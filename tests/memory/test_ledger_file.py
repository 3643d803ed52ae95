"""An exported file says what the store says that it was made from; what is not whole about it is said."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from agora.errors import LedgerError, UnknownNameError
from agora.events import BidRefused, Learned
from agora.ledger.lines import FORMAT, Header, write_entry, write_header
from agora.memory import MemoryStore
from agora.memory.ledger_file import LedgerFile
from agora.protocols import Store
from agora.testing.clocks import FakeClock
from agora.testing.lessons import bids_update, judge_update, memory_update, record_update
from agora.testing.stores import one_run
from agora.traces.exporting import Export, selected
from agora.traces.files import write_file
from memory.helpers_store import small

HOSTILE = ("a\ud800b", "\0\x1b[2J", "\u202e\u2066", "<script>alert(1)</script>", "\u2028\u0085\r", "😀\U0010ffff")


async def filled() -> MemoryStore:
    store = MemoryStore(clock=FakeClock())
    await store.record("r1", *one_run(goal="fix the parser"), record_update(), memory_update(), judge_update((5, 1)))
    await store.record("r2", *one_run(goal="second")[:3], bids_update(entropy=0.5))
    await store.record("r2", *(BidRefused(task="t1", agent="scout", reason=text) for text in HOSTILE))
    return store


def exported(store: MemoryStore, file: Path, run: str | None = None, *, knowledge: bool = True) -> LedgerFile:
    write_file(file, Export(store, selected(store, store, run, knowledge=knowledge)).lines())
    return LedgerFile.open(file)


async def test_a_file_says_what_the_store_says(tmp_path: Path) -> None:
    store = await filled()
    file = exported(store, tmp_path / "all.jsonl")
    plain: Store = file
    assert list(file.stored()) == list(store.stored())
    assert list(plain.events()) == list(store.events())
    for run in ("r1", "r2", "r3"):
        assert list(file.events(run)) == list(store.events(run))
        assert list(file.stored(run, after=5)) == list(store.stored(run, after=5))
    learned = frozenset({"learned", "no such kind"})
    assert list(file.events(kinds=learned)) == list(store.events(kinds=learned))
    assert list(file.stored("r2", after=9, kinds=learned)) == list(store.stored("r2", after=9, kinds=learned))
    assert (file.runs(), file.runs(limit=1)) == (store.runs(), store.runs(limit=1))
    assert file.records() == store.records() != ()
    assert file.recall("the parser") == store.recall("the parser") != ()
    assert file.recall("the parser", trust=frozenset()) == store.recall("the parser", trust=frozenset())
    assert (file.find_run("last"), file.find_run("r1")) == ("r2", "r1")
    assert (file.remarks, file.torn, file.first, file.last) == ((), None, 1, len(list(store.events())))


async def test_a_file_is_only_read(tmp_path: Path) -> None:
    file = exported(await filled(), tmp_path / "all.jsonl")
    refused = "is an exported ledger, only to be read: `agora trace import`"
    with pytest.raises(LedgerError, match=refused):
        await file.record("r1", small(1))
    with pytest.raises(LedgerError, match=refused):
        file.note("r1", small(1))
    with pytest.raises(LedgerError, match=refused):
        file.hold("r1")
    await file.close()


async def test_the_export_of_a_run_has_every_envelope_and_its_own_bodies(tmp_path: Path) -> None:
    store = await filled()
    file = exported(store, tmp_path / "r2.jsonl", "r2")
    whole = {one.entry.envelope.seq: one for one in store.stored()}
    for one in file.stored():
        envelope = one.entry.envelope
        assert one.entry == whole[envelope.seq].entry
        kept = envelope.run == "r2" or envelope.kind in ("learned", "started", "task_done", "done")
        assert (one.body is not None) == kept, envelope
    assert [info.id for info in file.runs()] == ["r2"]
    assert file.records() == store.records()
    with pytest.raises(UnknownNameError, match="no run named 'r1'"):
        file.find_run("r1")
    alone = exported(store, tmp_path / "alone.jsonl", "r2", knowledge=False)
    assert {one.entry.envelope.run for one in alone.stored() if one.body is not None} == {"r2"}


async def test_the_export_of_a_run_ends_with_it(tmp_path: Path) -> None:
    store = await filled()
    file = exported(store, tmp_path / "r1.jsonl", "r1")
    assert file.last == max(one.seq for one in store.events("r1")) < len(list(store.events()))
    with pytest.raises(UnknownNameError, match="no run named 'nobody'"):
        selected(store, store, "nobody")


async def lines(folder: Path) -> list[bytes]:
    exported(await filled(), folder / "all.jsonl")
    return (folder / "all.jsonl").read_bytes().splitlines(keepends=True)


Damage = Callable[[list[bytes]], list[bytes]]


NOT_WHOLE: list[tuple[Damage, list[str]]] = [
    (
        lambda whole: [*whole[:-1], whole[-1][:-20]],
        ["line 18 ends in the middle and was left out: the ledger is read up"],
    ),
    (lambda whole: [*whole[:-1], b"{"], ["line 18 ends in the middle"]),
    (
        lambda whole: [*whole[:9], b"{"],
        ["line 10 ends in the middle and was left out: the ledger is read up to entry 8, of 17"],
    ),
    (lambda whole: whole[:-3], ["entries 15 to 17, which the header promises, are not there"]),
    (lambda whole: [whole[0], *whole[5:]], ["half a ledger: it begins at entry 5"]),
    (lambda whole: [*whole[:-1], whole[-1].rstrip(b"\n")], []),
    (lambda whole: whole[:1], ["entries 1 to 17, which the header promises"]),
]


@pytest.mark.parametrize(("damage", "remarks"), NOT_WHOLE)
async def test_what_is_not_whole_is_said_and_the_rest_is_read(
    tmp_path: Path, damage: Damage, remarks: list[str]
) -> None:
    whole = await lines(tmp_path)
    assert len(whole) == 18
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b"".join(damage(whole)))
    file = LedgerFile.open(path)
    assert len(file.remarks) == len(remarks)
    for said, due in zip(file.remarks, remarks, strict=True):
        assert f"damaged.jsonl: {due}" in said
    entries = [line for line in damage(whole)[1:] if line.rstrip().endswith(b"}")]
    assert [write_entry(one) for one in file.stored()] == [line.rstrip(b"\n") + b"\n" for line in entries]


UNREADABLE: list[tuple[Damage, str]] = [
    (lambda whole: [], "'damaged.jsonl' is empty"),
    (lambda whole: whole[1:], "damaged.jsonl, line 1: it is no header"),
    (
        lambda whole: [b'{"agora.ledger":7}\n', *whole[1:]],
        "line 1: the ledger has format 7, and this Agora reads up",
    ),
    (lambda whole: [*whole[:4], b"\n", *whole[4:]], "line 5: it is no JSON object"),
    (lambda whole: [*whole[:4], whole[4][:-9] + b"\n", *whole[5:]], "line 5: it is no JSON object"),
    (lambda whole: [*whole[:4], *whole[5:]], "line 5: entry 5 stands where another is due: entry 4 should"),
    (lambda whole: [*whole[:4], whole[3], *whole[4:]], "line 5: entry 3 is there twice: entry 4 should stand here"),
    (lambda whole: [*whole[:4], whole[5], whole[4]], "line 5: entry 5 stands where another is due"),
    (lambda whole: [whole[0], whole[1].replace(b'"seq":1', b'"seq":0')], "line 2: 0 is no position"),
]


@pytest.mark.parametrize(("damage", "why"), UNREADABLE)
async def test_what_cannot_be_read_names_its_line(tmp_path: Path, damage: Damage, why: str) -> None:
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b"".join(damage(await lines(tmp_path))))
    with pytest.raises(LedgerError, match=why):
        LedgerFile.open(path)


async def test_a_body_of_an_event_that_nobody_knows_names_its_line(tmp_path: Path) -> None:
    whole = await lines(tmp_path)
    path = tmp_path / "newer.jsonl"
    path.write_bytes(b"".join([*whole[:2], whole[2].replace(b'"kind":"posted"', b'"kind":"invented"'), *whole[3:]]))
    file = LedgerFile.open(path)
    with pytest.raises(LedgerError, match=r"newer\.jsonl, line 3: a ledger body cannot be read"):
        list(file.events())


async def test_a_file_that_changes_while_it_is_read_is_found_out(tmp_path: Path) -> None:
    whole = await lines(tmp_path)
    file = LedgerFile.open(tmp_path / "all.jsonl")
    (tmp_path / "all.jsonl").write_bytes(b"".join([whole[0], whole[2], *whole[2:]]))
    with pytest.raises(LedgerError, match="line 2: "):
        list(file.stored())


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="is no file: name one that `agora trace export` wrote"):
        LedgerFile.open(tmp_path)
    with pytest.raises(LedgerError, match=r"the ledger 'gone.jsonl' cannot be read \(No such file or directory\)"):
        LedgerFile.open(tmp_path / "gone.jsonl")


async def test_a_large_file_is_never_held_in_memory(tmp_path: Path) -> None:
    store, path = MemoryStore(clock=FakeClock()), tmp_path / "large.jsonl"
    await store.record("r1", *one_run(), Learned(what="other", key="k", update={"text": "x" * 30_000_000}))
    last = list(store.stored())[-1]
    with path.open("wb") as file:
        file.write(write_header(Header(FORMAT, "", 1, 5, None, ())))
        file.writelines(write_entry(one) for one in store.stored())
    tracemalloc.start()
    found = LedgerFile.open(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 70_000_000  # one line of 30 MB, and the buffer that it is read through; never the parsed body
    assert list(found.stored())[-1] == last
