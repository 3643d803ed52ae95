"""The cheapest arm that is reliable enough, then stronger ones: a reliability threshold, as in adaptive VLM routing.

    reliable_m:  success_m - z sqrt((success_m (1 - success_m) + 1 / (4 (n_m + 1))) / (n_m + 1)) >= threshold
    threshold  = 1 / (1 + dial * mean cost)         where none is stated: 1 asks for the best, 0 for the cheapest

Sources: AVR (adaptive routing of actions among vision models to the cheapest one whose expected accuracy reaches a
threshold; risky actions go to the strongest at once). Changed: expected accuracy is the arm's record on the tag with a
lower bound, where the paper asks a small model for its confidence; what is risky is a hard filter of the market
(`strength`). Where nobody is reliable, the one with the highest success is asked.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import counted, in_turn
from agora.coordinator.routers.seam import Arms, Choice, Query


class AVROptions(RouterOptions):
    """What can be set."""

    threshold: float | None = Field(default=None, ge=0, le=1)
    """What an arm's success must reach; none: the dial says it."""
    z: float = Field(default=0.5, ge=0)
    """Standard errors that are taken off a success for want of evidence."""


class AVR(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: AVROptions) -> None:
        super().__init__()
        self._threshold, self._z = options.threshold, options.z

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The cheapest reliable one, then the others that are more successful, cheapest first."""
        import numpy as np

        success, cost = self._cells.one(query.tag, arms)
        seen = self._cells.seen((query.tag,), arms)[0]
        n = seen + 1.0
        lower = success - self._z * np.sqrt((success * (1.0 - success) + 0.25 / n) / n)
        bar = 1.0 / (1.0 + dial * float(cost.mean())) if self._threshold is None else self._threshold
        reliable = lower >= bar
        if reliable.any():
            first = int(np.lexsort((-success, np.where(reliable, cost, np.inf)))[0])
        else:
            first = int(np.lexsort((cost, -success))[0])
        stronger = [place for place in np.lexsort((cost,)).tolist() if success[place] > success[first]]
        worth = [place for place in stronger if success[place] > dial * cost[place]]
        choice = in_turn([first, *worth], success, cost, dial=dial, note=f"threshold {bar:.3f}")
        return counted(choice, self._cells.tried(arms))


policy = routed("avr", AVROptions, AVR)
"""The cheapest that is reliable."""
