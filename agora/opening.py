"""Which call for bids comes next: the first one; after a failure the same agent again, then the others; or the end.

The decisions are pure (`agora/auctions/again.py`); each call is an event, and every call that leads to no attempt takes
at least one agent out, so that the calls end.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from agora.auctions.again import Park, Patience, Replan, Stop, Tried, after_attempt
from agora.bids import Reserve
from agora.events import Opened
from agora.lots import House, Lot
from agora.tasks import Limits


def next_call(house: House, lot: Lot) -> Opened | None:
    """The next call for bids; None: the task ends here, and `lot.parked` says if it is set aside.

    What was decided before stands.
    """
    number = len(lot.auctions)
    opened = house.run.past.find(Opened, lot.task.id, number)
    if opened is None:
        opened = _again(house, lot, number) if number else _first(lot)
        if opened is not None:
            house.note(opened)
    return opened


def reserve_of(left: Limits) -> Reserve:
    """What is left, as the scale of an auction's scores."""
    return Reserve(usd=left.usd or Decimal(0), s=Decimal(str(left.seconds or 0)))


def _first(lot: Lot) -> Opened:
    asked = tuple(sorted(lot.shortlist.members))
    return Opened(task=lot.task.id, how="auction", asked=asked, reserve=reserve_of(lot.purse.left))


def _again(house: House, lot: Lot, number: int) -> Opened | None:
    """After an auction: by whom the task is tried next."""
    members = sorted(lot.shortlist.members)
    declined = _declined(lot)
    reserve = reserve_of(lot.purse.left)
    if not lot.attempts:
        left = tuple(name for name in members if name not in declined)
        reason = "nobody who was asked before made a bid that could be taken"
        return _call(lot, number, "reassign", left, reserve, reason) if left else None
    tried = [Tried(agent=one.award.agent, verdict=one.outcome.verdict, blameless=one.blameless) for one in lot.attempts]
    step = after_attempt(
        tried, left=lot.purse.left, bidders=len(members), out=declined, patience=Patience(attempts=house.attempts)
    )
    if isinstance(step, Park):
        lot.parked = step.reason
    if isinstance(step, (Park, Stop)):
        return None
    if isinstance(step, Replan):
        return _call(lot, number, "replan", (step.agent,), reserve, step.reason)
    left = tuple(name for name in members if name not in step.excluding)
    return _call(lot, number, "reassign", left, reserve, step.reason)


def _call(
    lot: Lot, number: int, how: Literal["replan", "reassign"], asked: tuple[str, ...], reserve: Reserve, reason: str
) -> Opened:
    return Opened(task=lot.task.id, auction=number, how=how, asked=asked, reserve=reserve, reason=reason)


def _declined(lot: Lot) -> frozenset[str]:
    """Who was asked and made no bid that could be taken; asking again would change nothing."""
    return frozenset(
        name
        for auction in lot.auctions
        for name in auction.opened.asked
        if name not in {score.agent for score in auction.clearing.ranking}
    )
