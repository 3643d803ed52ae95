"""Always the largest, or always the smallest: the baselines without a choice.

"Always model X" names somebody, and no name may move an award. So X is chosen by price: the dearest bid stands for the
largest model and the cheapest for the smallest, both as shares of the reserve. To run one agent alone, make a market
of that agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agora.auctions.entering import enter
from agora.auctions.properties import Properties
from agora.auctions.ranking import cost_share, rank
from agora.auctions.stating import stated
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError


class Always:
    """The dearest (or the cheapest) admitted bid wins and is paid what it asks.

    Args:
        pick: "largest" for the highest share of the reserve, "smallest" for the lowest.
    """

    name = "always"
    properties = Properties(
        truthful=False,
        monotone=False,
        undisturbed=False,
        paid="its own price",
        use="a baseline: what would the largest (or the smallest) alone have done",
    )

    def __init__(self, pick: str = "largest") -> None:
        if pick not in ("largest", "smallest"):
            raise ConfigError(f"auction {self.name!r}", f"pick {pick!r} must be largest or smallest")
        self._largest = pick == "largest"

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return stated({"pick": "largest" if self._largest else "smallest"})

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Rank all admitted bids by price; the winner is paid its price."""
        admitted, refused = enter(bids, reserve, seed=seed)
        ranking = rank([(bid, self._score(bid, reserve)) for bid in admitted], reserve, seed)
        return Clearing(
            mechanism=self.name,
            ranking=ranking,
            refused=refused,
            payment=ranking[0].price if ranking else None,
            weights={"size" if self._largest else "cost": 1.0},
        )

    def _score(self, bid: Bid, reserve: Reserve) -> Score:
        share = cost_share(bid, reserve)
        name, term = ("size", -share) if self._largest else ("cost", share)
        return Score(agent=bid.agent, total=term, terms={name: term}, figures={name: share}, price=bid.price)
