"""Agents first, then the models of the Pareto front, nearest to the ideal (MoMA, arXiv 2509.07571).

    success_m = theta_m . [1, tag, gates(x)],  gates = softmax over k centres
    front = those that no other beats in success and in cost;  order by d- / (d+ + d-)      (TOPSIS)

d+ and d- are the distances to (best success, lowest cost) and to (worst success, highest cost) among those considered,
costs in score by the dial. MoMA first asks whether a specialised agent fits: where what somebody says it can do fits
the query at least `fits`, all that fit less are masked, and come last. Changed: the mixture-of-experts head over a
language model's embedding, trained on 2.25 million judged comparisons, is a ridge regression on soft clusters of the
texts (experts that are constant each), learned from scores; the state machine over an agent's dialogue is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, falling, mixed, worth
from agora.coordinator.routers.clusters import Clusters
from agora.coordinator.routers.contexts import Tagged
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, whole
from agora.coordinator.routers.ridges import Ridges, stacked
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class MoMAOptions(RouterOptions):
    """What can be set."""

    experts: int = Field(default=12, ge=1, le=256)
    """k, centres of texts."""
    temperature: float = Field(default=0.1, gt=0)
    """Of the gates: less is surer."""
    penalty: float = Field(default=1.0, gt=0)
    """Of the regressions."""
    explore: float = Field(default=0.2, ge=0, le=1)
    """Share of chance before anything is known; it halves with the first 50 outcomes, and then as 1 / outcomes."""
    fits: float = Field(default=0.7, ge=0, le=1)
    """How well an agent must fit to be preferred to those that do less."""


class MoMA:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: MoMAOptions) -> None:
        self._options = options
        self._contexts, self._experts = Tagged(text=1.0), Clusters(options.experts)
        self._outcomes = 0
        self._ridges = Ridges(penalty=options.penalty, prior=1.0)  # whom nothing is known of is tried

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The front before the others, and those that fit before those that do not."""
        import numpy as np

        success, cost = self._ridges.means(self._contexts.of(self._gated(query)), arms)
        price = dial * cost
        masked = _masked(arms, self._options.fits)
        index = _closeness(success, price) + _front(success, cost, masked) - 4.0 * masked
        terms = {"success": success, "cost": cost, "masked": masked.astype(np.float64)}
        best = by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial))
        return mixed(best, falling(self._options.explore, self._outcomes), draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One step of the arm's regression; the nearest centre moves."""
        self._outcomes += 1
        self._experts.learn(query.x)
        self._ridges.learn(self._contexts.learned(self._gated(query)), arm, outcome)

    def fit(self, log: Log) -> None:
        """Centres, then all arms' regressions."""
        if not log.queries:
            return
        self._outcomes += len(log.queries)
        self._experts.fit(stacked([query.x for query in log.queries]))
        gated = log._replace(queries=[self._gated(query) for query in log.queries])
        self._ridges.fit(self._contexts.fitted(gated), gated)

    def saved(self) -> JsonValue:
        """Centres and regressions."""
        kept: dict[str, JsonValue] = {"contexts": self._contexts.saved(), "experts": self._experts.saved()}
        return {**kept, "ridges": self._ridges.saved(), "outcomes": self._outcomes}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._contexts.restored(part(saved, "contexts"))
        self._experts.restored(part(saved, "experts"))
        self._ridges.restored(part(saved, "ridges"))
        self._outcomes = integer(saved, "outcomes")

    def _gated(self, query: Query) -> Query:
        """The query with the gates in place of its text's vector."""
        import numpy as np

        gates = np.zeros(self._options.experts)
        if len(self._experts):
            near = self._experts.near(query.x) / self._options.temperature
            pulls = np.exp(near - near.max())
            gates[: len(pulls)] = pulls / pulls.sum()
        return query._replace(x=gates)


def _masked(arms: Arms, fits: float) -> Vector:
    """Who gives way to somebody that fits better, (m,) of 0 and 1."""
    import numpy as np

    told = np.where(np.isfinite(arms.similarity), arms.similarity, 0.0)
    fit = told >= fits
    return np.where(fit, 0.0, 1.0) if fit.any() else np.zeros(len(arms))


def _front(success: Vector, cost: Vector, masked: Vector) -> Vector:
    """2 for whom nobody beats that is not masked, else 0, (m,)."""
    import numpy as np

    rival = masked < 1.0
    better = (success[:, None] >= success) & (cost[:, None] <= cost)
    strictly = (success[:, None] > success) | (cost[:, None] < cost)
    beaten = (better & strictly & rival[:, None]).any(axis=0)
    return np.where(beaten, 0.0, 2.0)


def _closeness(success: Vector, price: Vector) -> Vector:
    """TOPSIS: 1 at the ideal, 0 at the worst of both, (m,)."""
    import numpy as np

    far_best = np.hypot(success.max() - success, price - price.min())
    far_worst = np.hypot(success - success.min(), price.max() - price)
    total = far_best + far_worst
    return np.where(total > 0, far_worst / np.where(total > 0, total, 1.0), 1.0)


policy = routed("moma", MoMAOptions, MoMA)
"""The Pareto front, nearest to the ideal."""
