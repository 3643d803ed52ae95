"""Scores that travel over a graph of tasks, queries and arms (after GraphRouter, arXiv 2410.03834, ICLR 2025).

    hop 1      the query to its nearest earlier queries i, weight a_i = sim_i / max sim
    hop 2      these to their own nearest j, weight a_i * fade * sim_ij / max_j sim_ij
    the task   the query to its tag, as `task` queries
    success_m  = (sum of weights * scores of m + task * success_tm) / (sum of weights + task)
    index_m    = success_m - dial * cost_tm

Published: a graph neural network of two layers over the same nodes and edges, trained to predict the edge from a query
to the model that does best. Here its two layers of aggregation without the trained weights, as simple graph
convolution has it (Wu et al., 2019): no training, the outcomes travel instead of embeddings, and each outcome counts
at once. Edges between queries are drawn when a query is first seen; `success_tm` and `cost_tm` are of `cells`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.cells import Cells
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.edges import Edges
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.memory import Memory, nearest
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import fits, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector


class GraphRouterOptions(ExploringOptions):
    """What can be set."""

    k: int = Field(default=30, ge=1, le=10_000)
    """Nearest queries of the query."""
    onward: int = Field(default=8, ge=0, le=10_000)
    """Nearest queries of each of these; 0: one hop."""
    fade: float = Field(default=0.5, ge=0, le=1)
    """What a query counts for that is two hops away, beside one that is one hop away."""
    task: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """How many queries the tag counts for."""
    shrink: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for in each tag."""


class GraphRouter:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: GraphRouterOptions) -> None:
        self._options = options
        self._memory, self._edges, self._cells = Memory(), Edges(options.onward), Cells(options.shrink)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best by what reaches the query over the graph, but for a little chance."""
        import numpy as np

        success, cost = self._cells.one(query.tag, arms)
        scores = self._memory.scores(arms)
        if not len(scores):
            best = by_value(success, cost, dial=dial)
            return explored(best, self._options, outcomes=0, draw=draw)
        places, weights = self._reached(query)
        met = scores[places]
        known = np.isfinite(met)
        total = weights @ np.where(known, met, 0.0)
        value = (total + self._options.task * success) / (weights @ known + self._options.task)
        best = by_value(value, cost, dial=dial)
        return explored(best, self._options, outcomes=self._memory.outcomes, draw=draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One more edge from a query to an arm."""
        self._edges.learn(self._memory.learn(query, arm, outcome), self._memory.x)
        self._cells.learn(query.tag, arm, outcome)

    def fit(self, log: Log) -> None:
        """The graph of a log."""
        before = len(self._memory)
        self._memory.fit(log)
        wrapped = before + len(log.queries) > len(self._memory)
        self._edges.fit(0 if wrapped else before, self._memory.latest, self._memory.x)
        self._cells.fit([query.tag for query in log.queries], log)

    def saved(self) -> JsonValue:
        """The graph."""
        return {"memory": self._memory.saved(), "edges": self._edges.saved(), "cells": self._cells.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._memory.restored(part(saved, "memory"))
        self._edges.restored(part(saved, "edges"))
        self._cells.restored(part(saved, "cells"))
        fits(len(self._edges) == len(self._memory), "edges")

    def _reached(self, query: Query) -> tuple[Places, Vector]:
        """Queries within two hops, and what each counts for; one that is reached twice counts twice, (r,) both."""
        import numpy as np

        similar = self._memory.x @ query.x
        near = nearest(similar, self._options.k)
        weights = _shares(similar[near])
        onward, similar_onward = self._edges.of(near)
        if not onward.size:
            return near, weights
        far = weights[:, None] * self._options.fade * _shares(similar_onward) * (onward >= 0)
        return np.concatenate((near, onward.ravel())), np.concatenate((weights, far.ravel()))


def _shares(similar: Matrix) -> Matrix:
    """Similarity beside the most similar in the row, in [0, 1]."""
    import numpy as np

    positive = np.maximum(similar, 0.0)
    value: Matrix = positive / np.maximum(positive.max(axis=-1, keepdims=True), 1e-12)
    return value


policy = routed("graphrouter", GraphRouterOptions, GraphRouter)
"""What reaches the query over the graph."""
