"""Light regressors of quality and cost by model, with a bonus for want of knowledge and a penalty for load (MixLLM).

    index_m = quality_m(z) - dial * cost_m(z) + alpha sqrt(z' A_m^-1 z) - crowded * exp(steep (load_m - 1))

"MixLLM: Dynamic Routing in Mixed Large Language Models" (arXiv 2502.18482): z is the text's embedding enhanced by the
query's tags, each model has regressors of its own, so that one joins or leaves without training the rest, and bandit
feedback goes on training them. Changed: the regressors are ridge regressions (published: random forests, MLP and kNN),
so that what is uncertain is said by the same figures; the tag is the one that the owner gives (published: written by a
language model); waiting is read off the share of a model's places that are taken.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_ridges import ByRidges
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.contexts import Tagged
from agora.coordinator.routers.seam import Arms, Choice, Query


class MixLLMOptions(RouterOptions):
    """What can be set."""

    alpha: float = Field(default=0.1, ge=0)
    """Weight of the width: how much is tried for want of knowledge."""
    penalty: float = Field(default=1.0, gt=0)
    """Of the regressions."""
    crowded: float = Field(default=0.2, ge=0)
    """What a model without a free place loses, in score."""
    steep: float = Field(default=5.0, ge=0)
    """How suddenly that sets in."""


class MixLLM(ByRidges):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: MixLLMOptions) -> None:
        self._alpha, self._crowded, self._steep = options.alpha, options.crowded, options.steep
        super().__init__(Tagged(), penalty=options.penalty)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        import numpy as np

        success, cost, width = self._ridges.expected(self._contexts.of(query), arms)
        waiting = self._crowded * np.exp(self._steep * (arms.load - 1.0))
        terms = {"success": success, "cost": cost, "width": width, "waiting": waiting}
        index = success - dial * cost + self._alpha * width - waiting
        return by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial))


policy = routed("mixllm", MixLLMOptions, MixLLM)
"""Regressors of quality and cost."""
