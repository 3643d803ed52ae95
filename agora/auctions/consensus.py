"""What a jury's marks are worth for one bid, in [0, 1], with the guards against bought praise.

    u_j   weight of judge j: 2 x agreement - 1, at least 0        agreement with grounded outcomes (agreement.py)
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
from operator import itemgetter, mul
from typing import Final, NamedTuple

from agora.auctions.jury import MOST_MARK
from agora.bids import Juror

SLACK_MARKS: Final = 1
"""How far below the consensus one judge's mark counts, unless said otherwise."""

_MARKS: Final = frozenset(range(MOST_MARK + 1))
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


class Panel:
    """A jury, made ready to weigh the marks of many bids.

    Args:
        jury: The judges.
        slack: How many marks below the consensus one judge's mark may count, 0 to 5.

    >>> panel = Panel({"a": Juror(operator="x"), "b": Juror(operator="y"), "c": Juror(operator="z")})
    >>> panel.reckon({"a": 5, "b": 3, "c": 0}, operator="x")
    Reckoning(value=0.5, counted={'a': 2.5, 'b': 3, 'c': 2})
    """

    def __init__(self, jury: Mapping[str, Juror], *, slack: int = SLACK_MARKS) -> None:
        self._weights = _Weights({name: weight for name, weight in judge_weights(jury).items() if weight})
        self._given = itemgetter(*self._weights) if len(self._weights) > 1 else None  # of one name it gives no tuple
        self._loads, self._total = (*self._weights.values(),), sum(self._weights.values())
        self._own: dict[str, list[str]] = {}  # operator -> its judges that have a weight
        for name in self._weights:
            self._own.setdefault(jury[name].operator, []).append(name)
        self._counts = [
            tuple(min(max(mark, most - slack), most) for mark in range(MOST_MARK + 1)) for most in range(MOST_MARK + 1)
        ]  # consensus -> mark -> the mark as it counts

    def value(self, marks: Mapping[str, int], *, operator: str, own_marks: bool = True) -> float | None:
        """What the jury says of one bid, in [0, 1].

        Args:
            marks: Judge -> 0 to 5; who is not on the jury or has no weight, and what is not 0 to 5, does not count.
            operator: The bidder's.
            own_marks: False: what its operator's judges say is not heard at all.

        Returns:
            None where no judge with a weight but the bidder's own marked it: there is no evidence.
        """
        if operator not in self._own and (value := self._value_of_all(marks)) is not None:
            return value
        marks = _valid(marks)
        total, others, _ = self._others(marks, operator)
        if not total:
            return None
        above, below = others, total
        if own_marks and operator in self._own:
            own = [judge for judge in self._own[operator] if judge in marks]
            # Whole numbers throughout, so that equal values are equal: others / total is the most that own marks say.
            above = others * total + sum(self._weights[judge] * min(marks[judge] * total, others) for judge in own)
            below = total * (total + sum(self._weights[judge] for judge in own))
        return above / (MOST_MARK * below)

    def reckon(self, marks: Mapping[str, int], *, operator: str) -> Reckoning | None:
        """The same value, with every mark as it counted."""
        value = self.value(marks, operator=operator)
        if value is None:
            return None
        marks = _valid(marks)
        total, others, counts = self._others(marks, operator)
        counted: dict[str, float] = {judge: counts[mark] for judge, mark in marks.items() if self._weights[judge]}
        for judge in self._own.get(operator, ()):
            if judge in marks:
                counted[judge] = min(marks[judge] * total, others) / total
        return Reckoning(value, counted)

    def _value_of_all(self, marks: Mapping[str, int]) -> float | None:
        """The value where every judge with a weight gave a mark, quickly; None: one did not, or it is no mark."""
        if self._given is None:
            return None
        try:
            given: tuple[int, ...] = self._given(marks)
        except KeyError:
            return None
        if not _MARKS.issuperset(given):
            return None
        reached = [0] * (MOST_MARK + 1)
        for mark, weight in zip(given, self._loads, strict=True):
            reached[mark] += weight
        counted: int = sum(map(mul, reached, self._counts[_consensus(reached, self._total)]))
        return counted / (MOST_MARK * self._total)

    def _others(self, marks: Mapping[str, int], operator: str) -> tuple[int, int, tuple[int, ...]]:
        """Of the judges that are not the bidder's own: weight, weight x mark as it counted, and how marks count."""
        weights = self._weights
        reached = [0] * (MOST_MARK + 1)  # mark -> the weight of those who gave it
        for judge, mark in marks.items():
            reached[mark] += weights[judge]
        if operator in self._own:
            for judge in self._own[operator]:
                if judge in marks:
                    reached[marks[judge]] -= weights[judge]
        total = sum(reached)
        counts = self._counts[_consensus(reached, total)]
        return total, sum(map(mul, reached, counts)), counts


class _Weights(dict[str, int]):
    """Weights in which who is not there weighs nothing."""

    def __missing__(self, judge: str) -> int:
        return 0


def _valid(marks: Mapping[str, int]) -> Mapping[str, int]:
    if _MARKS.issuperset(marks.values()):
        return marks
    return {judge: mark for judge, mark in marks.items() if mark in _MARKS}


def _consensus(reached: list[int], total: int) -> int:
    half, weight, mark = total / 2, reached[MOST_MARK], MOST_MARK
    while weight < half:
        mark -= 1
        weight += reached[mark]
    return mark
