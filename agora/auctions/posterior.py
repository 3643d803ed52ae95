"""What is known of a chance from counted outcomes: the Beta posterior under a uniform prior.

Its mean (Laplace's rule of succession), its lower confidence bound (Gelman et al., "Bayesian Data Analysis", 2.4), and
draws from it (Thompson, 1933).
"""

from __future__ import annotations

from collections.abc import Iterable

from agora.beta_integral import quantile


def mean(passed: float, failed: float) -> float:
    """Posterior mean of the chance to pass.

    Args:
        passed: Outcomes that passed, >= 0; a fraction where older ones count for less.
        failed: Those that failed, >= 0.

    Returns:
        A number in (0, 1); 0.5 where nothing was counted.

    >>> mean(0, 0), mean(3, 1)
    (0.5, 0.6666666666666666)
    """
    return (passed + 1.0) / (passed + failed + 2.0)


def lower_bound(passed: float, failed: float, *, level: float = 0.9) -> float:
    """What the chance to pass is at least, with so much confidence.

    Args:
        passed: Outcomes that passed, >= 0.
        failed: Those that failed, >= 0.
        level: Posterior probability that the chance is not lower, in (0, 1).

    >>> round(lower_bound(0, 0, level=0.9), 6), round(lower_bound(9, 0, level=0.9), 3)
    (0.1, 0.794)

    Raises:
        ConfigError: The level is not in (0, 1), or a count is negative.
    """
    return quantile(1.0 - level, passed, failed)


def draw(lot: float, passed: float, failed: float) -> float:
    """One draw from the posterior.

    Args:
        lot: A seeded number in [0, 1).
        passed: Outcomes that passed, >= 0.
        failed: Those that failed, >= 0.
    """
    return quantile(min(max(lot, 1e-12), 1.0 - 1e-12), passed, failed)


def decayed(outcomes: Iterable[bool], *, decay: float) -> tuple[float, float]:
    """Passed and failed outcomes, oldest first, where each one later makes the earlier ones count for less.

    >>> decayed([True, False], decay=0.5)
    (0.5, 1.0)
    """
    passed = failed = 0.0
    for outcome in outcomes:
        passed, failed = passed * decay + outcome, failed * decay + (not outcome)
    return passed, failed
