"""Streams of queries: regret, drift, a shared budget and load."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agora.bench.routing.arrivals import seconds_of, served
from agora.bench.routing.bandit import over, streamed
from agora.bench.routing.budgets import best_possible, share_of, spent
from agora.bench.routing.units import maker
from agora.bench.routing.worlds import STREAMS, world
from agora.coordinator.routers.round_robin import RoundRobin, RoundRobinOptions
from agora.coordinator.routers.seam import Arms, Choice, Query
from bench.routing.stages import by_hand, small, stage_of

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix

SEPARATE = by_hand([[1.0, 0.0]] * 60, [[2.0, 1.0]] * 60)


@pytest.mark.parametrize("protocol", STREAMS)
def test_a_stream_is_the_same_again_and_another_one_for_another_seed(protocol: str) -> None:
    stage = stage_of(small())
    first, again, other = (streamed(maker("knn", {}), stage, protocol, seed) for seed in (0, 0, 1))
    assert (first.regret == again.regret).all()
    assert (first.regret != other.regret).any()


def test_regret_is_what_the_oracle_got_more() -> None:
    stage = stage_of(SEPARATE, dial=0.1)
    told = streamed(maker("static", {"arm": "b"}), stage, "cold", 0)
    each = (1.0 - 0.1 * 2.0) - (0.0 - 0.1 * 1.0)
    assert told.regret == pytest.approx(each * np.arange(1, 31))
    assert told.regret_best_single == pytest.approx(told.regret)
    assert told.usd.tolist() == [1.0] * 30


def test_a_learner_finds_the_better_one_from_what_it_sees_alone() -> None:
    told = streamed(maker("tag_table", {}), stage_of(SEPARATE, dial=0.1), "cold", 0)
    assert told.regret[-1] < 5.0
    assert told.score[-5:].tolist() == [1.0] * 5


def test_a_warm_start_knows_before_the_first_query() -> None:
    stage = stage_of(SEPARATE, dial=0.1)
    assert streamed(maker("tag_table", {}), stage, "warm", 0).regret[-1] == pytest.approx(0.0)
    here = world(stage, "warm", 0)
    assert not set(here.before) & set(here.steps)


def test_who_joins_half_way_is_not_there_before() -> None:
    stage = stage_of(small())
    here = world(stage, "drift join", 3)
    best = int(np.argmax((stage.scores - stage.setting.dial * stage.costs).mean(axis=0)))
    joined = stage.recorded.models[best]
    assert joined not in here.arms[0].keys
    assert joined in here.arms[1].keys
    assert not here.alive[: here.change, best].any()


def test_who_dies_fails_from_half_way_on_and_the_oracle_knows() -> None:
    stage = stage_of(SEPARATE, dial=0.1)
    here = world(stage, "drift death", 0)
    assert here.scores[here.change :, 0].tolist() == [0.0] * (30 - here.change)
    told = over(partial(maker("static", {"arm": "b"})), stage, here)
    assert told.regret[-1] == pytest.approx(told.regret[here.change - 1])  # from then on nobody is better


def test_a_price_that_changes_costs_regret_only_after_it() -> None:
    stage = stage_of(SEPARATE, dial=0.1)
    told = streamed(maker("static", {"arm": "a"}), stage, "drift price", 0)
    assert told.regret[told.change - 1] == pytest.approx(0.0)
    assert told.usd.tolist() == [2.0] * told.change + [10.0] * (30 - told.change)


def test_queries_come_by_date_where_dates_are_known() -> None:
    stage = stage_of(small())
    here = world(stage, "drift dates", 0)
    dates = [stage.recorded.dates[int(place)] for place in (*here.before, *here.steps)]
    assert dates == sorted(dates)


def test_a_budget_is_never_overspent_and_what_it_does_not_cover_scores_nothing() -> None:
    stage = stage_of(small())
    told = spent(maker("static", {"arm": stage.recorded.models[stage.dearest]}), stage, 0)
    budget = share_of(stage) * stage.steps
    assert told.usd.sum() <= budget
    assert told.refused > 0.5
    assert not told.score[told.usd == 0.0].any()
    assert 0.0 < told.of_the_best < 1.0


def test_a_paced_policy_beats_one_that_spends_at_once() -> None:
    stage = stage_of(small(300))
    share = share_of(stage)
    paced = maker("tag_table", {"pace": "dual", "pace_share": share, "pace_tasks": stage.steps})
    greedy = maker("tag_table", {})
    both = [np.mean([spent(make, stage, seed).of_the_best for seed in range(3)]) for make in (paced, greedy)]
    assert both[0] > both[1]


def test_queries_wait_where_everybody_asks_the_same_model() -> None:
    stage = stage_of(small(300))
    crowd = served(maker("static", {"arm": stage.recorded.models[0]}), stage, 0)
    spread = served(maker("round_robin", {}), stage, 0)
    assert crowd.waited_s.mean() > 10 * spread.waited_s.mean()
    assert (crowd.took_s >= crowd.waited_s).all()


def test_a_trace_says_when_queries_come() -> None:
    matrix = small(120)
    stage = stage_of(matrix)
    rushed = stage_of(matrix)
    rushed.setting = stage.setting._replace(trace=(*([0.0] * 119), 1.0, 2.0))
    steady = stage_of(matrix)
    steady.setting = stage.setting._replace(trace=tuple(float(at) for at in range(120)))
    waited = [float(served(maker("knn", {}), one, 0).waited_s.mean()) for one in (rushed, steady)]
    assert waited[0] > waited[1]


def test_seconds_that_nobody_recorded_go_by_price() -> None:
    matrix = by_hand([[1.0, 1.0]] * 4, [[1.0, 4.0], [1.0, 4.0], [1.0, 4.0], [1.0, 4.0]])
    assert seconds_of(stage_of(matrix)).tolist() == [[1.0, 4.0]] * 4


def test_no_choice_has_less_regret_than_none_whatever_changes() -> None:
    rng = np.random.default_rng(4)
    scores = (rng.random((120, 2)) < [0.6, 0.3]).astype(float)
    stage = stage_of(by_hand(scores.tolist(), [[0.01, 0.01]] * 120), dial=5.0)
    for protocol in STREAMS:
        if protocol == "drift dates":
            continue
        for arm in ("a", "b"):
            told = streamed(maker("static", {"arm": arm}), stage, protocol, 0)
            assert np.diff(told.regret, prepend=0.0).min() >= -1e-12


def test_who_died_still_takes_its_dollars() -> None:
    told = streamed(maker("static", {"arm": "a"}), stage_of(SEPARATE, dial=0.1), "drift death", 0)
    assert told.usd.tolist() == [2.0] * 30
    assert np.diff(told.regret)[told.change :] == pytest.approx(0.1)  # as dear as before, and the other fails for less


def test_nobody_who_knows_a_step_before_the_start_knows_its_twin() -> None:
    texts = [f"ask{n // 2} why{n // 2} car{n // 2} town{n // 2} year{n // 2} is so{n}" for n in range(120)]
    stage = stage_of(small()._replace(texts=tuple(texts)))
    for protocol in ("warm", "drift dates", "drift join"):
        here = world(stage, protocol, 0)
        steps = {int(place) // 2 for place in here.steps}
        assert len(here.before)
        assert steps.isdisjoint(int(place) // 2 for place in here.before)


def test_the_best_possible_under_a_budget_is_reached_by_nobody_and_missed_by_little() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        scores, costs = rng.random((5, 2)), rng.random((5, 2)) + 0.05
        budget = 0.4 * float(costs.max(axis=1).sum())
        worth, paid = (np.column_stack([np.zeros(5), values]) for values in (scores, costs))
        rows = np.arange(5)
        reached = [
            float(worth[rows, at].sum())
            for at in map(list, product(range(3), repeat=5))
            if paid[rows, at].sum() <= budget
        ]
        bound = best_possible(scores, costs, budget)
        assert max(reached) <= bound + 1e-9
        assert bound <= max(reached) + scores.max()
    assert best_possible(np.ones((4, 1)), np.ones((4, 1)), 2.5) == pytest.approx(2.5)


class Listening(RoundRobin):
    """Notes the seconds that it is told."""

    told: list[list[float]]

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        self.told.append(arms.latency_s.tolist())
        return super().choose(query, arms, dial=dial, draw=draw)


def test_seconds_are_told_from_what_was_before_alone() -> None:
    matrix = small(120)
    seconds = np.random.default_rng(2).random(matrix.scores.shape) + 1.0
    later = seconds.copy()
    here = world(stage_of(matrix), "warm", 0)
    later[here.steps[30:]] = later[here.steps[30:], ::-1] ** 2
    later[here.steps[30:]] *= seconds[here.steps[30:]].mean() / later[here.steps[30:]].mean()

    def heard(latency_s: Matrix) -> list[list[float]]:
        stage = stage_of(matrix._replace(latency_s=latency_s))
        stage.setting = stage.setting._replace(trace=tuple(1e9 * at for at in range(120)))
        listening = Listening(RoundRobinOptions())
        listening.told = []
        served(lambda: listening, stage, 0)
        return listening.told

    first, other = heard(seconds), heard(later)
    assert first[:31] == other[:31]
    assert first[0] == pytest.approx(seconds[here.before][:, here.columns[0]].mean(axis=0))
    assert first[40] != other[40]
