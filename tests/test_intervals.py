"""Intervals: ordered, seeded, as wide as the data are few, and right where the answer is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from agora.intervals import (
    change_of_cost,
    clopper_pearson,
    lowest,
    mean_of,
    passes_needed,
    per_solved,
    rate_of,
    wilson,
)

counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_a_rate_lies_inside_its_interval_and_the_interval_inside_zero_and_one(found: tuple[int, int]) -> None:
    passed, n = found
    low, high = wilson(passed, n)
    assert 0 <= low <= passed / n + 1e-12
    assert passed / n - 1e-12 <= high <= 1


@given(counts)
def test_ten_times_as_many_tasks_at_the_same_rate_make_the_interval_narrower(found: tuple[int, int]) -> None:
    passed, n = found
    few, many = wilson(passed, n), wilson(10 * passed, 10 * n)
    assert many[1] - many[0] < few[1] - few[0]


def test_of_no_task_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert mean_of([], seed=1) is None
    assert per_solved([1.0, 2.0], [0.0, 0.0], seed=1) is None
    assert change_of_cost(([1.0], [0.0]), ([1.0], [1.0]), seed=1) is None


@settings(max_examples=20)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.integers(0, 2**32))
def test_a_mean_is_inside_its_interval_which_the_seed_alone_decides(values: list[float], seed: int) -> None:
    found = mean_of(values, seed=seed)
    assert found is not None
    assert found == mean_of(values, seed=seed)
    assert found.n == len(values)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.value == pytest.approx(sum(values) / len(values))


def test_a_difference_that_is_there_in_every_task_excludes_zero_and_one_that_changes_sign_does_not() -> None:
    sure = mean_of([0.9, 1.0, 1.1] * 10, seed=1)
    torn = mean_of([1.0, -1.0] * 15, seed=1)
    assert sure is not None
    assert torn is not None
    assert sure.low > 0
    assert torn.low < 0 < torn.high


def test_a_solved_task_costs_all_that_was_spent_over_what_was_solved() -> None:
    found = per_solved([2.0, 4.0, 6.0], [1.0, 0.0, 1.0], seed=1)
    assert found is not None
    assert found.value == 6.0
    assert found.low <= 6.0 <= found.high


def test_where_next_to_nothing_was_solved_the_upper_end_is_not_known() -> None:
    found = per_solved([1.0] * 10, [1.0] + [0.0] * 9, seed=1)
    assert found is not None
    assert math.isinf(found.high)


def test_a_cost_that_falls_by_a_third_is_told_and_excludes_zero() -> None:
    before, after = [3.0, 3.2, 2.8] * 20, [2.0, 2.2, 1.8] * 20
    found = change_of_cost((before, [1.0] * 60), (after, [1.0] * 60), seed=1)
    assert found is not None
    assert found.value == pytest.approx(-1 / 3)
    assert found.high < 0
    assert found.n == 60


def test_the_same_cost_twice_is_no_change() -> None:
    costs, passed = [1.0, 2.0, 3.0, 4.0] * 10, [1.0, 0.0, 1.0, 1.0] * 10
    found = change_of_cost((costs, passed), (costs, passed), seed=1)
    assert found is not None
    assert found.value == 0
    assert found.low < 0 < found.high


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    for passed, n in ((0, 1), (1, 1), (0, 30), (18, 20), (36, 36), (900, 1000)):
        told, exact = rate_of(passed, n), stats.binomtest(passed, n).proportion_ci(0.95, method="exact")
        assert (told.low, told.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert rate_of(0, 0).model_dump() == {"n": 0, "passed": 0, "value": None, "low": 0.0, "high": 1.0}
    needed = passes_needed(18, 20, target=0.9)
    assert needed is not None
    assert lowest(18 + needed, 20 + needed) >= 0.9 > lowest(17 + needed, 19 + needed)


def test_a_count_that_is_no_whole_number_has_an_interval_between_those_of_its_neighbours() -> None:
    below, between, above = clopper_pearson(7, 20), clopper_pearson(7.5, 20), clopper_pearson(8, 20)
    assert below[0] < between[0] < above[0]
    assert below[1] < between[1] < above[1]
    assert clopper_pearson(0, 0) == (0.0, 1.0)
