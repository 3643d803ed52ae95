"""What a stated confidence is worth: how far it was from the outcomes, and what it is when it is set right by them.

Brier score (Brier, 1950); expected calibration error over bins of equal width (Naeini et al., 2015); Platt scaling
(Platt, 1999) with a slope that is shrunk towards none, so that what remains is the base rate. Language models state
61 to 93 % where 75 to 81 % come true, and only two of six beat a base rate (MarketBench, arXiv 2604.23897): so a
mechanism sees the calibrated figure and never the stated one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from agora.auctions.posterior import mean
from agora.errors import ConfigError
from agora.records import CONFIDENCE_BINS, AgentRecord, ConfidenceBin, confidence_bin

FEW_OUTCOMES: Final = 10
"""Under so many outcomes with a stated confidence, what was stated is not looked at."""
SLOPE_PRECISION: Final = 1.0
"""How firmly the slope is held at 0: the precision of a normal prior."""
LEVEL_PRECISION: Final = 0.1
"""How firmly the level is held at the base rate."""

_MOST_STEPS: Final = 100
_LONGEST_STEP: Final = 1.0
_CLOSE: Final = 1e-10
_SURE: Final = 0.99


def brier(outcomes: Iterable[tuple[float, bool]]) -> float | None:
    """Mean squared distance between stated confidence and outcome: 0 is perfect, 0.25 is what "50 %" gets, 1 is worst.

    Args:
        outcomes: Stated confidence in [0, 1], and whether it passed.

    Returns:
        None where there are no outcomes.

    >>> brier([(1.0, True), (0.5, False)])
    0.125
    """
    errors = [(_checked(stated) - passed) ** 2 for stated, passed in outcomes]
    return math.fsum(errors) / len(errors) if errors else None


def expected_calibration_error(outcomes: Iterable[tuple[float, bool]]) -> float | None:
    """Mean distance between stated confidence and pass rate, over ten bins of equal width, weighted by their outcomes.

    Args:
        outcomes: Stated confidence in [0, 1], and whether it passed.

    Returns:
        A number in [0, 1]; None where there are no outcomes.

    >>> expected_calibration_error([(0.9, True), (0.9, False), (0.2, False)])
    0.3333333333333333
    """
    bins = [ConfidenceBin()] * CONFIDENCE_BINS
    for stated, passed in outcomes:
        place = confidence_bin(_checked(stated))
        old = bins[place]
        bins[place] = ConfidenceBin(old.tried + 1, old.passed + passed, old.stated + stated)
    return _error_of(bins)


def brier_of(record: AgentRecord) -> float | None:
    """Brier score of a record; None where nothing was stated."""
    count = stated_outcomes(record)
    return record.squared_error / count if count else None


def calibration_error_of(record: AgentRecord) -> float | None:
    """Expected calibration error of a record; None where nothing was stated."""
    return _error_of(record.confidence)


def stated_outcomes(record: AgentRecord) -> int:
    """How many attempts of a record had a stated confidence."""
    return sum(one.tried for one in record.confidence)


def calibrated(stated: float | None, record: AgentRecord | None) -> float | None:
    """The stated chance to pass, set right by the agent's own outcomes on the skill.

    With the base rate r = (passed + 1) / (tried + 2), it is 1 / (1 + exp(-(level + slope x (logit stated - m)))), m
    being the mean logit of what was stated before. Level and slope are fitted to the ten bins of the record, most
    likely under normal priors, the slope's round 0, the level's round logit r. A slope under 0 counts as 0: who states
    more is never taken for less. Under ten outcomes with a stated confidence, and without a record, it is r.

    Args:
        stated: As the agent states it, in [0, 1]; None: it states nothing.
        record: Its own, on the task's skill; None: it has none.

    Returns:
        A number in (0, 1), or None where nothing is stated.

    Raises:
        ConfigError: What is stated is no number in [0, 1].

    >>> calibrated(0.95, None), calibrated(None, None)
    (0.5, None)
    >>> from agora.records import NOTHING_STATED
    >>> bins = (*NOTHING_STATED[:8], ConfidenceBin(10, 1, 8.5), ConfidenceBin(10, 5, 9.5))
    >>> boaster = AgentRecord("o", "a", "s", 20, 6, 0, 0, 0, 0, "0", 0.0, confidence=bins)
    >>> round(calibrated(0.85, boaster), 2), round(calibrated(0.95, boaster), 2)
    (0.18, 0.42)
    """
    if stated is None:
        return None
    asked = _logit(_checked(stated))
    if record is None:
        return mean(0, 0)
    base = mean(record.passed, record.tried - record.passed)
    count = stated_outcomes(record)
    if count < FEW_OUTCOMES:
        return base
    points = [(_logit(one.stated / one.tried), one) for one in record.confidence if one.tried]
    middle = math.fsum(x * one.tried for x, one in points) / count
    level, slope = _fitted([(x - middle, one.tried, one.passed) for x, one in points], _logit(base, most=1.0))
    return _chance(level + slope * (asked - middle)) if slope > 0.0 else base


def _fitted(points: Sequence[tuple[float, int, int]], prior: float) -> tuple[float, float]:
    """Level and slope of the most likely line through (x, tried, passed): Newton's method, its steps bounded."""
    level, slope = prior, 0.0
    for _ in range(_MOST_STEPS):
        pull_level, pull_slope = LEVEL_PRECISION * (prior - level), -SLOPE_PRECISION * slope
        hard_level, hard_slope, mixed = LEVEL_PRECISION, SLOPE_PRECISION, 0.0
        for x, tried, passed in points:
            chance = _chance(level + slope * x)
            spread = tried * chance * (1.0 - chance)
            pull_level, pull_slope = pull_level + passed - tried * chance, pull_slope + x * (passed - tried * chance)
            hard_level, hard_slope, mixed = hard_level + spread, hard_slope + spread * x * x, mixed + spread * x
        whole = hard_level * hard_slope - mixed * mixed
        by_level = (pull_level * hard_slope - pull_slope * mixed) / whole
        by_slope = (pull_slope * hard_level - pull_level * mixed) / whole
        length = math.hypot(by_level, by_slope)
        share = min(1.0, _LONGEST_STEP / length) if length else 0.0
        level, slope = level + share * by_level, slope + share * by_slope
        if length < _CLOSE:
            break
    return level, slope


def _chance(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0.0 else math.exp(logit) / (1.0 + math.exp(logit))


def _logit(chance: float, *, most: float = _SURE) -> float:
    """Log odds; "certain" is 99 %, since no finite number of odds is certain."""
    bounded = min(max(chance, 1.0 - most), most)
    return math.log(bounded / (1.0 - bounded))


def _error_of(bins: Sequence[ConfidenceBin]) -> float | None:
    count = sum(one.tried for one in bins)
    return math.fsum(abs(one.stated - one.passed) for one in bins) / count if count else None


def _checked(stated: float) -> float:
    if not 0.0 <= stated <= 1.0:
        raise ConfigError("stated confidence", f"{stated!r} is no chance: state a number from 0 to 1")
    return stated
