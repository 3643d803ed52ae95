"""Mean token entropy of a plan in [0, 1], the value signal of SALE (arXiv 2602.02751; research form of the definition).

Two forms, of which the first is taken wherever a provider gives alternatives. At position n with the k likeliest
tokens' probabilities p_1..p_k and the rest mass p_r = 1 - sum p:

    top_k     H_n = -sum_v p_v ln p_v - p_r ln p_r          H = mean_n H_n / ln(k + 1)
    sampled   H = mean_n(-ln p_n) / scale                   p_n: of the token that was written

The sampled form estimates the mean entropy without bias at temperature 1 only; at the one temperature at which all
bids are written (agents/llm.py, BID_TEMPERATURE = 0.7) it is the plan's surprisal, which is lower. It may stand beside
figures of the same form and the same temperature, and beside no others: that is why every figure says its form. Its
scale is the running 95th percentile of the means seen so far (`running_scale`).

The market computes both from the provider's log-probabilities; a bidder cannot state them. Where nothing was given
there is no entropy (None), and the mechanism drops the term for the whole auction. Whatever a provider sends has a
defined result: a log-probability above 0 counts as 0 (certain), one that is no number counts as not given, and minus
infinity is an alternative without mass, but nothing that a written token can have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field

from agora.messages import TokenLogprob
from agora.values import Value

DEFAULT_SCALE_NATS: Final = math.log(6)
"""What the sampled form is divided by before enough was seen: the divisor of the top-k form at k = 5, 1.79 nats."""
LEAST_SEEN: Final = 20
"""From how many means on the percentile is taken: with fewer, the 95th of them is just the highest."""

_PERCENTILE: Final = 0.95


class Entropy(Value):
    """A plan's entropy, and which form of the definition gave it."""

    value: float = Field(ge=0, le=1)
    """Between certain (0) and as uncertain as can be told (1)."""
    form: Literal["top_k", "sampled"]
    """From the alternatives at each token, or from the written tokens alone."""


def measured_entropy(logprobs: Sequence[TokenLogprob], *, scale_nats: float = DEFAULT_SCALE_NATS) -> Entropy | None:
    """The entropy of what was written, in the best form that there is.

    Args:
        logprobs: One item a token (natural logarithms), with its k likeliest alternatives where they are given.
        scale_nats: What is 1 in the sampled form, > 0; `running_scale` of the means before.

    Returns:
        None where no position can be used.

    >>> measured_entropy([TokenLogprob(token="a", logprob=-0.5)], scale_nats=2.0)
    Entropy(value=0.25, form='sampled')
    """
    value = plan_entropy(logprobs)
    if value is not None:
        return Entropy(value=value, form="top_k")
    mean = mean_surprisal(logprobs)
    if mean is None:
        return None
    if not scale_nats > 0:
        raise ValueError(f"scale_nats {scale_nats!r} must be above 0")
    return Entropy(value=min(1.0, mean / scale_nats), form="sampled")


def plan_entropy(logprobs: Sequence[TokenLogprob]) -> float | None:
    """Normalised mean entropy of what was written, in the top-k form.

    Args:
        logprobs: One item a token, each with its k likeliest alternatives (natural logarithms).

    Returns:
        A number in [0, 1], or None where no position has alternatives.

    >>> even = TokenLogprob(token="a", logprob=math.log(0.5), top=(math.log(0.5), math.log(0.5)))
    >>> round(plan_entropy([even]), 4)  # ln 2 / ln 3
    0.6309
    """
    rows = [[value for value in item.top if not math.isnan(value)] for item in logprobs if item.top]
    positions = [_position(row) / math.log(len(row) + 1) for row in rows if row]
    if not positions:
        return None
    return min(1.0, max(0.0, math.fsum(positions) / len(positions)))


def mean_surprisal(logprobs: Sequence[TokenLogprob]) -> float | None:
    """Mean of -ln p of the written tokens in nats, >= 0; None where none of them has a usable figure."""
    usable = [max(0.0, -item.logprob) for item in logprobs if item.logprob > -math.inf]  # also False for NaN
    return math.fsum(usable) / len(usable) if usable else None


def running_scale(seen: Sequence[float], *, default_nats: float = DEFAULT_SCALE_NATS) -> float:
    """The 95th percentile (nearest rank) of the mean surprisals of earlier plans, in nats.

    Args:
        seen: The means of any pool and skill, in any order, all written at the one bid temperature.
        default_nats: Taken while fewer than `LEAST_SEEN` are usable, or where the percentile is 0.

    >>> running_scale([float(n) for n in range(1, 21)])
    19.0
    """
    usable = sorted(mean for mean in seen if math.isfinite(mean) and mean >= 0)
    if len(usable) < LEAST_SEEN:
        return default_nats
    return usable[math.ceil(_PERCENTILE * len(usable)) - 1] or default_nats


def _position(top: Sequence[float]) -> float:
    probabilities = [math.exp(min(0.0, value)) for value in top]
    total = math.fsum(probabilities)
    if total > 1.0:  # rounding at the provider
        probabilities = [p / total for p in probabilities]
    rest = max(0.0, 1.0 - math.fsum(probabilities))
    return -math.fsum(p * math.log(p) for p in (*probabilities, rest) if p > 0.0)
