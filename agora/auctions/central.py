"""Central router, the baseline of MarketBench (arXiv 2604.23897): by the record alone, whatever the plans say.

    score = price / reserve  -  value x (lower confidence bound of the chance to pass)              lowest wins

MarketBench scores p (U - ask) - (1 - p) penalty - E[cost], since its market pays for success only and fines failure.
Here an attempt is paid whether it passes or not, nobody is fined and the price is all that the buyer bears, which
leaves p U - ask. For p the lower bound is taken, so that a few lucky outcomes are not a record.
MarketBench found a matched central router ahead of its market (27 of 50 against 23), so whoever holds auctions should
be able to run this beside them. Newcomers, of whom nothing is known, are taken at a stated prior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from agora.auctions.entering import enter
from agora.auctions.properties import Properties
from agora.auctions.ranking import cost_share, rank
from agora.auctions.stating import stated
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError


class CentralRouter:
    """The best record for its price wins and is paid what it asks; plans, marks and stated confidence are ignored.

    The default prior is above what one failure leaves, so each newcomer is tried once where prices are alike.

    Args:
        value: What a sure success is worth as a share of the reserve; > 0.
        prior: The chance to pass of an agent without any verified attempt, in [0, 1].
    """

    name = "central"
    properties = Properties(
        truthful=False, paid="its own price", use="a baseline for every auction; records are rich and plans say little"
    )

    def __init__(self, *, value: float = 1.0, prior: float = 0.5) -> None:
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"auction {self.name!r}", f"value {value!r} must be above 0")
        if not 0 <= prior <= 1:
            raise ConfigError(f"auction {self.name!r}", f"prior {prior!r} must be in [0, 1]")
        self._value, self._prior = value, prior

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return stated({"value": self._value, "prior": self._prior})

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Rank all admitted bids by record and price; the winner is paid its price."""
        admitted, refused = enter(bids, reserve, seed=seed)
        ranking = rank([(bid, self._score(bid, reserve)) for bid in admitted], reserve, seed)
        return Clearing(
            mechanism=self.name,
            ranking=ranking,
            refused=refused,
            payment=ranking[0].price if ranking else None,
            weights={"cost": 1.0, "success": self._value},
        )

    def _score(self, bid: Bid, reserve: Reserve) -> Score:
        success = bid.standing.success_low if bid.standing.tried else self._prior
        figures = {"cost": cost_share(bid, reserve), "success": success}
        terms = {"cost": figures["cost"], "success": -self._value * success}
        total = round(math.fsum(terms.values()), 12)
        return Score(agent=bid.agent, total=total, terms=terms, figures=figures, price=bid.price)
