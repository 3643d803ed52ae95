"""Whether fitted weights do better than others on tasks that they were not fitted to: cross-validation, pairwise.

Both sets of weights choose from the same bids of the same held-out tasks, so that differences are taken task by task;
their interval is a seeded bootstrap over tasks (Efron, 1979; percentiles). An interval that holds 0 says that no
difference was seen, which is the usual outcome for weights of such scores (Dawes, 1979: equal ones are hard to beat).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from pydantic import Field

from agora.auctions.fitting import COST, Example, PastBid, score_of, utility_of
from agora.errors import ConfigError
from agora.values import Value

Weights: TypeAlias = Mapping[str, float]

_RESAMPLES: Final = 2_000


class Choices(Value):
    """What a set of weights chose in tasks whose outcomes are known."""

    passed: float = Field(ge=0, le=1)
    """Share of the chosen bids whose work passed."""
    cost: float = Field(ge=0, le=1)
    """Mean cost of the chosen bids' work, as a share of the dearest attempt."""


class Comparison(Value):
    """Fitted weights against a rival's, on held-out tasks only."""

    tasks: int
    """Held-out tasks, each once."""
    moved: int
    """How many of them the two give to different bids, all bids considered."""
    tried: int
    """How many have two bids whose outcome is known: only these say anything about success."""
    fitted: Choices | None = None
    """What the fitted weights chose there, among the bids with a known outcome."""
    rival: Choices | None = None
    """What the rival's weights chose there."""
    gain: float | None = None
    """Mean utility (a pass is 1, less price x cost) of the fitted weights' choices less the rival's."""
    low: float | None = None
    """Lower end of its 95 % interval."""
    high: float | None = None
    """Upper end of its 95 % interval."""

    @property
    def verdict(self) -> str:
        """better, worse, as good, or unknown."""
        if self.low is None or self.high is None:
            return "unknown"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "as good"


def cross_validate(
    examples: Sequence[Example],
    fit: Callable[[Sequence[int]], Weights],
    *,
    rival: Weights,
    price: float,
    folds: int = 5,
    seed: int = 0,
) -> Comparison:
    """Fit to all folds but one, choose in that one, in turn.

    Args:
        examples: Past tasks.
        fit: The places of the examples to fit to -> weights.
        rival: What the fit is held against; it sees no examples.
        price: What the dearest attempt weighs against one pass.
        folds: How many parts.
        seed: Of the parts and of the bootstrap.

    Raises:
        ConfigError: There are fewer examples than folds, or fewer than two folds.
    """
    if not 2 <= folds <= len(examples):
        raise ConfigError("fit", f"{folds} folds of {len(examples)} examples: use 2 to {max(2, len(examples))}")
    chance = np.random.default_rng(seed)
    fold_of = chance.permutation(np.arange(len(examples)) % folds).tolist()
    moved, pairs = 0, list[tuple[PastBid, PastBid]]()
    for fold in range(folds):
        weights = fit([place for place, its in enumerate(fold_of) if its != fold])
        for place in (place for place, its in enumerate(fold_of) if its == fold):
            example = examples[place]
            moved += choice(example.bids, weights) != choice(example.bids, rival)
            if len(example.tried) > 1:
                pairs.append((choice(example.tried, weights), choice(example.tried, rival)))
    found = Comparison(tasks=len(examples), moved=moved, tried=len(pairs))
    if not pairs:
        return found
    gains = np.array([_utility(ours, price) - _utility(theirs, price) for ours, theirs in pairs])
    drawn = [float(gains[chance.integers(0, len(gains), len(gains))].mean()) for _ in range(_RESAMPLES)]
    return found.model_copy(
        update={
            "fitted": choices([ours for ours, _ in pairs]),
            "rival": choices([theirs for _, theirs in pairs]),
            "gain": float(gains.mean()),
            "low": float(np.percentile(drawn, 2.5)),
            "high": float(np.percentile(drawn, 97.5)),
        }
    )


def choice(bids: Sequence[PastBid], weights: Weights) -> PastBid:
    """The bid with the lowest score; of equal ones the lowest cost, then the worst outcome, so that no order helps."""
    return min(bids, key=lambda bid: (score_of(bid, weights), bid.figures[COST], _utility(bid, 0.0)))


def choices(chosen: Sequence[PastBid]) -> Choices:
    """The averages over chosen bids with a known outcome."""
    known = [bid.delivered for bid in chosen if bid.delivered is not None]
    return Choices(
        passed=sum(one.passed for one in known) / len(known), cost=sum(one.cost for one in known) / len(known)
    )


def _utility(bid: PastBid, price: float) -> float:
    return utility_of(bid.delivered, price) if bid.delivered else 0.0
