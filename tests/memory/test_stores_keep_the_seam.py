"""Both stores that remember do what the seam says; the one that forgets fits its type."""

from __future__ import annotations

import pytest

from agora.errors import UnknownNameError
from agora.memory import MemoryStore, NullStore, SQLStore
from agora.protocols import Store
from agora.testing.clocks import FakeClock
from agora.testing.stores import check_shared_store, check_store, one_run
from memory.places import Places


async def test_the_sql_store_keeps_the_seam(places: Places) -> None:
    await check_store(lambda: SQLStore.open(places.new(), clock=FakeClock()))


async def test_two_sql_stores_on_one_database_keep_the_seam(places: Places) -> None:
    def open_two() -> tuple[Store, Store]:
        place = places.new()
        return SQLStore.open(place, clock=FakeClock()), SQLStore.open(place, clock=FakeClock())

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
