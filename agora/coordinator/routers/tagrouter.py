"""Scores by tag, averaged over the tags of a query (TagRouter, arXiv 2506.12473).

    success_m = mean over the tags t of the query of success_tm          formulas in `cells`
    index_m   = success_m - dial * cost_m

Published: a small language model writes the tags, which are normalised by clusters of their embeddings; each tag
scores a model by its wins (1), ties (.5) and losses (0) against a reference model; the cheaper model is taken where
the sums differ by less than a threshold. Here, since that model is not to be had: the tags are what the owner says the
task is, the class of its length (powers of four characters), and the nearest few of many small clusters of queries. A
score is a pass or a fail, because where only the chosen arm's outcome is seen there is no reference beside it: against
one reference the two differ by the same amount for every arm, and the dial is the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.cells import Cells
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.clusters import Clusters
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

_LONGEST: Final = 9


class TagRouterOptions(ExploringOptions):
    """What can be set."""

    topics: int = Field(default=24, ge=1, le=256)
    """How many clusters of queries are topics, at most."""
    per_query: int = Field(default=2, ge=1, le=256)
    """How many topics a query has."""
    shrink: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for in each tag."""


class TagRouter:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: TagRouterOptions) -> None:
        self._options = options
        self._per_query = options.per_query
        self._topics, self._cells = Clusters(options.topics), Cells(options.shrink)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best by the mean over the tags, but for a little chance."""
        success, cost = self._cells.of(self._tags(query), arms)
        best = by_value(success.mean(axis=0), cost.mean(axis=0), dial=dial)
        return explored(best, self._options, outcomes=self._cells.outcomes, draw=draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Count it at each tag."""
        self._topics.learn(query.x)
        self._cells.learn_all(self._tags(query), arm, outcome)

    def fit(self, log: Log) -> None:
        """Find the topics, and count at each tag."""
        import numpy as np

        if log.queries:
            self._topics.fit(np.array([query.x for query in log.queries]))
            self._cells.fit_all([self._tags(query) for query in log.queries], log)

    def saved(self) -> JsonValue:
        """Topics, counts and sums."""
        return {"topics": self._topics.saved(), "cells": self._cells.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._topics.restored(part(saved, "topics"))
        self._cells.restored(part(saved, "cells"))

    def _tags(self, query: Query) -> Sequence[str]:
        """Said, by length, by topic; each once, at least one."""
        import numpy as np

        long = min(_LONGEST, int(math.log(max(query.size, 1.0), 4.0)))
        tags = [f"said {query.tag}"] if query.tag else []
        tags.append(f"length {long}")
        if len(self._topics):
            near = np.argsort(-self._topics.near(query.x), kind="stable")[: self._per_query]
            tags.extend(f"topic {topic}" for topic in near.tolist())
        return tags


policy = routed("tagrouter", TagRouterOptions, TagRouter)
"""What each did on queries with these tags."""
