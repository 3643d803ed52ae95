"""What is known before a model call, what can be chosen, and who chooses: the seam of the step level.

Inside an attempt each model call may go to a cheap or to a strong model (Budget-Aware Agentic Routing, arXiv
2602.21227; TwinRouterBench, arXiv 2605.18859). A policy is pure: sight, counts and an already drawn number in, a choice
out, so that the same record gives the same choices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from typing_extensions import Protocol, runtime_checkable

if TYPE_CHECKING:
    from agora.agents.steps.counts import StepCounts

Size = Literal["small", "large"]
"""The cheap model, or the strong one."""


class StepSight(NamedTuple):
    """What is known before a model call of an attempt; shares are of the budget that the attempt began with."""

    number: int = 1
    """Which call of the attempt it is, from 1."""
    last: Size | None = None
    """Where the call before went; None: there was none."""
    strong: int = 0
    """Calls that went to the strong model so far."""
    in_vain: int = 0
    """The most strong calls in a row so far that were each followed by trouble."""
    tool_errors: int = 0
    """The latest steps in a row in which a tool failed."""
    malformed: int = 0
    """The latest steps in a row whose reply did not fit its schema."""
    repeats: int = 0
    """The latest steps in a row that asked for a tool call of the step before once more."""
    trouble: int = 0
    """The latest steps in a row with any of the three."""
    clean: int = 0
    """The latest steps in a row with none of them."""
    tokens: int = 0
    """Tokens read and written so far."""
    left: float = 1.0
    """Share of the budget that is left, in [0, 1]; 1 where nothing bounds it."""
    small: float = 0.0
    """Estimated share that this call takes at the cheap model."""
    large: float = 0.0
    """The same at the strong model."""
    small_worst: float = 0.0
    """Share that is reserved for this call at the cheap model."""
    large_worst: float = 0.0
    """The same at the strong model."""
    small_fits: bool = True
    """Whether the cheap model's worst case fits into what is left."""
    large_fits: bool = True
    """Whether the strong model's does."""
    last_affordable: bool = False
    """Whether after the cheap model's worst case not one more such call would fit."""


class StepChoice(NamedTuple):
    """Where a call goes."""

    model: Size
    """The cheap model, or the strong one."""
    propensity: float
    """Chance of this choice over the draw, in (0, 1]."""
    reason: str
    """One sentence with the figures that decided."""
    forced: bool = False
    """True: the budget decided, and the policy was not asked."""


@runtime_checkable
class StepPolicy(Protocol):
    """A rule for which model gets the next call of an attempt."""

    @property
    def name(self) -> str:
        """As on the ledger."""
        ...

    @property
    def learns(self) -> bool:
        """Whether it looks at what was learned; where not, nothing is read for it."""
        ...

    def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
        """Choose; a pure function of its arguments.

        Args:
            sight: What is known.
            counts: What was learned from verified attempts of this agent.
            draw: Uniform in [0, 1): the same for all calls of one attempt in the same context.
        """
        ...
