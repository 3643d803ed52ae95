"""A stated share of the auctions goes to newcomers, so that nobody is locked out for want of a record.

Lower confidence bounds keep who has no record from ever winning on it. So some auctions are held to learn: a newcomer
is one with fewer verified attempts on the skill than the gate, and who of them gets the award is drawn by Thompson
sampling (Thompson, 1933): one draw from the posterior of each, the highest wins.

Two things hold the share. A seeded lot calls no more than that share of auctions explorations, whatever becomes of
them; and an exploration is held only while explorations, this one included, are no more than that share of all verified
awards, this one included. The second holds at every moment and for every seed, and costs a slow start: with share 0.1
the first exploration comes with the tenth award at the earliest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from agora.auctions.posterior import draw
from agora.auctions.ranking import tie_hash
from agora.auctions.standing import RULE
from agora.bids import Standing
from agora.errors import ConfigError


class Exploration(NamedTuple):
    """Whether an auction is one of exploration, for whom, and why."""

    whom: str | None
    """The key of whoever gets the award; None: the auction is decided by its scores."""
    reason: str
    """One sentence with the figures that decided."""


def explore(
    standings: Mapping[str, Standing],
    *,
    share: float,
    seed: int,
    explored: int | None = None,
    gate: int = RULE.gate,
) -> Exploration:
    """Say whether this auction is one of exploration, and for whom.

    Args:
        standings: Of all bidders on the task's skill, by the content hash of their bids: lots are drawn by the key, and
            a name must not move them.
        share: The most of all awards that may be explorations, in [0, 1]; 0: none.
        seed: Of this auction.
        explored: How many awards were explorations so far. None: nobody counted, and the first awards of every bidder,
            up to the gate, are taken for explorations; never too few, and so a slower start.
        gate: Who has fewer verified attempts is a newcomer.

    Raises:
        ConfigError: The share is not in [0, 1], or a count is negative.

    >>> old, new = Standing(tried=50, passed=40), Standing()
    >>> explore({"a1": old, "b2": new}, share=0.0, seed=1).whom is None
    True
    >>> explore({"a1": old, "b2": new}, share=1.0, seed=1).whom
    'b2'
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigError("exploration", f"share {share!r} must be in [0, 1]")
    if gate < 0 or (explored is not None and explored < 0):
        raise ConfigError("exploration", f"gate {gate!r} and explored {explored!r} must not be negative")
    newcomers = sorted(key for key, one in standings.items() if one.tried < gate)
    if not newcomers:
        return Exploration(None, f"all have {gate} verified attempts or more")
    if _lot(seed, "explore?") >= share:
        return Exploration(None, f"the lot did not fall on exploration (share {share:g})")
    awards = sum(one.tried for one in standings.values())
    before = sum(min(one.tried, gate) for one in standings.values()) if explored is None else explored
    if before + 1 > share * (awards + 1):
        return Exploration(None, f"{before} of {awards} awards were explorations: one more is over the share {share:g}")
    draws = {key: _drawn(standings[key], _lot(seed, key)) for key in newcomers}
    whom = max(newcomers, key=lambda key: (draws[key], tie_hash(seed, key)))
    return Exploration(whom, f"highest draw, {draws[whom]:.4f}, of {len(newcomers)} with under {gate} attempts")


def _drawn(standing: Standing, lot: float) -> float:
    return draw(lot, standing.passed, standing.tried - standing.passed)


def _lot(seed: int, label: str) -> float:
    return (tie_hash(seed, label) >> 11) / 2**53
