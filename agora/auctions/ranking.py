"""What all mechanisms share: admission against the reserve, and an order that no name and no arrival can move."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final

from pydantic import TypeAdapter

from agora.bids import Amount, Bid, Profile, Reserve, Score

_SCORES: Final = TypeAdapter(tuple[Score, ...])


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


def cost_shares(bids: Sequence[Bid], reserve: Reserve) -> list[float]:
    """The share of the reserve that each bid asks for, in their order."""
    limits = {"usd": reserve.usd, "s": reserve.s}
    shares: list[float] = []
    for price in [bid.price for bid in bids]:
        value, limit = price.value, limits[price.unit]
        shares.append(0.0 if not value else float(value / limit) if limit else math.inf)
    return shares


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


def card_hash(card: Profile) -> str:
    """What an agent is, whatever its name: what lots are drawn by before there is a bid."""
    told = (card.operator, card.kind, card.digest, card.tools, card.price, card.tier, card.limits)
    return hashlib.sha256(repr((told, sorted(card.skills), sorted(card.trust))).encode()).hexdigest()


def arm_of(card: Profile) -> str:
    """What an agent's record is kept by where it is learned who to ask: its operator and what it is told and brings.

    Neither its name nor its price: an agent that is renamed, or dearer, is the same one.
    """
    told = repr((card.kind, card.digest, card.tools, card.tier, sorted(card.skills)))
    return f"{card.operator} {hashlib.sha256(told.encode()).hexdigest()[:12]}"


def rank(scores: Sequence[tuple[Bid, Score]], reserve: Reserve, seed: int) -> tuple[Score, ...]:
    """Scores best first, in the order of `best_first`."""
    places = best_first([bid for bid, _ in scores], [score.total for _, score in scores], reserve, seed)
    return tuple(scores[place][1] for place in places)


def best_first(bids: Sequence[Bid], totals: Sequence[float], reserve: Reserve, seed: int) -> list[int]:
    """The places of bids: lower total, then lower price share, then the seeded hash of the content.

    Bids that are equal in all of these are the same bid twice; only among those the name gives a fixed order.
    """
    places = sorted(range(len(totals)), key=totals.__getitem__)
    if len(set(totals)) == len(totals):
        return places

    def lot(place: int) -> tuple[float, int, str]:
        bid = bids[place]
        return cost_share(bid, reserve), tie_hash(seed, bid.content_hash), bid.agent

    ordered: list[int] = []
    for _, tied in groupby(places, key=totals.__getitem__):
        level = list(tied)
        ordered += sorted(level, key=lot) if len(level) > 1 else level
    return ordered


def all_scores(rows: Sequence[Mapping[str, object]]) -> tuple[Score, ...]:
    """Many scores from their fields at once, which takes half the time of making each by itself."""
    return _SCORES.validate_python(rows)
