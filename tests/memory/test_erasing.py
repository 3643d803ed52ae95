"""Erasing: what was erased is in no table and in no page of the files, and the chain and the proofs stand."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from agora.errors import LedgerError
from agora.events import Event
from agora.ledger.notes import SecretKey
from agora.testing.lessons import memory_update
from agora.traces.trust.proving import Proof, prove
from agora.traces.trust.rooted import whole
from memory.helpers_store import open_store, raw, small
from memory.places import contents

KEY = SecretKey("agora", bytes(32))
SECRET = "zanzibarquux"


def told(number: int) -> Event:
    return small(number).model_copy(update={"reason": f"{SECRET} {number} " + "long " * 3000})


def remains(path: Path) -> dict[str, int]:
    """How often the secret, whole or by its stem, stands in each of the database's files."""
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    return {file.name: file.read_bytes().count(SECRET.encode()) for file in files if file.name != path.name + "-shm"}


async def test_nothing_of_a_body_is_left_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", small(1), told(2), told(3), memory_update(goal=f"find {SECRET}"), small(5))
    proof = prove(store, 2, KEY.sign(whole(store).checkpoint().text()))
    assert sum(remains(path).values()) > 2
    assert [entry.goal for entry in store.recall(SECRET)] == [f"find {SECRET}"]
    store.erase(2, 3, 4)
    assert sum(remains(path).values()) == 0
    assert store.recall(SECRET) == ()
    assert store.check() is None
    assert [one.body is None for one in store.stored()] == [False, True, True, True, False]
    assert prove(store, 2, proof.note) == proof
    assert Proof.parse(str(proof)).check(KEY.public).size == 5
    await store.record("r1", small(6))
    await store.close()
    assert sum(remains(path).values()) == 0


async def test_what_an_earlier_write_left_behind_goes_too(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path)
    await store.record("r1", *(told(number) for number in range(40)))
    with raw(path) as connection:  # bodies that went without a word, and were left where they stood
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM bodies WHERE seq % 2 = 0")
    assert sum(remains(path).values()) >= 40
    store.erase(*range(1, 41))
    assert sum(remains(path).values()) == 0
    await store.close()


async def test_no_table_has_it_any_more(place: str) -> None:
    store = open_store(place)
    await store.record("r1", told(1), memory_update(goal=f"find {SECRET}"), small(3))
    assert SECRET in repr(contents(place))
    store.erase(1, 2)
    assert SECRET not in repr(contents(place))
    assert store.check() is None
    store.rebuild()
    assert SECRET not in repr(contents(place))
    await store.close()


def test_a_reader_that_holds_the_log_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "agora.db"
    store = open_store(path, busy_s=0.05)
    anyio.run(store.record, "r1", told(1))
    with raw(path) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM bodies").fetchall()
        with pytest.raises(LedgerError, match=r"bodies are erased, and remains .* erase them again"):
            store.erase(1)
        connection.execute("COMMIT")
    store.erase(1)
    assert sum(remains(path).values()) == 0
    anyio.run(store.close)
