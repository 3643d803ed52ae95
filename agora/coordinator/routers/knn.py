"""The mean score of the nearest earlier queries ("When Simple kNN Beats Complex Learned Routers", arXiv 2505.12601).

    success_m = (sum of scores of m among the k nearest + prior * mean_m) / (their number + prior)
    index_m   = success_m - dial * cost_m

Changed: scores are shrunk to the arm's mean over everything, since few of the neighbours may have been asked of it when
only the chosen arm's outcome is seen (published: full information), and the cost is the arm's mean. Of whom nothing is
known, .5 is expected, so that everybody is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_neighbours import ByNeighbours
from agora.coordinator.routers.choosing import by_index
from agora.coordinator.routers.memory import nearest
from agora.coordinator.routers.seam import Arms, Choice, Query

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class KNNOptions(RouterOptions):
    """What can be set."""

    k: int = Field(default=100, ge=1, le=10_000)
    """Neighbours."""
    prior: float = Field(default=2.0, ge=0)
    """How many neighbours the arm's mean over everything counts for."""


class KNN(ByNeighbours):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: KNNOptions) -> None:
        super().__init__()
        self._k, self._prior = options.k, options.prior

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index among the neighbours; nothing is left to chance."""
        success, cost = self._success(query, arms), self._costs.of(arms)
        return by_index(success - dial * cost, cost, terms={"success": success, "cost": cost}, rungs=len(arms))

    def _success(self, query: Query, arms: Arms) -> Vector:
        import numpy as np

        scores = self._memory.scores(arms)
        if not len(scores):
            return np.full(len(arms), 0.5)
        near = scores[nearest(self._memory.x @ query.x, self._k)]
        overall, everything = _mean(scores, prior=self._prior, otherwise=0.5), np.isfinite(near)
        total = np.where(everything, near, 0.0).sum(axis=0)
        value: Vector = (total + self._prior * overall) / (everything.sum(axis=0) + max(self._prior, 1e-9))
        return value


def _mean(scores: Vector, *, prior: float, otherwise: float) -> Vector:
    """The mean of each column, with so many of another value among them."""
    import numpy as np

    known = np.isfinite(scores)
    total = np.where(known, scores, 0.0).sum(axis=0)
    value: Vector = (total + prior * otherwise) / (known.sum(axis=0) + max(prior, 1e-9))
    return value


policy = routed("knn", KNNOptions, KNN)
"""Neighbours decide."""
