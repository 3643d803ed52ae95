"""GreenServ's linear epsilon-greedy: the best expected reward, and by chance anybody (arXiv 2601.17551).

    share of chance = max(least, first * decay^outcomes),  index_m = theta_m . z - dial * cost_m(z)

1, .985, .01 and penalty .25 as in its repository (TZData1/llm-inference-router); z is `contexts.Clustered`. Changed as
in `greenserv_linucb` (score and cost apart, a prior of .5) and `greenserv_epsilon` (a log of n queries is n steps).
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import routed
from agora.coordinator.routers.choosing import by_value, mixed
from agora.coordinator.routers.contexts import Clustered
from agora.coordinator.routers.greenserv_epsilon import GreenServEpsilonOptions
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, whole
from agora.coordinator.routers.ridges import Ridges
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue


class GreenServLinearEpsilonOptions(GreenServEpsilonOptions):
    """What can be set."""

    decay: float = Field(default=0.985, gt=0, le=1)
    """What an outcome leaves of it."""
    penalty: float = Field(default=0.25, gt=0)
    """Of the regressions."""
    clusters: int = Field(default=3, ge=1, le=256)
    """Of texts."""


class GreenServLinearEpsilon:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: GreenServLinearEpsilonOptions) -> None:
        self._options, self._outcomes = options, 0
        self._contexts, self._ridges = Clustered(options.clusters), Ridges(penalty=options.penalty)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best for such a query, or anybody."""
        success, cost = self._ridges.means(self._contexts.of(query), arms)
        share = max(self._options.least, self._options.first * self._options.decay**self._outcomes)
        return mixed(by_value(success, cost, dial=dial), share, draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One step of the arm's regression."""
        self._outcomes += 1
        self._ridges.learn(self._contexts.learned(query), arm, outcome)

    def fit(self, log: Log) -> None:
        """All arms' regressions."""
        self._outcomes += len(log.queries)
        self._ridges.fit(self._contexts.fitted(log), log)

    def saved(self) -> JsonValue:
        """Contexts, regressions and the number of outcomes."""
        kept: dict[str, JsonValue] = {"outcomes": self._outcomes, "contexts": self._contexts.saved()}
        return {**kept, "ridges": self._ridges.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._outcomes = integer(saved, "outcomes")
        self._contexts.restored(part(saved, "contexts"))
        self._ridges.restored(part(saved, "ridges"))


policy = routed("greenserv_linear_epsilon", GreenServLinearEpsilonOptions, GreenServLinearEpsilon)
"""The best for such a query, and now and then anybody."""
