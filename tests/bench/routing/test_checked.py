"""Several models in turn, where a check follows."""

from collections.abc import Sequence

import numpy as np
import pytest

from agora.bench.routing.cascades import chained
from agora.bench.routing.checked import checking, in_turn
from agora.bench.routing.matrix import Recorded
from agora.bench.routing.measures import Measured
from agora.bench.routing.stage import Stage
from agora.coordinator.routers.seam import Arms, Choice, Log, Move, Outcome, Query, Router, Seen
from agora.values import JsonValue
from bench.routing.stages import by_hand, stage_of


class Fixed:
    """Asks in a fixed order, so many of it."""

    def __init__(self, order: Sequence[int], rungs: int) -> None:
        self._order, self._rungs = order, rungs

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        assert query.checked
        chances = np.zeros(len(arms))
        chances[self._order[0]] = 1.0
        return Choice(self._order, chances, rungs=self._rungs)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        return

    def fit(self, log: Log) -> None:
        return

    def saved(self) -> JsonValue:
        return None

    def restored(self, saved: JsonValue) -> None:
        return


class Stepping(Fixed):
    """The same, but move by move; when nothing passed, it hands in the first."""

    def proceed(self, query: Query, arms: Arms, seen: Sequence[Seen], *, dial: float, draw: float) -> Move:
        passed = [at for at, one in enumerate(seen) if one.passed]
        if passed:
            return Move(hand_in=passed[0])
        if len(seen) == self._rungs:
            return Move(hand_in=0)
        return Move(ask=self._order[len(seen)])


def told(router: Router, stage: Stage, right: float) -> Sequence[Measured]:
    return checking(right)(router, stage, stage.plain, np.arange(stage.n), dial=0.0)


def cheap_then_dear(n: int = 1) -> Recorded:
    """Neither is right, only the dear one is, only the cheap one is, both are."""
    return by_hand([[0, 0], [0, 1], [1, 0], [1, 1]] * n, [[1.0, 10.0]] * 4 * n)


def test_a_perfect_check_goes_on_until_somebody_is_right() -> None:
    (*_, whole) = told(Fixed([0, 1], 2), stage_of(cheap_then_dear()), 1.0)
    assert whole.score.tolist() == [0, 1, 1, 1]
    assert whole.usd.tolist() == [11, 11, 1, 1]
    assert whole.dearest.tolist() == [1, 1, 0, 0]
    assert whole.calls.tolist() == [2, 2, 1, 1]


def test_a_check_that_errs_lets_wrong_answers_pass_and_asks_again_for_right_ones() -> None:
    (*_, whole) = told(Fixed([0, 1], 2), stage_of(cheap_then_dear()), 0.9)
    assert whole.score == pytest.approx([0.0, 0.9, 0.9, 1.0])
    assert whole.usd == pytest.approx([1 + 9, 1 + 9, 1 + 1, 1 + 1])


def test_no_more_are_asked_than_a_depth_allows() -> None:
    first, whole = told(Fixed([0, 1], 2), stage_of(cheap_then_dear()), 1.0)
    assert first.score.tolist() == [0, 0, 1, 1]
    assert first.calls.tolist() == [1, 1, 1, 1]
    assert whole.calls.max() == 2
    (*_, cautious) = told(Fixed([0, 1], 1), stage_of(cheap_then_dear()), 1.0)
    assert cautious.calls.tolist() == [1, 1, 1, 1]


def test_a_router_that_escalates_is_followed_through_every_verdict() -> None:
    (one,) = told(Stepping([0, 1], 2), stage_of(cheap_then_dear()), 0.9)
    # of an answer that failed: right .9 wrong .1; where nothing passes the first one is handed in
    assert one.score == pytest.approx([0.0, 0.9 * 0.9, 0.9 + 0.1 * 0.9, 0.9 + 0.1 * 0.9 + 0.1 * 0.1])
    assert one.usd == pytest.approx([10.0, 10.0, 2.0, 2.0])
    assert one.calls == pytest.approx([1.9, 1.9, 1.1, 1.1])


def test_the_expectation_is_what_many_draws_come_to() -> None:
    rng = np.random.default_rng(5)
    scores, costs, right = rng.random((1, 3)), rng.random((1, 3)), 0.8
    score, usd, calls = in_turn(scores, costs, right=right)
    sums = np.zeros(3)
    draws = 40_000
    for _ in range(draws):
        for at in range(3):
            good = rng.random() < scores[0, at]
            sums[1:] += costs[0, at], 1.0
            if at == 2 or (rng.random() < right) == good:
                sums[0] += good
                break
    assert sums / draws == pytest.approx([score[0], usd[0], calls[0]], abs=0.02)


def test_a_fixed_cascade_is_the_best_list_of_the_fitting_part() -> None:
    stage = stage_of(cheap_then_dear(30), money=(1.0, 6.0, 20.0))
    found = chained("fixed cascade", stage, right=1.0)
    assert [round(float(one.score.mean()), 2) for one in found.targets] == [0.5, 0.75, 0.75]
    assert float(found.targets[1].usd.mean()) == pytest.approx(6.0, abs=0.5)
    assert float(found.grid[-1].usd.mean()) == 1.0  # where a dollar is worth everything, the cheap one alone


def test_retries_of_one_model_draw_anew_each_time() -> None:
    matrix = by_hand([[0.5]] * 60, [[1.0]] * 60)._replace(trials=4)
    found = chained("retries", stage_of(matrix, money=(9.0,)), right=1.0)
    assert found.targets[0].score == pytest.approx(np.full(60, 1 - 0.5**8))
    assert found.targets[0].usd == pytest.approx(np.full(60, sum(0.5**k for k in range(8))))
