"""Posted price: take it or leave it (the simplest truthful mechanism for a buyer), and a lottery as its baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from agora.auctions.entering import enter
from agora.auctions.properties import Properties
from agora.auctions.ranking import rank, tie_hash
from agora.auctions.stating import stated
from agora.bids import NO_JURY, Amount, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError


class PostedPrice:
    """Everyone who asks no more than the posted price may have the task; a seeded lot decides; the price is paid.

    What an agent asks cannot change what it is paid, so asking its true cost is best for it.

    Args:
        share: The posted price as a share of the reserve, in (0, 1].
    """

    name = "posted"
    properties = Properties(
        truthful=True,
        undisturbed=False,
        paid="the posted price",
        use="bids cost more than choosing among them brings; any of the pool will do",
    )

    def __init__(self, share: float = 0.5) -> None:
        if not 0 < share <= 1:
            raise ConfigError("auction 'posted'", f"share {share!r} must be in (0, 1]")
        self._share = share

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return stated({"share": self._share})

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Draw among all who accept the price."""
        admitted, refused = enter(bids, reserve, seed=seed, limit=self._share)
        ranking = _draw(admitted, reserve, seed)
        payment = None
        if ranking:
            unit = ranking[0].price.unit
            payment = Amount(value=reserve.of(unit) * _decimal(self._share), unit=unit)
        return Clearing(
            mechanism=self.name, ranking=ranking, refused=refused, payment=payment, weights={"lottery": 1.0}
        )


class Lottery:
    """A seeded lot among all admitted bids, paid as bid: the baseline that every mechanism has to beat."""

    name = "random"
    properties = Properties(
        truthful=False, undisturbed=False, paid="its own price", use="a baseline: what choosing has to beat"
    )

    @property
    def settings(self) -> str:
        """Its options as JSON: it has none."""
        return stated({})

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Draw among all bids within the reserve."""
        admitted, refused = enter(bids, reserve, seed=seed)
        ranking = _draw(admitted, reserve, seed)
        payment = ranking[0].price if ranking else None
        return Clearing(
            mechanism=self.name, ranking=ranking, refused=refused, payment=payment, weights={"lottery": 1.0}
        )


def _draw(bids: Sequence[Bid], reserve: Reserve, seed: int) -> tuple[Score, ...]:
    lots = [(bid, (tie_hash(seed, bid.content_hash) >> 11) / 2**53) for bid in bids]
    scored = [(bid, Score(agent=bid.agent, total=lot, terms={"lottery": lot}, price=bid.price)) for bid, lot in lots]
    return rank(scored, reserve, seed)


def _decimal(value: float) -> Decimal:
    return Decimal(str(value))
