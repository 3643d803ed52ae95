"""LinUCB equals its batch formula, decides the same in any order and after a restart, and is exact where it is fast."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.linucb import Learned, LinUCB, LinUCBState, Settings
from agora.coordinator.ridge import fresh, learned
from agora.coordinator.shortlisting import Candidate
from agora.errors import ConfigError
from coordinator.contexts import history, pool, seeds, settings, taught, unit_rows

sizes = st.integers(min_value=1, max_value=12)
lengths = st.integers(min_value=0, max_value=40)


@given(seed=seeds, length=lengths, penalty=st.sampled_from([0.5, 1.0]), gamma=st.sampled_from([1.0, 0.99, 0.5]))
def test_learning_one_by_one_equals_the_batch_formula(seed: int, length: int, penalty: float, gamma: float) -> None:
    ridge, whole, b = fresh(8, penalty=penalty), penalty * np.eye(8), np.zeros(8)
    for one in history(seed, dimension=8, length=length, arms=1):
        ridge = learned(ridge, one.x, one.reward, gamma=gamma, penalty=penalty)
        whole = gamma * whole + (1 - gamma) * penalty * np.eye(8) + np.outer(one.x, one.x)
        b = gamma * b + one.reward * one.x
    np.testing.assert_allclose(ridge.theta, np.linalg.solve(whole, b), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ridge.inverse @ whole, np.eye(8), atol=1e-9)
    assert np.array_equal(ridge.inverse, ridge.inverse.T)


def test_ten_thousand_updates_drift_nowhere() -> None:
    ridge, whole, b = fresh(8), np.eye(8), np.zeros(8)
    for one in history(5, dimension=8, length=10_000, arms=1):
        ridge = learned(ridge, one.x, one.reward)
        whole += np.outer(one.x, one.x)
        b += one.reward * one.x
    np.testing.assert_allclose(ridge.theta, np.linalg.solve(whole, b), rtol=1e-9, atol=1e-12)


@given(seed=seeds, size=sizes, length=lengths, options=settings)
def test_scores_are_the_formula(seed: int, size: int, length: int, options: Settings) -> None:
    examples = history(seed, dimension=options.dimension, length=length, arms=4)
    policy = taught(options, examples)
    x = unit_rows(np.random.default_rng(seed), size, options.dimension)
    arms = [f"arm{n}" for n in range(size)]
    mean, width = policy.scores(arms, x)
    for n, arm in enumerate(arms):
        ridge = fresh(options.dimension, penalty=options.ridge)
        for one in examples:
            if one.arm == arm or not options.per_arm:
                ridge = learned(ridge, one.x, one.reward, gamma=options.gamma, penalty=options.ridge)
        assert mean[n] == pytest.approx(float(ridge.theta @ x[n]), abs=1e-9)
        assert width[n] == pytest.approx(float(x[n] @ ridge.inverse @ x[n]) ** 0.5, abs=1e-6)


@given(seed=seeds, size=sizes, tasks=st.integers(min_value=1, max_value=6), length=lengths, options=settings)
def test_a_batch_is_what_one_by_one_is_bit_for_bit(
    seed: int, size: int, tasks: int, length: int, options: Settings
) -> None:
    policy = taught(options, history(seed, dimension=options.dimension, length=length, arms=4))
    x = unit_rows(np.random.default_rng(seed), tasks, size, options.dimension)
    groups = [pool(size, seed + k % 2) for k in range(tasks)]
    assert policy.choose_each(groups, x) == [policy.choose(groups[k], x[k]) for k in range(tasks)]


@given(seed=seeds, size=sizes, length=lengths, options=settings)
def test_neither_the_order_of_candidates_nor_their_names_move_the_choice(
    seed: int, size: int, length: int, options: Settings
) -> None:
    chance = np.random.default_rng(seed)
    examples = history(seed, dimension=options.dimension, length=length, arms=size)
    x, candidates = unit_rows(chance, size, options.dimension), pool(size, seed)
    first = taught(options, examples).choose(candidates, x)
    new_names = {f"arm{n}": f"name{place}" for n, place in enumerate(chance.permutation(size).tolist())}
    order: list[int] = chance.permutation(size).tolist()
    renamed = taught(options, [one._replace(arm=new_names[one.arm]) for one in examples])
    second = renamed.choose([candidates[n]._replace(arm=new_names[candidates[n].arm]) for n in order], x[order])
    assert order[second.place] == first.place
    assert second.arm == new_names[first.arm]
    assert [second.score[order.index(n)] for n in range(size)] == list(first.score)
    assert second.propensity == first.propensity


@given(seed=seeds, size=sizes, length=lengths, options=settings)
def test_a_state_read_back_from_json_goes_on_bit_for_bit(seed: int, size: int, length: int, options: Settings) -> None:
    examples = history(seed, dimension=options.dimension, length=length, arms=4)
    policy = taught(options, examples)
    again = LinUCB.restored(LinUCBState.model_validate_json(policy.state().model_dump_json()))
    assert again.state() == policy.state()
    chance, candidates = np.random.default_rng(seed), pool(size, seed)
    for one in examples[:10]:
        x = unit_rows(chance, size, options.dimension)
        assert again.choose(candidates, x) == policy.choose(candidates, x)
        again.update(one.arm, one.x, one.reward)
        policy.update(one.arm, one.x, one.reward)
    assert again.state().model_dump_json() == policy.state().model_dump_json()


@given(seed=seeds, size=sizes, tasks=st.integers(min_value=1, max_value=4), length=lengths)
def test_screening_in_float32_never_changes_who_is_chosen(seed: int, size: int, tasks: int, length: int) -> None:
    options = Settings(per_arm=True)
    examples = history(seed, dimension=8, length=length, arms=6)
    exact, screened = taught(options, examples, screen_from=10**9), taught(options, examples, screen_from=0)
    x = unit_rows(np.random.default_rng(seed), tasks, size, 8)
    groups = [pool(size, seed)] * tasks
    for one, other in zip(exact.choose_each(groups, x), screened.choose_each(groups, x), strict=True):
        assert (one.arm, one.propensity) == (other.arm, other.propensity)
        assert one.score[one.place] == other.score[one.place]
        assert other.width == pytest.approx(one.width, abs=2e-3)


def test_equals_are_decided_by_cost_then_lot_and_the_propensity_says_so() -> None:
    x = [[1.0, 0.0]] * 4
    candidates = [
        Candidate("z", 1.0, "0"),
        Candidate("y", 0.5, "8"),
        Candidate("a", 0.5, "9"),
        Candidate("b", 0.5, "7"),
    ]
    choice = LinUCB(Settings(dimension=2)).choose(candidates, x)
    assert (choice.arm, choice.place, choice.propensity) == ("b", 3, 1 / 3)


def test_what_is_unknown_is_tried_and_what_pays_is_kept() -> None:
    policy = LinUCB(Settings(dimension=2, per_arm=True))
    candidates, x = [Candidate("good"), Candidate("bad")], [[1.0, 0.0], [1.0, 0.0]]
    for _ in range(40):
        arm = policy.choose(candidates, x).arm
        policy.update(arm, x[0], float(arm == "good"))
    assert policy.choose(candidates, x).arm == "good"
    assert policy.scores(["bad"], x[:1])[1] < 1.0


@pytest.mark.parametrize(
    ("row", "match"),
    [
        ([2.0, 0.0], "scale it to 1"),
        ([float("nan"), 0.0], "scale it to 1"),
        ([1.0], "2 features"),
    ],
)
def test_contexts_that_do_not_fit_are_refused(row: list[float], match: str) -> None:
    policy = LinUCB(Settings(dimension=2))
    with pytest.raises(ConfigError, match=match):
        policy.choose([Candidate("a")], [row])
    with pytest.raises(ConfigError, match=match):
        policy.update("a", row, 1.0)


def test_nobody_to_choose_from_and_a_reward_that_is_no_number_are_refused() -> None:
    policy = LinUCB(Settings(dimension=2))
    with pytest.raises(ConfigError, match="candidates"):
        policy.choose([], np.zeros((0, 2)))
    with pytest.raises(ConfigError, match="reward"):
        policy.update("a", [1.0, 0.0], float("nan"))


def test_a_state_of_other_features_is_refused_with_the_mend() -> None:
    state = taught(Settings(), history(1, dimension=8, length=3, arms=1)).state()
    old = json.loads(state.model_dump_json()) | {"features_version": "features-0"}
    with pytest.raises(ConfigError, match="learn anew"):
        LinUCB.restored(LinUCBState.model_validate_json(json.dumps(old)))
    cut = Learned(arm="", inverse=state.learned[0].inverse[1:], b=state.learned[0].b)
    with pytest.raises(ConfigError, match="learn anew"):
        LinUCB.restored(state.model_copy(update={"learned": (cut,)}))
