"""Anybody, with the same chance for everyone: the baseline that logs of unbiased estimates are made with."""

from __future__ import annotations

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, drawn, even
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.draws import uniforms
from agora.coordinator.routers.restoring import whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue


class RandomOptions(RouterOptions):
    """Nothing but the dial, which changes nothing."""


class Random:
    """Owned by one run; it learns what queries cost, to print it, and nothing else.

    Args:
        options: See there.
    """

    def __init__(self, options: RandomOptions) -> None:
        self._costs = Costs()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """One drawn evenly, and the others in an order drawn besides."""
        cost = self._costs.of(arms)
        first = drawn(even(arms), draw, terms={"cost": cost}, rungs=len(arms))
        lots = uniforms(draw, len(arms))
        lots[first.order[0]] = 2.0
        return by_index(lots, cost, terms={"cost": cost}, rungs=len(arms))._replace(chances=first.chances)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """What it cost."""
        self._costs.learn(arm, outcome.cost)

    def fit(self, log: Log) -> None:
        """What they cost."""
        self._costs.fit(log)

    def saved(self) -> JsonValue:
        """Sums and counts of costs."""
        return self._costs.saved()

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._costs.restored(saved)


policy = routed("random", RandomOptions, Random)
"""Anybody."""
