"""Mean token entropy of a plan in [0, 1], the value signal of SALE (arXiv 2602.02751; research form of the definition).

At position n with the k likeliest tokens' probabilities p_1..p_k and the rest mass p_r = 1 - sum p:

    H_n = -sum_v p_v ln p_v - p_r ln p_r          H = mean_n H_n / ln(k + 1)

The market computes it from the provider's log-probabilities; a bidder cannot state it. Where no alternatives were
given there is no entropy (None), and the mechanism drops the term for the whole auction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agora.messages import TokenLogprob


def plan_entropy(logprobs: Sequence[TokenLogprob]) -> float | None:
    """Normalised mean entropy of what was written.

    Args:
        logprobs: One item a token, each with its k likeliest alternatives (natural logarithms).

    Returns:
        A number in [0, 1], or None where no position has alternatives.

    >>> even = TokenLogprob(token="a", logprob=math.log(0.5), top=(math.log(0.5), math.log(0.5)))
    >>> round(plan_entropy([even]), 4)  # ln 2 / ln 3
    0.6309
    """
    positions = [_position(item.top) / math.log(len(item.top) + 1) for item in logprobs if item.top]
    if not positions:
        return None
    return min(1.0, max(0.0, math.fsum(positions) / len(positions)))


def _position(top: Sequence[float]) -> float:
    probabilities = [math.exp(min(0.0, value)) for value in top]
    total = math.fsum(probabilities)
    if total > 1.0:  # rounding at the provider
        probabilities = [p / total for p in probabilities]
    rest = max(0.0, 1.0 - math.fsum(probabilities))
    return -math.fsum(p * math.log(p) for p in (*probabilities, rest) if p > 0.0)
