"""Three opinions vote: the best of the tag, the nearest ten earlier queries, the best overall (ACRouter, 2606.22902).

    index_m = sum over opinions o of  weight_o * (success_om - dial * cost_m)
    weight_o = the share of the past in which the arm that o would have chosen did well, (right + 1) / (asked + 2)

Published: an orchestrator of dimension-best prior, cosine memory, a small fine-tuned model and heuristics, in a loop of
context, action and feedback with a verifier and a memory of 20,000. Here without the fine-tuned model; the heuristics
are the best overall; the verifier is the task's check, whose verdicts weigh the opinions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.cells import EVERYTHING, Cells
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.memory import Memory, nearest
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector


class ACRouterOptions(RouterOptions):
    """What can be set."""

    k: int = Field(default=10, ge=1, le=10_000)
    """Neighbours that have an opinion."""
    shrink: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """How many queries an arm's mean over everything counts for beside them."""


class ACRouter:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: ACRouterOptions) -> None:
        import numpy as np

        self._k, self._shrink = options.k, options.shrink
        self._memory, self._cells = Memory(), Cells(options.shrink)
        self._record: Matrix = np.zeros((3, 2))  # opinion -> right, asked

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The weighted vote; nothing is left to chance."""
        opinions, cost = self._opinions(query, arms)
        weights = (self._record[:, 0] + 1.0) / (self._record[:, 1] + 2.0)
        success: Vector = weights @ opinions / float(weights.sum())
        terms = {"success": success, "cost": cost, "tag": opinions[0], "near": opinions[1], "overall": opinions[2]}
        rungs = worth(success, cost, dial=dial)
        return by_index(success - dial * cost, cost, terms=terms, rungs=rungs)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Weigh the opinions that spoke for it, and remember."""
        arms = Arms(self._memory.rows.keys)
        if arm in arms.keys:
            opinions, cost = self._opinions(query, arms)
            for number, success in enumerate(opinions):
                if arms.keys[by_index(success, cost, terms={}).order[0]] == arm:
                    self._record[number] += (outcome.score, 1.0)
        self._memory.learn(query, arm, outcome)
        self._cells.learn(query.tag, arm, outcome)

    def fit(self, log: Log) -> None:
        """Remember all of it; opinions are weighed by what comes after."""
        self._memory.fit(log)
        self._cells.fit([query.tag for query in log.queries], log)

    def saved(self) -> JsonValue:
        """What it remembers, and the opinions' records."""
        return {"memory": self._memory.saved(), "cells": self._cells.saved(), "record": packed(self._record)}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._memory.restored(part(saved, "memory"))
        self._cells.restored(part(saved, "cells"))
        self._record = array(saved, "record", 3, 2)

    def _opinions(self, query: Query, arms: Arms) -> tuple[Matrix, Vector]:
        """Success by tag, by neighbours and overall, (3, m); cost, (m,)."""
        import numpy as np

        success, cost = self._cells.of((query.tag, EVERYTHING), arms)
        near = success[1]
        if len(self._memory):
            scores = self._memory.scores(arms)[nearest(self._memory.x @ query.x, self._k)]
            known = np.isfinite(scores)
            total = np.where(known, scores, 0.0).sum(axis=0) + self._shrink * success[1]
            near = total / (known.sum(axis=0) + self._shrink)
        return np.stack([success[0], near, success[1]]), cost[0]


policy = routed("acrouter", ACRouterOptions, ACRouter)
"""Three opinions, weighed by how right they were."""
