"""A ledger that somebody damaged: it is opened, read and added to, and verifying says what changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agora.ledger.chain import first_bad
from agora.ledger.tree import BLOCK
from agora.memory.sql_store import SQLStore
from agora.testing.stores import one_run
from memory.helpers_store import open_store, raw, small

ENTRIES = 315


def damage(path: Path, *statements: str, old: bool = False) -> None:
    """Change a database behind the store's back, where its guards are gone; `old`: it has an older schema too."""
    with closing(sqlite3.connect(path)) as connection, connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'memory%'"
        for (name,) in connection.execute(names).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        if old:
            connection.execute("DROP TABLE tree")
            connection.execute("UPDATE alembic_version SET version_num = '0004'")


async def filled(path: Path, entries: int = ENTRIES) -> None:
    store = open_store(path)
    begin = one_run(goal="fix the parser")
    await store.record("r1", *begin, *map(small, range(entries - len(begin))))
    await store.close()


def nodes(path: Path) -> list[tuple[int, int]]:
    with raw(path) as connection:
        return [tuple(row) for row in connection.execute("SELECT level, number FROM tree ORDER BY level, number")]


async def test_an_entry_that_was_deleted_does_not_stop_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    await filled(path, 252)
    damage(path, "DELETE FROM bodies WHERE seq = 100", "DELETE FROM ledger WHERE seq = 100")
    store = open_store(path)
    await store.record("r2", *map(small, range(10)))  # past the end of the first subtree
    await store.record("r2", *map(small, range(10, BLOCK + 10)))
    assert len(list(store.events("r2"))) == BLOCK + 10
    assert (store.check(), nodes(path)) == (100, [(8, 1)])
    await store.close()


@pytest.mark.parametrize("what", ["run = x'7231'", "body = x'00'", "at_us = 9007199254740993", "kind = x'00'"])
async def test_an_entry_that_cannot_be_read_does_not_stop_the_recording(tmp_path: Path, what: str) -> None:
    path = tmp_path / "agora.db"
    await filled(path, 252)
    damage(path, f"UPDATE ledger SET {what} WHERE seq = 100")
    store = open_store(path)
    await store.record("r2", *map(small, range(10)))
    assert (store.check(), len(list(store.events("r2")))) == (100, 10)
    await store.close()


@pytest.mark.parametrize(
    ("statements", "bad"),
    [
        (("DELETE FROM bodies WHERE seq = 100", "DELETE FROM ledger WHERE seq = 100"), 100),
        (("UPDATE bodies SET body = x'7b7d' WHERE seq = 100",), 100),
        (("UPDATE bodies SET body = 'no' WHERE seq = 100",), 100),
        (("UPDATE ledger SET run = x'00' WHERE seq = 100",), 100),
        (("UPDATE ledger SET seq = 1000000000000 WHERE seq = 315",), 315),
    ],
)
async def test_an_older_database_that_was_damaged_is_opened_to_be_verified(
    tmp_path: Path, statements: tuple[str, ...], bad: int
) -> None:
    path = tmp_path / "agora.db"
    await filled(path)
    damage(path, *statements, old=True)
    store = open_store(path)
    assert store.check() == bad
    assert [info.id for info in store.runs()] == ["r1"]
    assert sum(1 for _ in store.stored()) == ENTRIES - statements[-1].startswith("DELETE")
    await store.record("r2", small(1))
    await store.close()


async def test_an_older_database_whose_entries_contradict_one_another_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    await filled(path)
    # The first event a second time: both bodies are as recorded, and a run cannot begin twice.
    copied = (
        "UPDATE bodies SET (hash, salt, body) = (SELECT hash, salt, body FROM bodies WHERE seq = 1) WHERE seq = 9",
        "UPDATE ledger SET (kind, body) = (SELECT kind, body FROM ledger WHERE seq = 1) WHERE seq = 9",
    )
    damage(path, *copied, old=True)
    store = open_store(path)
    assert store.check() == 9
    await store.close()


@pytest.mark.parametrize("name", ["hash", "prev", "body", "run", "kind"])
async def test_a_column_of_another_type_is_a_changed_entry(tmp_path: Path, name: str) -> None:
    path = tmp_path / "agora.db"
    await filled(path, 20)
    damage(path, f"UPDATE ledger SET {name} = CAST({name} AS BLOB) WHERE seq = 7")
    store: SQLStore = open_store(path)
    assert (store.check(), first_bad(store.stored())) == (7, 7)
    (envelope, hashed), _, _ = list(store.stored())[6]
    assert {type(cell) for cell in (envelope.run, envelope.kind, envelope.body, envelope.prev, hashed)} == {str}
    await store.close()
