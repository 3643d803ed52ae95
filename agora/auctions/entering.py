"""Who enters an auction: one bid an agent, a price that is a price, no more than the reserve."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agora.auctions.ranking import tie_hash
from agora.bids import Bid, Reserve


def one_each(bids: Sequence[Bid], *, seed: int) -> list[Bid]:
    """One bid an agent: the last round counts, then the lower price in dollars before seconds, then a seeded lot.

    An agent with two bids so gets what one of them alone would have got, and the other moves nothing. What is kept
    does not depend on the order of arrival.
    """
    kept = {bid.agent: bid for bid in bids}
    if len(kept) == len(bids):
        return list(bids)
    for bid in bids:
        if _first(bid, seed) < _first(kept[bid.agent], seed):
            kept[bid.agent] = bid
    return list(kept.values())


def enter(bids: Sequence[Bid], reserve: Reserve, *, seed: int, limit: float = 1.0) -> tuple[list[Bid], dict[str, str]]:
    """Split bids into those that take part and those refused, agent -> why.

    Args:
        bids: In any order, with any number of bids an agent.
        reserve: The most that is paid in each unit; a price equal to it is within it.
        seed: Of the lots between equal bids of one agent.
        limit: The share of the reserve that may be asked, in (0, 1].
    """
    priced: list[Bid] = []
    refused: dict[str, str] = {}
    for bid in bids:
        value = bid.price.value
        if value.is_finite() and value >= 0:
            priced.append(bid)
        else:
            refused[bid.agent] = f"asks {value} {bid.price.unit}: a price is zero or more"
    limits = {"usd": reserve.usd, "s": reserve.s}
    if limit != 1:
        limits = {unit: most * Decimal(str(limit)) for unit, most in limits.items()}
    admitted: list[Bid] = []
    for bid in one_each(priced, seed=seed):
        refused.pop(bid.agent, None)
        price = bid.price
        most = limits[price.unit]
        if price.value <= most:
            admitted.append(bid)
        else:
            refused[bid.agent] = f"asks {price.value} {price.unit}, and no more than {most} is paid"
    return admitted, refused


def _first(bid: Bid, seed: int) -> tuple[int, bool, Decimal, int]:
    return -bid.round, bid.price.unit != "usd", bid.price.value, tie_hash(seed, bid.content_hash)
