"""An exported ledger goes into an empty database, or one that holds its beginning: all of it or nothing."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import anyio
import pytest

from agora.errors import ChangedError, DivergedError, IncompleteError
from agora.events import BidRefused
from agora.memory.ledger_file import LedgerFile
from agora.memory.sql_store import SQLStore
from agora.memory.taking_in import TakenIn, take_in
from agora.testing.clocks import FakeClock
from agora.testing.lessons import memory_update, record_update
from agora.testing.stores import one_run
from agora.traces.exporting import Export, selected
from agora.traces.files import write_file
from memory.helpers_store import open_store, small, tasks_of
from memory.places import Places, contents

HOSTILE = ("a\ud800b", "\0\x1b[2J", "\u202e\u2066", "<script>alert(1)</script>", "\u2028\u0085\r", "x" * 70_000)


async def filled(place: str) -> SQLStore:
    store = open_store(place)
    await store.record("r1", *one_run(goal="fix the parser"), record_update(), memory_update())
    await store.record("r2", *one_run(goal="second")[:3])
    await store.record("r2", *(BidRefused(task="t1", agent="scout", reason=text) for text in HOSTILE))
    return store


def export(store: SQLStore, file: Path, run: str | None = None) -> bytes:
    write_file(file, Export(store, selected(store, store, run)).lines())
    return file.read_bytes()


def taken(file: Path, place: str) -> TakenIn:
    return take_in(LedgerFile.open(file), place)


async def test_out_and_in_and_out_again_gives_the_same_bytes(places: Places, tmp_path: Path) -> None:
    store, new = await filled(places.new()), places.new()
    for run, name in ((None, "all"), ("r2", "r2")):
        file, again, target = tmp_path / f"{name}.jsonl", tmp_path / f"{name}2.jsonl", places.new()
        before = export(store, file, run)
        done = taken(file, target)
        assert (done.entries, done.carried) == (store.size(), store.size())
        copy = open_store(target)
        assert export(copy, again, run) == before
        assert copy.check() is None
        assert (copy.records(), copy.recall("the parser")) == (store.records(), store.recall("the parser"))
        await copy.close()
    taken(tmp_path / "all.jsonl", new)
    copy = open_store(new)
    assert (copy.runs(), list(copy.events())) == (store.runs(), list(store.events()))
    await copy.record("r3", small(1))  # the ledger goes on
    assert copy.check() is None
    await copy.close()
    await store.close()


async def test_what_is_there_stays_and_what_is_new_is_added(places: Places, tmp_path: Path) -> None:
    store, target, file = await filled(places.new()), places.new(), tmp_path / "a.jsonl"
    export(store, file)
    taken(file, target)
    mine = open_store(target)
    mine.erase(2)
    await mine.close()
    await store.record("r4", small(1), small(2))
    export(store, file)
    assert taken(file, target)[2:] == (2, 2)
    assert taken(file, target)[2:] == (0, 0)
    mine = open_store(target)
    assert [one.entry for one in mine.stored()] == [one.entry for one in store.stored()]
    # what was erased here does not come back with a file that still has it
    assert [one.entry.envelope.seq for one in mine.stored() if one.body is None] == [2]
    await mine.record("r5", small(3))
    assert taken(file, target)[2:] == (0, 0)  # and who has more loses nothing
    assert tasks_of(mine, "r5") == ["t3"]
    await mine.close()
    await store.close()


async def test_another_history_is_refused_with_the_first_entry_that_differs(places: Places, tmp_path: Path) -> None:
    store, target, file = await filled(places.new()), places.new(), tmp_path / "a.jsonl"
    export(store, file)
    taken(file, target)
    await store.record("r3", small(1), small(2))
    export(store, file)
    mine = open_store(target)
    due = mine.size() + 1
    await mine.record("r3", small(9), small(9), small(9))
    await mine.close()
    before = contents(target)
    with pytest.raises(
        DivergedError, match=f"another history: entry {due} here is not the file's; nothing was"
    ) as info:
        taken(file, target)
    assert info.value.exit_code == 13
    assert contents(target) == before
    await store.close()


@pytest.mark.parametrize(
    ("find", "put"),
    [
        (b'"kind":"posted","at_us"', b'"kind":"pasted","at_us"'),
        (b"make it", b"fake it"),
        (b'"at_us":17', b'"at_us":18'),
    ],
)
async def test_a_changed_line_is_found_and_nothing_is_written(tmp_path: Path, find: bytes, put: bytes) -> None:
    store, target, file = open_store(tmp_path / "a.db"), str(tmp_path / "b.db"), tmp_path / "a.jsonl"
    await store.record("r1", *one_run(), *(small(number) for number in range(600)))
    whole = export(store, file)
    await store.close()
    at = whole.rindex(find)
    file.write_bytes(whole[:at] + put + whole[at + len(find) :])
    empty = open_store(target)
    await empty.close()
    before = contents(target)
    with pytest.raises(ChangedError, match="of the ledger or its body was changed: nothing was imported") as info:
        taken(file, target)
    assert info.value.exit_code == 10
    assert info.value.seq == whole[:at].count(b"\n")
    assert contents(target) == before


async def test_half_a_ledger_is_refused_and_a_torn_one_is_taken_up_to_its_last_whole_line(tmp_path: Path) -> None:
    store, file = await filled(str(tmp_path / "a.db")), tmp_path / "a.jsonl"
    whole = export(store, file).splitlines(keepends=True)
    await store.close()
    file.write_bytes(b"".join([whole[0], *whole[3:]]))
    with pytest.raises(IncompleteError, match="half a ledger: the file begins at entry 3") as info:
        taken(file, str(tmp_path / "b.db"))
    assert info.value.exit_code == 14
    file.write_bytes(b"".join([*whole[:-1], whole[-1][:50]]))
    assert taken(file, str(tmp_path / "c.db")).entries == len(whole) - 2


KILLED = """
import sys
from agora.failpoints import Failpoint, arm
from agora.memory.ledger_file import LedgerFile
from agora.memory.taking_in import take_in
arm(Failpoint("import.page", 2))
take_in(LedgerFile.open(sys.argv[1]), sys.argv[2])
"""


async def test_a_kill_in_the_middle_leaves_nothing(places: Places, tmp_path: Path) -> None:
    store, target, file = open_store(places.new()), places.new(), tmp_path / "a.jsonl"
    await store.record("r1", *one_run(), *(small(number) for number in range(700)))
    export(store, file)
    await store.close()
    await open_store(target).close()
    before = contents(target)
    killed = await anyio.run_process([sys.executable, "-c", KILLED, str(file), target], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert contents(target) == before
    assert taken(file, target).carried == 704
    copy = SQLStore.open(target, clock=FakeClock())
    assert copy.check() is None
    await copy.close()


async def test_bodies_of_thirty_megabytes_go_out_and_in(tmp_path: Path) -> None:
    store, file = open_store(tmp_path / "a.db"), tmp_path / "a.jsonl"
    await store.record("r1", *one_run(), BidRefused(task="t1", agent="scout", reason="\u202e" * 10_000_000))
    before = export(store, file)
    assert len(before) > 30_000_000
    taken(file, str(tmp_path / "b.db"))
    copy = open_store(tmp_path / "b.db")
    assert export(copy, tmp_path / "b.jsonl") == before
    await copy.close()
    await store.close()


async def test_a_clock_that_goes_back_loses_nothing(places: Places, tmp_path: Path) -> None:
    clock, target, file = FakeClock(), places.new(), tmp_path / "a.jsonl"
    store = SQLStore.open(places.new(), clock=clock)
    for number in range(5):
        await store.record("r1", small(number))
        clock.advance(-3600)
    before = export(store, file)
    taken(file, target)
    copy = open_store(target)
    assert export(copy, tmp_path / "b.jsonl") == before
    times = [one.at_us for one in copy.events()]
    assert times == sorted(times, reverse=True)
    await copy.close()
    await store.close()
