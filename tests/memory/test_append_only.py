"""Nobody changes the ledger through SQL: not with UPDATE, DELETE, REPLACE or upsert, not on default pragmas."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from memory.helpers_store import open_store, raw, small, tasks_of

ROW = "(v, seq, run, kind, at_us, body, prev, hash)"
COPY = "v, {seq}, 'evil', kind, at_us, body, {prev}, {hash}"

ATTACKS = {
    "update": "UPDATE ledger SET run = 'evil' WHERE seq = 2",
    "update or replace": "UPDATE OR REPLACE ledger SET seq = 3 WHERE seq = 2",
    "update or ignore": "UPDATE OR IGNORE ledger SET run = 'evil'",
    "delete": "DELETE FROM ledger WHERE seq = 3",
    "delete all": "DELETE FROM ledger",
    "insert or replace": f"INSERT OR REPLACE INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "replace": f"REPLACE INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "replace by rowid": "REPLACE INTO ledger (rowid, v, run, kind, at_us, body, prev, hash)"
    " SELECT seq, v, 'evil', kind, at_us, body, prev, hash FROM ledger WHERE seq = 2",
    "upsert": f"INSERT INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2"
    " ON CONFLICT (seq) DO UPDATE SET run = 'evil'",
    "insert or ignore": f"INSERT OR IGNORE INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "plain insert over": f"INSERT INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "a gap": f"INSERT INTO ledger {ROW} SELECT v, 9, run, kind, at_us, body, prev, hash FROM ledger WHERE seq = 3",
    "before the first": f"INSERT INTO ledger {ROW} SELECT v, 0, run, kind, at_us, body, prev, hash FROM ledger",
    "no number": f"INSERT INTO ledger {ROW}"
    " SELECT v, NULL, run, kind, at_us, body, hash, hash FROM ledger WHERE seq = 3",
    "another chain": f"INSERT INTO ledger {ROW}"
    " SELECT v, 4, run, kind, at_us, body, prev, hash FROM ledger WHERE seq = 3",
    "update a body": "UPDATE bodies SET body = x'00' WHERE seq = 2",
    "replace a body": "INSERT OR REPLACE INTO bodies SELECT seq, hash, salt, x'00' FROM bodies WHERE seq = 2",
    "upsert a body": "INSERT INTO bodies SELECT seq, hash, salt, body FROM bodies WHERE seq = 2"
    " ON CONFLICT (seq) DO UPDATE SET body = x'00'",
    "a body of no entry": "INSERT INTO bodies VALUES (99, 'aa', x'00', x'00')",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("recursive", ["OFF", "ON"])
async def test_the_database_refuses(tmp_path: Path, attack: str, recursive: str) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1), small(2), small(3))
    statement = attack.replace("{seq}", "seq").replace("{prev}", "prev").replace("{hash}", "hash")
    with raw(path) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        before = list(connection.iterdump())
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|a body"):
            connection.execute(statement)
        assert list(connection.iterdump()) == before
    assert tasks_of(store) == ["t1", "t2", "t3"]
    assert store.check() is None
    await store.close()


@pytest.mark.parametrize("attack", ["UPDATE ledger SET run = 'evil' WHERE seq = 2", "DELETE FROM ledger WHERE seq = 3"])
async def test_the_guards_are_what_refuses_and_the_chain_finds_what_was_done_without_them(
    tmp_path: Path, attack: str
) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", *(small(number) for number in range(1, 6)))
    with raw(path) as connection:
        connection.execute("DROP TRIGGER ledger_update")
        connection.execute("DROP TRIGGER ledger_delete")
        connection.execute(attack)
    assert store.check() in (2, 3)
    await store.close()


async def test_a_changed_body_is_found_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1), small(2), small(3))
    with raw(path) as connection:
        connection.execute("DROP TRIGGER bodies_update")
        connection.execute("UPDATE bodies SET body = (SELECT body FROM bodies WHERE seq = 1) WHERE seq = 2")
    assert store.check() == 2
    await store.close()


async def test_guards_that_were_dropped_or_weakened_are_back_at_the_next_opening(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1))
    await store.close()
    with raw(path) as connection:
        connection.execute("DROP TRIGGER ledger_delete")
        connection.execute("DROP TRIGGER ledger_update")
        connection.execute("CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger BEGIN SELECT 1; END")
    await open_store(path).close()
    with raw(path) as connection:
        for attack in ("DELETE FROM ledger", "UPDATE ledger SET run = 'evil'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(attack)


async def test_an_erased_body_is_gone_with_its_texts_and_the_chain_still_holds(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1), small(2), small(3))
    store.erase(2)
    assert [entry.event for entry in store.events()] == [small(1), None, small(3)]
    assert store.check() is None
    with raw(path) as connection:
        assert connection.execute("SELECT count(*) FROM bodies WHERE body LIKE '%reason 2%'").fetchone() == (0,)
    await store.record("r1", small(4))
    assert store.check() is None
    await store.close()
