"""A router under a budget that queries share: a pacer's price is added to the dial, what is too dear comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agora.coordinator.routers.choosing import later
from agora.coordinator.routers.costs import Costs
from agora.coordinator.routers.pacers import Pacer, Purse
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import integer, real, whole
from agora.coordinator.routers.seam import Arms, Choice, Log, Outcome, Query, Router
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Vector


class Paced:
    """Wraps any router.

    Args:
        router: Which; owned by this one from now on.
        pacer: How the budget is spent.
        purse: With the budget; owned by this one, too.
    """

    def __init__(self, router: Router, pacer: Pacer, purse: Purse) -> None:
        self._router, self._pacer, self._purse, self._costs = router, pacer, purse, Costs()

    def choose(self, query: Query, arms: Arms, *, dial: float, draw: float) -> Choice:
        """As the router, at the pacer's price; who is too dear comes after the others."""
        price = self._pacer.price(self._purse)
        choice = self._router.choose(query, arms, dial=dial + price, draw=draw)
        success, cost = self._expected(choice, arms)
        affordable = self._pacer.affordable(self._purse, success, cost)
        if not affordable.any():
            affordable = cost <= cost.min()
        return later(choice, ~affordable, draw=draw, note=f"price of cost {price:.4g}")

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Pay for it, and pass it on."""
        arms = Arms(self._known(arm))
        choice = self._router.choose(query, arms, dial=0.0, draw=0.0)
        self._pacer.seen(self._purse, *self._expected(choice, arms))
        if outcome.cost is not None:
            self._pacer.paid(self._purse, outcome.cost)
            self._purse.pay(outcome.cost)
        self._costs.learn(arm, outcome.cost)
        self._router.learn(query, arm, outcome)

    def fit(self, log: Log) -> None:
        """Nobody pays for what is on record."""
        self._costs.fit(log)
        self._router.fit(log)

    def saved(self) -> JsonValue:
        """The purse, the pacer and the router."""
        return {
            "spent": self._purse.spent,
            "paid": self._purse.paid,
            "pacer": self._pacer.saved(),
            "costs": self._costs.saved(),
            "router": self._router.saved(),
        }

    @whole
    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._purse.spent, self._purse.paid = real(saved, "spent"), integer(saved, "paid")
        self._pacer.restored(part(saved, "pacer"))
        self._costs.restored(part(saved, "costs"))
        self._router.restored(part(saved, "router"))

    def _known(self, arm: str) -> list[str]:
        """Everyone that something was paid to, this one among them."""
        return sorted({*self._costs.keys, arm})

    def _expected(self, choice: Choice, arms: Arms) -> tuple[Vector | None, Vector]:
        """Success, where the router says it, and cost of each, (m,)."""
        return choice.terms.get("success"), choice.terms.get("cost", self._costs.of(arms))
