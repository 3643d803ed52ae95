"""Intervals: ordered, seeded, as wide as the data are few, and right where the answer is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.intervals import change_of_cost, mean_of, per_solved, wilson

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
