"""Stated confidence: measured by its batch formulas from a record's sums, and set right without believing it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.ambient import SeededChance
from agora.auctions.calibration import (
    FEW_OUTCOMES,
    LEVEL_PRECISION,
    SLOPE_PRECISION,
    brier,
    brier_of,
    calibrated,
    calibration_error_of,
    expected_calibration_error,
    stated_outcomes,
)
from agora.auctions.posterior import mean
from agora.errors import ConfigError
from agora.memory.learned import RecordKey, added, fresh, read_update
from agora.records import AgentRecord
from agora.testing.lessons import record_update

Said = list[tuple[float, bool]]

confidences = st.floats(min_value=0, max_value=1)
said = st.lists(st.tuples(confidences, st.booleans()), max_size=60)
many = st.lists(st.tuples(confidences, st.booleans()), min_size=FEW_OUTCOMES, max_size=60)


def record_with(outcomes: Said, *, silent: tuple[int, int] = (0, 0)) -> AgentRecord:
    """The record that these outcomes leave, and (passed, failed) attempts that stated nothing."""
    record = fresh(RecordKey("acme", "scout", "python", True))
    stated: list[tuple[float | None, bool]] = [*outcomes, *[(None, True)] * silent[0], *[(None, False)] * silent[1]]
    for confidence, passed in stated:
        event = record_update(passed=int(passed))
        update = {**event.update, "stated": confidence}
        record = added(record, read_update(event.model_copy(update={"update": update})))
    return record


@given(outcomes=said)
def test_a_record_gives_the_batch_formulas(outcomes: Said) -> None:
    record = record_with(outcomes, silent=(3, 2))
    assert stated_outcomes(record) == len(outcomes)
    for found, batch in (
        (brier_of(record), brier(outcomes)),
        (calibration_error_of(record), expected_calibration_error(outcomes)),
    ):
        assert (found is None) == (batch is None) == (not outcomes)
        if found is not None and batch is not None:
            assert found == pytest.approx(batch, abs=1e-9)
            assert 0 <= found <= 1


@given(outcomes=said.filter(bool))
def test_who_always_states_its_own_pass_rate_has_no_calibration_error(outcomes: Said) -> None:
    rate = sum(passed for _, passed in outcomes) / len(outcomes)
    assert expected_calibration_error([(rate, passed) for _, passed in outcomes]) == pytest.approx(0, abs=1e-9)


@given(stated=confidences, truth=confidences)
def test_stating_the_truth_has_the_best_expected_brier_score(stated: float, truth: float) -> None:
    def expected(stated: float) -> float:
        return truth * (brier([(stated, True)]) or 0) + (1 - truth) * (brier([(stated, False)]) or 0)

    assert expected(stated) >= expected(truth) - 1e-12


@given(outcomes=st.lists(st.tuples(confidences, st.booleans()), max_size=FEW_OUTCOMES - 1), stated=confidences)
def test_with_few_outcomes_the_base_rate_comes_back_whatever_is_stated(outcomes: Said, stated: float) -> None:
    record = record_with(outcomes, silent=(4, 9))
    assert calibrated(stated, record) == mean(record.passed, record.tried - record.passed)
    assert calibrated(stated, None) == 0.5


def test_who_states_nothing_has_no_calibrated_confidence() -> None:
    assert calibrated(None, None) is None
    assert calibrated(None, record_with([(0.9, True)] * 20)) is None


@given(outcomes=many, stated=confidences, more=confidences)
def test_stating_more_is_never_taken_for_less_and_nothing_is_taken_for_certain(
    outcomes: Said, stated: float, more: float
) -> None:
    record = record_with(outcomes)
    low, high = sorted((stated, more))
    less, greater = calibrated(low, record), calibrated(high, record)
    assert less is not None
    assert greater is not None
    assert 0 < less <= greater < 1


@given(outcomes=many)
def test_the_fit_is_the_most_likely_line_under_its_priors(outcomes: Said) -> None:
    record = record_with(outcomes)
    low, high = calibrated(0.2, record), calibrated(0.8, record)
    assert low is not None
    assert high is not None
    rise = logit(high) - logit(low)
    if rise < 1e-9:
        return
    points = [(logit(min(max(one.stated / one.tried, 0.01), 0.99)), one) for one in record.confidence if one.tried]
    middle = sum(x * one.tried for x, one in points) / len(outcomes)
    slope = rise / (logit(0.8) - logit(0.2))
    level = logit(low) - slope * (logit(0.2) - middle)
    prior = logit(mean(record.passed, record.tried - record.passed))

    def worth(level: float, slope: float) -> float:
        total = -LEVEL_PRECISION * (level - prior) ** 2 / 2 - SLOPE_PRECISION * slope**2 / 2
        for x, one in points:
            odds = level + slope * (x - middle)
            total += one.passed * odds - one.tried * math.log1p(math.exp(-abs(odds))) - one.tried * max(odds, 0.0)
        return total

    best = worth(level, slope)
    for by_level, by_slope in itertools.product((-0.05, 0.0, 0.05), repeat=2):
        assert worth(level + by_level, slope + by_slope) <= best + 1e-9


def logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def boasting(z: float, _lot: float) -> float:
    return sigmoid(0.5 * z + 2.0)


def random_talk(_z: float, lot: float) -> float:
    return 0.7 + 0.3 * lot


def always_sure(_z: float, _lot: float) -> float:
    return 0.95


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def talk(states: Callable[[float, float], float], *, seed: int, count: int) -> Said:
    """Tasks of different difficulty, what an agent of this kind states of each, and whether it passes."""
    chance = SeededChance(seed)
    outcomes: Said = []
    for number in range(count):
        z = 4.0 * chance.uniform(f"{number}/task") - 2.0
        stated = states(z, chance.uniform(f"{number}/said"))
        outcomes.append((stated, chance.uniform(f"{number}/passed") < sigmoid(z)))
    return outcomes


def scores(states: Callable[[float, float], float], *, learned_from: int) -> tuple[float, float, float]:
    """Mean Brier score on unseen tasks over 20 agents: as stated, at the base rate, calibrated."""
    sums = [0.0, 0.0, 0.0]
    for seed in range(20):
        record = record_with(talk(states, seed=seed, count=learned_from))
        unseen = talk(states, seed=1000 + seed, count=200)
        base = mean(record.passed, record.tried - record.passed)
        right = [(calibrated(stated, record) or 0.0, passed) for stated, passed in unseen]
        for place, said in enumerate((unseen, [(base, passed) for _, passed in unseen], right)):
            sums[place] += (brier(said) or 0.0) / 20
    return sums[0], sums[1], sums[2]


@pytest.mark.parametrize("states", [boasting, random_talk, always_sure])
def test_calibrated_confidence_is_better_than_what_was_stated_on_tasks_that_it_never_saw(
    states: Callable[[float, float], float],
) -> None:
    stated, _, right = scores(states, learned_from=60)
    assert right < stated - 0.02


def test_who_boasts_but_knows_the_hard_tasks_is_worth_more_than_its_base_rate() -> None:
    _, base, right = scores(boasting, learned_from=60)
    assert right < base - 0.02


@pytest.mark.parametrize("states", [random_talk, always_sure])
def test_whose_words_say_nothing_is_hardly_worse_than_its_base_rate(states: Callable[[float, float], float]) -> None:
    _, base, right = scores(states, learned_from=60)
    assert right < base + 0.01


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, math.inf])
def test_what_is_no_chance_is_refused(wrong: float) -> None:
    with pytest.raises(ConfigError, match="no chance"):
        calibrated(wrong, None)
    with pytest.raises(ConfigError, match="no chance"):
        brier([(wrong, True)])
    with pytest.raises(ConfigError, match="no chance"):
        expected_calibration_error([(wrong, True)])
