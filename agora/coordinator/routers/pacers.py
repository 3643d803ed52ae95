"""How fast a shared budget is spent: each pacer sets a price of cost beside the dial, and says what is too dear now.

dual          the price falls and rises with the spending: online Lagrangian descent
knapsack      what has too little success for its cost is out, and the more is spent the more that is (PILOT,
              arXiv 2508.21141: Psi(z) = (U e / L)^z L / e, z the share of the budget that is spent)
port          the price that would have spent the share of a query on the queries seen lately (PORT's dual problem)
even          nothing that would spend more than what queries up to now may cost (time-fair)
replenishing  a bucket that fills by the share of a query with each one, up to so many shares

`share` is what a query may cost on average, in the unit of costs. With a horizon the budget is share x horizon and what
is left is spread over the queries to come; without one, the share is a rate. Told a horizon that is wrong by 2, a
pacer loses up to half of what it could have had: where nobody knows, state none.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final, Literal

from typing_extensions import Protocol

from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, integer, real
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Mask, Vector

Pace = Literal["none", "dual", "knapsack", "port", "even", "replenishing"]

STEP: Final = 0.01
"""Of the dual price, at one outcome."""
MOST_RATIO: Final = 10.0
MOST_PRICE: Final = 5.0
WINDOW: Final = 200
"""So many queries are looked back at."""
SOLVED_EVERY: Final = 20
BUCKET: Final = 20.0
"""Shares that the bucket holds."""


class Purse:
    """What was spent, and what a query may cost now.

    Args:
        share: What a query may cost on average, > 0.
        horizon: How many queries share the budget; 0: nobody knows.
    """

    def __init__(self, share: float, horizon: int) -> None:
        self.share, self.horizon = share, horizon
        self.spent, self.paid = 0.0, 0

    @property
    def used(self) -> float:
        """Share of the budget that is spent; without a horizon, of what the queries so far might cost, in [0, 1]."""
        whole = self.share * (self.horizon or max(self.paid, WINDOW))
        return min(1.0, self.spent / whole)

    @property
    def fair(self) -> float:
        """What the next query may cost: what is left for each to come, or the rate with what was saved, >= 0."""
        if self.horizon:
            return max(0.0, (self.share * self.horizon - self.spent) / max(1, self.horizon - self.paid))
        return max(0.0, self.share + (self.share * self.paid - self.spent) / WINDOW)

    def pay(self, cost: float) -> None:
        """A query was paid for."""
        self.spent, self.paid = self.spent + cost, self.paid + 1


class Pacer(Protocol):
    """See above; `seen` and `paid` are all that changes it."""

    def price(self, purse: Purse) -> float:
        """What a unit of cost costs besides the dial, in reward."""
        ...

    def affordable(self, purse: Purse, success: Vector | None, cost: Vector) -> Mask:
        """Who is not too dear now, (m,); where nobody is, the cheapest is taken."""
        ...

    def paid(self, purse: Purse, cost: float) -> None:
        """A query was paid for; the purse does not know yet."""
        ...

    def seen(self, purse: Purse, success: Vector | None, cost: Vector) -> None:
        """What the router expected of the arms when that query was routed."""
        ...

    def saved(self) -> JsonValue:
        """What it knows besides the purse."""
        ...

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave."""
        ...


def _within(purse: Purse, cost: Vector) -> Mask:
    """What the whole budget still holds."""
    left = purse.share * purse.horizon - purse.spent if purse.horizon else math.inf
    value: Mask = cost <= left
    return value


class Dual:
    """The price falls and rises with the spending."""

    def __init__(self) -> None:
        self._price = 0.0

    def price(self, purse: Purse) -> float:
        """In reward for a unit of cost."""
        return self._price / purse.fair if purse.fair > 0 else 0.0

    def affordable(self, purse: Purse, success: Vector | None, cost: Vector) -> Mask:
        """What the budget still holds."""
        return _within(purse, cost)

    def paid(self, purse: Purse, cost: float) -> None:
        """Mu <- clip(mu + .01 (min(cost / fair share, 10) - 1), 0, 5)."""
        ratio = min(cost / purse.fair, MOST_RATIO) if purse.fair > 0 else MOST_RATIO
        self._price = min(max(self._price + STEP * (ratio - 1.0), 0.0), MOST_PRICE)

    def seen(self, purse: Purse, success: Vector | None, cost: Vector) -> None:
        """Nothing."""

    def saved(self) -> JsonValue:
        """The price."""
        return self._price

    def restored(self, saved: JsonValue) -> None:
        """As saved."""
        self._price = real({"price": saved}, "price")


class _Looking:
    """A pacer that keeps what was expected of the arms lately."""

    def __init__(self) -> None:
        self._lately: deque[tuple[Vector, Vector]] = deque(maxlen=WINDOW)  # success, cost: (m,) each
        self._number = 0

    def paid(self, purse: Purse, cost: float) -> None:
        """Nothing."""

    def seen(self, purse: Purse, success: Vector | None, cost: Vector) -> None:
        """Keep it, where the router says how likely success is."""
        if success is not None:
            self._lately.append((success, cost))
            self._number += 1

    def saved(self) -> JsonValue:
        """What is kept."""
        kept: list[JsonValue] = [[packed(success), packed(cost)] for success, cost in self._lately]
        return {"lately": kept, "number": self._number}

    def restored(self, saved: JsonValue) -> None:
        """As saved."""
        self._lately = deque(_pairs(part(saved, "lately")), maxlen=WINDOW)
        self._number = integer(saved, "number")


class Knapsack(_Looking):
    """Success for a unit of cost must reach a bar that rises with the share that is spent."""

    def price(self, purse: Purse) -> float:
        """None."""
        return 0.0

    def affordable(self, purse: Purse, success: Vector | None, cost: Vector) -> Mask:
        """What reaches the bar; L and U are the tenth and the ninetieth percentile of what was seen lately."""
        import numpy as np

        within = _within(purse, cost)
        if success is None or len(self._lately) < SOLVED_EVERY:
            return within
        seen = np.concatenate([one / np.maximum(other, 1e-12) for one, other in self._lately])
        low, high = (max(float(one), 1e-12) for one in np.percentile(seen, (10, 90)))
        bar = (high * math.e / low) ** purse.used * low / math.e
        reached: Mask = success >= bar * cost
        return within & reached


class Port(_Looking):
    """The price at which the queries seen lately would have cost their share on average."""

    def __init__(self) -> None:
        super().__init__()
        self._price = 0.0

    def price(self, purse: Purse) -> float:
        """Solved now and then."""
        return self._price

    def affordable(self, purse: Purse, success: Vector | None, cost: Vector) -> Mask:
        """What the budget still holds."""
        return _within(purse, cost)

    def seen(self, purse: Purse, success: Vector | None, cost: Vector) -> None:
        """Keep it, and solve anew every so often."""
        super().seen(purse, success, cost)
        if success is not None and self._number % SOLVED_EVERY == 0:
            self._price = self._solved(purse.fair)

    def saved(self) -> JsonValue:
        """What is kept, and the price."""
        return {"looking": super().saved(), "price": self._price}

    def restored(self, saved: JsonValue) -> None:
        """As saved."""
        super().restored(part(saved, "looking"))
        self._price = real(saved, "price")

    def _solved(self, fair: float) -> float:
        """By bisection: spending falls as the price rises."""
        low, high = 0.0, 1.0 / max(fair, 1e-12)
        for _ in range(20):
            middle = (low + high) / 2
            low, high = (middle, high) if self._spending(middle) > fair else (low, middle)
        return high if self._spending(0.0) > fair else 0.0

    def _spending(self, price: float) -> float:
        total = math.fsum(float(cost[int((success - price * cost).argmax())]) for success, cost in self._lately)
        return total / max(1, len(self._lately))


class Even:
    """At no time more than what the queries up to then may cost."""

    def price(self, purse: Purse) -> float:
        """None."""
        return 0.0

    def affordable(self, purse: Purse, success: Vector | None, cost: Vector) -> Mask:
        """Within what was saved."""
        value: Mask = cost <= purse.share * (purse.paid + 1) - purse.spent
        return value & _within(purse, cost)

    def paid(self, purse: Purse, cost: float) -> None:
        """Nothing."""

    def seen(self, purse: Purse, success: Vector | None, cost: Vector) -> None:
        """Nothing."""

    def saved(self) -> JsonValue:
        """Nothing."""
        return None

    def restored(self, saved: JsonValue) -> None:
        """Nothing; another's state is told by what is saved again."""


class Replenishing(Even):
    """A bucket: what is not spent is kept up to a bound, so that old savings do not end in one spree."""

    def __init__(self) -> None:
        self._level = 1.0  # in shares

    def affordable(self, purse: Purse, success: Vector | None, cost: Vector) -> Mask:
        """What the bucket holds."""
        value: Mask = cost <= self._level * purse.share
        return value & _within(purse, cost)

    def paid(self, purse: Purse, cost: float) -> None:
        """It is taken out, and one share comes in."""
        self._level = min(BUCKET, self._level - cost / purse.share + 1.0)

    def saved(self) -> JsonValue:
        """The level."""
        return self._level

    def restored(self, saved: JsonValue) -> None:
        """As saved."""
        self._level = real({"level": saved}, "level")


def _pairs(saved: JsonValue) -> list[tuple[Vector, Vector]]:
    """Success and cost, of as many arms."""
    kept = saved if isinstance(saved, list) else []
    told: list[dict[str, JsonValue]] = [
        dict(zip(("success", "cost"), one, strict=True)) for one in kept if isinstance(one, list)
    ]
    success = [array(one, "success", None) for one in told]
    return [(first, array(one, "cost", len(first))) for first, one in zip(success, told, strict=True)]


def pacer_of(pace: Pace) -> Pacer | None:
    """The pacer of a name."""
    made: dict[str, type[Pacer]] = {
        "dual": Dual,
        "knapsack": Knapsack,
        "port": Port,
        "even": Even,
        "replenishing": Replenishing,
    }
    return made[pace]() if pace in made else None
