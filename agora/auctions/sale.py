"""SALE: strategy auctions, scored by cost minus value (arXiv 2602.02751, section 3).

    score = w_cost x price / reserve  -  w_entropy x entropy  -  w_jury x jury  -  w_record x record
            + w_latency x latency + w_energy x energy + w_fairness x fairness          lowest wins, pays its own bid

The published cost, price per token x plan length, is divided by a scale that is fixed before any bid is opened
(the reserve: what the task may cost), never by a figure of this auction's bids, so that no bid moves another's score.
The paper has one fitted weight for each judge; here the jury has one weight, and its judges are weighted inside it by
what their marks were worth (consensus.py). The last four terms are no part of the paper (the record in place of
claims, after MarketBench, arXiv 2604.23897; latency and energy as in GreenServ, fairness of shares as in MOHAF) and
have weight 0 unless they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import mul
from types import MappingProxyType
from typing import Final, cast

from agora.auctions.consensus import SLACK_MARKS, Panel
from agora.auctions.dial import turn_dial
from agora.auctions.entering import enter
from agora.auctions.jury import MOST_MARK
from agora.auctions.ranking import cost_share, rank
from agora.auctions.scales import entropies
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError

DEFAULT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"cost": 1 / 3, "entropy": 1 / 3, "jury": 1 / 3, "record": 0.0, "latency": 0.0, "energy": 0.0, "fairness": 0.0}
)
"""Alike for the terms of the paper: in simulation no fitted weights were better (note on SALE, section 1.4)."""
VALUE_TERMS: Final = frozenset({"entropy", "jury", "record"})
"""What counts for a bid; the other terms count against it."""
FULL_SCALE_J: Final = 100_000.0
"""The energy that counts as 1: about 100,000 tokens at a joule each."""

_WHERE: Final = "auction 'sale'"
_DIGITS: Final = 12


class SALE:
    """Lowest cost minus value wins.

    The figures, each in [0, 1]; a term is its weight x its figure:

    - cost: price / reserve, in the price's own unit.
    - entropy: mean token entropy of the plan, or where the bidders are of several families how far it lies from the
      bidder's own past plans; higher is better (see `entropies`).
    - jury: what the judges' marks are worth (`Panel`); higher is better.
    - record: lower confidence bound of the bidder's chance to pass on the skill, by its verified outcomes; higher is
      better. 0 for who has no record, so it changes nothing where nobody has one.
    - latency: mean seconds of the bidder's attempts so far / seconds of the reserve, 1 at most.
    - energy: mean joules of the bidder's attempts so far / `energy_j`, 1 at most.
    - fairness: the bidder's share of the awards so far. What it has above an equal share orders the bids alike, since
      an equal share is the same for all.

    A term with a weight that some admitted bid lacks (entropy, where a bidder has no log-probabilities; jury, where
    nobody but its own operator marked a bid) is dropped for the whole auction, the other weights are scaled to keep
    their sum, and the clearing says so: lacking a figure neither helps nor hurts. So is entropy that was measured in
    different forms. Without a jury, that term is off.

    Args:
        weights: Of the terms, each >= 0, cost > 0; what is not named keeps its default.
        dial: In [0, 1], between value and cost without a new fit: 0.5 leaves the weights as they are, 1 leaves only
            cost, 0 only the other terms (see `turn_dial`). At any setting a lower price is never worse.
        energy_j: The joules that count as 1, > 0.
        jury: Who judges, by name; None: everyone who can; empty: nobody.
        slack: How many marks below the judges' consensus one judge's mark may count, from 0 (nobody alone can
            talk a rival down where the others agree) to 5 (only praise is cut).

    Raises:
        ConfigError: An option cannot be used.

    >>> from decimal import Decimal
    >>> from agora.bids import Amount, Plan
    >>> def bid(name, price, entropy):
    ...     return Bid(agent=name, plan=Plan(text=name), length_tokens=1, projected_tokens=1,
    ...                price=Amount(value=Decimal(price)), entropy=entropy, content_hash=name)
    >>> SALE().clear([bid("dear", 4, 0.5), bid("cheap", 1, 0.4)], reserve=Reserve(usd=Decimal(10)), seed=0).winner
    'cheap'
    """

    name = "sale"

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        dial: float = 0.5,
        energy_j: float = FULL_SCALE_J,
        jury: Collection[str] | None = None,
        slack: int = SLACK_MARKS,
    ) -> None:
        if not _is_number(dial) or not 0 <= dial <= 1:
            raise ConfigError(_WHERE, f"dial {dial!r} must be in [0, 1]: 0.5 changes nothing, 1 is cost alone")
        if not _is_number(energy_j) or energy_j <= 0:
            raise ConfigError(_WHERE, f"energy_j {energy_j!r} must be joules above 0")
        if not _is_number(slack) or slack not in range(MOST_MARK + 1):
            raise ConfigError(_WHERE, f"slack {slack!r} must be a whole number of marks from 0 to {MOST_MARK}")
        if jury is not None and not _are_names(jury):
            raise ConfigError(_WHERE, f"jury {jury!r} must be a list of names, as [{str(jury)!r}]")
        self._weights = turn_dial(_checked(weights), dial)
        self._energy_j, self._jury, self._slack = energy_j, jury, int(slack)

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights before any term is dropped, as the dial leaves them."""
        return MappingProxyType(self._weights)

    @property
    def jury(self) -> frozenset[str] | None:
        """The judges' names; None: everyone who can judge; empty: nobody, as where the jury has no weight."""
        if not self._weights["jury"]:
            return frozenset()
        return None if self._jury is None else frozenset(self._jury)

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Score and rank all admitted bids; the winner is paid what it asked."""
        admitted, refused = enter(bids, reserve, seed=seed)
        columns, notes = self._columns(admitted, reserve, jury)
        dropped = tuple(term for term, column in columns.items() if None in column)
        weights = self._scaled([term for term in columns if term not in dropped])
        ranking = rank(list(zip(admitted, _scores(admitted, weights, columns), strict=True)), reserve, seed)
        return Clearing(
            mechanism=self.name,
            ranking=ranking,
            refused=refused,
            payment=ranking[0].price if ranking else None,
            weights=weights,
            dropped=dropped,
            notes=notes,
        )

    def _columns(
        self, bids: Sequence[Bid], reserve: Reserve, jury: Mapping[str, Juror]
    ) -> tuple[dict[str, list[float | None]], tuple[str, ...]]:
        """The figures of each term in use, one a bid, None where a bid lacks it; and what to know of them."""
        seconds, panel = float(reserve.s), Panel(jury, slack=self._slack)
        figures: dict[str, Callable[[Bid], float | None]] = {
            "cost": lambda bid: cost_share(bid, reserve),
            "jury": lambda bid: panel.value(bid.marks, operator=bid.operator),
            "record": lambda bid: bid.standing.success_low,
            "latency": lambda bid: _share(bid.standing.seconds, seconds),
            "energy": lambda bid: _share(bid.standing.energy_j, self._energy_j),
            "fairness": lambda bid: bid.standing.share,
        }
        columns: dict[str, list[float | None]] = {}
        notes: tuple[str, ...] = ()
        for term, weight in self._weights.items():
            if term == "entropy" and weight:
                columns[term], notes = entropies(bids)
            elif term == "cost" or (weight and (term != "jury" or jury)):
                columns[term] = [figures[term](bid) for bid in bids]
        return columns, notes

    def _scaled(self, terms: Collection[str]) -> dict[str, float]:
        """The weights of the terms in use, scaled to the sum of all."""
        total, left = math.fsum(self._weights.values()), math.fsum(self._weights[term] for term in terms)
        if left == total:
            return {term: self._weights[term] for term in terms}
        if not left:  # the dial is at value alone, and there is none
            return {"cost": total}
        return {term: round(self._weights[term] * total / left, _DIGITS) for term in terms}


def _scores(
    bids: Sequence[Bid], weights: Mapping[str, float], columns: Mapping[str, Sequence[float | None]]
) -> list[Score]:
    names = tuple(weights)
    signed = [-weights[term] if term in VALUE_TERMS else weights[term] for term in names]
    rows = zip(*(cast("Sequence[float]", columns[term]) for term in names), strict=True)
    scores: list[Score] = []
    for bid, row in zip(bids, rows, strict=True):
        weighed = tuple(map(mul, signed, row))
        scores.append(
            Score(
                agent=bid.agent,
                total=round(sum(weighed), _DIGITS),
                terms=dict(zip(names, weighed, strict=True)),
                figures=dict(zip(names, row, strict=True)),
                price=bid.price,
            )
        )
    return scores


def _share(value: float | None, full: float) -> float | None:
    """How much of a scale a figure takes, 1 at most; None where there is no figure or no scale."""
    return None if value is None or not full else min(1.0, value / full)


def _checked(weights: Mapping[str, float] | None) -> dict[str, float]:
    if weights is not None and not _is_table(weights):
        raise ConfigError(_WHERE, f"weights {weights!r} must be a table, as weights = {{ cost = 0.5 }}")
    chosen = {**DEFAULT_WEIGHTS, **(weights or {})}
    for term, weight in chosen.items():
        if term not in DEFAULT_WEIGHTS:
            raise ConfigError(_WHERE, f"weights: there is no term {term!r}; there are: {', '.join(DEFAULT_WEIGHTS)}")
        if not _is_number(weight) or weight < 0 or (term == "cost" and weight == 0):
            least = "above 0" if term == "cost" else "0 or more"
            raise ConfigError(_WHERE, f"weights: {term} {weight!r} must be a number {least}")
    return {term: float(weight) for term, weight in chosen.items()}


def _are_names(value: object) -> bool:
    return (
        isinstance(value, Collection)
        and not isinstance(value, str)
        and all(isinstance(name, str) for name in cast("Collection[object]", value))
    )


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
