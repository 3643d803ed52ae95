"""Greedy awards of bundles, paid by critical values (Lehmann, O'Callaghan and Shoham, 2002), for sizes beyond VCG's.

Offers are taken by gain / sqrt(number of tasks), largest first, where they still fit. That is within sqrt(tasks) of the
optimum, and monotone: a lower price never loses. Each winner is paid its critical value, the highest price at which it
would still be taken. This is not VCG: VCG's payments on a greedy award would not be truthful.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256

from agora.auctions.bundles import BundleClearing, Hall, Item, Offer
from agora.auctions.grading import jury_for
from agora.auctions.one_task import clear_one
from agora.auctions.properties import Properties
from agora.auctions.sale import SALE
from agora.auctions.stating import with_scorer
from agora.auctions.vcg import VCG, fits
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve
from agora.protocols import Mechanism


class GreedyCritical:
    """Largest gain for its size first, paid its critical value.

    Truthful in cost where each agent has one bundle, so only one offer an agent is read: the one of greatest worth,
    then of most tasks, then by a lot of its tasks; of equal bundles the cheapest. The choice between bundles looks at
    no price, or an agent could gain by misstating one.

    Args:
        scorer: For `clear`: the mechanism whose scores besides cost are the quality; SALE by default.
    """

    name = "greedy_critical"
    properties = Properties(
        truthful=True,
        paid="the highest price at which it would still be taken",
        use="bundles of more tasks, or of more agents, than VCG can solve exactly",
    )

    def __init__(self, *, scorer: Mechanism | None = None) -> None:
        self._scorer = scorer or SALE()

    def clear_bundles(
        self, offers: Sequence[Offer], *, shares: Mapping[str, float], reserve: Reserve, seed: int
    ) -> BundleClearing:
        """Award disjoint bundles greedily.

        Args:
            offers: In any order; one an agent is read.
            shares: Task -> its share of the reserve; together at most 1.
            reserve: What all tasks together may cost.
            seed: Of the lots between equal offers.
        """
        hall = Hall(_one_each(offers, shares, seed), shares=shares, reserve=reserve, seed=seed)
        items = sorted(hall.items, key=_rank)
        won = [(item, _critical(item, items)) for item in _take(items)]
        return hall.clearing(self.name, won)

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return with_scorer(self._scorer, {})

    @property
    def jury(self) -> frozenset[str] | None:
        """Who judges: whoever the scorer wants to hear."""
        return jury_for(self._scorer)

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """One task: second score that buys nothing for more than it is worth."""
        return clear_one(self, self._scorer, bids, reserve=reserve, seed=seed, jury=jury)


def bundle_rule(tasks: int, agents: int, *, scorer: Mechanism | None = None) -> VCG | GreedyCritical:
    """VCG where it can be solved exactly, the greedy rule above: chosen by what is known before any offer is opened.

    Args:
        tasks: How many are given out.
        agents: How many were invited.
        scorer: For `clear`.

    >>> bundle_rule(4, 10).name, bundle_rule(30, 10).name
    ('vcg', 'greedy_critical')
    """
    return VCG(scorer=scorer) if fits(tasks, agents) else GreedyCritical(scorer=scorer)


def _rank(item: Item) -> tuple[Fraction, int, int, str]:
    """Gain / sqrt(size), squared so that it is exact; admitted gains are never negative."""
    return -Fraction(item.gain**2, item.mask.bit_count()), item.cost, item.lot, item.offer.agent


def _take(items: Sequence[Item]) -> list[Item]:
    taken, chosen = 0, list[Item]()
    for item in items:
        if not taken & item.mask:
            taken |= item.mask
            chosen.append(item)
    return chosen


def _critical(item: Item, items: Sequence[Item]) -> int:
    """The most steps that an item could ask and still be taken: until it meets the first winner that blocks it.

    With sizes a (its own) and b (the rival's) it must hold (worth - cost)^2 x b >= rival's gain^2 x a.
    """
    rivals = _take([other for other in items if other is not item])
    blocking = next((rival for rival in rivals if rival.mask & item.mask), None)
    least = 0
    if blocking is not None:
        square = -(-(blocking.gain**2) * item.mask.bit_count() // blocking.mask.bit_count())
        least = math.isqrt(square - 1) + 1 if square else 0
    return (item.worth - least) // item.factor


def _one_each(offers: Sequence[Offer], shares: Mapping[str, float], seed: int) -> list[Offer]:
    kept: dict[str, tuple[tuple[float, int, int], Offer]] = {}
    for offer in offers:
        worth = offer.quality * math.fsum(shares.get(task, 0.0) for task in offer.tasks)
        lot = int.from_bytes(sha256(f"{seed}\0{sorted(offer.tasks)}".encode()).digest()[:8])
        rank = (-worth, -len(offer.tasks), lot)
        rival = kept.get(offer.agent)
        if rival is None or (rank, _asked(offer, seed)) < (rival[0], _asked(rival[1], seed)):
            kept[offer.agent] = (rank, offer)
    return [offer for _, offer in kept.values()]


def _asked(offer: Offer, seed: int) -> tuple[bool, Decimal, int]:
    return offer.price.unit != "usd", offer.price.value, offer.lot(seed)
