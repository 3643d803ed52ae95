"""How an auction is held around its scores: who judges is said apart (`abilities.Juried`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agora.values import Value


class Rules(Value):
    """What a mechanism wants of the market besides its scores; by default nothing."""

    refine: Literal["off", "cheaper", "all"] = "off"
    """Who may write its plan again: nobody; whoever asks less than the provisional winner; the winner with them."""
    ballots: Literal["one", "each"] = "one"
    """How a judge is asked: for all plans in one call, or for each plan in a call of its own, all at once. "one" reads
    the task once, and holds plans against each other. "each" reads it once a plan, takes a step of the task's limit for
    each (n agents that bid and judge: n x n), and reserves the worst cases of all these calls together; no plan's mark
    hangs on its neighbours, and a small model reads one plan at a time."""
    lessons: int = Field(default=8, ge=1, le=100)
    """The most pairs of past plans that one agent is shown (k of SALE)."""
    explore: float = Field(default=0.0, ge=0, le=1)
    """The most of all awards on a skill that may go to newcomers by lot."""
    post: bool = False
    """True: one agent alone is asked where more bids would cost more than they are expected to bring."""
    bidding_share: float = Field(default=0.05, ge=0, lt=1)
    """What bids and jury may take of all dollars at most, once ten attempts on a skill are known; before, and of local
    time, what they may take of the task's budget."""
    bidding_share_long: float = Field(default=0.01, ge=0, lt=1)
    """The same for tasks of 100,000 tokens or more."""


NO_RULES = Rules()
"""No second plans, no exploration, and everyone is asked."""
SALE_RULES = Rules(refine="cheaper", explore=0.05, post=True)
"""What SALE is held by unless it is told otherwise."""
