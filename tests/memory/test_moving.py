"""A whole memory is carried into another database and proved equal, between all kinds, and nothing by halves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agora.cli.main import run_app
from agora.errors import LeaseError, LedgerError
from agora.events import BidRefused, Event, Judged, Learned
from agora.ledger.chain import SALT_BYTES
from agora.memory import migrations
from agora.memory.dialects import connect, transact
from agora.memory.moving import move
from agora.memory.sql_store import SQLStore
from agora.memory.tables import METADATA
from agora.testing.clocks import FakeClock
from agora.testing.lessons import bids_update, judge_update, memory_update, record_update
from agora.testing.stores import one_run
from agora.values import JsonValue
from memory.helpers_store import open_store, raw, small, tasks_of
from memory.places import PostgresPlaces, SQLitePlaces, contents

PAIRS = [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite"), ("postgresql", "postgresql")]
Make = Callable[[str], str]

TEXTS = (
    "a\ud800b lone surrogates \udfff",
    "NUL \0 and \x1b[2J",
    "bidi \u202e\u2066 marks",
    "é e\u0301 are two spellings",
    "😀\U0010ffff\ufffe\uffff",
    "' \" ; -- $$ \\ % %s :name {x}",
    "x" * 70_000,
)


def nested(levels: int) -> JsonValue:
    return [nested(levels - 1)] if levels else "deep"


UPDATES: tuple[Mapping[str, JsonValue], ...] = (
    {"big": 2**53, "beyond": 2**53 + 1, "less": -(2**63), "more": 10**30},
    {"tiny": 5e-324, "minus": -0.0, "whole": 1.0},
    {"\ud800 key \0": {"\u202e": [None, True, False, nested(60)]}},
)
HOSTILE: tuple[Event, ...] = (
    *(BidRefused(task="t1", agent="scout", reason=text) for text in TEXTS),
    *(Learned(what="other", key="k", update=update) for update in UPDATES),
)


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Make:
    """A new database of a kind."""
    files = SQLitePlaces(tmp_path)

    def new(kind: str) -> str:
        if kind == "sqlite":
            return files.new()
        server: PostgresPlaces = request.getfixturevalue("postgres")
        return server.new(migrated=False)

    return new


async def filled(place: str) -> dict[str, object]:
    """A memory with two runs, hostile texts, an erased body and a snapshot; what it holds."""
    store = open_store(place)
    await store.record("r1", *one_run(), record_update(), memory_update())
    await store.record("r1", Judged(task="t1", judge="scout", round=1, marks={"scout": 5, "other": 0}))
    await store.record("r1", judge_update((5, 1), (4, 0)), bids_update(entropy=1 / 3, surprisal_nats=0.1))
    for event in HOSTILE:
        try:
            await store.record("r2", event)
        except LedgerError:
            continue  # has no canonical form in any store
    async with store.hold("r2"):
        await store.record("r2", small(1), small(2))
    store.erase(list(store.events("r2"))[-1].seq)
    snapshot = {"learner": "l", "version": 1, "name": "a", "seq": 3, "dtype": "<f8", "shape": "2", "data": b"\0\xff"}
    engine = connect(place)
    transact(engine, lambda each: each.execute(METADATA.tables["snapshots"].insert(), snapshot))
    engine.dispose()
    store.rebuild()
    await store.close()
    return {**contents(place)}


async def essence(place: str) -> list[object]:
    store = open_store(place)
    entries = [(entry.seq, entry.run, entry.at_us, entry.hash, repr(entry.event)) for entry in store.events()]
    tables = [store.runs(), store.records(), store.records(grounded=False), store.recall("fix the parser")]
    await store.close()
    return [*entries, *tables]


def is_there(place: str) -> bool:
    return Path(place).exists()


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_a_memory_is_the_same_in_its_new_place_and_the_old_one_is_untouched(
    make: Make, source: str, target: str
) -> None:
    old, new = make(source), make(target)
    before = await filled(old)
    moved = move(old, new, clock=FakeClock())
    assert contents(old) == before
    assert await essence(new) == await essence(old)
    assert moved.carried == moved.proof.entries == moved.proof.bodies + 1
    with raw(old) as one, raw(new) as other:
        for table in ("ledger", "bodies", "snapshots", "runs", "tasks", "records", "memory_entries"):
            query = f"SELECT * FROM {table}"
            rows = [sorted(map(plain, each.execute(query).fetchall()), key=repr) for each in (one, other)]
            assert rows[0] == rows[1], table
        assert other.execute("SELECT run, token, until_us FROM leases").fetchall() == [("r2", 1, 0)]
    store = open_store(new)
    assert store.check() is None
    await store.record("r3", small(3))
    assert store.check() is None
    await store.close()


def plain(row: tuple[object, ...]) -> tuple[object, ...]:
    """SQLite has numbers where PostgreSQL has booleans."""
    return tuple(int(cell) if isinstance(cell, bool) else cell for cell in row)


async def test_hostile_texts_have_the_same_hashes_in_both_kinds(make: Make) -> None:
    heads: list[list[str]] = []
    for kind in ("sqlite", "postgresql"):
        engine = connect(make(kind))
        migrations.upgrade(engine)
        store = SQLStore(engine, clock=FakeClock(), salt=lambda: bytes(SALT_BYTES))
        refused = 0
        for event in HOSTILE:
            try:
                await store.record("r1", event)
            except LedgerError:
                refused += 1
        heads.append([str(refused), *(entry.hash for entry in store.events())])
        assert store.check() is None
        await store.close()
    assert heads[0] == heads[1]
    assert len(heads[0]) > len(HOSTILE) - 2


async def test_a_move_that_was_cut_goes_on_where_it_stopped(make: Make) -> None:
    old, new = make("sqlite"), make("postgresql")
    store = open_store(old)
    await store.record("r1", *(small(number) for number in range(1200)))

    def cut(carried: int, total: int) -> None:
        if carried < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(old, new, clock=FakeClock(), progress=cut)
    store.erase(3)  # what is erased in between is erased in the copy
    assert move(old, new, clock=FakeClock()).carried == 700
    await store.record("r1", small(1200))
    moved = move(old, new, clock=FakeClock())
    assert (moved.carried, moved.proof.entries, moved.proof.bodies) == (1, 1201, 1200)
    assert move(old, new, clock=FakeClock()).carried == 0
    assert await essence(new) == await essence(old)
    await store.close()


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
async def test_a_target_that_holds_something_else_is_refused_and_left_alone(make: Make, target: str) -> None:
    old, new = make("sqlite"), make(target)
    await filled(old)
    other = open_store(new)
    await other.record("r9", small(9))
    await other.close()
    before = contents(new)
    with pytest.raises(LedgerError, match="1 entries that are not the beginning of this memory"):
        move(old, new, clock=FakeClock())
    assert contents(new) == before


async def test_a_memory_that_is_being_written_is_not_moved(make: Make) -> None:
    old, new = make("sqlite"), make("sqlite")
    store = open_store(old)
    async with store.hold("r1"):
        await store.record("r1", small(1))
        with pytest.raises(LeaseError, match="run r1 is being written by"):
            move(old, new, clock=FakeClock())
    assert not is_there(new)
    assert move(old, new, clock=FakeClock()).carried == 1
    await store.close()


@pytest.mark.parametrize("what", ["ledger", "bodies"])
async def test_a_memory_that_was_changed_is_not_carried_past_the_change(make: Make, what: str) -> None:
    old, new = make("sqlite"), make("sqlite")
    store = open_store(old)
    await store.record("r1", *(small(number) for number in range(3)))
    await store.close()
    with raw(old) as connection:
        connection.execute(f"DROP TRIGGER {what}_update")
        connection.execute({"ledger": "UPDATE ledger SET run = 'evil' WHERE seq = 2", "bodies": FORGED}[what])
    with pytest.raises(LedgerError, match="entry 2 of the ledger or its body was changed"):
        move(old, new, clock=FakeClock())
    copy = open_store(new)
    assert tasks_of(copy) == []
    await copy.close()


FORGED = "UPDATE bodies SET body = (SELECT body FROM bodies WHERE seq = 1) WHERE seq = 2"


async def test_what_is_no_memory_or_the_same_one_is_refused(make: Make, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no memory at"):
        move(tmp_path / "absent.db", make("sqlite"), clock=FakeClock())
    assert not (tmp_path / "absent.db").exists()
    place = make("sqlite")
    await filled(place)
    for same in (place, f"sqlite:///{place}", f"{Path(place).parent}/./{Path(place).name}"):
        with pytest.raises(LedgerError, match="is the memory itself"):
            move(place, same, clock=FakeClock())
    with raw(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(LedgerError, match="the source holds no memory"):
        move(tmp_path / "other.db", make("sqlite"), clock=FakeClock())


async def test_the_command_line_moves_a_memory_and_prints_the_proof(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = make("sqlite"), make("postgresql")
    await filled(old)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AGORA_DB_URL", old)
    assert run_app(["memory", "move", new, "--json"]) == 0
    form = json.loads(capsys.readouterr().out)
    assert form["entries"] == form["carried"] == form["bodies"] + 1
    assert len(form["head"]) == len(form["bodies_hash"]) == 64
    assert run_app(["memory", "move", new]) == 0
    printed = capsys.readouterr().out
    assert "0 entries carried over" in printed
    assert form["head"] in printed
    assert form["bodies_hash"] in printed
    assert run_app(["memory", "move", str(tmp_path / "no" / "rights" / "\0")]) != 0
