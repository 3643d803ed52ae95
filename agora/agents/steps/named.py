"""Step policies by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from agora.agents.steps.advantage import Advantage
from agora.agents.steps.bandit import Bandit
from agora.agents.steps.boundaries import Always
from agora.agents.steps.escalate import Escalate
from agora.agents.steps.seam import StepPolicy
from agora.errors import UnknownNameError

STEP_POLICIES: Final[Mapping[str, Callable[[], StepPolicy]]] = MappingProxyType(
    {
        "always-small": partial(Always, "small"),
        "always-large": partial(Always, "large"),
        "escalate": Escalate,
        "advantage": Advantage,
        "bandit": Bandit,
    }
)
"""Name -> what makes it."""


def step_policy(name: str) -> StepPolicy:
    """The policy of a name, with its defaults.

    Raises:
        UnknownNameError: There is none; near names are offered.

    >>> step_policy("escalate").name
    'escalate'
    """
    if name not in STEP_POLICIES:
        raise UnknownNameError("step policy", name, set(STEP_POLICIES))
    return STEP_POLICIES[name]()
