"""The few situations that what was learned of steps is kept by: how much trouble there is, and how much is left."""

from __future__ import annotations

from typing import Final

from agora.agents.steps.seam import StepSight

CONTEXTS_VERSION: Final = "steps-1"
"""Of these situations: what was learned under another version is left out."""
MOST_TROUBLE: Final = 2
"""More troubled steps in a row than this count as so many."""
SCARCE: Final = 0.4
"""Less of the budget than this is little."""


def context_of(sight: StepSight) -> str:
    """The situation of a call.

    >>> context_of(StepSight(trouble=5, left=0.1)), context_of(StepSight())
    ('trouble-2/scarce', 'trouble-0/ample')
    """
    return f"trouble-{min(sight.trouble, MOST_TROUBLE)}/{'scarce' if sight.left < SCARCE else 'ample'}"
