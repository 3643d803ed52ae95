"""Weights of agents from what they did on related queries, and a vote by these weights (after AgentRouter, 2510.05445).

    related_i  = .7 * sim_i + .3 * [same tag]                          of each earlier query; the k most related count
    mean_m     = (sum of related * scores of m + shrink * overall_m) / (sum of related + shrink)
    weight_m   = softmax of mean_m / temperature
    asked      : the highest mean_m - dial * cost_m first; the answer with most weight behind it is handed in

Published: a graph network over queries, entities and agents, trained (KL) towards the softmax of each agent's F1 on
the query; its weights fuse the agents' answers. Here the training-free form: the softmax of measured scores on related
queries. The tag stands for the entities, since the text is not there any more when an outcome comes. Where answers can
be compared and no check follows, up to `votes` of the order are asked: those whose vote could gain what it costs, and
none once nothing can turn the vote. Where a check follows, the first answer that passes is handed in, and the vote
decides among failed ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.by_neighbours import ByNeighbours
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.memory import nearest
from agora.coordinator.routers.seam import Arms, Choice, Move, Query, Seen

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

_BY_TEXT: Final = 0.7


class AgentRouterOptions(ExploringOptions):
    """What can be set."""

    k: int = Field(default=50, ge=1, le=10_000)
    """How many related queries count."""
    shrink: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """How many queries the arm's mean over everything counts for."""
    temperature: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    """Of the softmax: lower leaves more to the best."""
    votes: int = Field(default=3, ge=1, le=256)
    """How many are asked where answers can be compared and no check follows."""


class AgentRouter(ByNeighbours):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: AgentRouterOptions) -> None:
        super().__init__()
        self._options = options

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best by related queries, but for a little chance."""
        import numpy as np

        success, cost = self._success(query, arms), self._costs.of(arms)
        raised = np.exp((success - success.max()) / self._options.temperature)
        choice = by_value(success, cost, dial=dial)
        choice = choice._replace(terms={**choice.terms, "weight": raised / raised.sum()})
        return explored(choice, self._options, outcomes=self._memory.outcomes, draw=draw)

    def proceed(self, query: Query, arms: Arms, seen: Sequence[Seen], *, dial: float, draw: float) -> Move:
        """The next one of the order, until an answer passes or the vote is decided."""
        choice = self.choose(query, arms, dial=dial, draw=draw)
        passed = next((place for place, one in enumerate(seen) if one.passed), None)
        if passed is not None:
            return Move(hand_in=passed)
        checked = any(one.passed is not None for one in seen)
        compared = not seen or any(one.answer is not None for one in seen)
        most = choice.rungs if checked else self._options.votes if compared else 1
        asked = {one.place for one in seen}
        left = [place for place in choice.order if place not in asked][: max(0, most - len(seen))]
        if seen and not checked:
            left = _worth(choice, seen[0].place, left, dial=dial)
        weight = choice.terms["weight"]
        if seen and (not left or (not checked and _decided(seen, left, weight))):
            return Move(hand_in=_voted(seen, weight))
        return Move(ask=left[0])

    def _success(self, query: Query, arms: Arms) -> Vector:
        """Expected score of each, in [0, 1], (m,)."""
        import numpy as np

        scores = self._memory.scores(arms)
        if not len(scores):
            return np.ones(len(arms))
        everything = np.isfinite(scores)
        overall = (np.where(everything, scores, 0.0).sum(axis=0) + 1.0) / (everything.sum(axis=0) + 1.0)
        related = _BY_TEXT * np.maximum(self._memory.x @ query.x, 0.0)
        if query.tag:
            related += (1.0 - _BY_TEXT) * self._memory.tagged(query.tag)
        near = nearest(related, self._options.k)
        met, weights = scores[near], related[near] / max(float(related[near].max()), 1e-12)
        known = everything[near]
        total = weights @ np.where(known, met, 0.0) + self._options.shrink * overall
        value: Vector = total / (weights @ known + self._options.shrink)
        return value


def _worth(choice: Choice, first: int, left: Sequence[int], *, dial: float) -> list[int]:
    """Those whose vote could gain what it costs: at most where the first one is wrong and they are right."""
    success, cost = choice.terms["success"], choice.terms["cost"]
    wrong = 1.0 - float(success[first])
    return [place for place in left if wrong * float(success[place]) > dial * float(cost[place])]


def _votes(seen: Sequence[Seen], weight: Vector) -> dict[object, float]:
    """Weight behind each answer, in the order in which they came; one that nobody looks at stands alone."""
    behind: dict[object, float] = {}
    for place, one in enumerate(seen):
        answer = place if one.answer is None else one.answer
        behind[answer] = behind.get(answer, 0.0) + float(weight[one.place])
    return behind


def _decided(seen: Sequence[Seen], left: Sequence[int], weight: Vector) -> bool:
    """Whether those who are left cannot turn the vote together."""
    behind = sorted(_votes(seen, weight).values(), reverse=True)
    second = behind[1] if len(behind) > 1 else 0.0
    return behind[0] > second + sum(float(weight[place]) for place in left)


def _voted(seen: Sequence[Seen], weight: Vector) -> int:
    """The first of the answers with most weight behind them."""
    behind = _votes(seen, weight)
    most = max(behind.values())
    return next(place for place, one in enumerate(seen) if behind[place if one.answer is None else one.answer] == most)


policy = routed("agentrouter", AgentRouterOptions, AgentRouter)
"""What they did on related queries, and a vote."""
