"""What all mechanisms share: admission against the reserve, and an order that no name and no arrival can move."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

from agora.bids import Amount, Bid, Reserve, Score


def amount_share(amount: Amount, reserve: Reserve) -> float:
    """The share of the reserve that an amount is, in its own unit: 0 is free, 1 is everything."""
    if amount.value == 0:
        return 0.0
    limit = reserve.of(amount.unit)
    return float(amount.value / limit) if limit else float("inf")


def cost_share(bid: Bid, reserve: Reserve) -> float:
    """The share of the reserve that a bid asks for, in its own unit: 0 is free, 1 is everything.

    Dollars and local seconds are each measured against their own limit, fixed before opening, so that bids in
    different units can be compared and no bid can move another's score.
    """
    return amount_share(bid.price, reserve)


def admit(bids: Sequence[Bid], reserve: Reserve, *, limit: float = 1.0) -> tuple[list[Bid], dict[str, str]]:
    """Split bids into those within a share of the reserve, and those refused, agent -> why."""
    admitted: list[Bid] = []
    refused: dict[str, str] = {}
    for bid in bids:
        if cost_share(bid, reserve) <= limit:
            admitted.append(bid)
        else:
            most = reserve.of(bid.price.unit) * Decimal(str(limit))
            refused[bid.agent] = f"asks {bid.price.value} {bid.price.unit}, and no more than {most} is paid"
    return admitted, refused


def tie_hash(seed: int, content_hash: str) -> int:
    """A seeded lot for a bid's content: what decides between equal scores at equal prices."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{content_hash}".encode()).digest()[:8])


def rank(scores: Sequence[tuple[Bid, Score]], reserve: Reserve, seed: int) -> tuple[Score, ...]:
    """Best first: lower total, then lower price share, then the seeded hash of the content.

    Bids that are equal in all of these are the same bid twice; only among those the name gives a fixed order.
    """
    ranked: list[Score] = []
    for _, tied in groupby(sorted(scores, key=_total), key=_total):
        level = list(tied)
        if len(level) > 1:
            level.sort(
                key=lambda pair: (
                    cost_share(pair[0], reserve),
                    tie_hash(seed, pair[0].content_hash),
                    pair[0].agent,
                )
            )
        ranked.extend(score for _, score in level)
    return tuple(ranked)


def _total(pair: tuple[Bid, Score]) -> float:
    return pair[1].total
