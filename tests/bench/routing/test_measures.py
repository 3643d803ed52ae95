"""Hulls, areas and intervals."""

import numpy as np
import pytest

from agora.bench.routing.measures import Measured, area_between, hull_of, mixed_at, nothing, span_of


def at(usd: float, *scores: float) -> Measured:
    n = len(scores)
    return Measured(np.array(scores), np.full(n, usd), np.zeros(n), np.ones(n))


def test_the_hull_leaves_out_whatever_two_others_beat_by_lot() -> None:
    assert hull_of([1.0, 2.0, 3.0], [0.2, 0.3, 0.8]) == [0, 2]
    assert hull_of([1.0, 2.0, 3.0], [0.2, 0.7, 0.8]) == [0, 1, 2]
    assert hull_of([3.0, 1.0, 1.0], [0.5, 0.5, 0.6]) == [2]


def test_a_frontier_is_mixed_query_by_query_between_its_neighbours() -> None:
    frontier = [at(1.0, 0.0, 1.0), at(3.0, 1.0, 1.0)]
    assert mixed_at(frontier, 2.0).tolist() == [0.5, 1.0]
    assert mixed_at(frontier, 0.5).tolist() == [0.0, 1.0]
    assert mixed_at(frontier, 9.0).tolist() == [1.0, 1.0]


def test_the_area_of_the_best_there_is_is_half_a_box_and_of_single_models_nothing() -> None:
    singles = [(1.0, 0.2), (3.0, 0.8)]
    assert area_between(singles, singles) == pytest.approx(0.0, abs=1e-9)
    assert area_between([(1.0, 0.8)], singles) == pytest.approx(0.5, abs=1e-3)
    assert area_between([(3.0, 0.8)], singles) == pytest.approx(-0.5, abs=1e-3)  # nothing below its own price
    assert area_between([(1.0, 0.5)], [(1.0, 0.2)]) is None


def test_an_interval_holds_the_mean_and_is_the_same_again() -> None:
    values = np.arange(50) / 50.0
    found = span_of(values)
    assert found == span_of(values)
    assert found.low < found.value < found.high
    half = 1.96 * float(values.std()) / 50**0.5
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_what_is_nearly_the_same_is_resampled_together() -> None:
    half = np.random.default_rng(1).random(60)
    twice, groups = np.repeat(half, 2), np.repeat(np.arange(60), 2)
    alone, together = span_of(twice), span_of(twice, groups=groups)
    assert together.value == alone.value
    assert together.high - together.low == pytest.approx(2**0.5 * (alone.high - alone.low), rel=0.1)
    assert span_of(half, groups=np.arange(60)) == span_of(half)


def test_nothing_is_as_long_as_asked() -> None:
    assert [len(column) for column in nothing(3)] == [3, 3, 3, 3]
