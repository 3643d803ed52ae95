"""Flags in the task's text move the weights: `[flag: cheap]`, `[flag: fast]`, `[flag: best]` (Tryage, 2308.11601).

    index_m = success_m - dial' * cost_m - w_l * latency_m / largest
    cheap: dial' = 10 dial      best: dial' = 0      fast: w_l = .3       a flag that nobody knows changes nothing

Published: a perceptive router predicts each model's loss on the prompt and adds user-stated constraints, weighed as the
flags say. Here the predicted loss is 1 - success on the tag. Only the task's own text is read, never an agent's.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.by_tag import ByTag
from agora.coordinator.routers.choosing import by_index, filled, worth
from agora.coordinator.routers.seam import Arms, Choice, Query

_FLAG: Final = re.compile(r"\[flag: ?(\w{1,20})\]", re.IGNORECASE)
_MOST_CHARACTERS: Final = 20_000


class TryageOptions(RouterOptions):
    """What can be set."""

    cheaper: float = Field(default=10.0, ge=1, allow_inf_nan=False)
    """By what `cheap` multiplies the dial."""
    faster: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """What the fastest is worth more than the slowest with `fast`, in reward."""


class Tryage(ByTag):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: TryageOptions) -> None:
        super().__init__()
        self._cheaper, self._faster = options.cheaper, options.faster

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The best by the weights that the flags give."""
        flags = {found.casefold() for found in _FLAG.findall(query.text[:_MOST_CHARACTERS])} & {"cheap", "best", "fast"}
        success, cost = self._cells.one(query.tag, arms)
        dialled = 0.0 if "best" in flags else dial * self._cheaper if "cheap" in flags else dial
        index = success - dialled * cost
        slow = filled(arms.latency_s)
        if "fast" in flags and float(slow.max()) > 0:
            index = index - self._faster * slow / float(slow.max())
        note = f"flags: {', '.join(sorted(flags))}" if flags else ""
        terms = {"success": success, "cost": cost, "seen": self._cells.tried(arms), "index": index}
        return by_index(index, cost, terms=terms, rungs=worth(success, cost, dial=dialled), note=note)


policy = routed("tryage", TryageOptions, Tryage)
"""Flags in the task."""
