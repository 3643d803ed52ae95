"""The cost-quality dial: one number that moves fitted weights towards cost or towards value, without a new fit.

    cost' = d x w_cost      other' = (1 - d) x w_other      all scaled to keep the sum of the weights

All terms but cost are scaled alike, since only then is the dial monotone for every set of bids: with the score
w_cost x price share + rest, a winner at a higher ratio of w_cost to the rest never has a higher price share (add the
two inequalities of the two winners). "Agora" (arXiv 2607.09600) has such a dial in its beta.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from agora.errors import ConfigError


def turn_dial(weights: Mapping[str, float], dial: float) -> dict[str, float]:
    """The weights, moved between cost and all other terms; their sum stays.

    Args:
        weights: Term -> weight >= 0; cost is named "cost".
        dial: In [0, 1]: 0.5 changes nothing, 1 leaves only cost, 0 leaves only the rest.

    Returns:
        Term -> weight, in the given order. Unchanged where what the dial points to has no weight at all.

    Raises:
        ConfigError: The dial is not in [0, 1].

    >>> turn_dial({"cost": 0.5, "entropy": 0.25, "jury": 0.25}, 0.75)
    {'cost': 0.75, 'entropy': 0.125, 'jury': 0.125}
    """
    if not 0 <= dial <= 1:
        raise ConfigError("dial", f"{dial!r} must be in [0, 1]: 0.5 changes nothing, 1 is cost alone, 0 is value alone")
    moved = {name: weight * (dial if name == "cost" else 1 - dial) for name, weight in weights.items()}
    total = math.fsum(moved.values())
    if total <= 0:
        return dict(weights)
    scale = math.fsum(weights.values()) / total
    return {name: weight * scale for name, weight in moved.items()}
