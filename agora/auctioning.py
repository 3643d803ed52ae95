"""One auction: who may bid, their plans, what the jury says of them, the scores, and the second plans.

What was decided before stands: each step takes its decision from the record where it is there.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from agora.auctions import standing
from agora.auctions.paying import within_budget
from agora.bidding import call_for_bids
from agora.bids import Reserve
from agora.events import Scored, Screened
from agora.judging import hear_jury
from agora.lots import House, Lot
from agora.posting import listing
from agora.refining import refine


async def hold_auction(house: House, lot: Lot) -> None:
    """Fill in the lot: shortlist, reserve, bids and clearing, and what finding them out took."""
    screened = house.decided(Screened, lot.task.id, partial(_screen, house, lot))
    lot.shortlist, lot.reserve, lot.files = screened.shortlist, screened.reserve, screened.files
    lot.standings = dict(screened.standings)
    lot.bids = await hear_jury(house, lot, await call_for_bids(house, lot))
    lot.clearing = house.decided(Scored, lot.task.id, partial(_score, house, lot), 0).clearing
    await refine(house, lot)
    lot.overhead = lot.purse.spent


def _screen(house: House, lot: Lot) -> Screened:
    pool = [agent.profile for agent in house.agents.values()]
    task, left = lot.task, lot.purse.left
    shortlist = house.policy.shortlist(task, pool, limits=left, chance=house.run.chance, down=house.down())
    records = house.run.store.records()
    return Screened(
        task=task.id,
        shortlist=shortlist,
        reserve=Reserve(usd=left.usd or Decimal(0), s=Decimal(str(left.seconds or 0))),
        files=listing(task.workspace),
        standings={
            agent.name: standing(records, operator=agent.operator, agent=agent.name, skill=task.skill)
            for agent in pool
            if agent.name in shortlist.members
        },
    )


def _score(house: House, lot: Lot) -> Scored:
    seed = house.run.chance.integer(f"{lot.task.id}/ties")
    clearing = house.mechanism.clear(list(lot.bids.values()), reserve=lot.reserve, seed=seed, jury=lot.jury)
    clearing = within_budget(clearing, lot.reserve)
    return Scored(task=lot.task.id, clearing=clearing, seed=seed)
