"""Escalate on trouble: the strong model after a bad step, until things go well again.

The published policy of Budget-Aware Agentic Routing (arXiv 2602.21227) is trained; this is the rule that its states
suggest, without training. It has hysteresis, so that one clean step does not end an escalation; a cap; and it gives up
on what the strong model cannot mend either.
"""

from __future__ import annotations

from agora.agents.steps.counts import StepCounts
from agora.agents.steps.seam import StepChoice, StepSight
from agora.errors import ConfigError


class Escalate:
    """The strong model from the first trouble on until so many clean steps in a row.

    Args:
        after: Troubled steps in a row that call for the strong model, at least 1.
        calm: Clean steps in a row after which the cheap model takes over again, at least 1.
        cap: The most strong calls of one attempt.
        give_up: So many strong calls in a row without effect, and the attempt stays with the cheap model.
        keep: After a strong call so many calls of the cheap model must still fit.

    Raises:
        ConfigError: A number is out of its range.

    >>> rule = Escalate(calm=2)
    >>> rule.choose(StepSight(trouble=1), counts=StepCounts(), draw=0.0).model
    'large'
    >>> rule.choose(StepSight(number=3, last="large", clean=1), counts=StepCounts(), draw=0.0).model
    'large'
    >>> rule.choose(StepSight(number=4, last="large", clean=2), counts=StepCounts(), draw=0.0).model
    'small'
    """

    name = "escalate"
    learns = False

    def __init__(self, *, after: int = 1, calm: int = 2, cap: int = 12, give_up: int = 3, keep: int = 1) -> None:
        least = {"after": (after, 1), "calm": (calm, 1), "cap": (cap, 0), "give_up": (give_up, 1), "keep": (keep, 0)}
        for what, (value, bound) in least.items():
            if value < bound:
                raise ConfigError(f"escalate: {what}", f"{value} is too small: state at least {bound}")
        self._after, self._calm, self._cap, self._give_up, self._keep = after, calm, cap, give_up, keep

    def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
        """Trouble decides, within the cap and the budget."""
        raised = sight.last == "large" and sight.clean < self._calm
        if sight.trouble < self._after and not raised:
            return _small(f"{_steps(sight.trouble, 'troubled')} in a row" if sight.trouble else "no trouble")
        if sight.in_vain >= self._give_up:
            return _small(f"{sight.in_vain} strong calls in a row did not help")
        if sight.strong >= self._cap:
            return _small(f"{sight.strong} strong calls are the cap")
        if sight.left - sight.large_worst < self._keep * sight.small_worst:
            return _small(f"a strong call would leave less than {self._keep} cheap ones")
        why = _steps(sight.trouble, "troubled") if sight.trouble else _steps(sight.clean, "clean")
        return StepChoice("large", 1.0, f"{why} in a row: the strong model")


def _small(why: str) -> StepChoice:
    return StepChoice("small", 1.0, f"{why}: the cheap model")


def _steps(count: int, kind: str) -> str:
    return f"{count} {kind} step{'' if count == 1 else 's'}"
