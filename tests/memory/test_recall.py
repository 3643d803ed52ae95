"""Recall takes any words, ranks by words and meaning, keeps judged memories apart, and shows who may see it what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agora.events import Event, Learned, Posted
from agora.memory import MemoryStore
from agora.memory.embeddings import Embedder, Vector, local_embedder
from agora.memory.recall import DEFAULTS, Recalling
from agora.memory.recollection import FILL_CHARS
from agora.memory.sql_store import SQLStore
from agora.memory.words import MOST_WORDS, shared, stems, words
from agora.protocols import Store
from agora.records import MemoryEntry
from agora.tasks import Task
from agora.testing.clocks import FakeClock
from agora.testing.lessons import memory_update
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


class Watched:
    """The real model, and which texts it had to work on."""

    def __init__(self, *, name: str = "") -> None:
        found = local_embedder()
        assert found is not None
        self._model, self._name = found, name or found.name
        self.made: list[str] = []
        self._at_hand: dict[str, Vector] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._model.dimensions

    def embed(self, text: str) -> Vector:
        if text not in self._at_hand:
            self.made.append(text)
            self._at_hand[text] = self._model.embed(text)
        return self._at_hand[text]

    def knows(self, text: str) -> bool:
        return text in self._at_hand


def opened(
    place: str, *, embedder: Callable[[], Embedder | None] = local_embedder, rules: Recalling = DEFAULTS
) -> SQLStore:
    return SQLStore.open(place, clock=FakeClock(), embedder=embedder, recalling=rules)


def by_words(place: str) -> SQLStore:
    return opened(place, embedder=lambda: None)


def found(store: Store, text: str, *, limit: int = 8, trust: frozenset[str] | None = None) -> list[str]:
    return [entry.task for entry in store.recall(text, limit=limit, trust=trust)]


async def test_what_means_the_same_is_found_without_a_common_word(place: str) -> None:
    store = opened(place)
    await store.record("r1", memory_update(task="car", goal="repair an automobile engine"))
    await store.record("r1", memory_update(task="poem", goal="compose verses about autumn"))
    assert found(store, "fix my car's motor") == ["car"]
    await store.close()
    plain = by_words(place)
    assert found(plain, "fix my car's motor") == []
    await plain.close()


async def test_what_is_less_alike_than_the_floor_is_not_offered_unless_it_has_every_word(place: str) -> None:
    store, plain = opened(place), by_words(place)
    await store.record("r1", memory_update(task="cat", goal="paint the cat that sits on the mat in the garden"))
    query = "prove the theorem on the primes"
    assert (found(store, query), found(plain, query)) == ([], ["cat"])
    assert found(store, "sitting mat") == ["cat"]
    for each in (store, plain):
        await each.close()


async def test_both_rankings_count(place: str) -> None:
    store = opened(place)
    for task, goal in (
        ("words", "repair the parser of frobnicate files"),
        ("meaning", "the reader for frobs fails, mend its grammar"),
        ("both", "the frobnicate parser is broken, repair it"),
    ):
        await store.record("r1", memory_update(task=task, goal=goal))
    assert found(store, "the frobnicate parser is broken")[0] == "both"
    assert set(found(store, "the frobnicate parser is broken")) >= {"both", "words"}
    await store.close()


def labelled(task: str, *labels: str, goal: str = "fix the parser") -> tuple[Event, ...]:
    spec = Task(id=task, goal=goal, labels=frozenset(labels))
    return (Posted(task=task, spec=spec), memory_update(task=task, goal=goal))


@pytest.mark.parametrize("kind", ["words", "meaning", "memory"])
async def test_only_memories_of_tasks_that_the_asker_may_see_are_offered(place: str, kind: str) -> None:
    stores: dict[str, Callable[[], Store]] = {
        "words": lambda: by_words(place),
        "meaning": lambda: opened(place),
        "memory": lambda: MemoryStore(clock=FakeClock()),
    }
    store = stores[kind]()
    await store.record("r1", *labelled("open"), *labelled("private", "private"), *labelled("both", "private", "health"))
    await store.record("r2", *labelled("private"), memory_update(task="unposted"))
    assert found(store, "parser", trust=frozenset()) == ["private", "open"]
    assert {entry.run for entry in store.recall("parser", trust=frozenset()) if entry.task == "private"} == {"r2"}
    assert found(store, "parser", trust=frozenset({"private"})) == ["private", "private", "open"]
    assert len(found(store, "parser", trust=frozenset({"private", "health", "more"}))) == 4
    assert len(found(store, "parser")) == 5
    await store.close()


@pytest.mark.parametrize("kind", ["words", "meaning"])
async def test_what_may_not_be_seen_does_not_use_up_the_limit(place: str, kind: str) -> None:
    store = opened(place) if kind == "meaning" else by_words(place)
    await store.record("r1", *labelled("open", goal="fix the old parser slowly"))
    for number in range(90):
        await store.record("r1", *labelled(f"p{number}", "private", goal=f"fix the parser {number}"))
    assert found(store, "fix the parser", limit=1, trust=frozenset()) == ["open"]
    await store.close()


@pytest.mark.parametrize("kind", ["words", "meaning"])
async def test_where_the_posting_was_erased_only_a_person_is_offered_the_memory(place: str, kind: str) -> None:
    store = opened(place) if kind == "meaning" else by_words(place)
    await store.record("r1", *labelled("open"))
    store.erase(1)
    assert (found(store, "parser", trust=frozenset({"private"})), found(store, "parser")) == ([], ["open"])
    await store.close()


@st.composite
def remembered_bids(draw: st.DrawFn) -> Learned:
    """Any bid of one of three tasks, as any verifier found it."""
    return memory_update(
        task=draw(st.sampled_from(["t1", "t2", "t3"])),
        goal=draw(st.sampled_from(["fix the parser", "mend the parser", "parse the date"])),
        agent=draw(st.sampled_from(["scout", "other", "third"])),
        won=(won := draw(st.booleans())),
        passed=won and draw(st.booleans()),
        grounded=draw(st.booleans()),
    )


@pytest.mark.parametrize("kind", ["words", "meaning", "memory"])
@settings(max_examples=15, deadline=None)
@given(bids=st.lists(remembered_bids(), max_size=12))
def test_no_memory_is_offered_as_a_win_unless_a_grounded_check_passed_its_work(
    tmp_path_factory: pytest.TempPathFactory, kind: str, bids: list[Learned]
) -> None:
    async def check() -> None:
        place = str(tmp_path_factory.mktemp("wins") / "agora.db")
        stores: dict[str, Callable[[], Store]] = {
            "words": lambda: by_words(place),
            "meaning": lambda: opened(place),
            "memory": lambda: MemoryStore(clock=FakeClock()),
        }
        store = stores[kind]()
        await store.record("r1", *bids)
        offered = Counter(map(outcome, store.recall("fix the parser of the date", limit=99)))
        grounded = Counter(outcome_of(event) for event in bids if event.update["grounded"])
        assert offered <= grounded
        if kind != "meaning":
            assert offered == grounded, "all of these goals share a word with the text"
        await store.close()

    anyio.run(check)


def outcome(entry: MemoryEntry) -> tuple[object, ...]:
    return entry.task, entry.goal, entry.agent, entry.won, entry.passed


def outcome_of(event: Learned) -> tuple[object, ...]:
    return event.key, *(event.update[name] for name in ("goal", "agent", "won", "passed"))


def stored(place: str) -> list[tuple[int, int, str | None]]:
    with raw(place) as connection:
        query = "SELECT seq, length(embedding), embedding_model FROM memory_entries ORDER BY seq"
        return [(int(seq), int(size or 0), model) for seq, size, model in connection.execute(query).fetchall()]


async def test_nothing_is_embedded_when_it_is_recorded_and_nothing_is_written_before_the_end(place: str) -> None:
    watched = Watched()
    store = opened(place, embedder=lambda: watched)
    await store.record("r1", memory_update(task="t1", goal="fix the parser"))
    assert watched.made == []
    assert found(store, "mend the parser") == ["t1"]
    assert watched.made == ["mend the parser", "fix the parser"]
    assert stored(place) == [(1, 0, None)]
    await store.close()
    assert stored(place) == [(1, 4 * watched.dimensions, watched.name)]


async def test_a_goal_is_embedded_once_whoever_asks_and_however_often_it_comes(place: str) -> None:
    first = Watched()
    store = opened(place, embedder=lambda: first)
    for number in range(3):
        await store.record("r1", *[memory_update(task=f"t{number}", goal="fix the parser") for _ in range(4)])
        assert found(store, "fix the parser")[0] == f"t{number}"
    assert first.made == ["fix the parser"]
    await store.close()
    second = Watched()
    store = opened(place, embedder=lambda: second)
    assert found(store, "mend the parser", limit=1) == ["t2"]
    assert second.made == ["mend the parser"]
    await store.close()


async def test_vectors_of_another_model_are_not_mixed_in(place: str) -> None:
    for name in ("one", "two"):
        watched = Watched(name=name)
        store = opened(place, embedder=lambda watched=watched: watched)  # type: ignore[misc]
        await store.record(name, memory_update(task=name, goal=f"fix the parser {name}"))
        store.recall("parser")
        await store.close()
        assert "fix the parser one" in watched.made
    assert [model for _, _, model in stored(place)] == ["two", "two"]


async def test_a_recall_embeds_a_bounded_part_of_what_is_old_the_latest_first(place: str) -> None:
    watched = Watched()
    store = opened(place, embedder=lambda: watched)
    goals = [f"parse the file number {number} {'and its header ' * 30}" for number in range(12)]
    await store.record("r1", *[memory_update(task=f"t{place}", goal=goal) for place, goal in enumerate(goals)])
    entries = store.recall("parse", limit=20)
    assert len(entries) == 12, "what has no embedding yet is found by words"
    made = watched.made[1:]
    assert made == goals[::-1][: len(made)]
    assert FILL_CHARS - len(goals[0]) < sum(map(len, made)) <= FILL_CHARS
    for _ in range(4):
        store.recall("parse")
    assert sorted(watched.made[1:]) == sorted(goals)
    await store.close()


async def test_what_another_process_learns_or_erases_is_seen_at_once(place: str) -> None:
    one, other = opened(place), opened(place)
    await one.record("r1", memory_update(task="t1"))
    assert (found(one, "parser"), found(other, "parser")) == (["t1"], ["t1"])
    await other.record("r1", memory_update(task="t2"), memory_update(task="t3", goal="mend the parser"))
    assert set(found(one, "parser")) == {"t1", "t2", "t3"}
    other.erase(2)
    assert set(found(one, "parser")) == set(found(other, "parser")) == {"t1", "t3"}
    one.rebuild()
    assert set(found(one, "parser")) == set(found(other, "parser")) == {"t1", "t3"}
    for store in (one, other):
        await store.close()


async def test_beyond_the_capacity_near_duplicates_are_left_out_first_and_stay_in_the_database(place: str) -> None:
    store = opened(place, rules=Recalling(capacity=3))
    goals = {"t1": "write a poem on rain", "t2": "fix the parser", "t3": "Fix the  PARSER", "t4": "sell a boat"}
    for task, goal in goals.items():
        await store.record("r1", memory_update(task=task, goal=goal))
    assert set(found(store, "fix the parser")) == {"t3"}
    assert found(store, "poem") == ["t1"]
    for task in ("t5", "t6"):
        await store.record("r1", memory_update(task=task, goal={"t5": "paint a house", "t6": "boil an egg"}[task]))
    assert (found(store, "poem"), found(store, "fix the parser"), found(store, "egg")) == ([], [], ["t6"])
    await store.close()
    plain = by_words(place)
    assert (found(plain, "poem"), set(found(plain, "fix the parser"))) == (["t1"], {"t2", "t3"})
    await plain.close()


async def test_recall_goes_on_when_far_more_was_learned_than_is_considered(place: str) -> None:
    watched = Watched()
    store = opened(place, embedder=lambda: watched, rules=Recalling(capacity=2))
    for number in range(9):
        await store.record("r1", memory_update(task=f"t{number}", goal=f"draw figure {number}"))
        assert f"t{number}" in found(store, "draw a figure")
    assert len(found(store, "draw a figure")) == 2
    assert len(watched.made) == 10
    assert any(model for _, _, model in stored(place)), "what is not considered any more is written and let go"
    await store.close()
    assert {model for _, _, model in stored(place)} == {watched.name}


async def test_many_threads_may_recall_at_once(place: str) -> None:
    store = opened(place)
    await store.record("r1", *[memory_update(task=f"t{number}", goal=f"parse date {number}") for number in range(20)])
    results: list[list[str]] = []
    threads = [Thread(target=lambda: results.append(found(store, "parse a date"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(len(result) == 8 for result in results)
    await store.close()


async def test_a_store_that_cannot_be_written_still_recalls(tmp_path: Path) -> None:
    file = tmp_path / "agora.db"
    store = by_words(str(file))
    await store.record("r1", memory_update(task="t1"))
    await store.close()
    store = opened(str(file))
    with raw(str(file)) as connection:
        connection.execute("CREATE TRIGGER refuse BEFORE UPDATE ON memory_entries BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert found(store, "mend the parser") == ["t1"]
    await store.close()
    assert stored(str(file)) == [(1, 0, None)]


@given(text=st.text(max_size=80))
def test_stems_are_those_of_the_words_in_lower_case(text: str) -> None:
    assert len(stems(text)) >= len(words(text)) or len(words(text)) == MOST_WORDS
    assert stems(text.lower()) == stems(text) or text.lower().lower() != text.lower()


def test_forms_of_one_word_have_one_stem() -> None:
    for forms in ("parse parses parsed parsing", "run running", "class classes", "study studies studied", "date dates"):
        assert len(set(stems(forms))) == 1, forms


def test_vectors_that_are_stored_are_the_ones_that_were_made() -> None:
    model = local_embedder()
    assert model is not None
    vector = model.embed("fix the parser")
    assert np.array_equal(np.frombuffer(vector.astype("<f4").tobytes(), "<f4"), vector)
