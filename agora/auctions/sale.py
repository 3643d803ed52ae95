"""SALE: strategy auctions, scored by cost minus value (arXiv 2602.02751, section 3), in its first form.

    score = w_c x price / reserve  -  w_h x entropy          lowest wins, pays its own bid

The published cost, price per token x plan length, is divided by a scale that is fixed before any bid is opened
(the reserve: what the task may cost), never by a figure of this auction's bids, so that no bid moves another's score.
Jury, refinement from memory and fitted weights have their places in the loop and come with later releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agora.auctions.ranking import admit, cost_share, rank
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError


class SALE:
    """Lowest cost minus value wins.

    A term that some admitted bid lacks (entropy, where a bidder has no log-probabilities) is dropped for the whole
    auction, the other weights are scaled to keep their sum, and the clearing says so: lacking a figure neither
    helps nor hurts.

    Args:
        weights: Of "cost" and "entropy", each >= 0, cost > 0.

    >>> from decimal import Decimal
    >>> from agora.bids import Amount, Plan
    >>> def bid(name, price, entropy):
    ...     return Bid(agent=name, plan=Plan(text=name), length_tokens=1, projected_tokens=1,
    ...                price=Amount(value=Decimal(price)), entropy=entropy, content_hash=name)
    >>> SALE().clear([bid("dear", 4, 0.5), bid("cheap", 1, 0.4)], reserve=Reserve(usd=Decimal(10)), seed=0).winner
    'cheap'
    """

    name = "sale"

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        chosen = {"cost": 0.5, "entropy": 0.5, **(weights or {})}
        unknown = set(chosen) - {"cost", "entropy"}
        if unknown or chosen["cost"] <= 0 or chosen["entropy"] < 0:
            raise ConfigError("auction 'sale'", f"weights {chosen!r} must be cost > 0 and entropy >= 0, nothing else")
        self._weights = chosen

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Score and rank all admitted bids; the winner is paid what it asked."""
        admitted, refused = admit(bids, reserve)
        weights, dropped = self._usable(admitted)
        scored = [(bid, self._score(bid, reserve, weights)) for bid in admitted]
        ranking = rank(scored, reserve, seed)
        return Clearing(
            mechanism=self.name,
            ranking=ranking,
            refused=refused,
            payment=ranking[0].price if ranking else None,
            weights=weights,
            dropped=dropped,
        )

    def _usable(self, bids: Sequence[Bid]) -> tuple[dict[str, float], tuple[str, ...]]:
        if all(bid.entropy is not None for bid in bids):
            return dict(self._weights), ()
        return {"cost": sum(self._weights.values())}, ("entropy",)

    def _score(self, bid: Bid, reserve: Reserve, weights: Mapping[str, float]) -> Score:
        terms = {"cost": weights["cost"] * cost_share(bid, reserve)}
        if "entropy" in weights:
            terms["entropy"] = -weights["entropy"] * (bid.entropy or 0.0)
        return Score(agent=bid.agent, total=round(sum(terms.values()), 12), terms=terms, price=bid.price)
