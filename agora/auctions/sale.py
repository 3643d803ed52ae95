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
from typing import Final, NamedTuple, cast

from pydantic import ValidationError

from agora.auctions.consensus import SLACK_MARKS, Panel
from agora.auctions.dial import turn_dial
from agora.auctions.entering import enter
from agora.auctions.jury import MOST_MARK
from agora.auctions.ranking import all_scores, best_first, cost_shares
from agora.auctions.scales import entropies
from agora.auctions.stating import stated
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError
from agora.rules import SALE_RULES, Rules

DEFAULT_WEIGHTS: Final[Mapping[str, float]] = MappingProxyType(
    {"cost": 1 / 3, "entropy": 1 / 3, "jury": 1 / 3, "record": 0.0, "latency": 0.0, "energy": 0.0, "fairness": 0.0}
)
"""Alike for the terms of the paper: in simulation no fitted weights were better (note on SALE, section 1.4)."""
VALUE_TERMS: Final = frozenset({"entropy", "jury", "record"})
"""What counts for a bid; the other terms count against it."""
FULL_SCALE_J: Final = 100_000.0
"""The energy that counts as 1: about 100,000 tokens at a joule each."""
UNHEARD: Final = "no judge was heard: the jury has no part"
"""What a clearing notes where judges were wanted and none gave marks."""

_WHERE: Final = "auction 'sale'"
_DIGITS: Final = 12


class Weighed(NamedTuple):
    """The figures of an auction's bids, and what they count."""

    weights: Mapping[str, float]
    """Term -> weight, after terms were dropped."""
    rows: list[tuple[float, ...]]
    """One a bid: the figures of these terms."""
    dropped: tuple[str, ...]
    """Terms that some bid lacks."""
    notes: tuple[str, ...]
    """What else to know of the figures."""

    @property
    def signed(self) -> dict[str, float]:
        """The weights, below 0 where a term counts for a bid."""
        return {term: -weight if term in VALUE_TERMS else weight for term, weight in self.weights.items()}


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
    different forms. Without a jury that term is off, which is noted where judges were wanted and there are bids to
    compare.

    Args:
        weights: Of the terms, each >= 0, cost > 0; what is not named keeps its default.
        dial: In [0, 1], between value and cost without a new fit: 0.5 leaves the weights as they are, 1 leaves only
            cost, 0 only the other terms (see `turn_dial`). At any setting a lower price is never worse.
        energy_j: The joules that count as 1, > 0.
        jury: Who judges, by name; None: everyone who can; empty: nobody.
        slack: How many marks below the judges' consensus one judge's mark may count, from 0 (nobody alone can
            talk a rival down where the others agree) to 5 (only praise is cut).
        rules: How the auction is held besides: second plans, exploration, when one agent alone is asked; what a table
            does not name keeps its default (`SALE_RULES`).

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
        rules: Rules | Mapping[str, object] | None = None,
    ) -> None:
        if not _is_number(dial) or not 0 <= dial <= 1:
            raise ConfigError(_WHERE, f"dial {dial!r} must be in [0, 1]: 0.5 changes nothing, 1 is cost alone")
        if not _is_number(energy_j) or energy_j <= 0:
            raise ConfigError(_WHERE, f"energy_j {energy_j!r} must be joules above 0")
        if not _is_number(slack) or slack not in range(MOST_MARK + 1):
            raise ConfigError(_WHERE, f"slack {slack!r} must be a whole number of marks from 0 to {MOST_MARK}")
        if jury is not None and not _are_names(jury):
            raise ConfigError(_WHERE, f"jury {jury!r} must be a list of names, as [{str(jury)!r}]")
        self._rules = _checked_rules(rules)
        self._stated, self._dial = _checked(weights), float(dial)
        self._weights = turn_dial(self._stated, dial)
        self._energy_j, self._slack = float(energy_j), int(slack)
        self._jury = None if jury is None else frozenset(jury)

    @property
    def weights(self) -> Mapping[str, float]:
        """The weights before any term is dropped, as the dial leaves them."""
        return MappingProxyType(self._weights)

    @property
    def rules(self) -> Rules:
        """How the auction is held besides its scores."""
        return self._rules

    @property
    def jury(self) -> frozenset[str] | None:
        """The judges' names; None: everyone who can judge; empty: nobody, as where the jury has no weight."""
        if not self._weights["jury"]:
            return frozenset()
        return self._jury

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return stated(
            {
                "weights": {**self._stated},
                "dial": self._dial,
                "energy_j": self._energy_j,
                "jury": None if self._jury is None else [*sorted(self._jury)],
                "slack": self._slack,
                "rules": self._rules.model_dump(mode="json"),
            }
        )

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Score and rank all admitted bids; the winner is paid what it asked."""
        admitted, refused = enter(bids, reserve, seed=seed)
        weighed = self.weigh(admitted, reserve=reserve, jury=jury)
        ranking = _ranked(admitted, weighed, reserve, seed)
        return Clearing(
            mechanism=self.name,
            ranking=ranking,
            refused=refused,
            payment=ranking[0].price if ranking else None,
            weights=weighed.weights,
            dropped=weighed.dropped,
            notes=weighed.notes,
        )

    def weigh(
        self, bids: Sequence[Bid], *, reserve: Reserve, jury: Mapping[str, Juror] = NO_JURY, own_marks: bool = True
    ) -> Weighed:
        """The figures of all bids and the weights that they count with.

        Args:
            bids: Those that take part, one an agent.
            reserve: What the task may cost.
            jury: Who made the marks.
            own_marks: False: the marks of a bidder's own operator are left out, its doubts with its praise.
        """
        panel, seconds = Panel(jury, slack=self._slack), float(reserve.s)
        known = [bid.standing for bid in bids]
        figures: dict[str, Callable[[], list[float | None]]] = {
            "jury": lambda: [panel.value(bid.marks, operator=bid.operator, own_marks=own_marks) for bid in bids],
            "record": lambda: [standing.success_low for standing in known],
            "latency": lambda: _shares([standing.seconds for standing in known], seconds),
            "energy": lambda: _shares([standing.energy_j for standing in known], self._energy_j),
            "fairness": lambda: [standing.share for standing in known],
        }
        columns: dict[str, list[float | None]] = {"cost": [*cost_shares(bids, reserve)]}
        notes: tuple[str, ...] = ()
        for term, weight in self._weights.items():
            if weight and term == "entropy":
                columns[term], notes = entropies(bids)
            elif weight and term in figures and (term != "jury" or jury):
                columns[term] = figures[term]()
        if len(bids) > 1 and not jury and self.jury != frozenset():
            notes += (UNHEARD,)
        dropped = tuple(term for term, column in columns.items() if None in column)
        weights = self._scaled([term for term in columns if term not in dropped])
        rows = list(zip(*(cast("list[float]", columns[term]) for term in weights), strict=True))
        return Weighed(weights, rows, dropped, notes)

    def _scaled(self, terms: Collection[str]) -> dict[str, float]:
        """The weights of the terms in use, scaled to the sum of all."""
        total, left = math.fsum(self._weights.values()), math.fsum(self._weights[term] for term in terms)
        if left == total:
            return {term: self._weights[term] for term in terms}
        if not left:  # the dial is at value alone, and there is none
            return {"cost": total}
        return {term: round(self._weights[term] * total / left, _DIGITS) for term in terms}


def _ranked(bids: Sequence[Bid], weighed: Weighed, reserve: Reserve, seed: int) -> tuple[Score, ...]:
    names, signed = tuple(weighed.weights), tuple(weighed.signed.values())
    terms = [tuple(map(mul, signed, row)) for row in weighed.rows]
    totals = [round(sum(row), _DIGITS) for row in terms]
    rows = (
        {
            "agent": bids[place].agent,
            "total": totals[place],
            "terms": dict(zip(names, terms[place], strict=True)),
            "figures": dict(zip(names, weighed.rows[place], strict=True)),
            "price": bids[place].price,
        }
        for place in best_first(bids, totals, reserve, seed)
    )
    return all_scores(list(rows))


def _shares(values: Sequence[float | None], full: float) -> list[float | None]:
    """How much of a scale each figure takes, 1 at most; None where there is no figure or no scale."""
    return [None if value is None or not full else 1.0 if value >= full else value / full for value in values]


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


def _checked_rules(rules: Rules | Mapping[str, object] | None) -> Rules:
    if isinstance(rules, Rules):
        return rules
    if rules is not None and not _is_table(rules):
        raise ConfigError(_WHERE, f"rules {rules!r} must be a table, as rules = {{ explore = 0.05 }}")
    try:
        return Rules.model_validate({**SALE_RULES.model_dump(), **(rules or {})})
    except ValidationError as problem:
        first = problem.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            _WHERE, f"rules: {name}: {first['msg']}; there are: {', '.join(Rules.model_fields)}"
        ) from None


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
