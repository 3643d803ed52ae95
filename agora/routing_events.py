"""What a policy's decisions put on the ledger: how a task was routed, and what became of whoever got it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agora.desk_events import Happening
from agora.routing import HardFailure, Place, Routing


class Routed(Happening):
    """A policy that learns has decided who is asked."""

    kind: Literal["routed"] = "routed"
    skill: str = ""
    """The task's: what records are kept by."""
    place: Place = Place()
    """Where the task stands in its workflow."""
    routing: Routing
    """Everyone that was looked at, with every figure."""


class Credited(Happening):
    """What a policy learns of one attempt, or of a bid that never came: once each, keyed by the decision's id."""

    kind: Literal["credited"] = "credited"
    decision: str
    """Unique in its run: the task, and which attempt, or which call for bids and who."""
    agent: str
    """Who was asked or got the task."""
    passed: bool | None = None
    """What a grounded verifier found; None: there is nothing to learn from but that it answered."""
    failure: HardFailure | None = None
    """Where nothing usable came back at all."""
    cost_share: float = Field(default=0.0, ge=0)
    """What the attempt cost, as a share of what the task might."""
    overhead_share: float = Field(default=0.0, ge=0)
    """What its auction cost, as such a share."""
