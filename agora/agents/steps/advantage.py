"""The advantage threshold: the strong model where its next step is expected to be better by more than it costs.

After Arbitrage (arXiv 2512.05033), which routes each reasoning step by the advantage that a trained router predicts of
the target model over the draft model. Here both models' chances of a step without trouble are counted in each situation
from verified attempts, on top of a prior, and the extra cost is a share of what is left of the budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from agora.agents.steps.contexts import MOST_TROUBLE, context_of
from agora.agents.steps.counts import StepCounts
from agora.agents.steps.seam import Size, StepChoice, StepSight
from agora.errors import ConfigError

PRIOR: Final[Mapping[Size, Sequence[float]]] = MappingProxyType({"small": (0.8, 0.5, 0.4), "large": (0.9, 0.8, 0.7)})
"""A step's chance to go well before anything was counted, after 0, 1, 2 or more troubled steps in a row."""
PRIOR_STEPS: Final = 8.0
"""So many steps is the prior worth."""
_CLOSE: Final = 12


class Advantage:
    """The strong model iff advantage > threshold x extra cost / what is left.

    Args:
        threshold: Weight of the extra cost, at least 0; 0 takes the better step whatever it costs.

    Raises:
        ConfigError: The threshold is negative or no number.

    >>> rule = Advantage(threshold=1.0)
    >>> rule.choose(StepSight(trouble=1, small=0.01, large=0.1), counts=StepCounts(), draw=0.0).model
    'large'
    >>> rule.choose(StepSight(trouble=0, small=0.01, large=0.2), counts=StepCounts(), draw=0.0).model
    'small'
    """

    name = "advantage"
    learns = True

    def __init__(self, *, threshold: float = 0.5) -> None:
        if not 0.0 <= threshold < float("inf"):
            raise ConfigError("advantage: threshold", f"{threshold} is out of range: state a number of at least 0")
        self._threshold = threshold

    def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
        """The expected gain of the step against its price."""
        gain = _chance(sight, counts, "large") - _chance(sight, counts, "small")
        price = self._threshold * (sight.large - sight.small) / sight.left if sight.left > 0 else float("inf")
        model: Size = "large" if round(gain - price, _CLOSE) > 0 else "small"
        return StepChoice(model, 1.0, f"a gain of {gain:+.3f} against a price of {price:.3f} in {context_of(sight)}")


def _chance(sight: StepSight, counts: StepCounts, model: Size) -> float:
    """Posterior mean of a step's chance to go well."""
    cell = counts.of(context_of(sight), model)
    prior = PRIOR[model][min(sight.trouble, MOST_TROUBLE)]
    return (PRIOR_STEPS * prior + cell.well) / (PRIOR_STEPS + cell.steps)
