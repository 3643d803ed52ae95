"""GreenServ's epsilon-greedy: the best mean reward, and by chance anybody (arXiv 2601.17551).

    share of chance = max(least, first * decay^outcomes),  index_m = mean score_m - dial * mean cost_m

1, .98 and .01 as in its repository (TZData1/llm-inference-router); no context. Changed: score and cost are averaged
apart, so that the dial turns without learning anew; who was never asked counts as one pass (published: is asked first),
which comes to the same; a log of n queries is n steps of the decay.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_value, mixed
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, whole
from agora.coordinator.routers.ridges import Ridges
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue


class GreenServEpsilonOptions(RouterOptions):
    """What can be set."""

    first: float = Field(default=1.0, ge=0, le=1)
    """Share of chance before anything is known."""
    decay: float = Field(default=0.98, gt=0, le=1)
    """What an outcome leaves of it."""
    least: float = Field(default=0.01, ge=0, le=1)
    """What always stays."""


class GreenServEpsilon:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: GreenServEpsilonOptions) -> None:
        self._options, self._outcomes = options, 0
        self._means = Ridges(penalty=1.0, prior=1.0)  # of the feature 1 alone: means

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best on average, or anybody."""
        import numpy as np

        success, cost = self._means.means(np.ones(1), arms)
        share = max(self._options.least, self._options.first * self._options.decay**self._outcomes)
        return mixed(by_value(success, cost, dial=dial), share, draw)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """One more of an arm's mean."""
        import numpy as np

        self._outcomes += 1
        self._means.learn(np.ones(1), arm, outcome)

    def fit(self, log: Log) -> None:
        """All arms' means."""
        import numpy as np

        self._outcomes += len(log.queries)
        self._means.fit(np.ones((len(log.queries), 1)), log)

    def saved(self) -> JsonValue:
        """Means and the number of outcomes."""
        return {"outcomes": self._outcomes, "means": self._means.saved()}

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._outcomes = integer(saved, "outcomes")
        self._means.restored(part(saved, "means"))


policy = routed("greenserv_epsilon", GreenServEpsilonOptions, GreenServEpsilon)
"""The best on average, and now and then anybody."""
