"""The step level: inside an attempt each model call goes to a cheap or to a strong model, under the hard budget."""

from __future__ import annotations

from agora.agents.steps.advantage import Advantage
from agora.agents.steps.bandit import Bandit
from agora.agents.steps.boundaries import Always
from agora.agents.steps.budget import decide
from agora.agents.steps.contexts import CONTEXTS_VERSION, context_of
from agora.agents.steps.counts import Lesson, StepCounts
from agora.agents.steps.escalate import Escalate
from agora.agents.steps.named import STEP_POLICIES, step_policy
from agora.agents.steps.pair import Pair
from agora.agents.steps.seam import Size, StepChoice, StepPolicy, StepSight
from agora.agents.steps.trail import Costs, Trail

__all__ = [
    "CONTEXTS_VERSION",
    "STEP_POLICIES",
    "Advantage",
    "Always",
    "Bandit",
    "Costs",
    "Escalate",
    "Lesson",
    "Pair",
    "Size",
    "StepChoice",
    "StepCounts",
    "StepPolicy",
    "StepSight",
    "Trail",
    "context_of",
    "decide",
    "step_policy",
]
