"""Agora's own policy: belief, dial, and exploration that pays for itself.

    success_a: what is believed of arm a on the query's tag (`belief`); where a log with full information was fitted,
               mixed with what neighbours say
    index_a = success_a - dial * cost_a + share * gain_a                                (`gain`)

The dial turns without learning anew. After an answer that failed its check the one is asked who is worth most then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions, routed
from agora.coordinator.routers.choosing import by_index, worth
from agora.coordinator.routers.own.belief import NOISE, Belief
from agora.coordinator.routers.own.gain import gain_of
from agora.coordinator.routers.own.spending import Spending
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class OwnOptions(RouterOptions):
    """What can be set."""

    explore: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    """Share of the gain that counts: 0 tries nothing for the sake of knowing."""
    horizon: int = Field(default=300, ge=1)
    """How many queries are thought to come; once they are over, half as many as were seen."""


class Own:
    """Owned by one run.

    Args:
        options: See there.
    """

    def __init__(self, options: OwnOptions) -> None:
        self._explore, self._horizon = options.explore, options.horizon
        self._belief, self._spending, self._learned, self._fitted = Belief(), Spending(), 0, 0

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """The highest index; nothing is left to chance."""
        expected, cost = self._belief.of(query.tag, arms), self._spending.of(query.tag, arms)
        value: Vector = expected.mean - dial * cost
        left = max(self._horizon - self._learned, self._learned // 2, 1)
        gain = gain_of(expected, value, left=left, noise=NOISE)
        index = value + self._explore * gain
        terms = {"success": expected.mean, "cost": cost, "gain": gain, "index": index}
        return by_index(index, cost, terms=terms, rungs=worth(expected.mean, cost, dial=dial))

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Take it in."""
        self._belief.learn(query.tag, arm, outcome.score)
        self._spending.learn(query.tag, arm, outcome.cost)
        self._learned += 1

    def fit(self, log: Log) -> None:
        """Take in all of it."""
        self._belief.fit(log)
        self._spending.fit(log)
        self._fitted += len(log.queries)

    def saved(self) -> JsonValue:
        """What is believed, and what things cost."""
        return {
            "belief": self._belief.saved(),
            "spending": self._spending.saved(),
            "learned": self._learned,
            "fitted": self._fitted,
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._belief.restored(part(saved, "belief"))
        self._spending.restored(part(saved, "spending"))
        self._learned, self._fitted = (int(str(part(saved, name))) for name in ("learned", "fitted"))


policy = routed("agora", OwnOptions, Own)
"""Agora's own."""
