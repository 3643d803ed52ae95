"""Somebody by chance now and then, ever less often: epsilon-greedy with the share c * m / n.

Auer, Cesa-Bianchi and Fischer (2002), theorem 3. Routers that were published for logs with full information go on with
what did best, and so never hear of what they do not choose. With a log behind them the share is next to nothing;
without one, the first choices are by chance.
"""

from __future__ import annotations

from pydantic import Field

from agora.coordinator.policies.routed import RouterOptions
from agora.coordinator.routers.choosing import mixed
from agora.coordinator.routers.seam import Choice


class ExploringOptions(RouterOptions):
    """What can be set at such routers."""

    explore: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Chance of an arm drawn evenly, times outcomes for each arm: explore / (1 + outcomes / arms); 0: never."""


def explored(choice: Choice, options: ExploringOptions, *, outcomes: int, draw: float) -> Choice:
    """The choice, or by a small chance anybody.

    Args:
        choice: Leaves nothing to chance.
        options: How often.
        outcomes: How many were learned from.
        draw: In [0, 1).
    """
    return mixed(choice, min(1.0, options.explore / (1.0 + outcomes / len(choice.order))), draw)
