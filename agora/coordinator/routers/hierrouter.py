"""Stage by stage, given who failed before: the inference of HierRouter (arXiv 2511.09873), with a value of its own.

    V_t(m | F) = p(m | F) - dial * cost_m + (1 - p(m | F)) max(0, max_k p(k | F + m) - dial * cost_k)

HierRouter is a Markov decision process of L stages whose state is the context, the stage and what was spent; a network
trained by PPO picks the model of each stage. That training is not to be had, so this is the inference-time form with
another value: F are those whose answers failed the check, p the share of the nearest earlier queries on which m passes
among those where all of F did not, and each stage takes the best of a look one stage ahead. Money that is spent is gone
and changes no choice; the last stage is where nobody is worth its cost any more, or L. Without a check there is one
stage. Changed besides: a model's answer is not given to the next one to go on with.
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
    from agora.coordinator.routers.seam import Matrix, Vector


class HierRouterOptions(RouterOptions):
    """What can be set."""

    k: int = Field(default=150, ge=1, le=10_000)
    """Neighbours."""
    stages: int = Field(default=4, ge=1, le=256)
    """L, the most that are planned for."""
    prior: float = Field(default=3.0, gt=0)
    """How many neighbours a model's mean counts for."""
    lasting: float = Field(default=0.7, ge=0, le=1)
    """What a failure before leaves of the chance of a model that was never seen together with it."""


class HierRouter(ByNeighbours):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: HierRouterOptions) -> None:
        super().__init__()
        self._options = options

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The models of the stages, then the others by what they are worth."""
        import numpy as np

        cost, held = self._costs.of(arms), self._memory.scores(arms)
        overall = _passes(held, 1.0, np.ones(len(arms)))  # of whom nothing is known, a pass
        near = held[nearest(self._memory.x @ query.x, self._options.k)] if len(held) else held
        success = _passes(near, self._options.prior, overall)
        terms = {"success": success, "cost": cost}
        if not query.checked:
            return by_index(success - dial * cost, cost, terms=terms)
        stages = self._stages(near, success, dial * cost)
        index = success - dial * cost
        index -= 1.0 + float(index.max())  # everybody below 0
        index[stages] = np.arange(len(stages), 0, -1)
        return by_index(index, cost, terms=terms, rungs=len(stages))

    def _stages(self, near: Matrix, success: Vector, price: Vector) -> list[int]:
        """Who is asked at each stage, at least one.

        Args:
            near: Scores on the neighbours; NaN: unknown, (k, m).
            success: Chance of passing, before anybody failed, (m,).
            price: What asking each takes away, in reward, (m,).
        """
        import numpy as np

        options, known = self._options, np.isfinite(near)
        scores, failed = np.where(known, near, 0.0), np.where(known, 1.0 - near, 0.0)
        weight, passes, stages = np.ones(len(near)), success, list[int]()
        while len(stages) < min(options.stages, len(success)):
            # of each pair: the chance of the second where those before and the first failed, (m, m)
            both: Matrix = (failed * weight[:, None]).T @ scores
            seen: Matrix = (failed * weight[:, None]).T @ known.astype(float)
            then = (both + options.prior * options.lasting * passes) / (seen + options.prior) - price
            np.fill_diagonal(then, 0.0)
            then[:, stages] = 0.0
            now = passes - price
            ahead: Vector = (1.0 - passes) * np.maximum(then.max(axis=1), 0.0)
            value: Vector = np.where(now > 0, now, -np.inf) + ahead
            value[stages] = -np.inf
            best = int(np.lexsort((price, -np.round(value, 12)))[0])
            if not np.isfinite(value[best]):
                break
            stages.append(best)
            weight = weight * np.where(known[:, best], failed[:, best], 1.0 - passes[best])
            passes = _passes(near, options.prior, options.lasting * passes, weight)
        return stages or [int(np.lexsort((price, -np.round(success - price, 12)))[0])]


def _passes(near: Matrix, prior: float, otherwise: Vector, weight: Vector | None = None) -> Vector:
    """Share of passes of each column, with so many of another value among them, (m,)."""
    import numpy as np

    known = np.isfinite(near).astype(np.float64)
    rows = np.ones(len(near)) if weight is None else weight
    total = rows @ np.where(known > 0, near, 0.0)
    value: Vector = (total + prior * otherwise) / (rows @ known + prior)
    return value


policy = routed("hierrouter", HierRouterOptions, HierRouter)
"""Stage by stage, given who failed."""
