"""A Beta bandit over the few situations of a step, by posterior sampling (Thompson, 1933; Osband et al., 2013).

What each model is worth in a situation has a Beta posterior over what verified attempts were worth from there on. The
number drawn is the same for all calls of an attempt in one situation, so that an attempt follows one policy throughout
and its outcome says something about it; with a new number at each call both models would share every outcome.

The chance that the strong model is the better one is the propensity, by the normal approximation of both posteriors,
kept off 0 and 1, so that what is on record can be weighed by it.
"""

from __future__ import annotations

import math
from typing import Final

from agora.agents.steps.contexts import context_of
from agora.agents.steps.counts import Cell, StepCounts
from agora.agents.steps.seam import StepChoice, StepSight
from agora.errors import ConfigError

PRIOR_WORTH: Final = 0.5
"""Expected worth before anything was seen."""
PRIOR_ATTEMPTS: Final = 2.0
"""So many attempts is that worth: a uniform prior."""
_CLOSE: Final = 12


class Bandit:
    """Posterior sampling between the two models.

    Args:
        explore: The least chance of either model, in (0, 0.5].

    Raises:
        ConfigError: It is out of range.

    >>> choice = Bandit().choose(StepSight(), counts=StepCounts(), draw=0.49)
    >>> choice.model, choice.propensity
    ('large', 0.5)
    """

    name = "bandit"
    learns = True

    def __init__(self, *, explore: float = 0.02) -> None:
        if not 0.0 < explore <= 0.5:
            raise ConfigError("bandit: explore", f"{explore} is out of range: state a chance in (0, 0.5]")
        self._explore = explore

    def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
        """The strong model iff the draw is below the chance that it is better."""
        context = context_of(sight)
        small, large = (_posterior(counts.of(context, model)) for model in ("small", "large"))
        better = _normal((large[0] - small[0]) / math.sqrt(large[1] + small[1]))
        chance = round(min(max(better, self._explore), 1.0 - self._explore), _CLOSE)
        why = f"worth {small[0]:.3f} small, {large[0]:.3f} large in {context} after {counts.lessons} attempts"
        if draw < chance:
            return StepChoice("large", chance, why)
        return StepChoice("small", round(1.0 - chance, _CLOSE), why)


def _posterior(cell: Cell) -> tuple[float, float]:
    """Mean and variance of a Beta with fractional counts."""
    count = PRIOR_ATTEMPTS + cell.tried
    mean = (PRIOR_ATTEMPTS * PRIOR_WORTH + cell.worth) / count
    return mean, mean * (1.0 - mean) / (count + 1.0)


def _normal(z: float) -> float:
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))
