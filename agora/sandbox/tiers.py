"""A task states its least tier; below it the call is refused."""

from __future__ import annotations

from typing import Protocol

from agora.errors import SandboxError
from agora.protocols import Sandbox
from agora.sandbox.limits import RunLimits
from agora.tasks import Tier


class Limitable(Sandbox, Protocol):
    """A sandbox whose limits can be set: the three of Agora's own can."""

    def limited(self, limits: RunLimits) -> Sandbox:
        """The same sandbox with other limits."""
        ...


def refuse_below(least: Tier, have: Tier) -> None:
    """Refuse a sandbox that is weaker than asked for.

    Raises:
        SandboxError: `have` is below `least`.
    """
    if have < least:
        raise SandboxError(
            f"the task demands a sandbox of tier {least.name} and this one is {have.name}: "
            "see what is missing with `agora doctor`, or lower the task's `tier`"
        )
