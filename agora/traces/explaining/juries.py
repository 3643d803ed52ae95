"""A jury's marks made ready to be redone by hand: what each mark counted as, and what they were worth together.

The rule is `agora/auctions/consensus.py`. How far one mark may count below the consensus (its slack), and whether a
bidder's own judges are heard, are options of the auction that the ledger does not name; they are found by redoing the
figures on record, so what is shown gives these figures, or is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from agora.auctions import Panel, judge_weights
from agora.auctions.agreement import COIN
from agora.auctions.consensus import SLACK_MARKS
from agora.auctions.jury import MOST_MARK
from agora.bids import Bid, Clearing, Juror
from agora.events import Scored
from agora.traces.explaining.reckoning import rounded
from agora.traces.told.story import AuctionStory

_WHOLE: Final = 1_000_000
_CLOSE: Final = 1e-9
_LEAST_DIGITS: Final = 6
_MOST_DIGITS: Final = 20


class Judge(NamedTuple):
    """One judge, as printed."""

    name: str
    """Who."""
    agreement: str
    """How far its marks went with grounded outcomes."""
    weight: str
    """2 x agreement - 1, at least 0; 1 where no judge is known to be better than a coin, and this one no worse."""


class Counted(NamedTuple):
    """What a jury's marks for one bid were worth."""

    agent: str
    """Whose bid."""
    marks: Mapping[str, int]
    """Judge -> 0 to 5, as given."""
    consensus: int
    """The highest mark that half of the other judges' weight reaches."""
    counted: Mapping[str, float]
    """Judge -> its mark as it counted; only judges with a weight."""
    own: frozenset[str]
    """Judges of the bidder's own operator."""
    value: float
    """The figure, in [0, 1]."""
    sum: str
    """The value as a sum to redo, in digits that give the figure as it is printed."""


class Reckoned(NamedTuple):
    """A jury's figures, redone."""

    slack: int
    """How many marks below the consensus a mark counts at least."""
    heard_own: bool
    """Whether a bidder's own judges counted."""
    counts: tuple[Counted, ...]
    """One a bid, best first."""


def judges_of(jury: Mapping[str, Juror]) -> tuple[Judge, ...]:
    """The judges with their weights, in the order of names."""
    weights = judge_weights(jury)
    return tuple(
        Judge(name, _agreement(jury[name].agreement), _plain(Decimal(weights[name]) / _WHOLE)) for name in sorted(jury)
    )


def above_a_coin(jury: Mapping[str, Juror]) -> bool:
    """Whether some judge is known to be better than a coin, so that weights are by agreement."""
    return any(_by_agreement(juror.agreement) > 0 for juror in jury.values())


def reckoned(
    clearing: Clearing,
    bids: Mapping[str, Bid],
    marks: Mapping[str, Mapping[str, int]],
    jury: Mapping[str, Juror],
    *,
    digits: int,
) -> Reckoned | None:
    """Redo a jury's figures; None where they are not on record, or the marks on record do not give them.

    Args:
        clearing: With the figures.
        bids: Agent -> bid: who is behind it.
        marks: Agent -> judge -> mark.
        jury: Whose marks were read.
        digits: After the point of a figure as it is printed.
    """
    figures = {score.agent: score.figures.get("jury") for score in clearing.ranking}
    if not jury or not figures or None in figures.values() or not figures.keys() <= bids.keys():
        return None
    for heard_own in (True, False):
        for slack in sorted(range(MOST_MARK + 1), key=lambda slack: slack != SLACK_MARKS):
            counts = _counts(figures, bids, marks, jury, slack=slack, heard_own=heard_own, digits=digits)
            if counts is not None:
                return Reckoned(slack, heard_own, counts)
    return None


def marks_of(auction: AuctionStory, scored: Scored) -> dict[str, dict[str, int]]:
    """Agent -> judge -> the mark of its bid that took part; a second bid's by those who marked its first, too."""
    first = {agent: auction.marks(agent, round=0) for agent in auction.first.bids}
    for agent in scored.refined if scored.round else ():
        again, before = auction.marks(agent, round=1), first.get(agent, {})
        first[agent] = {judge: mark for judge, mark in again.items() if judge in before}
    return first


def _counts(
    figures: Mapping[str, float | None],
    bids: Mapping[str, Bid],
    marks: Mapping[str, Mapping[str, int]],
    jury: Mapping[str, Juror],
    *,
    slack: int,
    heard_own: bool,
    digits: int,
) -> tuple[Counted, ...] | None:
    panel, flat = Panel(jury, slack=slack), Panel(jury, slack=0)
    weights = judge_weights(jury)
    counts: list[Counted] = []
    for agent, figure in figures.items():
        operator, given = bids[agent].operator, marks.get(agent, {})
        own = frozenset(judge for judge in given if judge in jury and jury[judge].operator == operator)
        heard = given if heard_own else {judge: mark for judge, mark in given.items() if judge not in own}
        redone, level = panel.reckon(heard, operator=operator), flat.reckon(heard, operator=operator)
        if redone is None or level is None or figure is None or abs(redone.value - figure) > _CLOSE:
            return None
        consensus = next(int(mark) for judge, mark in sorted(level.counted.items()) if judge not in own)
        told = _told(redone.counted, weights, figure, digits)
        counts.append(Counted(agent, given, consensus, redone.counted, own, figure, told))
    return tuple(counts)


def _told(counted: Mapping[str, float], weights: Mapping[str, int], figure: float, digits: int) -> str:
    """A value as its sum, in the fewest digits of marks that give it as printed."""
    told = ""
    for places in range(_LEAST_DIGITS, _MOST_DIGITS):
        shown = {judge: rounded(mark, places) for judge, mark in sorted(counted.items())}
        above = sum((Fraction(weights[judge], _WHOLE) * Fraction(mark) for judge, mark in shown.items()), Fraction(0))
        below = MOST_MARK * sum((Fraction(weights[judge], _WHOLE) for judge in shown), Fraction(0))
        parts = (f"{_plain(Decimal(weights[judge]) / _WHOLE)} x {_plain(mark)}" for judge, mark in shown.items())
        total = _plain(Decimal(sum(weights[judge] for judge in shown)) / _WHOLE)
        told = f"({' + '.join(parts)}) / ({MOST_MARK} x {total}) = {rounded(figure, digits):f}"
        exact = above / below
        if rounded(Decimal(exact.numerator) / Decimal(exact.denominator), digits) == rounded(figure, digits):
            return told
    return told


def _agreement(agreement: float) -> str:
    """In the fewest digits that give the weight; three at least."""
    for digits in range(3, _MOST_DIGITS):
        shown = rounded(agreement, digits)
        same = _by_agreement(float(shown)) == _by_agreement(agreement)
        if same and (float(shown) >= COIN) == (agreement >= COIN):
            return _plain(shown)
    return repr(agreement)


def _by_agreement(agreement: float) -> int:
    return max(0, round((2 * agreement - 1) * _WHOLE))


def _plain(value: Decimal) -> str:
    """Without idle zeros.

    >>> _plain(Decimal("2.500")), _plain(Decimal(10))
    ('2.5', '10')
    """
    return f"{value.normalize():f}"
