"""The budget before every policy: a strong call whose worst case is more than what is left goes to the cheap model.

What is reserved decides, and not what is expected, so that the hard budget of a task holds whatever a model reports.
Where the cheap model's worst case does not fit either, the desk refuses the call.
"""

from __future__ import annotations

from agora.agents.steps.counts import StepCounts
from agora.agents.steps.seam import StepChoice, StepPolicy, StepSight
from agora.errors import ConfigError


def decide(policy: StepPolicy, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
    """What the policy chooses, where the budget leaves it a choice.

    Raises:
        ConfigError: It chose no model, or with no chance.

    >>> from agora.agents.steps.boundaries import Always
    >>> poor = StepSight(left=0.2, large_worst=0.3, large_fits=False)
    >>> decide(Always("large"), poor, counts=StepCounts(), draw=0.0).model
    'small'
    """
    if sight.large_fits:
        return _checked(policy, policy.choose(sight, counts=counts, draw=draw))
    why = f"a strong call may take {sight.large_worst:.1%} of the budget, and {sight.left:.1%} is left"
    return StepChoice("small", 1.0, f"{why}: the cheap model", forced=True)


def _checked(policy: StepPolicy, choice: StepChoice) -> StepChoice:
    """A policy may be a plug-in's: what it says is looked at before it is recorded."""
    if choice.model not in ("small", "large"):
        raise ConfigError(f"step policy {policy.name!r}", f"chose {choice.model!r}: choose 'small' or 'large'")
    if not 0.0 < choice.propensity <= 1.0:
        what = f"gave its choice the chance {choice.propensity}: state one above 0 and at most 1"
        raise ConfigError(f"step policy {policy.name!r}", what)
    return choice
