"""What a stated confidence is worth: how far it was from the outcomes, and what it is when it is set right by them.

Brier score (Brier, 1950); expected calibration error over bins of equal width (Naeini et al., 2015); a map by bins that
is shrunk towards the base rate. Language models state 61 to 93 % where 75 to 81 % come true, and most state no more
than a base rate would (MarketBench, arXiv 2604.23897): so a mechanism sees the calibrated figure and never the stated
one, and where outcomes are few the calibrated figure is the base rate.
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
SHRINKAGE: Final = 5.0
"""A bin's outcomes are mixed with so many imagined ones at the base rate."""


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

    With the base rate r = (passed + 1) / (tried + 2) and, in the bin of what is stated, p of n outcomes that passed:
    (p + 5 r) / (n + 5). Under ten outcomes with a stated confidence, in an empty bin, and without a record: r.

    Args:
        stated: As the agent states it, in [0, 1]; None: it states nothing.
        record: Its own, on the task's skill; None: it has none.

    Returns:
        A number in (0, 1), or None where nothing is stated.

    Raises:
        ConfigError: What is stated is no number in [0, 1].

    >>> from agora.records import NOTHING_STATED
    >>> calibrated(0.95, None), calibrated(None, None)
    (0.5, None)
    >>> bins = (*NOTHING_STATED[:9], ConfidenceBin(tried=20, passed=5, stated=19.0))
    >>> boaster = AgentRecord("o", "a", "s", 20, 5, 0, 0, 0, 0, "0", 0.0, confidence=bins)
    >>> round(calibrated(0.95, boaster), 4)
    0.2545
    """
    if stated is None:
        return None
    place = confidence_bin(_checked(stated))
    if record is None:
        return mean(0, 0)
    base = mean(record.passed, record.tried - record.passed)
    if stated_outcomes(record) < FEW_OUTCOMES:
        return base
    own = record.confidence[place]
    return (own.passed + SHRINKAGE * base) / (own.tried + SHRINKAGE)


def _error_of(bins: Sequence[ConfidenceBin]) -> float | None:
    count = sum(one.tried for one in bins)
    return math.fsum(abs(one.stated - one.passed) for one in bins) / count if count else None


def _checked(stated: float) -> float:
    if not 0.0 <= stated <= 1.0:
        raise ConfigError("stated confidence", f"{stated!r} is no chance: state a number from 0 to 1")
    return stated
