"""What a budget that is paced over the tasks of a run puts on the ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from agora.desk_events import Happening
from agora.tasks import Limits


class PacingBegan(Happening):
    """The tasks of a run share its budget in a stated way; once a run."""

    kind: Literal["pacing_began"] = "pacing_began"
    way: Literal["even", "dual"]
    """A fair share of what is left, or fair shares by the price of money."""
    tasks: int = Field(ge=1)
    """How many share it."""


class Paced(Happening):
    """What a task may take, decided when its turn came."""

    kind: Literal["paced"] = "paced"
    number: int = Field(ge=1)
    """Its turn."""
    fair_usd: Decimal = Field(ge=0)
    """What was left for it and each task after it."""
    price: float = Field(ge=0)
    """The price of money, in quality a fair share."""
    limit_usd: Decimal = Field(ge=0)
    """What it may take."""
    limit_tokens: int | None = Field(default=None, ge=0)
    """As `limit_usd`; None: no bound but its own."""
    limit_steps: int | None = Field(default=None, ge=0)
    """As `limit_usd`; None: no bound but its own."""
    left: Limits | None = None
    """What was left of the run's budget; None: not on record."""
    under_way: tuple[str, ...] = ()
    """Tasks whose turn had come, and whose cost was not known yet."""
