"""What a jury's marks are worth for one bid, in [0, 1], with the guards against bought praise.

    u_j   weight of judge j: 2 x agreement - 1, at least 0        agreement with grounded outcomes, never with judges
    c     consensus of the judges that are not the bidder's own: the highest mark w that at least half of their weight
          reaches (Yuma consensus of BitTensor, kappa = 0.5: the weighted median)
    m'_j  = min(m_j, c), and at least c - slack                  praise above the consensus counts as the consensus;
                                                                  one judge's blame reaches `slack` marks below it
    V     = sum_j u_j m'_j / (5 sum_j u_j)
    own   marks of judges of the bidder's operator count at most as the other judges' value: their praise adds nothing,
          their doubts count

There is one weight for the jury as a whole in the score. The paper has one for each judge, fitted on outcomes; here
the judges are weighted inside the jury, by outcomes too.

What holds exactly: marks by a bidder's own operator never raise its value above what it is without them. What holds
within a bound: a judge with weight u of U, below half, can take from a rival on which the others agree u/U x slack
marks, and nothing at slack 0; where the others disagree, it can also move their median to another of their own marks.
Where two operators judge nobody but each other nothing protects either, and no rule could: each is the only witness
against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from agora.auctions.jury import MOST_MARK
from agora.bids import Juror

SLACK_MARKS: Final = 1
"""How far below the consensus one judge's mark counts, unless said otherwise."""

_WHOLE: Final = 1_000_000
"""Weights are whole millionths, so that sums are exact and the order of judges cannot matter."""


class Reckoning(NamedTuple):
    """A jury's value for one bid, and what made it."""

    value: float
    """In [0, 1]."""
    counted: Mapping[str, float]
    """Judge -> its mark as it counted, from 0 to 5."""


def judge_weights(jury: Mapping[str, Juror]) -> dict[str, int]:
    """The judges' weights in millionths, before they are normalised.

    A judge that is right no more often than a coin has none; from there it grows to a million at agreement 1. Where no
    judge is above the coin, those of whom nothing is known (agreement 0.5) weigh alike and those below it nothing.

    >>> judge_weights({"a": Juror(operator="x", agreement=0.75), "b": Juror(operator="y")})
    {'a': 500000, 'b': 0}
    >>> judge_weights({"a": Juror(operator="x", agreement=0.4), "b": Juror(operator="y")})
    {'a': 0, 'b': 1000000}
    """
    known = {name: max(0, round((2 * juror.agreement - 1) * _WHOLE)) for name, juror in jury.items()}
    if any(known.values()):
        return known
    return {name: _WHOLE if juror.agreement >= 0.5 else 0 for name, juror in jury.items()}


def reckon(
    marks: Mapping[str, int],
    *,
    operator: str,
    jury: Mapping[str, Juror],
    weights: Mapping[str, int],
    slack: int = SLACK_MARKS,
) -> Reckoning | None:
    """A jury's value for one bid.

    Args:
        marks: Judge -> 0 to 5; marks by who is not on the jury, and marks outside 0 to 5, do not count.
        operator: The bidder's.
        jury: The judges.
        weights: Of the judges, from `judge_weights`.
        slack: How many marks below the consensus a judge's mark may count, >= 0.

    Returns:
        None where no judge with a weight but the bidder's own marked it: there is no evidence.

    >>> jury = {"a": Juror(operator="x"), "b": Juror(operator="y"), "c": Juror(operator="z")}
    >>> reckon({"a": 5, "b": 3, "c": 0}, operator="x", jury=jury, weights=judge_weights(jury))
    Reckoning(value=0.5, counted={'b': 3, 'c': 2, 'a': 2.5})
    """
    peers: list[tuple[str, int, int]] = []
    own: list[tuple[str, int, int]] = []
    reached = [0] * (MOST_MARK + 1)
    total = 0
    for judge, mark in marks.items():
        weight = weights.get(judge, 0)
        if not weight or not 0 <= mark <= MOST_MARK:
            continue
        if jury[judge].operator == operator:
            own.append((judge, mark, weight))
        else:
            peers.append((judge, mark, weight))
            reached[mark] += weight
            total += weight
    if not total:
        return None
    most = _consensus(reached, total)
    least = most - slack
    counted: dict[str, float] = {}
    summed = 0
    for judge, mark, weight in peers:
        counts = min(max(mark, least), most)
        counted[judge] = counts
        summed += weight * counts
    above, below = summed * total, total
    for judge, mark, weight in own:
        counts = min(mark * total, summed)
        counted[judge] = counts / total
        above += weight * counts
        below += weight
    return Reckoning(above / (MOST_MARK * total * below), counted)


def _consensus(reached: list[int], total: int) -> int:
    weight = 0
    for mark in range(MOST_MARK, 0, -1):
        weight += reached[mark]
        if 2 * weight >= total:
            return mark
    return 0
