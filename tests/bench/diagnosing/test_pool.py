"""Ceiling, complementarity, correlation and hull are those of a reckoning by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from agora.bench.diagnosing.pool import pool_of
from agora.bench.routing.made import recorded
from bench.diagnosing.matrices import matrix

FOUR = matrix(
    {"big": [1, 1, 1, 0, 0, 0], "mid": [1, 1, 0, 1, 0, 0], "tiny": [1, 0, 0, 0, 1, 0]},
    usd={"big": 9.0, "mid": 3.0, "tiny": 1.0},
)


def test_beta_is_the_share_that_nobody_solves_with_its_exact_limits() -> None:
    found = pool_of(FOUR).ceiling
    exact = stats.binomtest(1, 6).proportion_ci(0.95, method="exact")
    assert (found.nobody, found.queries) == (1, 6)
    assert (found.beta.low, found.beta.high) == pytest.approx((exact.low, exact.high))
    assert (found.solvable.low, found.solvable.high) == pytest.approx((1 - exact.high, 1 - exact.low))
    assert found.independent == pytest.approx(0.5 * 0.5 * (4 / 6))


def test_among_equals_the_cheaper_is_the_best_single_one_and_the_oracle_pays_for_the_cheapest_that_is_right() -> None:
    found = pool_of(FOUR)
    assert (found.best_single, found.best_score, found.best_usd) == ("mid", 0.5, 3.0)
    assert found.oracle_score == pytest.approx(5 / 6)
    assert found.oracle_usd == pytest.approx((1 + 3 + 9 + 3 + 1 + 1) / 6)
    assert found.gap.value == pytest.approx(2 / 6)
    assert found.gap.low <= found.gap.value <= found.gap.high


def test_what_each_solves_alone_and_what_the_best_single_one_fails_is_counted() -> None:
    found = {one.model: one for one in pool_of(FOUR).models}
    assert {name: one.alone for name, one in found.items()} == {"big": 1, "mid": 1, "tiny": 1}
    assert {name: one.rescues for name, one in found.items()} == {"big": 1, "mid": 0, "tiny": 1}


def test_who_is_off_the_hull_is_named_with_who_is_better_for_the_money() -> None:
    dear = matrix(
        {"dear": [1, 0, 0, 0], "cheap": [1, 1, 0, 0], "best": [1, 1, 1, 1], "odd": [1, 1, 1, 0]},
        usd={"cheap": 1.0, "dear": 2.0, "best": 3.0, "odd": 2.9},
    )
    found = {one.model: (one.worth, one.instead) for one in pool_of(dear).models}
    assert found == {
        "best": (True, ()),
        "cheap": (True, ()),
        "dear": (False, ("cheap",)),
        "odd": (False, ("cheap", "best")),  # a lot between the two: 97.5 % for 2.9
    }


def test_the_correlation_of_failures_is_phi_and_none_for_who_never_fails() -> None:
    chance = np.random.default_rng(5)
    drawn = (chance.random((200, 3)) < 0.6).astype(float)
    found = pool_of(matrix({"a": drawn[:, 0].tolist(), "b": drawn[:, 1].tolist(), "sure": [1.0] * 200}))
    by_pair = {(pair.first, pair.second): pair for pair in found.pairs}
    expected = float(np.corrcoef(1 - drawn[:, 0], 1 - drawn[:, 1])[0, 1])
    assert by_pair["a", "b"].correlation == pytest.approx(expected)
    assert by_pair["a", "sure"].correlation is None
    assert found.correlation == pytest.approx(expected)
    assert by_pair["a", "b"].both_fail == int(((1 - drawn[:, 0]) * (1 - drawn[:, 1])).sum())


def test_the_fewest_models_that_reach_the_ceiling_are_named_and_no_more() -> None:
    found = pool_of(matrix({"a": [1, 1, 1, 0, 0], "b": [1, 1, 0, 0, 0], "c": [0, 0, 0, 1, 0]}))
    assert [(step.model, step.solvable) for step in found.enough] == [("a", 0.6), ("c", 0.8)]


def test_without_dollars_nothing_is_said_of_them() -> None:
    found = pool_of(matrix({"a": [1, 0], "b": [0, 1]}))
    assert found.best_usd is None
    assert found.oracle_usd is None
    assert {one.worth for one in found.models} == {None}


def test_one_model_is_its_own_oracle() -> None:
    found = pool_of(matrix({"only": [1, 0, 1]}, usd={"only": 2.0}))
    assert found.oracle_score == found.best_score
    assert found.gap.value == found.gap.low == found.gap.high == 0
    assert not found.pairs
    assert not found.ways


def test_the_order_of_models_and_queries_changes_nothing() -> None:
    made = recorded(queries=120)
    turned = made.among(list(range(len(made.models)))[::-1]).part(list(range(len(made.ids)))[::-1])
    one, other = pool_of(made), pool_of(turned)
    assert [figures.model_copy(update={"usd": None}) for figures in one.models] == [
        figures.model_copy(update={"usd": None}) for figures in other.models
    ]
    assert one.ceiling == other.ceiling
    assert [way.score for way in one.ways] == pytest.approx([way.score for way in other.ways])
    assert one.oracle_usd == pytest.approx(other.oracle_usd)
