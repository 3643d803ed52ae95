"""A fixed cascade: cheap arms first, the next one where the answer is not good enough (FrugalGPT, arXiv 2305.05176).

The list of up to `most` arms is the one that was worth most on remembered queries of this tag at this dial
(`sequences`). Published: a small model scores each answer, with a threshold for each arm, and one list serves all
queries; here the task's own check says whether an answer is good enough, and each tag has a list. Where no check
follows there is nothing to escalate on: the arm of the highest value is asked, and nobody after it.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import counted, in_turn
from agora.coordinator.routers.seam import Arms, Choice, Query
from agora.coordinator.routers.sequences import Sequences


class FrugalGPTOptions(RouterOptions):
    """What can be set."""

    most: int = Field(default=3, ge=1, le=8)
    """The longest list."""
    right: float = Field(default=1.0, ge=0.5, le=1)
    """How often the check is right."""


class FrugalGPT(Sequences):
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: FrugalGPTOptions) -> None:
        super().__init__(most=options.most, right=options.right)

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The list, then the others by value; nothing is left to chance."""
        found = self.best(query, arms, dial=dial)
        return counted(in_turn(found.sequence, found.success, found.cost, dial=dial), found.seen)


policy = routed("frugalgpt", FrugalGPTOptions, FrugalGPT)
"""A cascade of up to three."""
