"""Both stores that remember do what the seam says; the one that forgets fits its type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agora.errors import UnknownNameError
from agora.memory import MemoryStore, NullStore, SQLStore
from agora.protocols import Store
from agora.testing.clocks import FakeClock
from agora.testing.stores import check_shared_store, check_store, one_run


def fresh_files(folder: Path) -> Callable[[], Store]:
    numbers = iter(range(1000))
    return lambda: SQLStore.open(folder / f"{next(numbers)}.db", clock=FakeClock())


async def test_the_sql_store_keeps_the_seam(tmp_path: Path) -> None:
    await check_store(fresh_files(tmp_path))


async def test_two_sql_stores_on_one_file_keep_the_seam(tmp_path: Path) -> None:
    numbers = iter(range(1000))

    def open_two() -> tuple[Store, Store]:
        path = tmp_path / f"{next(numbers)}.db"
        return SQLStore.open(path, clock=FakeClock()), SQLStore.open(path, clock=FakeClock())

    await check_shared_store(open_two)


async def test_the_store_in_memory_keeps_the_seam() -> None:
    await check_store(lambda: MemoryStore(clock=FakeClock()))


async def test_the_check_finds_a_store_that_forgets() -> None:
    with pytest.raises(AssertionError, match="positions run from 1"):
        await check_store(NullStore)


async def test_the_null_store_takes_everything_and_keeps_nothing() -> None:
    store: Store = NullStore()
    await store.record("r1", *one_run())
    assert (list(store.events()), list(store.runs()), list(store.recall("work"))) == ([], [], [])
    with pytest.raises(UnknownNameError, match="no run named 'last'"):
        store.find_run("last")
