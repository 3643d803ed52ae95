"""The nearest vectors are those of a full scan; words are ranked by what is rare; what is considered is a pure rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.memory.postings import MOST_READ, Postings
from agora.memory.recall import Recalling
from agora.memory.shelf import RANK_CONSTANT, Entry, Shelf, fuse, kept
from agora.memory.vectors import Vectors

Floats = npt.NDArray[np.float32]


def clustered(rows: int, dimensions: int, *, seed: int) -> Floats:
    """Unit vectors in bundles of thirty, as goals of one kind are; beyond its bundle a vector has no neighbours."""
    draws = np.random.default_rng(seed)
    centres = np.repeat(draws.normal(size=(-(-rows // 30), dimensions)), 30, axis=0)[:rows]
    return unit(centres + 0.7 * draws.normal(size=(rows, dimensions)))


def unit(vectors: npt.ArrayLike) -> Floats:
    array = np.asarray(vectors, np.float64)
    return np.asarray(array / np.linalg.norm(array, axis=-1, keepdims=True), np.float32)


def filled(vectors: Floats, *, exact_rows: int = 2048, reranked: int = 512) -> Vectors:
    made = Vectors(vectors.shape[1], exact_rows=exact_rows, reranked=reranked)
    for start in range(0, len(vectors), 700):
        part = vectors[start : start + 700]
        made.grow(len(part))
        made.put(slice(start, start + len(part)), part)
    return made


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 60), count=st.integers(1, 70), masked=st.booleans())
def test_up_to_the_exact_rows_the_nearest_are_those_of_a_full_scan(
    seed: int, rows: int, count: int, masked: bool
) -> None:
    vectors, query = clustered(rows, 24, seed=seed), clustered(1, 24, seed=seed + 1)[0]
    among = np.random.default_rng(seed).random(rows) < 0.5 if masked else None
    found, cosines = filled(vectors).nearest(query, count, among=among)
    allowed = np.arange(rows) if among is None else np.flatnonzero(among)
    expected = sorted(allowed.tolist(), key=lambda row: (-float((vectors @ query)[row]), -row))[:count]
    assert found.tolist() == expected
    assert np.allclose(cosines, vectors[found] @ query, atol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_the_coarse_pass_finds_the_true_nearest_eight_of_twenty_thousand(masked: bool) -> None:
    vectors = clustered(20_000, 384, seed=7)
    queries = unit(vectors[::400] + 0.02 * np.random.default_rng(8).normal(size=(50, 384)))
    among = np.arange(20_000) % 3 != 0 if masked else None
    index, hits = filled(vectors), 0
    for query in queries:
        cosines = np.where(True if among is None else among, vectors @ query, -2)
        found, shown = index.nearest(query, 8, among=among)
        assert among is None or among[found].all()
        assert np.allclose(shown, cosines[found], atol=1e-6)
        hits += int((cosines[found] >= np.sort(cosines)[-8]).sum())
    assert hits >= 0.99 * 8 * len(queries)


def test_a_mask_that_leaves_little_is_kept_by_the_coarse_pass() -> None:
    vectors = clustered(3000, 64, seed=3)
    among = np.zeros(3000, np.bool_)
    among[[5, 2999]] = True
    found, _ = filled(vectors, exact_rows=10, reranked=20).nearest(vectors[5], 8, among=among)
    assert found.tolist() == [5, 2999]


def test_equal_vectors_are_ordered_by_row_the_later_first() -> None:
    same = np.repeat(unit([[1.0, 2.0]]), 50, axis=0)
    assert filled(same).nearest(same[0], 3)[0].tolist() == [49, 48, 47]


def test_a_row_without_a_vector_is_known_as_such() -> None:
    vectors = Vectors(2)
    vectors.grow(3)
    vectors.put(slice(1, 2), unit([[0.0, 1.0]]))
    assert vectors.known.tolist() == [False, True, False]


def test_rare_words_weigh_more_and_common_ones_are_not_read_to_the_end() -> None:
    postings = Postings()
    for number in range(MOST_READ):
        postings.add(f"write the function {'quaternion' if number == 77 else 'number'} {number}")
    rows, scores = postings.best(postings.asked("write the quaternion function"), 5)
    assert rows.tolist() == [77]  # "write", "the" and "function" stand everywhere: reading on would tell nothing
    rows, scores = postings.best(postings.asked("writes"), 3)
    assert len(rows) == 3, "the rarest word is read, however common"
    assert len(set(scores.tolist())) == 1


@given(text=st.text(max_size=60))
def test_a_text_has_every_one_of_its_own_words(text: str) -> None:
    postings = Postings()
    postings.add("something else")
    postings.add(text)
    asked = postings.asked(text)
    assert postings.whole(asked, np.array([1])).tolist() == [True]
    assert not asked.stems or postings.best(asked, 2)[0].tolist()[0] == 1


@given(
    rankings=st.lists(st.lists(st.integers(0, 20), unique=True, max_size=12), min_size=1, max_size=3),
)
def test_fusion_is_the_sum_of_reciprocal_ranks(rankings: list[list[int]]) -> None:
    def score(item: int) -> float:
        return sum(1 / (RANK_CONSTANT + ranking.index(item) + 1) for ranking in rankings if item in ranking)

    fused = fuse(*rankings)
    assert set(fused) == {item for ranking in rankings for item in ranking}
    assert [score(item) for item in fused] == pytest.approx(sorted(map(score, fused), reverse=True))


@given(repeated=st.lists(st.booleans(), max_size=30), capacity=st.integers(1, 40))
def test_near_duplicates_make_room_before_the_oldest(repeated: list[bool], capacity: int) -> None:
    stays: list[int] = [int(place) for place in kept(np.array(repeated, np.bool_), capacity=capacity)]
    goes = [place for place in range(len(repeated)) if place not in stays]
    assert len(stays) == min(capacity, len(repeated))
    assert all(place < other for place in goes for other in stays if repeated[place] == repeated[other])
    assert not any(repeated[place] for place in stays) or all(repeated[place] for place in goes)


@settings(max_examples=60, deadline=None)
@given(
    tasks=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=25),
    capacity=st.integers(1, 20),
    parts=st.integers(1, 4),
    late=st.booleans(),
)
def test_what_is_considered_is_a_rule_of_the_ledger_and_not_of_how_it_was_read(
    tasks: Sequence[tuple[int, int]], capacity: int, parts: int, late: bool
) -> None:
    # Goals of one direction are near-duplicates (cosine > 0.99), those of two are not (cosine 0).
    entries: list[Entry] = []
    for number, (direction, bids) in enumerate(tasks):
        vector = np.zeros(8, np.float32)
        vector[direction], vector[7] = 1.0, 0.001 * number
        for _ in range(bids):
            entries.append(Entry(len(entries) + 1, "r", f"t{number}", f"goal {number}", unit(vector)))
    vectors = {entry.goal: entry.vector for entry in entries}
    shelf = Shelf(Recalling(capacity=capacity, floor=-1), dimensions=8)
    for part in range(parts):
        fresh = entries[part * len(entries) // parts : (part + 1) * len(entries) // parts]
        shelf.add(entry._replace(vector=None) if late else entry for entry in fresh)
        found = set(shelf.search("goal", unit(np.ones(8)), depth=1000))
        for row, goal, _ in list(shelf.missing()):
            vector_of = vectors[goal]
            assert vector_of is not None
            shelf.embed(row, vector_of)
    found = set(shelf.search("goal", unit(np.ones(8)), depth=1000))
    assert found == considered(entries, tasks, capacity)


def considered(entries: Sequence[Entry], tasks: Sequence[tuple[int, int]], capacity: int) -> set[int]:
    """The rule in words: the latest 2 x capacity; repeated by a later task first, then the oldest."""
    window = entries[-2 * capacity :]

    def repeated(entry: Entry) -> bool:
        mine = int(entry.task[1:])
        return any(int(one.task[1:]) > mine and tasks[int(one.task[1:])][0] == tasks[mine][0] for one in window)

    going = sorted(window, key=lambda entry: (not repeated(entry), entry.seq))
    return {entry.seq for entry in going[max(len(window) - capacity, 0) :]}


def test_what_is_forgotten_is_found_neither_by_words_nor_by_meaning() -> None:
    shelf = Shelf(Recalling(floor=-1), dimensions=2)
    north = unit([0.0, 1.0])
    shelf.add(
        [Entry(1, "r", "a", "fix it", north), Entry(2, "r", "b", "fix it", north), Entry(3, "r", "c", "mend", north)]
    )
    shelf.forget([2])
    assert list(shelf.search("fix it", north, depth=9)) == [1, 3]
    shelf.forget([1, 3])
    assert list(shelf.search("fix it", north, depth=9)) == []
