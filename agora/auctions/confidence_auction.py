"""Calibrated-confidence auction (arXiv 2607.09600; from a secondary note, the paper's parameters are not public).

    bid = confidence^gamma - beta x (price / reserve + latency weight x seconds / time left)        highest wins

Confidence is the bidder's stated chance to pass, calibrated by the market on the bidder's own outcomes. `beta` turns
the dial between quality and cost without any refit. A score here is the negative of that bid, so lowest wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from agora.auctions.entering import enter
from agora.auctions.properties import Properties
from agora.auctions.ranking import cost_share, rank
from agora.auctions.stating import stated
from agora.bids import NO_JURY, Bid, Clearing, Juror, Reserve, Score
from agora.errors import ConfigError

MODES: Final[Mapping[str, float]] = MappingProxyType({"quality": 0.0, "balanced": 0.5, "cost": 2.0})
"""Mode -> beta. The three modes are the paper's; the values are Agora's own."""


class CalibratedConfidence:
    """The highest calibrated confidence, less what it costs, wins and is paid what it asks.

    Who states no chance of success abstains, and is refused with that reason: silence never pays. What the market has
    not calibrated yet is the market's matter (`Bid.confidence` is calibrated, or None).

    Args:
        mode: quality (beta 0), balanced (0.5) or cost (2).
        gamma: Above 1 stretches differences between high confidences, below 1 between low ones; > 0.
        beta: In place of a mode: what the whole reserve is worth in confidence; >= 0.
        latency: Weight of the mean seconds of an attempt as a share of the seconds left, against cost's 1; dropped for
            all where some bidder has no record of it, or the task has no time limit.
    """

    name = "calibrated"
    properties = Properties(
        truthful=False,
        paid="its own price",
        use="bidders state their chances and have enough outcomes to be calibrated on; never before",
    )

    def __init__(
        self, mode: str = "balanced", *, gamma: float = 1.0, beta: float | None = None, latency: float = 0.0
    ) -> None:
        where = f"auction {self.name!r}"
        if mode not in MODES:
            raise ConfigError(where, f"mode {mode!r} must be one of {', '.join(MODES)}")
        chosen = MODES[mode] if beta is None else beta
        if not (math.isfinite(gamma) and gamma > 0):
            raise ConfigError(where, f"gamma {gamma!r} must be above 0")
        if not all(math.isfinite(weight) and weight >= 0 for weight in (chosen, latency)):
            raise ConfigError(where, f"beta {chosen!r} and latency {latency!r} must be 0 or more")
        self._gamma, self._beta, self._latency = gamma, chosen, latency

    @property
    def settings(self) -> str:
        """Its options as JSON."""
        return stated({"gamma": self._gamma, "beta": self._beta, "latency": self._latency})

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Rank all admitted bids that state a chance of success; the winner is paid its price."""
        admitted, refused = enter(bids, reserve, seed=seed)
        stated: list[Bid] = []
        for bid in admitted:
            if bid.confidence is not None and 0 <= bid.confidence <= 1:
                stated.append(bid)
            else:
                refused[bid.agent] = "states no chance of success, which this auction ranks by"
        weights, dropped = self._usable(stated, reserve)
        ranking = rank([(bid, self._score(bid, reserve, weights)) for bid in stated], reserve, seed)
        return Clearing(
            mechanism=self.name,
            ranking=ranking,
            refused=refused,
            payment=ranking[0].price if ranking else None,
            weights=weights,
            dropped=dropped,
        )

    def _usable(self, bids: Sequence[Bid], reserve: Reserve) -> tuple[dict[str, float], tuple[str, ...]]:
        weights = {"confidence": 1.0, "cost": self._beta}
        if not self._latency:
            return weights, ()
        if reserve.s and all(bid.standing.seconds is not None for bid in bids):
            return {**weights, "latency": self._beta * self._latency}, ()
        return weights, ("latency",)

    def _score(self, bid: Bid, reserve: Reserve, weights: Mapping[str, float]) -> Score:
        figures = {"confidence": (bid.confidence or 0.0) ** self._gamma, "cost": cost_share(bid, reserve)}
        if "latency" in weights:
            figures["latency"] = (bid.standing.seconds or 0.0) / float(reserve.s)
        terms = {name: (-1 if name == "confidence" else 1) * weights[name] * figures[name] for name in figures}
        total = round(math.fsum(terms.values()), 12)
        return Score(agent=bid.agent, total=total, terms=terms, figures=figures, price=bid.price)
