"""A task states its least tier; below it the call is refused."""

from __future__ import annotations

from agora.errors import SandboxError
from agora.tasks import Tier


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
