"""The two boundary policies of Budget-Aware Agentic Routing (arXiv 2602.21227): always one and the same model.

What lies between them is what any other policy has to be worth its trouble for. The budget stands before both of them.
"""

from __future__ import annotations

from agora.agents.steps.counts import StepCounts
from agora.agents.steps.seam import Size, StepChoice, StepSight


class Always:
    """Every call to one model.

    Args:
        model: Which.

    >>> Always("large").choose(StepSight(), counts=StepCounts(), draw=0.0).model
    'large'
    """

    learns = False

    def __init__(self, model: Size) -> None:
        self._model: Size = model

    @property
    def name(self) -> str:
        """always-small or always-large."""
        return f"always-{self._model}"

    def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
        """The one model."""
        return StepChoice(self._model, 1.0, f"always {self._model}")
