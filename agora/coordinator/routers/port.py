"""Performance and cost of the nearest earlier queries, without training (PORT, its repository fzwark/PORT).

    index_m = mean score of m among the k nearest - dial * mean cost of m among the k nearest

The first queries are routed at random, as published, to have something to look at. Changed: means are shrunk to the
arm's over everything, since few of the neighbours may have been asked of it; the first share is a number of outcomes,
since nobody says how many queries will come; and one price of money, the dial, stands in place of PORT's duals. Those,
solved once from the first queries under budgets, are a wrapper of any router.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_neighbours import ByNeighbours
from agora.coordinator.routers.choosing import BY_CHANCE, by_value, drawn, even
from agora.coordinator.routers.memory import nearest
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

_COST = "\n$"  # behind an arm's key: the column of its costs


class PortOptions(RouterOptions):
    """What can be set."""

    k: int = Field(default=50, ge=1, le=10_000)
    """Neighbours."""
    prior: float = Field(default=2.0, gt=0)
    """How many neighbours the arm's mean over everything counts for."""
    first: int = Field(default=25, ge=0)
    """Outcomes that are gathered at random where no log was fitted."""


class Port(ByNeighbours):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: PortOptions) -> None:
        super().__init__()
        self._options = options
        self._columns: tuple[Arms, Arms] | None = None

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best among the neighbours, or anybody while too little is known."""
        import numpy as np

        overall, m = self._costs.of(arms), len(arms)
        if len(self._memory) < self._options.first:
            success = np.full(m, 0.5)
            return drawn(even(arms), draw, terms={"success": success, "cost": overall}, rungs=m, note=BY_CHANCE)
        held = self._memory.scores(self._both(arms))
        near = held[nearest(self._memory.x @ query.x, self._options.k)] if len(held) else held
        prior = self._options.prior
        success = _mean(near[:, :m], prior=prior, otherwise=_mean(held[:, :m], prior=prior, otherwise=0.5))
        return by_value(success, _mean(near[:, m:], prior=prior, otherwise=overall), dial=dial)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Remember it."""
        self._memory.learn(query, arm, outcome)
        if outcome.cost is not None:
            self._memory.learn(query, arm + _COST, Outcome(outcome.cost))
        self._costs.learn(arm, outcome.cost)

    def fit(self, log: Log) -> None:
        """Remember all of it."""
        import numpy as np

        self._costs.fit(log)
        self._memory.fit(log._replace(arms=self._both(log.arms), scores=np.hstack([log.scores, log.costs])))

    def _both(self, arms: Arms) -> Arms:
        """The arms' columns of scores, then those of their costs."""
        if self._columns is None or self._columns[0] is not arms:
            self._columns = arms, Arms((*arms.keys, *(key + _COST for key in arms.keys)))
        return self._columns[1]


def _mean(values: Matrix, *, prior: float, otherwise: Vector | float) -> Vector:
    """The mean of each column, with so many of another value among them."""
    import numpy as np

    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    value: Vector = (total + prior * otherwise) / (known.sum(axis=0) + prior)
    return value


policy = routed("port", PortOptions, Port)
"""Neighbours' scores and costs."""
