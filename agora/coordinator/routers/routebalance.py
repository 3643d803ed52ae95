"""A weighted sum of quality, cost, latency and load, after a filter by what was promised (RouteBalance, 2606.17949).

    score_m = quality_m - dial * cost_m + w_l (1 - latency_m / largest) + w_b (1 - load_m / largest)
    kept in: P(latency_m <= slo) >= .7, relaxed by .1 up to three times where nobody is left

Published: w_q quality + w_c (1 - cost / largest); with w_c = dial x largest that is the first line up to a constant.
Quality is the record on the tag (published: the mean of ten neighbours). Latencies are taken as exponential with the
measured mean, P = 1 - exp(-slo / latency); the batch's order, longest first, is the market's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import by_index, filled, later, worth
from agora.coordinator.routers.seam import Arms, Choice, Query

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector

_SURE: Final = (0.7, 0.6, 0.5, 0.4)


class RouteBalanceOptions(RouterOptions):
    """What can be set."""

    latency_weight: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    """What the fastest is worth more than the slowest, in reward."""
    load_weight: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    """What an idle one is worth more than the busiest, in reward."""
    slo_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds that an answer may take; none: nothing was promised."""


class RouteBalance(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: RouteBalanceOptions) -> None:
        super().__init__()
        self._weights, self._slo = (options.latency_weight, options.load_weight), options.slo_s

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest score among those who keep the promise; then the others."""
        success, cost = self._cells.one(query.tag, arms)
        latency, load = filled(arms.latency_s), arms.load
        index = success - dial * cost
        for weight, values in zip(self._weights, (latency, load), strict=True):
            if (most := float(values.max())) > 0:
                index = index + weight * (1.0 - values / most)
        terms = {"success": success, "cost": cost, "seen": self._cells.tried(arms), "latency": latency, "index": index}
        choice = by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dial))
        return choice if self._slo is None else self._promised(choice, latency, self._slo, draw)

    def _promised(self, choice: Choice, latency: Vector, slo_s: float, draw: float) -> Choice:
        """Who is likely too slow comes last; the bar is lowered where nobody reaches it."""
        import numpy as np

        in_time = 1.0 - np.exp(-slo_s / np.maximum(latency, 1e-9))
        for sure in _SURE:
            if (in_time >= sure).any():
                return later(choice, in_time < sure, draw=draw, note=f"in {slo_s:g} s with {sure:.1f}")
        return choice


policy = routed("routebalance", RouteBalanceOptions, RouteBalance)
"""Quality, cost, latency and load."""
