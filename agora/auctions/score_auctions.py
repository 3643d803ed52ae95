"""First score and second score: reverse scoring auctions over any scorer (Che, 1993; Vickrey, 1961; sale.md section 6).

    score = w_c x price / reserve  -  quality             lowest wins

First score pays the winner its own price. Second score pays the threshold: the highest price at which it would still
have won, which is where its score meets the runner-up's, and never more than the reserve in its own unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from agora.auctions.entering import enter
from agora.auctions.grading import Graded, grade, jury_for
from agora.auctions.paying import GRID, Scale, on_grid, within_budget
from agora.auctions.properties import Properties
from agora.auctions.ranking import all_scores, tie_hash
from agora.auctions.sale import SALE
from agora.auctions.stating import with_scorer
from agora.bids import NO_JURY, Amount, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError
from agora.protocols import Mechanism


class FirstScore:
    """Lowest score wins and is paid what it asks: SALE's award, without the bidder's own praise.

    Asking more than the true cost can gain, so use it where prices are posted and not chosen by the bidder.

    Args:
        weights: Of SALE, the default scorer.
        scorer: Another mechanism, whose scores besides cost are the quality.
        reserve_score: No award at a score above this; 0 buys only what is worth its price. None: no such bound.
    """

    name = "first_score"
    properties = Properties(
        truthful=False,
        paid="its own price",
        use="prices are posted by the owner of the market, and the score counts",
    )

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        scorer: Mechanism | None = None,
        reserve_score: float | None = None,
    ) -> None:
        self._scorer = _scorer(self.name, weights, scorer)
        self._bound = _bound(self.name, reserve_score)

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return with_scorer(self._scorer, {"reserve_score": self._bound})

    @property
    def jury(self) -> frozenset[str] | None:
        """Who judges: whoever the scorer wants to hear."""
        return jury_for(self._scorer)

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Rank all admitted bids; the winner is paid its price."""
        sheet = _Sheet(self._scorer, bids, reserve=reserve, seed=seed, jury=jury, bound=self._bound)
        return sheet.clearing(self.name, payment=sheet.rows[0].bid.price if sheet.rows else None)


class SecondScore:
    """Lowest score wins and is paid the highest price at which it would still have won.

    Truthful in cost, exactly: the payment does not depend on what the winner asked, and it wins if and only if it
    asks no more than that. Quality must not depend on the price, which `grade` sees to; what a plan, its entropy or
    a judge's marks for rivals do to quality is outside this promise.

    Args:
        weights: Of SALE, the default scorer.
        scorer: Another mechanism, whose scores besides cost are the quality.
        reserve_score: No award at a score above this; 0 buys only what is worth its price. None: no such bound.
        budget: The share of the reserve that may be paid, in (0, 1]; a payment above it refuses the award.

    >>> from decimal import Decimal
    >>> from agora.bids import Plan
    >>> def bid(name, price):
    ...     return Bid(agent=name, plan=Plan(text=name), length_tokens=1, projected_tokens=1,
    ...                price=Amount(value=Decimal(price)), content_hash=name)
    >>> clearing = SecondScore().clear([bid("dear", 4), bid("cheap", 1)], reserve=Reserve(usd=Decimal(10)), seed=0)
    >>> clearing.winner, clearing.payment.value
    ('cheap', Decimal('4'))
    """

    name = "second_score"
    properties = Properties(
        truthful=True,
        paid="the highest price at which it would still have won",
        use="bidders choose their prices and you want them to ask their costs",
    )

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        scorer: Mechanism | None = None,
        reserve_score: float | None = None,
        budget: float = 1.0,
    ) -> None:
        self._scorer = _scorer(self.name, weights, scorer)
        self._bound = _bound(self.name, reserve_score)
        if not 0 < budget <= 1:
            raise ConfigError(f"auction {self.name!r}", f"budget {budget!r} must be in (0, 1]")
        self._budget = budget

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return with_scorer(self._scorer, {"reserve_score": self._bound, "budget": self._budget})

    @property
    def jury(self) -> frozenset[str] | None:
        """Who judges: whoever the scorer wants to hear."""
        return jury_for(self._scorer)

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Rank all admitted bids; the winner is paid its threshold, or nobody gets it if that is above the budget."""
        sheet = _Sheet(self._scorer, bids, reserve=reserve, seed=seed, jury=jury, bound=self._bound)
        clearing = sheet.clearing(self.name, payment=sheet.threshold() if sheet.rows else None)
        return within_budget(clearing, reserve, share=self._budget)


class _Row(NamedTuple):
    bid: Bid
    exact: int
    """Its score over the common whole."""
    cost: int
    """Its price over the common whole."""
    quality: int
    total: float
    """Its score as printed."""
    graded: Graded


class _Sheet:
    """The reckoning that both auctions share, in integers."""

    def __init__(
        self,
        scorer: Mechanism,
        bids: Sequence[Bid],
        *,
        reserve: Reserve,
        seed: int,
        jury: Mapping[str, Juror],
        bound: float | None,
    ) -> None:
        admitted, refused = enter(bids, reserve, seed=seed)
        grades = grade(scorer, admitted, reserve=reserve, seed=seed, jury=jury)
        self._grades, self._scale = grades, Scale(reserve, up=True)
        self._refused = {**refused, **grades.refused}
        self._weight = on_grid(grades.cost_weight) if grades.graded else 0
        self._cost_weight = grades.cost_weight if grades.graded else 0.0
        self._bound = None if bound is None else on_grid(bound) * self._scale.whole
        rows = _ordered([self._row(one) for one in grades.graded], seed)
        self.rows = [row for row in rows if self._bound is None or row.exact <= self._bound]
        for row in rows[len(self.rows) :]:
            self._refused[row.bid.agent] = f"scores {row.total:.6f}, above the reserve score of {bound}"

    def threshold(self) -> Amount:
        """The highest price at which the first row would still be first."""
        unit = self.rows[0].bid.price.unit
        limits = [row.exact for row in self.rows[1:2]] + ([] if self._bound is None else [self._bound])
        if not limits:
            return self._scale.capped(self._scale.whole // self._scale.factor(unit), unit)
        room = min(limits) + self.rows[0].quality
        return self._scale.capped(room // (self._weight * self._scale.factor(unit)), unit)

    def clearing(self, name: str, *, payment: Amount | None) -> Clearing:
        """The rows as a clearing."""
        return Clearing(
            mechanism=name,
            ranking=self._scores(),
            refused=self._refused,
            payment=payment,
            weights=self._grades.weights,
            dropped=self._grades.dropped,
            notes=self._grades.notes,
        )

    def _row(self, one: Graded) -> _Row:
        quality = round(one.quality * GRID) * self._scale.whole
        cost = self._scale.cost(one.bid.price)
        total = round(self._cost_weight * one.share - one.quality, 12)
        return _Row(one.bid, self._weight * cost - quality, cost, quality, total, one)

    def _scores(self) -> tuple[Score, ...]:
        names = ("cost", *self._grades.names)
        return all_scores(
            [
                {
                    "agent": row.bid.agent,
                    "total": row.total,
                    "terms": dict(zip(names, (self._cost_weight * one.share, *one.terms), strict=True)),
                    "figures": dict(zip(names, (one.share, *one.figures), strict=bool(one.figures))),
                    "price": row.bid.price,
                }
                for row in self.rows
                for one in [row.graded]
            ]
        )


def _ordered(rows: Sequence[_Row], seed: int) -> list[_Row]:
    """Lower exact score, then the lower price, then the lot, and the name only where all else is equal."""
    ordered: list[_Row] = []
    for _, level in groupby(sorted(rows, key=_key), key=_key):
        tied = list(level)
        if len(tied) > 1:
            tied.sort(key=lambda row: (tie_hash(seed, row.bid.content_hash), row.bid.agent))
        ordered += tied
    return ordered


def _key(row: _Row) -> tuple[int, int]:
    return row.exact, row.cost


def _scorer(name: str, weights: Mapping[str, float] | None, scorer: Mechanism | None) -> Mechanism:
    if scorer is None:
        return SALE(weights)
    if weights is not None:
        raise ConfigError(f"auction {name!r}", "weights are those of SALE: give them to your own scorer instead")
    if not callable(getattr(scorer, "clear", None)):
        raise ConfigError(f"auction {name!r}", f"scorer {scorer!r} is no mechanism: pass an object, as SALE()")
    return scorer


def _bound(name: str, reserve_score: float | None) -> float | None:
    if reserve_score is not None and not math.isfinite(reserve_score):
        raise ConfigError(f"auction {name!r}", f"reserve_score {reserve_score!r} must be a number")
    return reserve_score
