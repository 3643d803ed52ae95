"""What happened so far in one attempt, step by step: the part of a sight that the budget has nothing to do with."""

from __future__ import annotations

from typing import NamedTuple

from agora.agents.steps.seam import Size, StepSight


class Costs(NamedTuple):
    """What the budget says before a call; the fields are those of the sight."""

    left: float = 1.0
    small: float = 0.0
    large: float = 0.0
    small_worst: float = 0.0
    large_worst: float = 0.0
    small_fits: bool = True
    large_fits: bool = True
    last_affordable: bool = False


class Trail(NamedTuple):
    """One attempt so far; every step gives the next trail.

    >>> trail = Trail().after("small", tool_error=True).after("large").after("large")
    >>> sight = trail.sight()
    >>> sight.number, sight.strong, sight.trouble, sight.clean, sight.last
    (4, 2, 0, 2, 'large')
    """

    calls: int = 0
    last: Size | None = None
    strong: int = 0
    vain_row: int = 0
    in_vain: int = 0
    tool_errors: int = 0
    malformed: int = 0
    repeats: int = 0
    trouble: int = 0
    clean: int = 0
    tokens: int = 0

    def after(
        self,
        model: Size,
        *,
        tool_error: bool = False,
        malformed: bool = False,
        repeated: bool = False,
        tokens: int = 0,
    ) -> Trail:
        """After one more call, and what its reply led to."""
        troubled = tool_error or malformed or repeated
        vain_row = self.vain_row if model == "small" else self.vain_row + 1 if troubled else 0
        return Trail(
            calls=self.calls + 1,
            last=model,
            strong=self.strong + (model == "large"),
            vain_row=vain_row,
            in_vain=max(self.in_vain, vain_row),
            tool_errors=self.tool_errors + 1 if tool_error else 0,
            malformed=self.malformed + 1 if malformed else 0,
            repeats=self.repeats + 1 if repeated else 0,
            trouble=self.trouble + 1 if troubled else 0,
            clean=0 if troubled else self.clean + 1,
            tokens=self.tokens + tokens,
        )

    def sight(self, costs: Costs = Costs()) -> StepSight:  # noqa: B008 - a frozen value
        """What is known before the next call."""
        return StepSight(
            number=self.calls + 1,
            last=self.last,
            strong=self.strong,
            in_vain=self.in_vain,
            tool_errors=self.tool_errors,
            malformed=self.malformed,
            repeats=self.repeats,
            trouble=self.trouble,
            clean=self.clean,
            tokens=self.tokens,
            **costs._asdict(),
        )
