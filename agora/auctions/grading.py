"""What a scorer says of bids besides their prices: quality, as at price zero and without a bidder's own praise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from operator import mul
from typing import Final, NamedTuple

from agora.abilities import Juried
from agora.auctions.sale import SALE
from agora.bids import Amount, Bid, Juror, Reserve, Unit
from agora.errors import ConfigError
from agora.protocols import Mechanism

_FREE: Final[Mapping[Unit, Amount]] = {
    "usd": Amount(value=Decimal(0), unit="usd"),
    "s": Amount(value=Decimal(0), unit="s"),
}


class Graded(NamedTuple):
    """A bid with its quality, as a scorer sees it at price zero."""

    bid: Bid
    terms: Mapping[str, float]
    """The scorer's weighted terms without cost, lower is better."""
    figures: Mapping[str, float]
    """What was weighed."""

    @property
    def quality(self) -> float:
        """What is in the total besides cost, higher is better."""
        return -math.fsum(self.terms.values())


class Grades(NamedTuple):
    """What a scorer says of all bids besides their prices."""

    graded: tuple[Graded, ...]
    refused: Mapping[str, str]
    weights: Mapping[str, float]
    dropped: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def cost_weight(self) -> float:
        """The scorer's weight of cost: quality is in units of this weight x the share of the reserve."""
        return self.weights["cost"]


def grade(scorer: Mechanism, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror]) -> Grades:
    """Let a mechanism score bids as if each were free, and without a bidder's marks for itself.

    At price zero no price can move a quality, neither the bidder's own nor another's, whatever the scorer does. SALE is
    not made to hold a whole auction for it: its figures besides cost do not see a price, so it is asked for them alone.

    Args:
        scorer: Any mechanism whose scores have a term "cost" that is its weight x the share of the reserve.
        bids: One an agent.
        reserve: As at the auction.
        seed: As at the auction.
        jury: Who made the marks; a judge behind which stands the bidder's operator is left out.

    Raises:
        ConfigError: The scorer does not weigh cost.
    """
    if type(scorer) is SALE:
        grades = _of_sale(scorer, bids, reserve=reserve, jury=jury)
    else:
        grades = _of_any(scorer, bids, reserve=reserve, seed=seed, jury=jury)
    if bids and not grades.weights.get("cost", 0) > 0:
        raise ConfigError(f"scorer {scorer.name!r}", "it gives cost no weight, so no price can be weighed against it")
    return grades


def _of_sale(sale: SALE, bids: Sequence[Bid], *, reserve: Reserve, jury: Mapping[str, Juror]) -> Grades:
    weighed = sale.weigh(bids, reserve=reserve, jury=jury, own_marks=False)
    signed = weighed.signed
    names, weights = tuple(signed)[1:], tuple(signed.values())[1:]  # cost comes first
    graded = tuple(
        Graded(
            bid,
            dict(zip(names, map(mul, weights, row[1:]), strict=True)),
            dict(zip(names, row[1:], strict=True)),
        )
        for bid, row in zip(bids, weighed.rows, strict=True)
    )
    return Grades(graded, {}, weighed.weights, weighed.dropped, weighed.notes)


def _of_any(
    scorer: Mechanism, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror]
) -> Grades:
    own: dict[str, set[str]] = {}
    for judge, juror in jury.items():
        own.setdefault(juror.operator, set()).add(judge)
    free = [_blind(bid, own.get(bid.operator, set())) for bid in bids]
    clearing = scorer.clear(free, reserve=reserve, seed=seed, jury=jury)
    scores = {score.agent: score for score in clearing.ranking}
    graded = tuple(
        Graded(bid, _without_cost(scores[bid.agent].terms), _without_cost(scores[bid.agent].figures))
        for bid in bids
        if bid.agent in scores
    )
    return Grades(graded, clearing.refused, clearing.weights, clearing.dropped, clearing.notes)


def jury_for(scorer: Mechanism) -> frozenset[str] | None:
    """The judges that a scorer wants to hear, by name; None: everyone who can; empty: nobody."""
    return scorer.jury if isinstance(scorer, Juried) else frozenset()


def _blind(bid: Bid, own: Set[str]) -> Bid:
    """A bid at price zero, without the marks of its own operator's judges."""
    update: dict[str, object] = {"price": _FREE[bid.price.unit]}
    if not own.isdisjoint(bid.marks):
        update["marks"] = {judge: mark for judge, mark in bid.marks.items() if judge not in own}
    return bid.model_copy(update=update)


def _without_cost(terms: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in terms.items() if name != "cost"}
