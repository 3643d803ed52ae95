"""Recall takes any words, ranks by what is shared, and keeps judged memories apart."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agora.memory.words import MOST_WORDS, shared, words
from agora.testing.stores import memory_update
from memory.helpers_store import open_store, raw
from memory.places import is_sqlite


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=40))
@pytest.mark.parametrize("indexed", [True, False])
async def test_no_text_is_an_error(place: str, text: str, indexed: bool) -> None:
    store = open_store(place)
    if not indexed:
        drop_index(place)
    for query in (text, f'"{text}', f"{text}*", f"goal:{text} NEAR(a b)", f"NOT {text}"):
        store.recall(query)
    await store.close()


def drop_index(place: str) -> None:
    with raw(place) as connection:
        if not is_sqlite(place):
            connection.execute("DROP INDEX IF EXISTS memory_words")
            return
        for name in ("memory_words_insert", "memory_words_delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute("DROP TABLE IF EXISTS memory_words")


@pytest.mark.parametrize("indexed", [True, False])
async def test_the_best_match_comes_first_and_the_newest_among_equals(place: str, indexed: bool) -> None:
    store = open_store(place)
    if not indexed:
        drop_index(place)
    for task, goal in (
        ("old", "parse dates in the log"),
        ("new", "parse dates in the log"),
        ("best", "parse csv dates quickly"),
        ("none", "paint a house"),
    ):
        await store.record("r1", memory_update(task=task, goal=goal))
    assert [entry.task for entry in store.recall("parse csv dates", limit=3)] == ["best", "new", "old"]
    await store.close()


async def test_words_are_found_by_their_stem(place: str) -> None:
    store = open_store(place)
    await store.record("r1", memory_update(task="t1", goal="parsing_dates"))
    assert [entry.task for entry in store.recall("parse the date!")] == ["t1"]
    await store.close()


async def test_judged_memories_are_kept_apart(place: str) -> None:
    store = open_store(place)
    await store.record("r1", memory_update(task="sure"), memory_update(task="opinion", grounded=False))
    assert [entry.task for entry in store.recall("parser")] == ["sure"]
    assert [entry.task for entry in store.recall("parser", grounded=False)] == ["opinion"]
    await store.close()


async def test_an_erased_memory_is_not_found_again(place: str) -> None:
    store = open_store(place)
    await store.record("r1", memory_update(task="t1"), memory_update(task="t2"))
    store.erase(1)
    assert [entry.task for entry in store.recall("parser")] == ["t2"]
    await store.close()


@given(text=st.text(), other=st.text())
def test_words_are_bounded_lower_case_and_shared_both_ways(text: str, other: str) -> None:
    assert len(words(text)) <= MOST_WORDS
    assert len(set(words(text))) == len(words(text))
    assert shared(words(text), text) == len(words(text))
    assert 0 <= shared(words(text), other) <= len(words(text))
