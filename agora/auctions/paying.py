"""Exact payments: prices on a grid of 1e-12 of their unit, thresholds without rounding, and a guard on the budget.

A threshold payment is truthful only if "asks no more than the payment" and "wins" are the same. Floats break that by
their last digit, so asks are rounded up to the grid, thresholds down to it, and all comparing is done with integers.
"""

from __future__ import annotations

from decimal import Decimal

from agora.bids import Amount, Clearing, Reserve, Unit

GRID = 10**12
"""Steps of the grid in one dollar, one second, or one unit of a score."""


def on_grid(value: Decimal | float, *, up: bool = False) -> int:
    """A number in steps of the grid, rounded down (or up).

    >>> on_grid(Decimal("0.25"))
    250000000000
    """
    numerator, denominator = value.as_integer_ratio()
    return -(-numerator * GRID // denominator) if up else numerator * GRID // denominator


def amount(steps: int, unit: Unit) -> Amount:
    """So many steps of the grid as an amount, without idle zeros.

    >>> amount(2_500_000_000_000, "usd").value
    Decimal('2.5')
    """
    exponent = -12
    while exponent < 0 and steps % 10 == 0:
        steps, exponent = steps // 10, exponent + 1
    return Amount(value=Decimal(f"{steps}E{exponent}"), unit=unit)


class Scale:
    """Compares shares of the reserve in dollars and in local seconds as integers.

    A price of p steps is the share p / r of its unit's reserve of r steps; over the common whole r_usd x r_s that is
    p x (the other unit's reserve). Where a reserve is 0 only free work is admitted, and it counts as one step.

    Args:
        reserve: What the task may cost.
        up: Round the reserve up to the grid (for one payment, capped by the reserve) or down (for sums of payments).
    """

    def __init__(self, reserve: Reserve, *, up: bool = False) -> None:
        self._reserve = reserve
        usd, s = (max(1, on_grid(limit, up=up)) for limit in (reserve.usd, reserve.s))
        self._factor: dict[Unit, int] = {"usd": s, "s": usd}
        self.whole = usd * s

    def factor(self, unit: Unit) -> int:
        """How much one step of a price weighs in the common whole."""
        return self._factor[unit]

    def cost(self, price: Amount) -> int:
        """A price in the common whole, so that equal shares of the reserves are equal numbers."""
        return on_grid(price.value, up=True) * self._factor[price.unit]

    def capped(self, steps: int, unit: Unit) -> Amount:
        """A payment of so many steps, or the unit's reserve where that is less."""
        payment, limit = amount(max(0, steps), unit), self._reserve.of(unit)
        return payment if payment.value <= limit else Amount(value=limit, unit=unit)


def within_budget(clearing: Clearing, reserve: Reserve, *, share: float = 1.0) -> Clearing:
    """The clearing, or one without an award where its payment is above a share of the reserve.

    Nobody else gets the task instead: an award that moved on would let bidders gain by making the first one dear.

    Args:
        clearing: What any mechanism decided.
        reserve: What the task may cost.
        share: How much of that may be paid, in (0, 1].
    """
    payment, winner = clearing.payment, clearing.winner
    if payment is None or winner is None:
        return clearing
    most = reserve.of(payment.unit) * Decimal(str(share))
    if payment.value <= most:
        return clearing
    why = f"would be paid {payment.value} {payment.unit}, above the budget of {most}: the award is refused"
    others = {score.agent: f"no award: the payment of {winner} is above the budget" for score in clearing.ranking}
    refused = {**clearing.refused, **others, winner: why}
    return clearing.model_copy(update={"ranking": (), "payment": None, "refused": refused})
