"""Stage 1 of Symphony-Coord (arXiv 2602.00966): the candidates that are worth a closer look.

    stability = .4 (1 - load) + .4 (1 - latency) + .2 available
    score     = .5 similarity + .35 prior success + .15 stability

Every term is clipped to [0, 1], what is not known counts as .5, and the L best are kept. Not of the source: no arm gets
more than one place, or an operator with many names and tempting cards takes them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.features import SLOW_S, Sight, figures
from agora.errors import ConfigError

if TYPE_CHECKING:
    from agora.coordinator.features import Array

LENGTH: Final = 3
"""How many are kept."""
_CLOSE: Final = 12
"""Decimals that decide; what differs only beyond them is a tie."""


class Candidate(NamedTuple):
    """Who may be chosen, and what decides between equals."""

    arm: str
    """Whose record and parameters are its own: an operator, so that a new name is no new agent."""
    cost: float = 0.0
    """What it asks; between equal scores the lower one wins."""
    lot: str = ""
    """A seeded hash of what it is, without its name: decides between equal scores at equal costs."""


def shortlist(
    candidates: Sequence[Candidate], sights: Sequence[Sight], *, length: int = LENGTH, slow_s: float = SLOW_S
) -> list[int]:
    """The places of the best candidates, best first: higher score, then lower cost, then the lot.

    Args:
        candidates: All that passed the hard filters.
        sights: Of each, in the same order.
        length: L, how many are kept at most, >= 1.
        slow_s: Seconds that count as 1.

    Raises:
        ConfigError: The length is below 1, or there are not as many sights as candidates.

    >>> able, slow = Sight(similarity=0.9), Sight(similarity=0.9, latency_s=2.0)
    >>> shortlist([Candidate("a"), Candidate("b")], [slow, able], length=1)
    [1]
    """
    if len(candidates) != len(sights):
        raise ConfigError("shortlist", f"{len(candidates)} candidates came with {len(sights)} sights: give one of each")
    return best(candidates, figures(sights, slow_s=slow_s), length=length)


def best(candidates: Sequence[Candidate], rows: Array, *, length: int = LENGTH, fill: bool = False) -> list[int]:
    """As `shortlist`, from the rows of `features.figures`, (n, 7).

    Args:
        candidates: All that passed the hard filters.
        rows: Their figures.
        length: How many are kept at most, >= 1.
        fill: Whether places that no other arm wants go to further names of the arms that have one.
    """
    import numpy as np

    if length < 1:
        raise ConfigError("shortlist", f"length {length!r} must be 1 or more")
    totals = np.round(screened(rows), _CLOSE)
    worth: list[float] = totals.tolist()

    def order(place: int) -> tuple[float, float, str, str]:
        return -worth[place], *in_order(candidates[place])

    if len({candidate.arm for candidate in candidates}) < len(candidates):
        firsts: dict[str, int] = {}
        for place in sorted(range(len(candidates)), key=order):
            firsts.setdefault(candidates[place].arm, place)
        if fill:
            chosen = set(firsts.values())
            rest = [place for place in sorted(range(len(candidates)), key=order) if place not in chosen]
            return [*firsts.values(), *rest][:length]
        return list(firsts.values())[:length]
    if len(candidates) > length:
        edge = np.partition(totals, len(totals) - length)[len(totals) - length]
        places: list[int] = np.flatnonzero(totals >= edge).tolist()
    else:
        places = list(range(len(candidates)))
    return sorted(places, key=order)[:length]


def in_order(candidate: Candidate) -> tuple[float, str, str]:
    """What sorts candidates of equal scores; those equal but for the arm are one agent twice, in a fixed order."""
    return candidate.cost, candidate.lot, candidate.arm


def screened(rows: Array) -> Array:
    """The scores of stage 1, (n,), from the rows of `features.figures`, (n, 7)."""
    similarity, _, prior, load, latency, _, available = rows.T
    stability: Array = 0.4 * (1.0 - load) + 0.4 * (1.0 - latency) + 0.2 * available
    score: Array = 0.5 * similarity + 0.35 * prior + 0.15 * stability
    return score
