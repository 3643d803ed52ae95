"""What is learned of steps follows from the ledger's lessons in their order, each of them once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.steps import CONTEXTS_VERSION, StepCounts
from agora.agents.steps.counts import COST_WEIGHT
from agora.errors import ConfigError
from agora.values import JsonValue

CONTEXTS = ("trouble-0/ample", "trouble-1/ample", "trouble-2/scarce")
_steps = st.fixed_dictionaries(
    {
        "context": st.sampled_from(CONTEXTS),
        "model": st.sampled_from(["small", "large"]),
        "propensity": st.floats(0.01, 1),
        "trouble": st.integers(0, 4),
        "cost": st.floats(0, 0.3),
        "forced": st.booleans(),
    }
)
_lessons = st.fixed_dictionaries(
    {
        "id": st.sampled_from([f"run/t{number}/1" for number in range(8)]),
        "version": st.just(CONTEXTS_VERSION),
        "passed": st.booleans(),
        "taken": st.lists(_steps, max_size=6),
        "agent": st.just("scout"),
    }
)


def cells(counts: StepCounts) -> list[tuple[float, ...]]:
    return [counts.of(context, model) for context in CONTEXTS for model in ("small", "large")]


@given(st.lists(_lessons, max_size=12))
def test_a_lesson_that_comes_again_changes_nothing(lessons: list[dict[str, JsonValue]]) -> None:
    once = StepCounts.restored(lessons)
    assert cells(StepCounts.restored([*lessons, *lessons])) == cells(once)
    first = {lesson["id"]: lesson for lesson in reversed(lessons)}
    assert once.lessons == len(first)


@given(st.lists(_lessons, max_size=12))
def test_counts_read_back_piece_by_piece_are_those_of_the_whole_log(lessons: list[dict[str, JsonValue]]) -> None:
    live = StepCounts()
    for number, lesson in enumerate(lessons):
        live.learn(lesson)
        assert cells(live) == cells(StepCounts.restored(lessons[: number + 1]))


@given(st.lists(_lessons, max_size=12))
def test_worth_is_a_share(lessons: list[dict[str, JsonValue]]) -> None:
    for cell in cells(StepCounts.restored(lessons)):
        steps, well, tried, worth = cell
        assert 0 <= well <= steps
        assert -1e-9 <= worth <= tried + 1e-9


def test_a_passed_attempt_is_worth_more_the_less_it_went_on_to_cost() -> None:
    step: dict[str, JsonValue] = {"model": "small", "propensity": 1.0, "trouble": 0}
    taken: list[JsonValue] = [
        {**step, "context": CONTEXTS[0], "cost": 0.5},
        {**step, "context": CONTEXTS[1], "cost": 0.1},
    ]
    counts = StepCounts.restored([{"id": "x", "version": CONTEXTS_VERSION, "passed": True, "taken": taken}])
    assert counts.of(CONTEXTS[0], "small").worth == pytest.approx((1 - COST_WEIGHT * 0.6 + COST_WEIGHT) / 1.3)
    assert counts.of(CONTEXTS[1], "small").worth == pytest.approx((1 - COST_WEIGHT * 0.1 + COST_WEIGHT) / 1.3)


def test_what_the_budget_forced_teaches_of_steps_and_not_of_choices() -> None:
    forced: JsonValue = {
        "context": CONTEXTS[0],
        "model": "small",
        "propensity": 1.0,
        "trouble": 0,
        "cost": 0.1,
        "forced": True,
    }
    lesson: dict[str, JsonValue] = {"id": "x", "version": CONTEXTS_VERSION, "passed": True, "taken": [forced, forced]}
    cell = StepCounts.restored([lesson]).of(CONTEXTS[0], "small")
    assert (cell.steps, cell.well, cell.tried) == (1, 1, 0)


def test_lessons_of_another_version_are_left_out_and_counted() -> None:
    counts = StepCounts.restored([{"id": "x", "version": "steps-0", "passed": True, "taken": []}])
    assert (counts.lessons, counts.other_versions) == (0, 1)


def test_a_malformed_lesson_is_named() -> None:
    with pytest.raises(ConfigError, match="steps: a lesson on the ledger is malformed: taken"):
        StepCounts.restored([{"id": "x", "version": CONTEXTS_VERSION, "passed": True, "taken": [{"model": "huge"}]}])
