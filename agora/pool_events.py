"""What a pool that changes while its run goes on puts on the ledger."""

from __future__ import annotations

from typing import Literal

from agora.bids import Ability, Profile
from agora.desk_events import Happening


class Joined(Happening):
    """An agent takes part in every task that is screened from here on."""

    kind: Literal["joined"] = "joined"
    profile: Profile
    """Its card."""
    abilities: tuple[Ability, ...] | None = None
    """What the market found it able to do; None: not on record."""


class Left(Happening):
    """An agent is asked for nothing more; an attempt that it was awarded before goes on."""

    kind: Literal["left"] = "left"
    agent: str
    """Who."""
    reason: str = ""
    """Why, where one was given."""
