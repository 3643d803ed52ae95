"""Full information: fit on four folds, measure on the fifth."""

from functools import partial
from typing import ClassVar

import numpy as np
import pytest

from agora.bench.routing.entries import of_frontier
from agora.bench.routing.full import Frontier, frontier, met
from agora.bench.routing.measures import Measured
from agora.bench.routing.standing import bounds_of, ceiling, standing
from agora.bench.routing.units import maker
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue
from bench.routing.stages import by_hand, small, stage_of


class Spy:
    """Takes the first arm, and notes on which queries it was fitted and asked."""

    fitted: ClassVar[list[frozenset[float]]] = []
    asked: ClassVar[list[tuple[frozenset[float], float]]] = []

    def __init__(self) -> None:
        self._on: frozenset[float] = frozenset()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        self.asked.append((self._on, query.size))
        chances = np.zeros(len(arms))
        chances[int(dial > 0) % len(arms)] = 1.0
        return Choice(np.argsort(-chances, kind="stable").tolist(), chances)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        raise AssertionError("nothing is learned while it is measured")

    def fit(self, log: Log) -> None:
        assert not any(query.text for query in log.queries)
        self._on = frozenset(query.size for query in log.queries)
        self.fitted.append(self._on)

    def saved(self) -> JsonValue:
        return None

    def restored(self, saved: JsonValue) -> None:
        return


def test_nobody_is_asked_about_a_query_that_it_was_fitted_on() -> None:
    matrix = small(60)
    matrix = matrix._replace(sizes=tuple(range(60)))
    Spy.fitted.clear()
    Spy.asked.clear()
    frontier(Spy, stage_of(matrix))
    assert Spy.asked
    assert all(size not in fitted for fitted, size in Spy.asked)


def test_a_money_target_is_met_on_the_fitting_part_by_mixing_two_settings() -> None:
    costs = [[1.0, 3.0]] * 60
    matrix = by_hand([[0.0, 1.0]] * 60, costs)
    found = frontier(partial(maker("tag_table", {})), stage_of(matrix, money=(0.5, 1.5, 2.0, 9.0)))
    assert [round(float(one.usd.mean()), 6) for one in found.targets] == [1.0, 1.5, 2.0, 3.0]
    assert [round(float(one.score.mean()), 6) for one in found.targets] == [0.0, 0.25, 0.5, 1.0]


def test_two_neighbours_on_the_hull_come_to_the_money_together() -> None:
    points = [(1.0, 0.2), (2.0, 0.3), (3.0, 0.8)]
    assert met(points, 2.0) == (2, 0, 0.5)
    assert met(points, 0.1) == (0, 0, 0.0)
    assert met(points, 5.0) == (2, 2, 0.0)


def test_a_table_by_tag_finds_the_specialist_of_each_tag() -> None:
    scores = [[1.0, 0.0], [0.0, 1.0]] * 40
    matrix = by_hand(scores, [[1.0, 1.0]] * 80, tags=["x", "y"] * 40)
    found = frontier(maker("tag_table", {}), stage_of(matrix))
    assert float(found.grid[0].score.mean()) == 1.0


def test_a_policy_without_a_dial_has_one_point() -> None:
    found = frontier(maker("random", {}), stage_of(small(60)))
    assert len(found.grid) == 1
    assert found.targets == ()


def test_one_model_and_no_dollars_are_no_trouble() -> None:
    one = small(60).among([0])
    assert len(frontier(maker("knn", {}), stage_of(one)).grid) == 1
    free = small(60)._replace(costs=np.full_like(small(60).costs, np.nan))
    found = frontier(maker("knn", {}), stage_of(free))
    assert stage_of(free).setting.money == ()
    assert float(found.grid[0].usd.sum()) == 0.0


def test_the_best_single_model_is_chosen_on_the_fitting_part() -> None:
    stage = stage_of(small(120))
    told = standing("best single", stage).grid[0]
    for fold in stage.folds:
        best = int(np.argmax(stage.scores[fold.fitting].mean(axis=0)))
        assert (told.score[fold.measured] == stage.scores[fold.measured, best]).all()


def test_the_oracle_takes_the_cheapest_that_is_right() -> None:
    matrix = by_hand([[1, 1, 0], [0, 0, 0], [0, 1, 1]] * 10, [[5.0, 2.0, 1.0]] * 30)
    told = standing("oracle", stage_of(matrix)).grid[0]
    assert told.usd[:3].tolist() == [2.0, 1.0, 1.0]
    assert told.score[:3].tolist() == [1.0, 0.0, 1.0]


def test_the_ceiling_has_exact_limits() -> None:
    scores = np.ones((300, 2))
    scores[:17] = 0.0
    told = ceiling(scores)
    assert told.value == pytest.approx(283 / 300)
    assert 0.90 < told.low < told.value < told.high < 0.97


def test_a_gain_over_queries_that_are_nearly_the_same_is_less_sure() -> None:
    rng = np.random.default_rng(3)
    score, zero = np.repeat(rng.random(40), 2), np.zeros(80)
    found = Frontier((Measured(score, zero, zero, zero),), (0.0,), (), (), 0.0, 0.0)
    beside = (Measured(np.repeat(rng.random(40), 2), zero, zero, zero),)
    texts = [f"ask{n // 2} why{n // 2} car{n // 2} town{n // 2} year{n // 2} is so{n}" for n in range(80)]
    spans = [
        of_frontier("knn", "policy", found, stage_of(small(80)._replace(texts=tuple(those))), beside=beside).points[0]
        for those in ([""] * 80, texts)
    ]
    widths = [one.gain.high - one.gain.low for one in spans if one.gain is not None]
    assert widths[1] > 1.2 * widths[0]


def test_fractions_are_bounded_by_the_oracles_mean_and_never_by_who_is_solved() -> None:
    ceiling, solvable = bounds_of(by_hand([[0.4, 0.4]] * 10 + [[0.2, 0.3]] * 10, [[1.0, 1.0]] * 20))
    assert solvable is not None
    assert solvable.value == 0.0
    assert ceiling.value == pytest.approx(0.35)
    assert 0.3 < ceiling.low < ceiling.high < 0.4


def test_means_over_tries_are_no_whole_scores_even_where_they_look_so() -> None:
    matrix = by_hand([[1.0, 0.0]] * 20, [[1.0, 1.0]] * 20)
    assert bounds_of(matrix) == (ceiling(matrix.scores), None)
    assert bounds_of(matrix._replace(trials=3))[1] is not None
