"""GreenServ's Thompson sampling: a reward drawn from each model's posterior (arXiv 2601.17551).

    drawn_m = theta_m . z + sigma sqrt(z' A_m^-1 z) noise_m - dial * cost_m(z),  A_m = sigma^2 / variance I + sum z z'

sigma .25 and prior variance 2 as in its repository (TZData1/llm-inference-router); z is `contexts.Clustered`.
Changed: the repository multiplies the posterior's covariance by sigma^2 once more than Bayes' rule has it; here it is
the posterior. Only the reward of a draw of theta counts, so that is drawn (`sampling`: chances are counted). Score and
cost are learned apart, and the context and the prior of .5 are as in `greenserv_linucb`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_ridges import ByRidges
from agora.coordinator.routers.choosing import worth
from agora.coordinator.routers.contexts import Clustered
from agora.coordinator.routers.sampling import Noise
from agora.coordinator.routers.seam import Arms, Choice, Query

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class GreenServThompsonOptions(RouterOptions):
    """What can be set."""

    sigma: float = Field(default=0.25, gt=0)
    """Standard deviation of a score around what is expected of it."""
    variance: float = Field(default=2.0, gt=0)
    """Of each coefficient before anything is known."""
    clusters: int = Field(default=3, ge=1, le=256)
    """Of texts."""


class GreenServThompson(ByRidges):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: GreenServThompsonOptions) -> None:
        self._sigma = options.sigma
        super().__init__(Clustered(options.clusters), penalty=options.sigma**2 / options.variance)
        self._noise = Noise()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest reward of those drawn, then the likeliest."""
        success, cost, width = self._ridges.expected(self._contexts.of(query), arms)
        terms = {"success": success, "cost": cost, "width": width}
        value: Vector = success - dial * cost
        rungs = worth(success, cost, dial=dial)
        return self._noise.sampled(value, self._sigma * width, draw, terms=terms, rungs=rungs)


policy = routed("greenserv_thompson", GreenServThompsonOptions, GreenServThompson)
"""A draw from what may be true decides."""
