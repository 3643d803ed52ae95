"""What knowing more is worth: by hand, and nothing where nothing can change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agora.coordinator.routers.own.belief import Expected
from agora.coordinator.routers.own.gain import gain_of
from agora.coordinator.routers.seam import Matrix, Vector

NOISE = 0.2


def believed(mean: list[float], covariance: Matrix) -> Expected:
    return Expected(np.array(mean), covariance.diagonal().copy(), covariance)


def gain(mean: list[float], covariance: Matrix, *, left: int = 100, unsure: float = 0.0) -> Vector:
    found = believed(mean, covariance)
    return gain_of(found, found.mean, np.full(len(mean), unsure), left=left, noise=NOISE)


def psi(u: float) -> float:
    return math.exp(-u * u / 2.0) / math.sqrt(2.0 * math.pi) - u * 0.5 * math.erfc(u / math.sqrt(2.0))


def test_it_is_the_formula_of_the_knowledge_gradient_with_several_at_once() -> None:
    covariance = np.array([[0.09, 0.05, 0.05], [0.05, 0.07, 0.05], [0.05, 0.05, 0.08]])
    mean, left, unsure = [0.7, 0.6, 0.4], 60, 0.001
    expected: list[float] = []
    for place, (rival, gap) in enumerate([(1, 0.1), (0, 0.1), (0, 0.3)]):
        worths: list[float] = []
        for k in (1, 3, 9, 27):
            own = covariance[place, place]
            width = math.sqrt((own - covariance[place, rival]) ** 2 / (own + NOISE / k) + unsure)
            worths.append((left - k + 1) / k * width * psi(gap / width))
        expected.append(max(worths))
    np.testing.assert_allclose(gain(mean, covariance, left=left, unsure=unsure), expected, rtol=0.03)


def test_nothing_is_worth_knowing_where_nothing_can_change_the_choice() -> None:
    known = 1e-9 * np.eye(3)
    assert gain([0.9, 0.5, 0.4], known).tolist() == [0.0, 0.0, 0.0]
    assert gain([0.9], np.array([[0.1]])).tolist() == [0.0]


def test_an_arm_that_is_far_behind_is_not_worth_a_try_and_a_close_one_is() -> None:
    found = gain([0.9, 0.85, -50.0], 0.05 * np.eye(3))
    assert found[1] > 0.1
    assert found[2] == 0.0


def test_the_more_there_is_to_come_the_more_it_is_worth_to_know() -> None:
    covariance = 0.05 * np.eye(2)
    worths = [float(gain([0.9, 0.6], covariance, left=left)[1]) for left in (1, 10, 100, 1000)]
    assert worths == sorted(worths)
    assert worths[0] < 0.1 * worths[2]


def test_arms_that_move_together_tell_nothing_of_who_is_better() -> None:
    together = gain([0.8, 0.7], np.full((2, 2), 0.05))[1]
    assert together == 0.0
    assert gain([0.8, 0.7], 0.05 * np.eye(2))[1] > 0.5


def test_a_cost_that_is_only_guessed_makes_a_try_worth_more() -> None:
    covariance = 0.01 * np.eye(2)
    assert gain([0.8, 0.5], covariance, unsure=0.04)[1] > 10 * gain([0.8, 0.5], covariance)[1]


@pytest.mark.parametrize("left", [1, 2])
def test_with_hardly_anybody_to_come_it_is_small_and_never_below_nothing(left: int) -> None:
    found = gain([0.8, 0.8], 0.05 * np.eye(2), left=left)
    assert (found >= 0.0).all()
    assert (found < 0.3).all()
