"""What is believed before and after outcomes, by hand, and when a past no longer counts."""

from __future__ import annotations

import numpy as np
import pytest

from agora.coordinator.routers.own.belief import COMMON, EASE, FIT, NAME, NOISE, OWN, SLOPE, START, Belief
from agora.coordinator.routers.seam import Arms

ARMS = Arms(["ant", "bee", "cow"])


def told(*runs: tuple[str, str, float, int]) -> Belief:
    """Runs of equal outcomes: tag, arm, score, how many."""
    belief = Belief()
    for tag, arm, score, times in runs:
        for _ in range(times):
            belief.learn(tag, arm, score)
    return belief


def test_of_who_was_never_met_the_declared_strength_is_believed() -> None:
    cost = np.exp(np.array([0.0, 1.0, 2.0]))  # centred and scaled: -1.22, 0, 1.22
    found = Belief().of("code", Arms(ARMS.keys, cost=cost))
    step = SLOPE * np.sqrt(1.5)
    np.testing.assert_allclose(found.mean, [START - step, START, START + step])
    plain = Belief().of("code", ARMS)
    np.testing.assert_allclose(plain.variance, COMMON + NAME + OWN + FIT)
    np.testing.assert_allclose(plain.covariance[0], [COMMON + NAME + OWN, COMMON, COMMON])


def test_a_newcomer_beside_a_tried_arm_has_what_is_declared_moved_by_what_is_common() -> None:
    belief = told(("code", "ant", 0.0, 1))
    now = belief.of("other", ARMS)
    own, seen = COMMON + NAME + OWN, COMMON + NAME + OWN + EASE + FIT + NOISE
    np.testing.assert_allclose(now.mean, [START - START * own / seen] + 2 * [START - START * COMMON / seen])


def test_one_outcome_moves_an_arm_on_its_tag_as_reckoned_by_hand() -> None:
    found = told(("code", "ant", 1.0, 1)).of("code", ARMS)
    own, noise = COMMON + NAME + OWN, NOISE + FIT
    share = (own + EASE) / (own + EASE + noise)
    expected = START + share * (1.0 - START)
    fit = FIT / (FIT + NOISE) * (1.0 - expected)
    assert found.mean[0] == pytest.approx(expected + fit)
    assert found.variance[0] == pytest.approx(own - own * own / (own + EASE + noise) + FIT * NOISE / (FIT + NOISE))


def test_arms_whose_names_are_alike_are_learned_of_together() -> None:
    pool = Arms(["acme/swift-ant", "acme/swift-bee", "other/brick"])
    found = told(("code", pool.keys[0], 0.0, 6)).of("code", pool).mean
    assert found[0] < found[1] < found[2]


def test_a_hard_tag_is_learned_from_all_and_takes_from_all() -> None:
    belief = told(("easy", "ant", 1.0, 10), ("hard", "ant", 0.0, 5), ("easy", "bee", 1.0, 10))
    assert belief.of("hard", ARMS).mean[1] < belief.of("easy", ARMS).mean[1] - 0.05


def test_an_arm_that_dies_loses_its_past_within_ten_failures_and_nobody_else_does() -> None:
    belief = told(("code", "ant", 1.0, 60), ("code", "bee", 1.0, 60))
    before = belief.of("code", ARMS).mean
    for _ in range(10):
        belief.learn("code", "ant", 0.0)
    after = belief.of("code", ARMS)
    assert before[0] > 0.9
    assert after.mean[0] < 0.3
    assert after.variance[0] > 0.02  # it may come back
    assert after.mean[1] == pytest.approx(before[1], abs=0.05)


def test_whose_past_was_forgotten_tells_nothing_of_others() -> None:
    belief = told(("code", "ant", 1.0, 60), ("code", "bee", 1.0, 60))
    while belief.of("code", ARMS).mean[0] > 0.5:
        belief.learn("code", "ant", 0.0)
    assert belief.of("code", ARMS).covariance[0, 1] == pytest.approx(0.0, abs=1e-12)


def test_without_the_alarm_its_past_would_still_count() -> None:
    belief = told(("code", "ant", 1.0, 60), ("code", "ant", 0.0, 2))
    assert belief.of("code", ARMS).mean[0] > 0.85


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_an_arm_that_fails_as_often_as_ever_keeps_its_past(chance: float) -> None:
    rng, belief = np.random.default_rng(1), Belief()
    for _ in range(300):
        belief.learn("code", "ant", float(rng.uniform() < chance))
    found = belief.of("code", ARMS)
    assert found.mean[0] == pytest.approx(chance, abs=0.1)
    assert found.covariance[0, 1] != 0.0  # who was forgotten has nothing in common with anybody


def test_an_arm_that_comes_back_is_believed_again() -> None:
    belief = told(("code", "ant", 1.0, 60), ("code", "ant", 0.0, 10), ("code", "ant", 1.0, 20))
    assert belief.of("code", ARMS).mean[0] > 0.75
