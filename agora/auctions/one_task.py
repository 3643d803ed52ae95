"""An auction of one task as an auction of bundles: so that the rules for bundles stand behind the same protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from agora.auctions.bundles import BundleClearing, Offer
from agora.auctions.entering import enter
from agora.auctions.grading import Graded, grade
from agora.auctions.ranking import cost_share, rank
from agora.bids import Bid, Clearing, Juror, Reserve, Score
from agora.protocols import Mechanism

_TASK = "task"


class BundleRule(Protocol):
    """A rule for bundles."""

    @property
    def name(self) -> str:
        """As on the ledger."""
        ...

    def clear_bundles(
        self, offers: Sequence[Offer], *, shares: Mapping[str, float], reserve: Reserve, seed: int
    ) -> BundleClearing:
        """Award disjoint bundles."""
        ...


def clear_one(
    rule: BundleRule,
    scorer: Mechanism,
    bids: Sequence[Bid],
    *,
    reserve: Reserve,
    seed: int,
    jury: Mapping[str, Juror],
) -> Clearing:
    """Put one task up as the only one of an auction of bundles.

    Quality is the scorer's, in units of the weight of cost, cut to [0, 1]: 1 is worth the whole reserve.

    Args:
        rule: Who decides and sets the payment.
        scorer: Whose scores besides cost are the quality.
        bids: In any order.
        reserve: The most that the task may cost.
        seed: Of the lots.
        jury: Who made the marks.
    """
    admitted, refused = enter(bids, reserve, seed=seed)
    grades = grade(scorer, admitted, reserve=reserve, seed=seed, jury=jury)
    qualities = {one.bid.agent: _quality(one, grades.cost_weight) for one in grades.graded}
    offers = [_offer(one.bid, qualities[one.bid.agent]) for one in grades.graded]
    cleared = rule.clear_bundles(offers, shares={_TASK: 1.0}, reserve=reserve, seed=seed)
    refused = {**refused, **grades.refused, **{one.offer.agent: one.why for one in cleared.refused}}
    stands = [one.bid for one in grades.graded if one.bid.agent not in refused]
    ranking = rank([(bid, _score(bid, qualities[bid.agent], reserve)) for bid in stands], reserve, seed)
    winner = cleared.awards[0].offer.agent if cleared.awards else None
    first = sorted(ranking, key=lambda score: score.agent != winner)  # floats may order equals otherwise
    return Clearing(
        mechanism=rule.name,
        ranking=tuple(first),
        refused=refused,
        payment=cleared.awards[0].payment if cleared.awards else None,
        weights={"cost": 1.0, "quality": 1.0},
        dropped=grades.dropped,
        notes=grades.notes,
    )


def _quality(one: Graded, cost_weight: float) -> float:
    return min(1.0, max(0.0, one.quality / cost_weight))


def _offer(bid: Bid, quality: float) -> Offer:
    return Offer(
        agent=bid.agent,
        tasks=frozenset({_TASK}),
        price=bid.price,
        quality=quality,
        content_hash=bid.content_hash,
    )


def _score(bid: Bid, quality: float, reserve: Reserve) -> Score:
    share = cost_share(bid, reserve)
    return Score(
        agent=bid.agent,
        total=round(math.fsum((share, -quality)), 12),
        terms={"cost": share, "quality": -quality},
        figures={"cost": share, "quality": quality},
        price=bid.price,
    )
