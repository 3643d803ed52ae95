"""Nobody changes the ledger through SQL: not by UPDATE, DELETE, TRUNCATE, REPLACE, MERGE or upsert, at no setting."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from agora.ledger.canonical import seal
from agora.ledger.chain import GENESIS, SALT_BYTES, VERSION, body_hash, entry_hash
from agora.ledger.redact import Redactor
from agora.memory import migrations
from agora.memory.dialects import connect, kind
from agora.memory.tables import METADATA
from agora.records import Envelope
from memory.helpers_store import open_store, raw, small, tasks_of
from memory.places import Places, contents, is_sqlite

ROW = "(v, seq, run, kind, at_us, body, prev, hash)"
COPY = "v, seq, 'evil', kind, at_us, body, prev, hash"

BOTH = {
    "update": "UPDATE ledger SET run = 'evil' WHERE seq = 2",
    "delete": "DELETE FROM ledger WHERE seq = 3",
    "delete all": "DELETE FROM ledger",
    "upsert": f"INSERT INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2"
    " ON CONFLICT (seq) DO UPDATE SET run = 'evil'",
    "plain insert over": f"INSERT INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "insert or nothing": f"INSERT INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2 ON CONFLICT DO NOTHING",
    "a gap": f"INSERT INTO ledger {ROW} SELECT v, 9, run, kind, at_us, body, prev, hash FROM ledger WHERE seq = 3",
    "before the first": f"INSERT INTO ledger {ROW} SELECT v, 0, run, kind, at_us, body, prev, hash FROM ledger",
    "no number": f"INSERT INTO ledger {ROW}"
    " SELECT v, NULL, run, kind, at_us, body, hash, hash FROM ledger WHERE seq = 3",
    "another chain": f"INSERT INTO ledger {ROW}"
    " SELECT v, 4, run, kind, at_us, body, prev, hash FROM ledger WHERE seq = 3",
    "update a body": "UPDATE bodies SET body = salt WHERE seq = 2",
    "upsert a body": "INSERT INTO bodies SELECT seq, hash, salt, body FROM bodies WHERE seq = 2"
    " ON CONFLICT (seq) DO UPDATE SET body = excluded.salt",
    "a body of no entry": "INSERT INTO bodies SELECT 99, hash, salt, body FROM bodies WHERE seq = 2",
}
ONLY_SQLITE = {
    "update or replace": "UPDATE OR REPLACE ledger SET seq = 3 WHERE seq = 2",
    "update or ignore": "UPDATE OR IGNORE ledger SET run = 'evil'",
    "insert or replace": f"INSERT OR REPLACE INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "replace": f"REPLACE INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "replace by rowid": "REPLACE INTO ledger (rowid, v, run, kind, at_us, body, prev, hash)"
    " SELECT seq, v, 'evil', kind, at_us, body, prev, hash FROM ledger WHERE seq = 2",
    "insert or ignore": f"INSERT OR IGNORE INTO ledger {ROW} SELECT {COPY} FROM ledger WHERE seq = 2",
    "replace a body": "INSERT OR REPLACE INTO bodies SELECT seq, hash, salt, x'00' FROM bodies WHERE seq = 2",
}
ONLY_POSTGRES = {
    "truncate": "TRUNCATE ledger",
    "truncate all": "TRUNCATE ledger, bodies CASCADE",
    "truncate the bodies": "TRUNCATE bodies",
    "an update of nothing": "UPDATE ledger SET run = 'evil' WHERE seq = 99",
    "merge": "MERGE INTO ledger l USING (SELECT 2 AS seq) s ON l.seq = s.seq WHEN MATCHED THEN UPDATE SET run = 'evil'",
    "merge away": "MERGE INTO ledger l USING (SELECT 2 AS seq) s ON l.seq = s.seq WHEN MATCHED THEN DELETE",
    "several at once": f"INSERT INTO ledger {ROW} SELECT v, seq + 3, run, kind, at_us, body, prev, hash FROM ledger",
    "in a function": "DO $$ BEGIN DELETE FROM ledger; END $$",
    # A table of the session's own comes first wherever a name has no schema.
    "a false ledger": "CREATE TEMP TABLE ledger AS SELECT * FROM public.ledger; INSERT INTO pg_temp.ledger"
    f" {ROW} SELECT v, 8, run, kind, at_us, body, prev, hash FROM public.ledger WHERE seq = 3; INSERT INTO"
    f" public.ledger {ROW} SELECT v, 9, run, kind, at_us, body, hash, hash FROM public.ledger WHERE seq = 3",
    "with": "WITH gone AS (DELETE FROM ledger RETURNING *) SELECT count(*) FROM gone",
}
SETTINGS = {
    "sqlite": ("PRAGMA recursive_triggers = OFF", "PRAGMA recursive_triggers = ON"),
    "postgresql": ("SET session_replication_role = origin", "SET session_replication_role = replica"),
}
REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)


def attacks_on(place: str) -> dict[str, str]:
    return BOTH | (ONLY_SQLITE if is_sqlite(place) else ONLY_POSTGRES)


def attack_all(place: str) -> None:
    """Every attack under every setting; none changes anything."""
    before = contents(place)
    for setting in SETTINGS["sqlite" if is_sqlite(place) else "postgresql"]:
        for name, attack in attacks_on(place).items():
            with raw(place) as connection:
                connection.execute(setting)
                with pytest.raises(REFUSED, match=r"append-only|a body"):
                    connection.execute(attack)
            assert contents(place) == before, (setting, name)


async def test_the_database_refuses(place: str) -> None:
    store = open_store(place)
    await store.record("r1", small(1), small(2), small(3))
    attack_all(place)
    assert tasks_of(store) == ["t1", "t2", "t3"]
    assert store.check() is None
    await store.close()


@pytest.mark.parametrize("steps", range(1, len(migrations.REVISIONS) + 1))
async def test_the_database_refuses_after_every_step_of_the_schema(
    places: Places, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places.new(migrated=False)
    engine = connect(place)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "REVISIONS", migrations.REVISIONS[:steps])
        migrations.upgrade(engine)
        with engine.connect() as connection:
            assert kind(connection).guarded(connection)
    chain_of_three(engine)
    attack_all(place)
    migrations.upgrade(engine)
    attack_all(place)
    engine.dispose()
    store = open_store(place)
    assert store.check() is None
    assert tasks_of(store) == ["t1", "t2", "t3"]
    await store.close()


def chain_of_three(engine: Engine) -> None:
    """Three entries, by SQL alone, since the store knows the newest schema only."""
    prev = GENESIS
    with engine.begin() as connection:
        for seq in (1, 2, 3):
            body, _ = seal(small(seq), redactor=Redactor())
            salt = bytes([seq]) * SALT_BYTES
            envelope = Envelope(VERSION, seq, "r1", small(seq).kind, 0, body_hash(salt, body), prev)
            prev = entry_hash(envelope)
            connection.execute(METADATA.tables["ledger"].insert(), {**envelope._asdict(), "hash": prev})
            row = {"seq": seq, "hash": envelope.body, "salt": salt, "body": body}
            connection.execute(METADATA.tables["bodies"].insert(), row)


WEAKENED = {
    "sqlite": (
        "DROP TRIGGER ledger_delete",
        "DROP TRIGGER ledger_update; CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger BEGIN SELECT 1; END",
    ),
    "postgresql": (
        "DROP TRIGGER ledger_change ON ledger",
        "ALTER TABLE ledger DISABLE TRIGGER ledger_change",
        "ALTER TABLE ledger ENABLE TRIGGER ledger_change",
        "CREATE OR REPLACE FUNCTION agora_ledger_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "ALTER FUNCTION agora_ledger_insert() RESET search_path",
        "DROP TRIGGER bodies_change ON bodies; CREATE TRIGGER bodies_change BEFORE UPDATE OF seq ON bodies"
        " FOR EACH STATEMENT EXECUTE FUNCTION agora_bodies_change();"
        " ALTER TABLE bodies ENABLE ALWAYS TRIGGER bodies_change",
    ),
}


async def test_guards_that_were_dropped_or_weakened_are_back_at_the_next_opening(place: str) -> None:
    store = open_store(place)
    await store.record("r1", small(1), small(2), small(3))
    await store.close()
    for weakened in WEAKENED["sqlite" if is_sqlite(place) else "postgresql"]:
        with raw(place) as connection:
            connection.executescript(weakened) if is_sqlite(place) else connection.execute(weakened)
        await open_store(place).close()
        attack_all(place)


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


async def test_an_erased_body_is_gone_with_its_texts_and_the_chain_still_holds(place: str) -> None:
    store = open_store(place)
    await store.record("r1", small(1), small(2), small(3))
    store.erase(2)
    assert [entry.event for entry in store.events()] == [small(1), None, small(3)]
    assert store.check() is None
    with raw(place) as connection:
        bodies = connection.execute("SELECT body FROM bodies").fetchall()
    assert len(bodies) == 2
    assert not any(b"reason 2" in bytes(row[0]) for row in bodies)
    await store.record("r1", small(4))
    assert store.check() is None
    await store.close()
