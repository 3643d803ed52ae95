"""A small arm first, a larger one if that seems right after the small one's check (AutoMix, arXiv 2310.12963).

    larger is worth asking if   P(larger passes | small failed its check) - dial * cost_larger > P(small is right | so)
    P(small is right | failed) = s (1 - r) / (s (1 - r) + (1 - s) r)     s: its mean; r: how often a check is right

The pair is the one of the highest value on remembered queries of the tag. Published: the small model verifies its own
answer several times, and a POMDP, fitted on a few queries, says from the share of approvals whether to ask the larger
one. Here the task's check is the verifier, asked once, so that the POMDP is the rule above; without a check it is one
arm of the two by value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import counted, in_turn
from agora.coordinator.routers.seam import Arms, Choice, Query
from agora.coordinator.routers.sequences import Sequences

if TYPE_CHECKING:
    pass


class AutoMixOptions(RouterOptions):
    """What can be set."""

    right: float = Field(default=0.9, ge=0.5, le=1)
    """How often the check is right."""


class AutoMix(Sequences):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: AutoMixOptions) -> None:
        super().__init__(most=2, right=options.right)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The pair of the tag, or the better of it alone; nothing is left to chance."""
        found = self.best(query, arms, dial=dial)
        sequence = found.sequence
        if len(sequence) == 2 and not self._worth_it(query.tag, arms, *sequence, float(found.cost[sequence[1]]) * dial):
            sequence = sequence[:1]
        return counted(in_turn(sequence, found.success, found.cost, dial=dial), found.seen)

    def _worth_it(self, tag: str, arms: Arms, small: int, larger: int, price: float) -> bool:
        """Whether the larger one is asked after the small one failed its check; the price is in reward."""
        scores = self.remembered(tag, arms)
        first, second = scores[:, small], scores[:, larger]
        failed = first * (1.0 - self._right) + (1.0 - first) * self._right  # of each query, the chance
        whole = float(failed.sum())
        if whole <= 0.0:
            return False
        return float((failed * second).sum()) / whole - price > float((first * (1.0 - self._right)).sum()) / whole


policy = routed("automix", AutoMixOptions, AutoMix)
"""One small, one larger."""
