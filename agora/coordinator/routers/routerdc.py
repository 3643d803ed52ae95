"""Similarity of the query to a learned vector of each arm (after RouterDC, arXiv 2409.19886, NeurIPS 2024).

    z       = (x, 1) / sqrt(2)                   the query, with a place for what holds of all queries
    sim_m   = cos(z, v_m)
    loss    = mean over passes p of  -log(exp(sim_p / t) / (exp(sim_p / t) + sum over fails f of exp(sim_f / t)))
    index_m = success_m - dial * cost_m          success by the line of `lines`

Published: the encoder of queries is trained together with the vectors, by this loss over the best and the worst three
models of each query, and by a second one that keeps similar queries together; costs do not occur. Here the encoder
stays as it is, so that the second loss has nothing to do; the vectors alone are trained (Adam, full batches), over all
that passed and all that failed, and a line turns similarities into scores, fitted on a fifth of the log that the
vectors were not trained on. Changed for single outcomes: v_m moves towards a query where it did better than expected,
away from it where it did worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.cells import EVERYTHING, Cells
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.lines import Holes, Line, left_out
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, fits, integer, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.errors import LedgerError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

_ROUNDS: Final = 150
_FADE: Final = (0.9, 0.999)


class RouterDCOptions(ExploringOptions):
    """What can be set."""

    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Of the loss."""
    rate: float = Field(default=0.02, gt=0, allow_inf_nan=False)
    """Step of the training."""
    step: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    """How far a vector moves with one outcome."""


class RouterDC:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: RouterDCOptions) -> None:
        import numpy as np

        self._options = options
        self._cells, self._line = Cells(1.0), Line()
        self._v: Matrix = np.zeros((0, 0))  # of each arm, of length 1, (arms, d + 1)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best by its similarity to the query, but for a little chance."""
        overall, cost = self._cells.one(EVERYTHING, arms)
        if not len(self._v):
            best = by_value(overall, cost, dial=dial)
            return explored(best, self._options, outcomes=self._cells.outcomes, draw=draw)
        similar = self._v[self._line.rows.known(arms)] @ _with_one(query.x)
        best = by_value(self._line.success(arms, overall, similar), cost, dial=dial)
        return explored(best, self._options, outcomes=self._cells.outcomes, draw=draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Hold the arm's similarity against the outcome, and move its vector."""
        import numpy as np

        row, z = self._line.rows.of(arm), _with_one(query.x)
        self._room(len(z))
        expected, _ = self._cells.one(EVERYTHING, Arms([arm]))
        left = self._line.learn(arm, float(self._v[row] @ z), outcome.score - float(expected[0]))
        moved = self._v[row] + self._options.step * left * z
        self._v[row] = moved / max(float(np.sqrt(moved @ moved)), 1e-12)
        self._cells.learn(EVERYTHING, arm, outcome)

    def fit(self, log: Log) -> None:
        """Train the vectors, then the slope."""
        import numpy as np

        self._cells.fit([EVERYTHING] * len(log.queries), log)
        if not log.queries:
            return
        rows = [self._line.rows.of(key) for key in log.arms.keys]
        z = np.array([_with_one(query.x) for query in log.queries])
        self._room(z.shape[1])
        out = left_out(len(z))
        self._line.fit(z[out] @ _trained(z[~out], log.scores[~out], self._options).T, log.scores[out])
        self._v[rows] = _trained(z, log.scores, self._options)
        self._line.usual(log.arms.keys, z @ self._v[rows].T, log.scores)

    def saved(self) -> JsonValue:
        """Vectors and sums."""
        sizes: dict[str, JsonValue] = {"features": self._v.shape[1]}
        return {**sizes, "v": packed(self._v), "line": self._line.saved(), "cells": self._cells.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._line.restored(part(saved, "line"))
        self._v = array(saved, "v", None, integer(saved, "features"))
        fits(len(self._v) in (0, len(self._line.rows)), "v")
        self._cells.restored(part(saved, "cells"))

    def _room(self, d: int) -> None:
        """A vector for every arm that is known: at first towards what holds of all queries."""
        import numpy as np

        arms, before = self._v.shape
        if arms and before != d:
            raise LedgerError(f"a query has {d - 1} features, those before it {before - 1}")
        more = len(self._line.rows) - arms
        if more > 0:
            self._v = np.vstack([self._v.reshape(arms, d), np.zeros((more, d))])
            self._v[arms:, -1] = 1.0


def _with_one(x: Vector) -> Vector:
    import numpy as np

    value: Vector = np.append(x, 1.0) * np.sqrt(0.5)
    return value


def _trained(z: Matrix, scores: Matrix, options: RouterDCOptions) -> Matrix:
    """Unit vectors of the arms of least loss, (m, d + 1).

    Args:
        z: Queries, (n, d + 1).
        scores: A pass is .5 or more; NaN counts for nothing, (n, m).
        options: Temperature of the loss, and the step of Adam (Kingma and Ba, 2015).
    """
    import numpy as np

    passes, fails = scores >= 0.5, scores < 0.5  # NaN is neither
    told = passes.any(axis=1) & fails.any(axis=1)
    passes, fails, z = passes[told], fails[told], z[told]
    v = np.zeros((scores.shape[1], z.shape[1]))
    v[:, -1] = 1.0
    first, second = np.zeros_like(v), np.zeros_like(v)
    for turn in range(1, _ROUNDS + 1 if len(z) else 1):
        slope = _slopes(z @ v.T / options.temperature, passes, fails).T @ z / (len(z) * options.temperature)
        slope -= (slope * v).sum(axis=1, keepdims=True) * v  # along the sphere
        first = _FADE[0] * first + (1.0 - _FADE[0]) * slope
        second = _FADE[1] * second + (1.0 - _FADE[1]) * slope**2
        size = np.sqrt(second / (1.0 - _FADE[1] ** turn)) + 1e-8
        v = v - options.rate * first / (1.0 - _FADE[0] ** turn) / size
        v /= np.sqrt((v * v).sum(axis=1, keepdims=True))
    return v


def _slopes(similar: Matrix, passes: Holes, fails: Holes) -> Matrix:
    """Derivative of the loss by each similarity over the temperature, (n, m)."""
    import numpy as np

    raised = np.exp(similar - similar.max(axis=1, keepdims=True))
    against = (raised * fails).sum(axis=1, keepdims=True)
    missing = passes * against / (raised + against)  # 1 - the share of a pass beside all fails
    many = np.maximum(passes.sum(axis=1, keepdims=True), 1)
    towards = (passes / (raised + against)).sum(axis=1, keepdims=True)
    value: Matrix = (fails * raised * towards - missing) / many
    return value


policy = routed("routerdc", RouterDCOptions, RouterDC)
"""Whose vector is most similar to the query."""
