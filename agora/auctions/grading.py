"""What a scorer says of bids besides their prices: quality, as at price zero and without a bidder's own praise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from operator import mul
from typing import Final, NamedTuple

from agora.abilities import Juried
from agora.auctions.ranking import cost_shares
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
    share: float
    """The share of the reserve that it asks."""
    quality: float
    """What is in the total besides cost, higher is better."""
    terms: tuple[float, ...]
    """The scorer's weighted terms without cost, lower is better."""
    figures: tuple[float, ...]
    """What was weighed; one a term, or none."""


class Grades(NamedTuple):
    """What a scorer says of all bids besides their prices."""

    names: tuple[str, ...]
    """Of the terms without cost."""
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
    (_, *names), (_, *weights) = weighed.signed, weighed.signed.values()  # cost comes first
    graded = list[Graded]()
    for bid, (share, *figures) in zip(bids, weighed.rows, strict=True):
        terms = tuple(map(mul, weights, figures))
        graded.append(Graded(bid, share, -math.fsum(terms), terms, tuple(figures)))
    return Grades(tuple(names), tuple(graded), {}, weighed.weights, weighed.dropped, weighed.notes)


def _of_any(
    scorer: Mechanism, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror]
) -> Grades:
    own: dict[str, set[str]] = {}
    for judge, juror in jury.items():
        own.setdefault(juror.operator, set()).add(judge)
    free = [_blind(bid, own.get(bid.operator, set())) for bid in bids]
    clearing = scorer.clear(free, reserve=reserve, seed=seed, jury=jury)
    scores = {score.agent: score for score in clearing.ranking}
    names = tuple(dict.fromkeys(name for score in clearing.ranking for name in score.terms if name != "cost"))
    graded = list[Graded]()
    for bid, share in zip(bids, cost_shares(bids, reserve), strict=True):
        if (score := scores.get(bid.agent)) is None:
            continue
        terms = tuple(score.terms.get(name, 0.0) for name in names)
        figures = tuple(score.figures[name] for name in names if name in score.figures)
        graded.append(Graded(bid, share, -math.fsum(terms), terms, figures if len(figures) == len(names) else ()))
    return Grades(names, tuple(graded), clearing.refused, clearing.weights, clearing.dropped, clearing.notes)


def jury_for(scorer: Mechanism) -> frozenset[str] | None:
    """The judges that a scorer wants to hear, by name; None: everyone who can; empty: nobody."""
    return scorer.jury if isinstance(scorer, Juried) else frozenset()


def _blind(bid: Bid, own: Set[str]) -> Bid:
    """A bid at price zero, without the marks of its own operator's judges."""
    update: dict[str, object] = {"price": _FREE[bid.price.unit]}
    if not own.isdisjoint(bid.marks):
        update["marks"] = {judge: mark for judge, mark in bid.marks.items() if judge not in own}
    return bid.model_copy(update=update)
