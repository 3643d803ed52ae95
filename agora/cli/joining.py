"""Who joins by itself: hosted providers, local servers, coding command lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from agora.agents.clis import cli_agent, found_clis
from agora.bids import Price
from agora.protocols import Agent
from agora.settings import Settings
from agora.tasks import Tier

CLI_USD: Final = Decimal("0.50")
"""What a coding command line that joins by itself may spend on one task."""


def local_absence() -> str:
    """Why the local model cannot run here; empty where it can."""
    return ""


def found_agents(settings: Settings) -> tuple[list[Agent], dict[str, str]]:
    """Agents that nobody defined, and the reasons of those that could have joined.

    Args:
        settings: `bare` lets coding command lines in, which no sandbox can hold.

    Returns:
        The agents, and name -> why not.
    """
    joined: list[Agent] = []
    absent: dict[str, str] = {}
    for name in found_clis():
        if settings.bare:
            joined.append(cli_agent(name, price=Price(per_task=CLI_USD), tier=Tier.BARE))
        else:
            absent[name] = "works outside any sandbox: run with --bare to let it in"
    return joined, absent
