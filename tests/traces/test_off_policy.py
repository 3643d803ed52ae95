"""Off-policy estimates where the truth is known: unbiased, intervals that hold it, silence where nothing is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest

from agora.errors import ConfigError
from agora.traces.off_policy.estimators import (
    LEAST_ESS,
    METHODS,
    MOST_UNSUPPORTED,
    Logged,
    Method,
    Weighting,
    estimates,
    refusal,
    support_of,
)

Floats = npt.NDArray[np.float64]

PASSES = np.array([[0.9, 0.3, 0.5, 0.2], [0.2, 0.8, 0.5, 0.4], [0.5, 0.5, 0.9, 0.1]])
"""Kind of task and action -> chance to pass: the truth of the simulation."""
LOGGING = np.array([[0.4, 0.2, 0.2, 0.2], [0.25, 0.25, 0.25, 0.25], [0.1, 0.3, 0.3, 0.3]])
TARGET = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.6, 0.2, 0.1], [0.2, 0.1, 0.6, 0.1]])
TRUTH = float((TARGET * PASSES).sum(axis=1).mean())
"""Kinds are equally likely."""


def missed_at_most(n: int) -> dict[Method, float]:
    """By how much a 95 % interval of n terms may miss its level, by Berry and Esseen.

    Terms: w r; w (r - truth), to which a ratio of means comes down; and the doubly robust one, with its model known.
    """
    w = TARGET / LOGGING
    expected = (TARGET * PASSES).sum(axis=1, keepdims=True)
    of_outcome: dict[Method, tuple[Floats, Floats]] = {
        "ips": (w - TRUTH, np.full_like(w, -TRUTH)),
        "snips": (w * (1 - TRUTH), w * -TRUTH),
        "dr": (expected + w * (1 - PASSES) - TRUTH, expected - w * PASSES - TRUTH),
    }
    missed: dict[Method, float] = {}
    for method, (passed, failed) in of_outcome.items():
        second, third = (
            float((LOGGING / 3 * (PASSES * abs(passed) ** p + (1 - PASSES) * abs(failed) ** p)).sum()) for p in (2, 3)
        )
        missed[method] = 2 * 0.4748 * third / second**1.5 / math.sqrt(n)
    return missed


def simulated(rng: np.random.Generator, n: int) -> Logged:
    """A log of the simulation."""
    kind = rng.integers(0, 3, n)
    action = (rng.random(n)[:, None] >= LOGGING[kind].cumsum(axis=1)).sum(axis=1).clip(0, 3)
    reward = (rng.random(n) < PASSES[kind, action]).astype(np.float64)
    return Logged(action, LOGGING[kind, action], TARGET[kind], reward, kind, np.zeros(n))


def log_of(
    rows: list[tuple[int, float, list[float], float]], *, kind: int = 0, unsupported: list[float] | None = None
) -> Logged:
    """A log from rows: action, its chance, the target's chances, reward."""
    return Logged(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        np.full(len(rows), kind, dtype=np.int64),
        np.zeros(len(rows)) if unsupported is None else np.array(unsupported),
    )


def test_by_hand_on_four_decisions() -> None:
    rows = [
        (0, 0.5, [0.25, 0.75], 1.0),
        (1, 0.5, [0.25, 0.75], 0.0),
        (1, 0.25, [0.5, 0.5], 1.0),
        (0, 0.75, [1.0, 0.0], 0.0),
    ]
    logged = log_of(rows)
    told = estimates(logged, seed=0)
    weights = [0.5, 1.5, 2.0, 4 / 3]
    assert told["ips"].value == pytest.approx((0.5 + 2.0) / 4)
    assert told["snips"].value == pytest.approx(2.5 / sum(weights))
    assert support_of(logged).ess == pytest.approx(sum(weights) ** 2 / sum(w * w for w in weights))


def test_over_all_logs_there_can_be_ips_and_dr_are_right_on_average() -> None:
    """Exact: each of the (2 actions x 2 rewards)^3 logs of three decisions, weighted by its chance."""
    chance, target, passes = [0.3, 0.7], [0.8, 0.2], [0.9, 0.4]
    mean: dict[Method, float] = dict.fromkeys(METHODS, 0.0)
    for log in itertools.product(itertools.product((0, 1), (0.0, 1.0)), repeat=3):
        likely = math.prod(chance[a] * (passes[a] if r else 1 - passes[a]) for a, r in log)
        told = estimates(log_of([(a, chance[a], target, r) for a, r in log]), seed=0, resamples=2)
        for method in METHODS:
            mean[method] += likely * told[method].value
    truth = sum(t * p for t, p in zip(target, passes, strict=True))
    assert mean["ips"] == pytest.approx(truth)
    assert abs(mean["dm"] - truth) > 0.01  # the model is drawn to the mean of all: this test can tell
    assert abs(mean["snips"] - truth) > 0.001


def test_intervals_hold_the_truth_as_often_as_they_say_and_means_are_right() -> None:
    """The bound follows from the simulation, and was not tried out.

    By Berry and Esseen (constant .4748 of Shevtsova, 2011) a two-sided 95 % interval of a mean of n terms with third
    absolute moment rho misses its level by at most 2 x .4748 x rho / (sigma^3 sqrt n). Of so many seeds fewer than the
    bound hold the truth with chance below 1e-6 (Hoeffding). Means: five standard errors.
    """
    n, samples = 1000, 300
    values = {method: np.zeros(samples) for method in METHODS}
    inside = dict.fromkeys(METHODS, 0)
    for seed in range(samples):
        told = estimates(simulated(np.random.default_rng(seed), n), seed=seed, resamples=2)
        for method in METHODS:
            low, high = told[method].normal
            values[method][seed] = told[method].value
            inside[method] += low <= TRUTH <= high
    for method, missed in missed_at_most(n).items():
        least = samples * (0.95 - missed) - math.sqrt(samples * math.log(1e6) / 2)
        assert least > 0.7 * samples  # the bound says something
        assert inside[method] >= least, method
    for method in ("ips", "snips", "dr"):
        error = values[method].std() / math.sqrt(samples)
        allowed = 5 * error + (2 / n if method == "snips" else 0)  # a ratio of means is off by the order of 1 / n
        assert abs(values[method].mean() - TRUTH) <= allowed, method
    assert values["dr"].std() < values["ips"].std()


def test_a_wrong_chance_on_record_is_seen() -> None:
    logged = simulated(np.random.default_rng(1), 1000)
    assert not refusal(logged)
    wrong = logged._replace(chance=logged.chance * 0.5)
    assert "weights average 1.9" in refusal(wrong)


def test_nothing_is_said_where_nobody_knows() -> None:
    certain = log_of([(0, 1.0, [0.0, 0.0], 1.0)] * 100, unsupported=[1.0] * 100)
    assert "every logged choice was certain" in refusal(certain)
    few = log_of([(0, 1.0, [1.0, 0.0], 1.0)] * (int(LEAST_ESS) - 1))
    assert "at least 30 are needed" in refusal(few)
    assert not refusal(log_of([(0, 1.0, [1.0, 0.0], 1.0)] * int(LEAST_ESS)))
    some = [1.0] * 6 + [0.0] * 94
    partly = log_of([(0, 0.5, [1.0 - gone, 0.0], 1.0) for gone in some], unsupported=some)
    assert f"at most {MOST_UNSUPPORTED:.0%}" in refusal(partly)
    nothing = log_of([])._replace(target=np.zeros((0, 1)))
    assert refusal(nothing) == "no decision on record can be used"


def test_what_the_log_could_not_do_widens_the_interval_by_all_that_it_could_bring() -> None:
    whole = [(place % 2, 0.5, [0.5, 0.5], float(place % 3 == 0)) for place in range(100)]
    gone = [0.04 if place == 0 else 0.0 for place in range(100)]
    plain = estimates(log_of(whole), seed=0, most=1.0)["ips"].normal
    wider = estimates(log_of(whole, unsupported=[100 * one for one in gone]), seed=0, most=1.0)["ips"].normal
    assert wider[0] == pytest.approx(plain[0] - 0.04)
    assert wider[1] == pytest.approx(plain[1] + 0.04)


def test_clip_and_switch_leave_small_weights_alone_and_bind_large_ones() -> None:
    logged = simulated(np.random.default_rng(3), 400)
    plain = estimates(logged, seed=0)
    assert estimates(logged, seed=0, weighting=Weighting(clip=100.0, switch=100.0)) == plain
    clipped = estimates(logged, seed=0, weighting=Weighting(clip=0.5))
    assert clipped["ips"].value < plain["ips"].value
    none = estimates(logged, seed=0, weighting=Weighting(switch=1e-6))["dr"]
    assert none.value == pytest.approx(plain["dm"].value, abs=0.02)  # the model's word alone, folds apart
    for weighting, name in ((Weighting(clip=0.0), "--clip"), (Weighting(switch=math.nan), "--switch")):
        with pytest.raises(ConfigError, match=name):
            estimates(logged, seed=0, weighting=weighting)


def test_the_same_seed_gives_the_same_figures_and_ends_stay_in_range() -> None:
    logged = simulated(np.random.default_rng(5), 60)
    told = estimates(logged, seed=9, most=1.0)
    assert told == estimates(logged, seed=9, most=1.0)
    for one in told.values():
        for low, high in (one.normal, one.bootstrap):
            assert 0 <= low <= high <= 1


def rare(rng: np.random.Generator, n: int, share: float, passes: float) -> Logged:
    """A log that made the target's only choice so often."""
    action = (rng.random(n) < share).astype(np.int64)
    reward = (rng.random(n) < np.where(action == 1, passes, 0.9)).astype(np.float64)
    chance = np.where(action == 1, share, 1.0 - share)
    target = np.tile([0.0, 1.0], (n, 1))
    return Logged(action, chance, target, reward, np.zeros(n, dtype=np.int64), np.zeros(n))


def test_what_always_passed_is_not_certain() -> None:
    logged = rare(np.random.default_rng(1), 40, 1.0, 1.0)
    for estimate in estimates(logged, seed=0, most=1.0, resamples=20).values():
        for low, high in (estimate.normal, estimate.bootstrap):
            assert low == pytest.approx(0.025 ** (1 / 40))  # Clopper and Pearson, of 40 in 40
            assert high == 1.0


@pytest.mark.parametrize(("n", "share", "passes"), [(30, 1.0, 0.98), (60, 1.0, 0.95), (400, 0.1, 0.97)])
def test_intervals_hold_the_truth_near_the_ends_too(n: int, share: float, passes: float) -> None:
    rng, looks, held, made = np.random.default_rng(20), 150, 0, 0
    for _ in range(looks):
        logged = rare(rng, n, share, passes)
        if refusal(logged):
            continue
        low, high = estimates(logged, seed=0, most=1.0, resamples=2)["dr"].normal
        made += 1
        held += low <= passes <= high
    assert made > looks / 2
    assert held >= 0.9 * made  # .95 less three standard errors of 150 looks; by the spread alone .42 to .8
