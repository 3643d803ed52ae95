"""Similarity-weighted Bradley-Terry (RouteLLM, "SW ranking", arXiv 2406.18665, section 4.2), for any number of arms.

    w_i      = 10^(sim_i / max sim - 1)                of each earlier query; published 10 * 10^(sim_i / max sim)
    rating_m = log((1 + sum w_i * s_im) / (.1 + sum w_i * (1 - s_im)))        against the query: a pass is a battle won
    P(m beats j) = sigma(rating_m - rating_j)          published: the strong model if P(strong beats weak) >= alpha
    success_m = sigma(rating_m),   index_m = success_m - dial * cost_m

Published: ratings of two tiers of models from human battles. Here each outcome is a battle of the arm against the
query, because where only the chosen arm's outcome is seen no two arms ever meet; ratings then have the closed form
above, and a pass against nothing known counts as one battle won. For two arms the index is the published rule with the
threshold that the dial stands for: success_s - success_w = (2 P - 1) * P(one of the two alone passes), so that alpha =
1/2 + dial * (cost_s - cost_w) / (2 P(one alone passes)). `threshold` sets alpha itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.by_neighbours import ByNeighbours
from agora.coordinator.routers.choosing import by_value
from agora.coordinator.routers.exploring import ExploringOptions, explored
from agora.coordinator.routers.seam import Arms, Choice, Query

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

_LOST: Final = 0.1
"""Weight of a battle lost that everyone begins with, beside one won: much is hoped of whom nothing is known."""


class RouteLLMOptions(ExploringOptions):
    """What can be set."""

    base: float = Field(default=10.0, ge=1, allow_inf_nan=False)
    """How many times as much the nearest query counts as one that has nothing in common with it."""
    threshold: float | None = Field(default=None, ge=0, le=1)
    """Ask the strongest where it beats the cheapest with at least this probability, else the cheapest; the dial changes
    nothing. None: the dial decides among all."""


class RouteLLM(ByNeighbours):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: RouteLLMOptions) -> None:
        super().__init__()
        self._options = options
        self._base, self._threshold = options.base, options.threshold

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best value, or one of two by the threshold, but for a little chance."""
        import numpy as np

        scores, cost = self._memory.scores(arms), self._costs.of(arms)
        won, lost = _battles(self._weights(query), scores)
        success = won / (won + lost)
        choice = by_value(success, cost, dial=dial)
        if self._threshold is None:
            return explored(choice, self._options, outcomes=self._memory.outcomes, draw=draw)
        won, lost = _battles(np.ones(len(scores)), scores)
        weak, strong = int(cost.argmin()), int((won / lost).argmax())
        odds = success[strong] * (1.0 - success[weak]), success[weak] * (1.0 - success[strong])
        wins = odds[0] / (odds[0] + odds[1]) if sum(odds) > 0 else 0.5
        first = strong if wins >= self._threshold else weak
        chances = np.zeros(len(arms))
        chances[first] = 1.0
        return choice._replace(
            order=[first, *(place for place in choice.order if place != first)],
            chances=chances,
            note=f"the strongest beats the cheapest with probability {wins:.3f}, threshold {self._threshold:g}",
        )

    def _weights(self, query: Query) -> Vector:
        """Of each earlier query, at most 1, (n,)."""
        import numpy as np

        if not len(self._memory):
            return np.zeros(0)
        similar = self._memory.x @ query.x
        most = float(similar.max())
        if most <= 0.0:
            return np.ones(len(similar))
        value: Vector = np.exp(np.log(self._base) * (np.maximum(similar, 0.0) / most - 1.0))
        return value


def _battles(weights: Vector, scores: Vector) -> tuple[Vector, Vector]:
    """Weights of battles won and lost against the queries, with those that are given for nothing, (m,) each."""
    import numpy as np

    known = np.isfinite(scores)
    if known.all():
        won, all_of_them = weights @ scores, np.full(scores.shape[1], float(weights.sum()))
    else:
        won, all_of_them = weights @ np.where(known, scores, 0.0), weights @ known
    return 1.0 + won, _LOST + np.maximum(all_of_them - won, 0.0)


policy = routed("routellm", RouteLLMOptions, RouteLLM)
"""Ratings by battles on similar queries."""
