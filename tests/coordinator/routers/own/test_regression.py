"""The Gaussian is the one that a textbook reckons, whatever was asked of it in between."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agora.coordinator.routers.own.regression import SETTLED, Posterior, Regression
from agora.coordinator.routers.seam import Arms, Matrix, Vector

MEAN = {"a": 0.5, "b": 0.7, "c": 0.2, "d": 0.9}
NOISE, SPREAD = 0.2, 0.03
POOL = Arms(["c", "a", "b"])
Outcomes = list[tuple[str, str, float]]


def prior(keys: tuple[str, ...], cost: Vector) -> tuple[Vector, Matrix]:
    """Two arms are more alike than others are; what is declared raises the mean."""
    cov = 0.05 + 0.02 * np.eye(len(keys))
    if "a" in keys and "b" in keys:
        a, b = keys.index("a"), keys.index("b")
        cov[a, b] = cov[b, a] = 0.06
    return np.array([MEAN[key] for key in keys]) + np.nan_to_num(cost), cov


def made() -> Regression:
    return Regression(prior, noise=NOISE, spread=SPREAD)


def outcomes(n: int, *, seed: int = 1) -> Outcomes:
    rng = np.random.default_rng(seed)
    return [(("x", "y", "z")[rng.integers(3)], "abcd"[rng.integers(4)], float(rng.uniform())) for _ in range(n)]


def learned(told: Outcomes) -> Regression:
    made_ = made()
    for one in told:
        made_.learn(*one)
    return made_


def by_hand(told: Outcomes, keys: tuple[str, ...], kinds: list[str], cost: Vector) -> tuple[Vector, Matrix]:
    """Ridge regression in its textbook form: (K^-1 + H'H / s)^-1 (K^-1 m + H'y / s)."""
    mean, cov = prior(keys, cost)
    m, d = len(keys), len(keys) + len(kinds)
    start, spread = np.zeros(d), SPREAD * np.eye(d)
    start[:m], spread[:m, :m] = mean, cov
    design = np.zeros((len(told), d))
    for place, (kind, arm, _) in enumerate(told):
        design[place, keys.index(arm)] = design[place, m + kinds.index(kind)] = 1.0
    inverse = np.linalg.inv(spread)
    after: Matrix = np.linalg.inv(inverse + design.T @ design / NOISE).astype(np.float64)
    return after @ (inverse @ start + design.T @ np.array([value for _, _, value in told]) / NOISE), after


def same(one: Posterior, other: Posterior) -> bool:
    return bool((one.mean == other.mean).all() and (one.cov == other.cov).all() and one.arm == other.arm)


@pytest.mark.parametrize("n", [1, SETTLED - 1, SETTLED, 3 * SETTLED + 7])
def test_the_posterior_is_that_of_a_regression_reckoned_directly(n: int) -> None:
    told = outcomes(n)
    now = learned(told)
    found = now.of(POOL)
    keys = (*POOL.keys, *(key for key in now.arms.keys if key not in POOL.keys))
    mean, cov = by_hand(told, keys, now.kinds.keys, np.zeros(len(keys)))
    np.testing.assert_allclose(found.mean, mean, atol=1e-9)
    np.testing.assert_allclose(found.cov, cov, atol=1e-9)


def test_many_at_once_are_the_same_as_one_after_another() -> None:
    told = outcomes(70)
    scores = np.full((70, 4), np.nan)
    for place, (_, arm, value) in enumerate(told):
        scores[place, "abcd".index(arm)] = value
    at_once = made()
    at_once.fit([kind for kind, _, _ in told], Arms(list("abcd")), scores)
    pool = Arms(list("abcd"))
    assert at_once.kinds.keys == learned(told).kinds.keys
    np.testing.assert_allclose(at_once.of(pool).mean, learned(told).of(pool).mean, atol=1e-9)


def test_before_any_outcome_it_is_what_is_declared() -> None:
    pool = Arms(["b", "a"], cost=np.array([0.1, np.nan]))
    assert made().of(pool).mean.tolist() == [pytest.approx(0.8), 0.5]


def test_asking_in_between_changes_nothing_to_the_last_bit() -> None:
    told, asked, others = outcomes(90), made(), Arms(["d", "a"], cost=np.array([0.3, 0.1]))
    for place, one in enumerate(told):
        asked.of(others if place % 5 == 0 else POOL)
        asked.learn(*one)
    quiet = learned(told)
    assert same(asked.of(POOL), quiet.of(POOL))
    assert json.dumps(asked.saved()) == json.dumps(quiet.saved())


@pytest.mark.parametrize("n", [0, 5, SETTLED, SETTLED + 20])
def test_what_is_kept_goes_on_to_the_last_bit_while_it_is_asked(n: int) -> None:
    one = learned(outcomes(n))
    one.of(POOL)
    other = made()
    other.restored(json.loads(json.dumps(one.saved())))
    for outcome in outcomes(40, seed=2):
        assert same(one.of(POOL), other.of(POOL))
        one.learn(*outcome)
        other.learn(*outcome)
    assert (one.n == other.n).all()
    assert (one.sum == other.sum).all()


def test_the_same_arms_in_another_object_are_the_same_arms_and_another_price_is_not() -> None:
    now = learned(outcomes(20))
    first = now.of(POOL)
    assert now.of(Arms(["c", "a", "b"])) is first
    assert now.of(Arms(["c", "a", "b"], cost=np.full(3, 0.1))) is not first


def test_what_is_dropped_is_as_if_it_had_never_been() -> None:
    told = outcomes(50)
    now = learned(told)
    now.drop("b")
    never = learned([one for one in told if one[1] != "b"])
    places = [now.of(POOL).arm[key] for key in "abc"]
    there = [never.of(POOL).arm[key] for key in "abc"]
    np.testing.assert_allclose(now.of(POOL).mean[places], never.of(POOL).mean[there], atol=1e-9)
