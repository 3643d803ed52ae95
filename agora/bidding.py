"""The call for bids: sealed until the deadline, then opened together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import anyio
from pydantic import ValidationError

from agora.bids import Bid, Plan
from agora.budget import Purse, tightest
from agora.desk import MeteredDesk
from agora.errors import AgentError, LedgerError, described
from agora.events import BidPlaced, BidRefused
from agora.ledger.canonical import encode
from agora.lots import Auction, House, Lot
from agora.models.tokens import IMAGE_TOKENS
from agora.protocols import Agent, Desk
from agora.routing import hard_failure
from agora.tasks import Limits, Task
from agora.weighing import weigh

BID_LIMITS = Limits(tokens=40_000, steps=4)
"""What making one bid may take."""

_MALFORMED = (AgentError, LedgerError, ValidationError)
"""What an agent raises, or makes the market raise, whose bid is no plan; a model that fails is another matter."""


def bid_limits(task: Task) -> Limits:
    """What making one bid for a task may take: more where there are images to look at."""
    tokens = (BID_LIMITS.tokens or 0) + IMAGE_TOKENS * len(task.images)
    return BID_LIMITS.model_copy(update={"tokens": tokens}) if task.images else BID_LIMITS


Write = Callable[[Agent, Desk], Awaitable[Plan | None]]
"""Has an agent write a plan at a desk; None: it does not want to."""


async def call_for_bids(house: House, lot: Lot) -> dict[str, Bid]:
    """Everyone on the shortlist writes a plan at the same time; who is late, fails or declines is on record."""

    def write(agent: Agent, desk: Desk) -> Awaitable[Plan | None]:
        return agent.bid(desk)

    return await collect_bids(house, lot, lot.auction.opened.asked, write=write)


async def collect_bids(house: House, lot: Lot, names: Iterable[str], *, write: Write, round: int = 0) -> dict[str, Bid]:
    """Have several agents write a bid each at the same time, until the deadline.

    Bids are put on the ledger in the order of names, after the deadline: arrival leaves no trace.

    Args:
        house: The collaborators.
        lot: The task.
        names: Who.
        write: What each does.
        round: 0 for first bids, 1 for refined ones.

    Returns:
        The bids that were made, in the order of names; who made none is on record, and in the auction's refusals.
    """
    auction, wanted = lot.auction, sorted(names)
    bids, refusals = _on_record(house, lot, wanted, round)
    deadline_s = house.deadline_s(lot)
    with anyio.move_on_after(deadline_s):  # late bids do not count
        async with anyio.create_task_group() as group:
            for name, why in house.pool.gone.items():
                if name in wanted and name not in bids:
                    refusals.setdefault(name, why)
            waited = [name for name in wanted if name not in bids and name not in refusals]
            for name in house.in_lot_order(waited, f"{lot.task.id}/{_phase(auction, round)}"):
                group.start_soon(_ask, house, lot, name, write, round, bids, refusals)
    for name in wanted:
        if name in bids:
            house.note(BidPlaced(task=lot.task.id, auction=auction.number, bid=bids[name]))
        else:
            if name not in refusals and not round:
                auction.failures[name] = "timeout"
            reason = refusals.get(name, f"no bid within {deadline_s:g} s")
            if not round:
                auction.refusals[name] = reason
            house.note(
                BidRefused(
                    task=lot.task.id,
                    auction=auction.number,
                    agent=name,
                    reason=reason,
                    malformed=name in auction.malformed,
                    failure=auction.failures.get(name),
                    round=round,
                )
            )
    return {name: bids[name] for name in wanted if name in bids}


def _on_record(house: House, lot: Lot, names: Iterable[str], round: int) -> tuple[dict[str, Bid], dict[str, str]]:
    """The bids and refusals of a run that is gone on with; what they took is counted."""
    bids: dict[str, Bid] = {}
    refusals: dict[str, str] = {}
    past, auction = house.run.past, lot.auction
    for name in names:
        if placed := past.find(BidPlaced, lot.task.id, auction.number, round, name):
            bids[name] = placed.bid
        elif refused := past.find(BidRefused, lot.task.id, auction.number, round, name):
            refusals[name] = refused.reason
            if refused.malformed:
                auction.malformed.add(name)
            if refused.failure is not None:
                auction.failures[name] = refused.failure
        else:
            continue
        spent = past.spent(lot.task.id, _phase(auction, round), name)
        auction.taken[name] += spent
        auction.purse.book(spent)
    return bids, refusals


def _phase(auction: Auction, round: int) -> str:
    return auction.phase("refine" if round else "bid")


async def _ask(
    house: House, lot: Lot, name: str, write: Write, round: int, bids: dict[str, Bid], refusals: dict[str, str]
) -> None:
    auction = lot.auction
    agent, phase = house.agents[name], _phase(auction, round)
    price = agent.profile.price
    bounds = tightest(bid_limits(lot.task), agent.profile.limits)
    purse = Purse(f"{phase} of {name}", bounds, clock=house.run.clock, parent=auction.purse)
    desk = MeteredDesk(
        house.run,
        lot.task,
        agent=name,
        phase=phase,
        price=price,
        purse=purse,
        files=lot.files,
        evidence=lot.evidence,
        history=lot.histories.get(name, ""),
    )
    try:
        plan = await write(agent, desk)
        if plan is None or price is None:
            refusals[name] = "is not interested"
            return
        if not isinstance(plan, Plan):  # pyright: ignore[reportUnnecessaryIsInstance] -- untyped agents
            raise AgentError(name, f"bid a {type(plan).__name__}: return a Plan, or None")
        if auction.opened.how == "replan" and _tried(plan, lot):
            refusals[name] = "has no other plan than the one that failed"
            return
        bid = weigh(lot, agent.profile, plan, price, desk=desk, usage=purse.spent, round=round)
        if plan.terms:  # the only part without bounds: what the ledger would refuse is refused here, as this bid alone
            encode(BidPlaced(task=lot.task.id, auction=auction.number, bid=bid))
        bids[name] = bid
    except Exception as error:  # an agent is the user's code: what breaks in it is its refusal, not the run's end
        refusals[name] = described(error)
        if isinstance(error, _MALFORMED) and not round:
            auction.malformed.add(name)
        elif (failure := hard_failure(error)) is not None and not round:
            auction.failures[name] = failure
    finally:
        desk.leave()
        auction.taken[name] += purse.spent


def _tried(plan: Plan, lot: Lot) -> bool:
    """Whether a plan is the one of the last attempt, which failed by its own doing."""
    last = lot.attempts[-1]
    same = (plan.text.split(), plan.terms) == (last.award.plan.text.split(), last.award.plan.terms)
    return same and not last.blameless
