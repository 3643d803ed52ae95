"""Entropy on each agent's own scale, for pools of mixed families (note on SALE, section 1.5).

Tokenizers differ, so 0.3 says something else of one family than of another. What can be compared is how far a plan
lies from the agent's own past plans:

    z = (H - mean of its past H) / max(deviation of its past H, 0.01)          value = Phi(z)

with Phi the distribution function of the standard normal: bounded in (0, 1), rising, 0.5 for a plan like all before.
Lengths need no such scale: `plan_length` counts characters and no tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import Field

from agora.values import Value

LEAST_PAST: Final = 5
"""From how many past plans on an agent has a scale of its own."""
LEAST_DEVIATION: Final = 0.01
"""A deviation below this is taken for this one: finer differences of entropy say nothing."""


class Scaled(Value):
    """The entropies of one auction on one scale."""

    values: Mapping[str, float | None] = Field(default_factory=dict)
    """Agent -> entropy in [0, 1], or None where it has none."""
    standardised: bool
    """True: each on its agent's own scale. False: as measured."""
    without_past: tuple[str, ...] = ()
    """Who has too few past plans, and so left all of them as measured."""


def standardised(value: float, past: Sequence[float], *, least: int = LEAST_PAST) -> float | None:
    """One entropy on its agent's own scale.

    Args:
        value: In [0, 1].
        past: The agent's earlier entropies of the same form; what is no number is left out.
        least: From how many past values on there is a scale, >= 2.

    Returns:
        A number in [0, 1], rising with the value; None where the past is too short.

    >>> round(standardised(0.4, [0.2, 0.3, 0.4, 0.2, 0.4]), 3)  # z = 0.1 / 0.1
    0.841
    """
    usable = [one for one in past if math.isfinite(one)]
    if len(usable) < max(2, least):
        return None
    mean = math.fsum(usable) / len(usable)
    variance = math.fsum((one - mean) ** 2 for one in usable) / (len(usable) - 1)
    z = (value - mean) / max(math.sqrt(variance), LEAST_DEVIATION)
    return min(1.0, max(0.0, 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))))


def one_scale(
    values: Mapping[str, float | None], past: Mapping[str, Sequence[float]], *, least: int = LEAST_PAST
) -> Scaled:
    """The entropies of one auction, all on their agents' own scales or all as measured.

    One agent with too few past plans leaves the whole auction as measured, and is named: a raw figure beside
    standardised ones would be compared with what it is not comparable to.

    Args:
        values: Agent -> entropy in [0, 1]; None where there is none.
        past: Agent -> its earlier entropies; who is not in it has none.
        least: From how many past values on an agent has a scale, >= 2.

    >>> one_scale({"a": 0.4, "b": 0.1}, {"a": [0.2, 0.3, 0.4, 0.2, 0.4]}).without_past
    ('b',)
    """
    own = {
        agent: None if value is None else standardised(value, past.get(agent, ()), least=least)
        for agent, value in values.items()
    }
    lacking = tuple(sorted(agent for agent, value in values.items() if value is not None and own[agent] is None))
    if lacking:
        return Scaled(values=dict(values), standardised=False, without_past=lacking)
    return Scaled(values=own, standardised=True)
