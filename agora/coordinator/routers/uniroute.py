"""Mean scores by cluster of queries (UniRoute, arXiv 2502.08773, with k-means).

    psi_m[g] = mean error of m on queries of cluster g             g: k-means over the queries' vectors
    route to   argmin_m  psi_m[g(x)] + lambda * c_m                here: argmax success_gm - dial * cost_gm

A model is the vector of its errors by cluster, so that a new one joins with a few outcomes and without training. This
is the paper's form with k-means; its second form, with a trained map from queries to clusters, is not built. Changed:
each mean is shrunk to the arm's mean over everything, since cells are small when only the chosen arm's outcome is
seen; the cost, too, is by cluster; centres move on with each outcome, and begin at the first queries where no log was
fitted. As published, the number of clusters is the one that predicts a fifth of the log best, by squared error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.cells import Cells
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.clusters import Clusters
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places

_TRIED: Final = (3, 5, 10, 20, 40)
_FIRST: Final = 10
"""So many clusters where nothing was fitted."""
_LEFT_OUT: Final = 5
"""Of so many queries one is predicted."""


class UniRouteOptions(ExploringOptions):
    """What can be set."""

    clusters: int = Field(default=0, ge=0, le=256)
    """How many clusters, at most; 0: as many as predict best, of 3, 5, 10, 20 and 40."""
    shrink: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for in each cluster."""


class UniRoute:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: UniRouteOptions) -> None:
        self._options = options
        self._clusters, self._cells = Clusters(options.clusters or _FIRST), Cells(options.shrink)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best of the query's cluster, but for a little chance."""
        best = by_value(*self._cells.one(_group(self._clusters.of(query.x)), arms), dial=dial)
        return explored(best, self._options, outcomes=self._cells.outcomes, draw=draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Count it in its cluster."""
        self._cells.learn(_group(self._clusters.learn(query.x)), arm, outcome)

    def fit(self, log: Log) -> None:
        """Find the clusters, and count in each."""
        import numpy as np

        if not log.queries:
            return
        x = np.array([query.x for query in log.queries])
        if not self._options.clusters:
            self._clusters = Clusters(_best(x, log, self._options.shrink))
        self._cells.fit(_groups(self._clusters.fit(x)), log)

    def saved(self) -> JsonValue:
        """Centres, counts and sums."""
        return {"most": self._clusters.most, "clusters": self._clusters.saved(), "cells": self._cells.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._clusters = Clusters(integer(saved, "most", least=1))
        self._clusters.restored(part(saved, "clusters"))
        self._cells.restored(part(saved, "cells"))


def _best(x: Matrix, log: Log, shrink: float) -> int:
    """The number of clusters that predicts the queries best that are left out, (n, d)."""
    import numpy as np

    out = np.arange(len(x)) % _LEFT_OUT == _LEFT_OUT - 1
    if not out.any() or not np.isfinite(log.scores[out]).any():
        return _FIRST
    kept = [query for query, left in zip(log.queries, out, strict=True) if not left]
    rest = log._replace(queries=kept, scores=log.scores[~out], costs=log.costs[~out])
    errors: list[float] = []
    for most in _TRIED:
        clusters, cells = Clusters(most), Cells(shrink)
        cells.fit(_groups(clusters.fit(x[~out])), rest)
        by_group, _ = cells.of([_group(group) for group in range(len(clusters))], log.arms)
        expected = by_group[[clusters.of(one) for one in x[out]]]
        errors.append(float(np.nanmean((log.scores[out] - expected) ** 2)))
    return _TRIED[int(np.argmin(errors))]


def _groups(found: Places) -> list[str]:
    return [_group(int(cluster)) for cluster in found]


def _group(cluster: int) -> str:
    return str(cluster)


policy = routed("uniroute", UniRouteOptions, UniRoute)
"""What each did on queries of this cluster."""
