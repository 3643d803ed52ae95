"""Regressions of score and cost by arm: the formulas, and what is expected of whom nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from agora.coordinator.routers.ridges import Ridges
from agora.coordinator.routers.seam import Arms, Log, Outcome
from agora.errors import LedgerError

PENALTY = 0.7
ARMS = Arms(["a", "b"], cost=np.array([0.2, 0.4]))


def contexts(n: int, d: int = 4, *, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    z = np.random.default_rng(seed).normal(size=(n, d))
    z[:, 0] = 1.0
    return z


def told(n: int = 30) -> tuple[Ridges, np.ndarray[tuple[int, int], np.dtype[np.float64]], np.random.Generator]:
    """Learned of arm a."""
    ridges, z, rng = Ridges(penalty=PENALTY), contexts(n), np.random.default_rng(1)
    for row in z:
        ridges.learn(row, "a", Outcome(float(rng.uniform()), float(rng.uniform())))
    return ridges, z, np.random.default_rng(1)


def test_the_estimate_is_the_posterior_of_a_prior_along_the_first_feature() -> None:
    ridges, z, rng = told()
    drawn = rng.uniform(size=(len(z), 2))  # score and cost by turns, as they were told
    inverse = np.linalg.inv(PENALTY * np.eye(4) + z.T @ z)
    mean_cost = (drawn[:, 1].sum() + 0.2) / (len(z) + 1)
    at = contexts(1, seed=9)[0]
    found = ridges.expected(at, ARMS)
    for prior, column, value in ((0.5, 0, found.success[0]), (mean_cost, 1, found.cost[0])):
        start = np.array([prior, 0.0, 0.0, 0.0])
        theta = inverse @ (z.T @ drawn[:, column] + PENALTY * start)
        assert value == pytest.approx(max(float(theta @ at), 0.0) if column else float(theta @ at), rel=1e-9)
    assert found.width[0] == pytest.approx(float(np.sqrt(at @ inverse @ at)), rel=1e-9)


def test_whom_nothing_is_known_of_is_expected_to_be_middling_and_to_cost_what_it_declares() -> None:
    ridges, _, _ = told()
    at = contexts(1, seed=9)[0]
    found = ridges.expected(at, ARMS)
    assert (found.success[1], found.cost[1]) == (0.5, 0.4)
    assert found.width[1] == pytest.approx(float(np.sqrt(at @ at / PENALTY)))


def test_a_log_says_what_its_outcomes_say_one_by_one() -> None:
    z, rng = contexts(40), np.random.default_rng(3)
    scores, costs = rng.uniform(size=(40, 2)), rng.uniform(size=(40, 2))
    scores[rng.uniform(size=scores.shape) < 0.3] = np.nan
    at_once, one_by_one = Ridges(penalty=PENALTY), Ridges(penalty=PENALTY)
    at_once.fit(z, Log([], ARMS, scores, costs))
    for row, score, cost in zip(z, scores, costs, strict=True):
        for place, key in enumerate(ARMS.keys):
            if np.isfinite(score[place]):
                one_by_one.learn(row, key, Outcome(float(score[place]), float(cost[place])))
    at = contexts(1, seed=8)[0]
    for one, other in zip(at_once.expected(at, ARMS), one_by_one.expected(at, ARMS), strict=True):
        assert np.allclose(one, other, rtol=1e-2)  # costs of the holes are in the mean of one of them only
    assert np.allclose(at_once.expected(at, ARMS).success, one_by_one.expected(at, ARMS).success, rtol=1e-9)


def test_score_less_dial_times_cost_is_what_a_regression_of_the_reward_says() -> None:
    dial, z, rng = 0.8, contexts(25), np.random.default_rng(4)
    apart, together = Ridges(penalty=PENALTY, prior=0.0), Ridges(penalty=PENALTY, prior=0.0)
    for row in z:
        score, cost = float(rng.uniform()), float(rng.uniform(0.4, 0.6))
        apart.learn(row, "a", Outcome(score, cost))
        together.learn(row, "a", Outcome(score - dial * cost, 0.0))
    theta = apart.theta[0] - dial * apart.cost_theta[0]
    assert np.allclose(theta, together.theta[0], rtol=1e-9)


def test_means_are_those_of_expected_whoever_is_asked_of() -> None:
    ridges, _, _ = told()
    for number in range(12):
        ridges.learn(contexts(1, seed=number)[0], f"other {number}", Outcome(1.0, 0.1))
    at = contexts(1, seed=9)[0]
    for pool in (ARMS, Arms(["b"]), Arms(["other 3", "new", "a"]), Arms([f"other {n}" for n in range(12)])):
        full, (success, cost) = ridges.expected(at, pool), ridges.means(at, pool)
        assert np.allclose(full.success, success, rtol=1e-12)
        assert np.allclose(full.cost, cost, rtol=1e-12)
    alone, among = ridges.expected(at, Arms(["other 3"])), ridges.expected(at, Arms(["a", "other 3", "new"]))
    assert alone.width[0] == pytest.approx(float(among.width[1]), rel=1e-12)


def test_a_cost_that_is_not_known_counts_as_the_mean() -> None:
    ridges = Ridges(penalty=1e-6)
    for cost in (0.3, 0.5, None, None):
        ridges.learn(np.ones(1), "a", Outcome(1.0, cost))
    assert ridges.expected(np.ones(1), Arms(["a"])).cost[0] == pytest.approx(0.4)


def test_other_features_than_before_are_refused() -> None:
    ridges, _, _ = told()
    with pytest.raises(LedgerError, match="4"):
        ridges.learn(np.ones(7), "a", Outcome(1.0))
