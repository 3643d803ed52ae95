"""The smallest changes that would have flipped an award: a price, a jury's value, a record, a weight; all else equal.

A score is a sum of weight x figure, so that each of these is one division: the difference of two scores by what moves
it. Only scores that stand on record term by term are taken apart; of others only a price is told, where it moves them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from agora.bids import Amount, Clearing, Reserve, Score
from agora.traces.explaining.reckoning import signs_of, turns_of

OWN_FIGURES: Final = ("record", "success")
"""Figures of a bidder, besides price and jury, that could have been otherwise."""
LEAST: Final = 1e-9
"""A price or a weight that would have to fall below this share of what it was is left out: that is 0 up to rounding,
and whether anything flips there is for the rounding to say."""


class Flip(NamedTuple):
    """One change that would have given another bid the award."""

    agent: str
    """Who would have had it."""
    what: Literal["price", "jury", "figure", "weight"]
    """What would have been otherwise."""
    term: str
    """Which term it is of; of a price "cost"."""
    was: float
    """What it was; of a price in its unit."""
    bound: float
    """Past this the award flips."""
    share: float
    """How much that is of what it was, >= 0; infinite where it was 0."""
    more: bool
    """Whether it would have had to be more."""
    price: Amount | None = None
    """The bound of a price, exactly."""


def flips_of(clearing: Clearing, *, reserve: Reserve) -> tuple[Flip, ...]:
    """Every single change that flips the award, the smallest relative change first.

    Args:
        clearing: As it is on record.
        reserve: Of its auction.
    """
    found = [flip for score in clearing.ranking[1:] for flip in _flips(score, clearing, reserve)]
    return tuple(sorted(found, key=lambda flip: (flip.share, flip.agent, flip.what, flip.term)))


def smallest(flips: tuple[Flip, ...]) -> tuple[Flip, ...]:
    """Of each kind of change the smallest, the smallest of all first: one price, one weight, one of each figure."""
    first: dict[tuple[str, str], Flip] = {}
    for flip in flips:
        first.setdefault((flip.what, "" if flip.what == "weight" else flip.term), flip)
    return tuple(first.values())


def _flips(score: Score, clearing: Clearing, reserve: Reserve) -> Iterator[Flip]:
    weights, agent = clearing.weights, score.agent
    turn = next(one for one in turns_of(clearing, reserve=reserve) if one.agent == agent)
    if turn.price is not None and turn.share is not None and turn.share < 1 - LEAST:
        was, bound = float(score.price.value), float(turn.price.value)
        yield Flip(agent, "price", "cost", was, bound, turn.share, more=False, price=turn.price)
    if turn.jury is not None:
        yield _flip(agent, "jury", "jury", score.figures["jury"], turn.jury, more=True)
    signs = signs_of(clearing)
    for term in OWN_FIGURES:
        if signs.get(term) == -1 and weights[term] > 0:
            needed = score.figures[term] + turn.behind / weights[term]
            if needed < 1:
                yield _flip(agent, "figure", term, score.figures[term], needed, more=True)
    for term, sign in signs.items():
        others = [one for one in clearing.ranking if one.agent != agent]
        least, most = _room(score, others, term, sign)
        least = max(least, -weights[term])
        more = least >= 0  # it does not win as things stand, so that 0 is outside
        if least >= most or (not more and weights[term] + most <= LEAST * weights[term]):
            continue
        yield _flip(agent, "weight", term, weights[term], weights[term] + (least if more else most), more=more)


def _room(score: Score, others: Iterable[Score], term: str, sign: int) -> tuple[float, float]:
    """Between which changes of a term's weight a bid is better than every other one."""
    least, most = -math.inf, math.inf
    for other in others:
        ahead, slope = score.total - other.total, sign * (score.figures[term] - other.figures[term])
        if slope > 0:
            most = min(most, -ahead / slope)
        elif slope < 0:
            least = max(least, -ahead / slope)
        elif ahead >= 0:
            return math.inf, -math.inf
    return least, most


def _flip(
    agent: str, what: Literal["jury", "figure", "weight"], term: str, was: float, bound: float, *, more: bool
) -> Flip:
    share = abs(bound - was) / abs(was) if was else (math.inf if bound != was else 0.0)
    return Flip(agent, what, term, was, bound, share, more)
