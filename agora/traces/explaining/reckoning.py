"""An award made ready to be redone by hand: its scores term by term, in digits that add up.

    term = sign x weight x figure,  rounded as printed          score = the sum of the printed terms, rounded as printed

Everything comes from the ledger. Numbers are rounded half up. A sheet has as many digits as it takes for each printed
sum to be what somebody with a pencil gets from the printed weights and figures, and for unequal scores to look unequal.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import groupby
from typing import Final, NamedTuple

from agora.auctions.ranking import amount_share, tie_hash
from agora.auctions.sale import VALUE_TERMS
from agora.bids import Amount, Bid, Clearing, Reserve, Score

LEAST_SUM_DIGITS: Final = 4
"""Digits after the point of a printed score, at least."""
_MOST_SUM_DIGITS: Final = 12
_MORE_DIGITS: Final = 2
"""So many more have weights, figures and terms, at least."""
_MOST_DIGITS: Final = 20
_CLOSE: Final = 1e-9
_PRECISION: Final = 60


class Line(NamedTuple):
    """One term of a score, as printed."""

    term: str
    """Its name."""
    weight: str
    """What it is weighed with; empty where the mechanism gives the term as it is."""
    figure: str
    """What is weighed; empty in the same place."""
    product: str
    """Signed: "+" counts against the bid, "-" for it."""


class Sum(NamedTuple):
    """One bid's score, as printed."""

    agent: str
    """Whose."""
    lines: tuple[Line, ...]
    """What is added up."""
    total: str
    """The sum."""


class Sheet(NamedTuple):
    """The scores of one round."""

    sums: tuple[Sum, ...]
    """Best first."""
    digits: int
    """Digits after the point of weights, figures and terms."""
    sum_digits: int
    """Digits after the point of the sums."""


class Tie(NamedTuple):
    """Bids with one score, in the order that was decided."""

    agents: tuple[str, ...]
    """Best first."""
    shares: tuple[float, ...]
    """Of each what it asks as a share of the reserve: the lower one goes before."""
    lots: tuple[str, ...]
    """Of each the seeded lot, in hexadecimal: the lower one goes before where the shares are equal too."""


class Turn(NamedTuple):
    """What a bid that lost would have needed to win, all else equal."""

    agent: str
    """Whose."""
    behind: float
    """How far its score was behind, >= 0."""
    price: Amount | None
    """Asking less than this; None: no price would have done."""
    share: float | None
    """How much less that is, in (0, 1]."""
    jury: float | None
    """A jury value above this, in [0, 1]; None: none would have done, or there was no jury."""


def rounded(value: Decimal | float, digits: int) -> Decimal:
    """A number with so many digits after the point, half up (away from zero).

    >>> rounded(0.00005, 4), rounded(-1 / 3, 4)
    (Decimal('0.0001'), Decimal('-0.3333'))
    """
    with localcontext() as context:
        context.prec = _PRECISION
        exact = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def sheet_of(clearing: Clearing) -> Sheet:
    """The scores of a clearing, best first, in the fewest digits that add up and tell unequal scores apart."""
    totals = [score.total for score in clearing.ranking]
    signs = signs_of(clearing)
    sheet = Sheet((), LEAST_SUM_DIGITS + _MORE_DIGITS, LEAST_SUM_DIGITS)
    for sum_digits in range(LEAST_SUM_DIGITS, _MOST_SUM_DIGITS + 1):
        shown = {total: rounded(total, sum_digits) for total in totals}
        if len(set(shown.values())) < len(shown) and sum_digits < _MOST_SUM_DIGITS:
            continue
        for digits in range(sum_digits + _MORE_DIGITS, _MOST_DIGITS + 1):
            sums = tuple(_sum(score, clearing, signs, digits, sum_digits) for score in clearing.ranking)
            sheet = Sheet(sums, digits, sum_digits)
            if all(_adds_up(one, sum_digits) for one in sums):
                return sheet
    return sheet


def ties_of(clearing: Clearing, bids: Mapping[str, Bid], *, reserve: Reserve, seed: int) -> tuple[Tie, ...]:
    """Where bids had one score, and what decided."""
    found: list[Tie] = []
    for _, level in groupby(clearing.ranking, key=lambda score: score.total):
        tied = [score for score in level if score.agent in bids]
        if len(tied) < 2:
            continue
        shares = tuple(amount_share(score.price, reserve) for score in tied)
        lots = tuple(f"{tie_hash(seed, bids[score.agent].content_hash):016x}" for score in tied)
        found.append(Tie(tuple(score.agent for score in tied), shares, lots))
    return tuple(found)


def turns_of(clearing: Clearing, *, reserve: Reserve) -> tuple[Turn, ...]:
    """What each bid that lost would have needed, best first."""
    return tuple(_turn(score, clearing, reserve) for score in clearing.ranking[1:])


def _turn(score: Score, clearing: Clearing, reserve: Reserve) -> Turn:
    behind = score.total - clearing.ranking[0].total
    weights, limit = clearing.weights, reserve.of(score.price.unit)
    price, less, jury = None, None, None
    if score.terms.get("cost", 0.0) > 0 and weights.get("cost", 0.0) > 0:
        most = score.price.value - Decimal(repr(behind / weights["cost"])) * limit
        if most > 0:
            price = score.price.model_copy(update={"value": most})
            less = float(1 - most / score.price.value)
    if weights.get("jury", 0.0) > 0 and "jury" in score.figures:
        needed = score.figures["jury"] + behind / weights["jury"]
        jury = needed if needed < 1 else None
    return Turn(score.agent, behind, price, less, jury)


def signs_of(clearing: Clearing) -> dict[str, int]:
    """Term -> 1 where it counts against a bid, -1 where it counts for it; only terms that are weight x figure."""
    signs: dict[str, int] = {}
    for term, weight in clearing.weights.items():
        told = [score for score in clearing.ranking if term in score.figures and term in score.terms]
        if len(told) < len(clearing.ranking):
            continue
        seen = {
            sign
            for sign in (1, -1)
            if all(abs(sign * weight * score.figures[term] - score.terms[term]) <= _CLOSE for score in told)
        }
        if len(seen) == 2:  # the term is 0 for everybody
            signs[term] = -1 if term in VALUE_TERMS else 1
        elif seen:
            signs[term] = seen.pop()
    return signs


def _sum(score: Score, clearing: Clearing, signs: Mapping[str, int], digits: int, sum_digits: int) -> Sum:
    lines: list[Line] = []
    for term, value in score.terms.items():
        if term in signs:
            weight, figure = rounded(clearing.weights[term], digits), rounded(score.figures[term], digits)
            product = _product(signs[term] * weight, figure, digits)
            lines.append(Line(term, f"{weight:f}", f"{figure:f}", _signed(product, signs[term])))
        else:
            lines.append(Line(term, "", "", _signed(rounded(value, digits), 1)))
    return Sum(score.agent, tuple(lines), f"{_positive_zero(rounded(score.total, sum_digits)):f}")


def _product(weight: Decimal, figure: Decimal, digits: int) -> Decimal:
    with localcontext() as context:
        context.prec = _PRECISION
        return rounded(weight * figure, digits)


def _adds_up(one: Sum, sum_digits: int) -> bool:
    with localcontext() as context:
        context.prec = _PRECISION
        total = sum((Decimal(line.product) for line in one.lines), Decimal(0))
    return rounded(total, sum_digits) == Decimal(one.total)


def _signed(value: Decimal, sign: int) -> str:
    """With its sign, also where it is 0: "-0.000000" counts for the bid, and is nothing."""
    return f"{'-' if value < 0 or (value == 0 and sign < 0) else '+'}{abs(value):f}"


def _positive_zero(value: Decimal) -> Decimal:
    return abs(value) if value == 0 else value
