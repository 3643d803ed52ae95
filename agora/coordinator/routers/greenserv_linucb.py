"""GreenServ's LinUCB: a regression for each model on task, cluster and length (arXiv 2601.17551).

    index_m = theta_m . z + alpha sqrt(z' A_m^-1 z) - dial * cost_m(z)

alpha .1 and penalty .05 as in its repository (TZData1/llm-inference-router); z is `contexts.Clustered` with 3 clusters.
Changed: score and cost are learned apart with one A, which is the published regression of (1 - lambda) score + lambda
(1 - energy) for every lambda at once, dollars in place of energy; the reading ease of the prompt is its length, since
the text is not there when an outcome comes; and who has no record is expected to score .5 (published: 0), so that it
is tried where others do well.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_ridges import ByRidges
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.contexts import Clustered
from agora.coordinator.routers.seam import Arms, Choice, Query


class GreenServLinUCBOptions(RouterOptions):
    """What can be set."""

    alpha: float = Field(default=0.1, ge=0)
    """Weight of the width: how much is tried for want of knowledge."""
    penalty: float = Field(default=0.05, gt=0)
    """Of the regressions."""
    clusters: int = Field(default=3, ge=1, le=256)
    """Of texts."""


class GreenServLinUCB(ByRidges):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: GreenServLinUCBOptions) -> None:
        self._alpha = options.alpha
        super().__init__(Clustered(options.clusters), penalty=options.penalty)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        success, cost, width = self._ridges.expected(self._contexts.of(query), arms)
        terms = {"success": success, "cost": cost, "width": width}
        index = success + self._alpha * width - dial * cost
        return by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial))


policy = routed("greenserv_linucb", GreenServLinUCBOptions, GreenServLinUCB)
"""LinUCB on task, cluster and length."""
