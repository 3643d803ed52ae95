"""LinUCB for each model that begins at what offline data prefers (PILOT, arXiv 2508.21141).

    A_m = strength I + sum z z',  b_m = strength theta_m + sum r z
    index_m = A_m^-1 b_m . z + alpha sqrt(z' A_m^-1 z) - dial * cost_m

theta_m is learned from a log; without outcomes the expected score is theta_m . z, and `strength` says how many outcomes
it is worth. Changed: theta comes from a ridge regression of the log's scores (published: from pairwise preferences, in
an embedding that is learned from them), since scores say more than preferences; a linear reward in place of the cosine;
without a log everybody is expected to score .5. What is learned here is the rest, r - theta_m . z, with a prior of 0,
which is the same. Its budget, a knapsack with a threshold that rises with what is spent, is a wrapper of any router.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.contexts import Tagged
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.ridges import Ridges
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue


class PilotOptions(RouterOptions):
    """What can be set."""

    alpha: float = Field(default=0.1, ge=0)
    """Weight of the width: how much is tried for want of knowledge."""
    penalty: float = Field(default=1.0, gt=0)
    """Of the regression of the log."""
    strength: float = Field(default=20.0, gt=0)
    """How many outcomes the prior counts for, about: lambda."""


class Pilot:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: PilotOptions) -> None:
        self._alpha = options.alpha
        self._contexts = Tagged()
        self._before, self._since = Ridges(penalty=options.penalty), Ridges(penalty=options.strength, prior=0.0)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        z = self._contexts.of(query)
        rest, cost, width = self._since.expected(z, arms)
        success = self._before.means(z, arms)[0] + rest
        terms = {"success": success, "cost": cost, "width": width}
        index = success + self._alpha * width - dial * cost
        return by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial))

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """What the outcome was more than the prior said."""
        z = self._contexts.learned(query)
        said = float(self._before.means(z, Arms((arm,)))[0][0])
        self._since.learn(z, arm, outcome._replace(score=outcome.score - said))

    def fit(self, log: Log) -> None:
        """The prior, and what queries cost."""
        self._before.fit(self._contexts.fitted(log), log)
        self._since.costs.fit(log)

    def saved(self) -> JsonValue:
        """Prior, and what was learned since."""
        kept: dict[str, JsonValue] = {"contexts": self._contexts.saved()}
        return {**kept, "before": self._before.saved(), "since": self._since.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._contexts.restored(part(saved, "contexts"))
        self._before.restored(part(saved, "before"))
        self._since.restored(part(saved, "since"))


policy = routed("pilot", PilotOptions, Pilot)
"""LinUCB from a prior."""
