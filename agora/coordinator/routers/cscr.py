"""Queries and arms in one space, trained within bands of cost (after CSCR, arXiv 2508.12491, NeurIPS 2025).

    f_m     = success of m by cluster of queries, less the mean of all arms, of length 1            its fingerprint
    sim_m   = (W (x, 1)) . f_m
    loss    = mean over bands b of  -log(exp(sim_p) / (exp(sim_p) + sum over the fails f of b of exp(sim_f)))
              p: the cheapest of the band that passed;  bands: arms by cost, equally many in each
    index_m = success_m - dial * cost_m          success by cluster, and by the line of `lines`

Published: fingerprints are logits, or perplexities, on probe prompts, and an encoder of queries is trained towards
them; the nearest arm is asked. Here a fingerprint is what an arm got right by cluster, which needs no access to
logits, so that a newcomer has one after a few outcomes; the encoder is one linear map, trained by the same loss (full
batches); the line sets the similarity against costs, so that the dial can be turned. Changed for single outcomes: W
moves along f_m where m did better than expected, and against it where it did worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.cells import EVERYTHING, Cells
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.clusters import Clusters
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.lines import Line, left_out
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

_ROUNDS: Final = 100


class CSCROptions(ExploringOptions):
    """What can be set."""

    clusters: int = Field(default=5, ge=1, le=256)
    """Length of a fingerprint."""
    bands: int = Field(default=4, ge=1, le=256)
    """Bands of cost; at least two arms are in each."""
    shrink: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for in each cluster."""
    rate: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """Step of the training."""
    step: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    """How far the map moves with one outcome."""


class CSCR:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: CSCROptions) -> None:
        import numpy as np

        self._options = options
        self._clusters, self._cells, self._line = Clusters(options.clusters), Cells(options.shrink), Line()
        self._w: Matrix = np.zeros((options.clusters, 0))  # from queries to fingerprints, (clusters, d + 1)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best by cluster and by similarity, but for a little chance."""
        success, cost, prints = self._prints(query, arms)
        if self._w.shape[1]:
            success = self._line.success(arms, success, prints @ (self._w @ _with_one(query.x)))
        best = by_value(success, cost, dial=dial)
        return explored(best, self._options, outcomes=self._cells.outcomes, draw=draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Hold the similarity against the outcome, and move the map."""
        import numpy as np

        z, cluster = _with_one(query.x), self._clusters.learn(query.x)
        if not self._w.shape[1]:
            self._w = np.zeros((self._options.clusters, len(z)))
        keys = self._line.rows.keys
        everyone = Arms(keys if arm in keys else [*keys, arm])
        success, _, prints = self._prints(query, everyone)
        place = everyone.keys.index(arm)
        left = self._line.learn(arm, float(prints[place] @ (self._w @ z)), outcome.score - float(success[place]))
        self._w += self._options.step * left * np.outer(prints[place], z)
        self._cells.learn(str(cluster), arm, outcome)

    def fit(self, log: Log) -> None:
        """Find the clusters, then train the map, then the slope."""
        import numpy as np

        if not log.queries:
            return
        x = np.array([query.x for query in log.queries])
        groups = [str(cluster) for cluster in self._clusters.fit(x).tolist()]
        self._cells.fit(groups, log)
        _, cost, prints = self._prints(log.queries[0], log.arms)
        z, out, bands = _with_ones(x), left_out(len(x)), _bands(cost, self._options.bands)
        half = _trained(z[~out], log.scores[~out], prints, bands, rate=self._options.rate)
        expected, _ = self._cells.of(groups, log.arms)
        self._line.fit(z[out] @ half.T @ prints.T, log.scores[out] - expected[out])
        self._w = _trained(z, log.scores, prints, bands, rate=self._options.rate)
        self._line.usual(log.arms.keys, z @ self._w.T @ prints.T, log.scores)

    def saved(self) -> JsonValue:
        """Clusters, counts, the map and the line."""
        return {
            "clusters": self._clusters.saved(),
            "cells": self._cells.saved(),
            "line": self._line.saved(),
            "w": packed(self._w),
        }

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._clusters.restored(part(saved, "clusters"))
        self._cells.restored(part(saved, "cells"))
        self._line.restored(part(saved, "line"))
        self._w = array(saved, "w", self._options.clusters, None)
        fits(self._w.shape[1] in (0, self._clusters.centres.shape[1] + 1), "w")

    def _prints(self, query: Query, arms: Arms) -> tuple[Vector, Vector, Matrix]:
        """Success and cost of each in the query's cluster, (m,), and their fingerprints, (m, clusters)."""
        import numpy as np

        most = self._options.clusters
        groups = [str(cluster) for cluster in range(most)]
        success, cost = self._cells.of([*groups, EVERYTHING], arms)
        at = self._clusters.of(query.x)
        strong = (success[:most] - success[:most].mean(axis=1, keepdims=True)).T
        length = np.sqrt((strong * strong).sum(axis=1, keepdims=True))
        return success[at], cost[at], strong / np.maximum(length, 1e-9)


def _bands(cost: Vector, most: int) -> list[list[int]]:
    """Arms by cost, the cheapest first, in bands of equally many; at least two in each where there are two."""
    import numpy as np

    order = np.argsort(cost, kind="stable")
    parts = np.array_split(order, max(1, min(most, len(cost) // 2)))
    return [[int(place) for place in part_of.tolist()] for part_of in parts]


def _trained(z: Matrix, scores: Matrix, prints: Matrix, bands: list[list[int]], *, rate: float) -> Matrix:
    """The map of least loss, (clusters, d + 1).

    Args:
        z: Queries, (n, d + 1).
        scores: A pass is .5 or more; NaN counts for nothing, (n, m).
        prints: Fingerprints, (m, clusters).
        bands: Places of the arms of each, the cheapest first.
        rate: Step of gradient descent.
    """
    import numpy as np

    w = np.zeros((prints.shape[1], z.shape[1]))
    for _ in range(_ROUNDS if len(z) else 0):
        similar = z @ w.T @ prints.T
        slope = np.zeros_like(similar)
        for band in bands:
            slope[:, band] = _slopes(similar[:, band], scores[:, band])
        w = w - rate * prints.T @ slope.T @ z / (len(z) * len(bands))
    return w


def _slopes(similar: Matrix, scores: Matrix) -> Matrix:
    """Derivative of the loss of one band by each similarity, (n, members), who are ordered by cost."""
    import numpy as np

    passes, fails = scores >= 0.5, scores < 0.5  # NaN is neither
    chosen = passes & (np.cumsum(passes, axis=1) == 1)
    raised = np.exp(similar - similar.max(axis=1, keepdims=True))
    counted = raised * (chosen | fails)
    shares = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1e-300)
    value: Matrix = (shares - chosen) * chosen.any(axis=1, keepdims=True)
    return value


def _with_one(x: Vector) -> Vector:
    import numpy as np

    return np.append(x, 1.0)


def _with_ones(x: Matrix) -> Matrix:
    import numpy as np

    return np.hstack([x, np.ones((len(x), 1))])


policy = routed("cscr", CSCROptions, CSCR)
"""Nearest fingerprint, trained within bands of cost."""
