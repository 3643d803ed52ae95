"""One auction: the call for bids, what the jury says of them, the scores, and the second plans.

What was decided before stands: each step takes its decision from the record where it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from agora.agents.prompts import history_card
from agora.auctions import record_of, standing
from agora.auctions.paying import within_budget
from agora.bidding import call_for_bids
from agora.bids import Award, Bid, Clearing, Shortlist
from agora.budget import Purse
from agora.classifying import spent_on_sorting, type_of
from agora.coordinator import enforced, filtered
from agora.events import Awarded, Closed, Event, Opened, Scored, Screened
from agora.judging import hear_jury
from agora.knowing import known_of
from agora.lots import Auction, House, Lot
from agora.opening import reserve_of
from agora.posting import listing
from agora.refining import refine
from agora.routing import Outlook
from agora.routing_events import Routed
from agora.settling import award_for, no_bids
from agora.tasks import Limits


async def screen(house: House, lot: Lot) -> None:
    """Fill in who may bid, and what the market knows of them."""
    lot.records = tuple(one for one in house.run.store.records() if one.skill == lot.task.skill)
    if (screened := house.run.past.find(Screened, lot.task.id)) is None:
        screened, routed = _screen(house, lot, await type_of(house, lot))
        house.note(*routed, screened)  # both or neither: what was learned of the one must be true of the other
    else:
        lot.purse.book(spent_on_sorting(house, lot))
    lot.shortlist, lot.files = screened.shortlist, screened.files
    lot.standings, lot.histories = dict(screened.standings), dict(screened.histories)


async def hold_auction(house: House, lot: Lot, opened: Opened) -> None:
    """Hold the auction that was opened: it stands in the lot, with its bids and its clearing.

    Who could not be reached for a bid is credited with that.
    """
    purse = Purse(f"bidding for {lot.task.id}", Limits(), clock=house.run.clock, parent=lot.purse)
    auction = Auction(opened=opened, purse=purse)
    lot.auctions.append(auction)
    auction.bids = await hear_jury(house, lot, await call_for_bids(house, lot))
    scored = house.decided(Scored, lot.task.id, partial(_score, house, lot), auction.number, 0)
    auction.clearing = scored.clearing
    for name in scored.withdrawn:
        auction.refusals[name] = house.pool.gone.get(name, "had left")
        del auction.bids[name]
    await refine(house, lot, clear=partial(clear, house, lot))
    if house.learn:
        for failed in no_bids(lot, auction):
            house.note(failed)


def awarded(house: House, lot: Lot) -> Award | None:
    """Who gets the task in the auction under way; None: nobody made a bid that counts, or who won it has left.

    What is on record stands; an auction whose winner left before its award was followed by another one.
    """
    past, task, number = house.run.past, lot.task.id, lot.auction.number
    on_record = past.find(Awarded, task, len(lot.attempts) + 1)
    if lot.auction.clearing.winner is None or (on_record is not None and on_record.auction > number):
        return None
    if on_record is not None:
        return on_record.award
    followed = past.find(Opened, task, number + 1) or past.find(Closed, task)
    return None if followed or lot.auction.clearing.winner in house.pool.gone else award_for(lot)


def clear(house: House, lot: Lot, bids: Sequence[Bid]) -> Clearing:
    """What the mechanism decides; an award that would be paid more than there is, is refused."""
    auction = lot.auction
    reserve = auction.opened.reserve
    clearing = house.mechanism.clear(bids, reserve=reserve, seed=ties(house, lot), jury=auction.jury)
    return within_budget(clearing, reserve)


def ties(house: House, lot: Lot) -> int:
    """The seed of an auction's lots between equals."""
    return house.run.chance.integer(f"{lot.task.id}/{lot.auction.phase('ties')}")


def _screen(house: House, lot: Lot, types: Mapping[str, float]) -> tuple[Screened, list[Event]]:
    pool = house.pool.members
    task, left = lot.task, lot.purse.left
    reserve = reserve_of(left)
    outlook = Outlook(limits=left, down=house.down(), arms=house.pool.arms, place=lot.place, types=types)
    kept_out = filtered(task, pool, outlook)
    able = [one for one in pool if one.name not in kept_out]
    shortlist = Shortlist(members={}, kept_out=kept_out)
    if able:
        outlook = outlook.model_copy(update={"known": known_of(house, lot, able, reserve=reserve)})
        given = house.policy.shortlist(task, pool, outlook, chance=house.run.chance)
        shortlist = enforced(given, pool, kept_out)
    routed: list[Event] = []
    if shortlist.routing is not None:
        routed = [Routed(task=task.id, skill=task.skill, place=lot.place, routing=shortlist.routing)]
        shortlist = shortlist.model_copy(update={"routing": None})
    members = {agent.name: agent.operator for agent in pool if agent.name in shortlist.members}
    cards = {
        name: history_card(record_of(lot.records, operator=operator, agent=name, skill=task.skill))
        for name, operator in members.items()
    }
    screened = Screened(
        task=task.id,
        shortlist=shortlist.model_copy(update={"kept_out": {**shortlist.kept_out, **house.pool.gone}}),
        reserve=reserve,
        files=listing(task.workspace),
        standings={
            name: standing(lot.records, operator=operator, agent=name, skill=task.skill)
            for name, operator in members.items()
        },
        histories={name: card for name, card in cards.items() if card},
    )
    return screened, routed


def _score(house: House, lot: Lot) -> Scored:
    auction, gone = lot.auction, house.pool.gone
    clearing = clear(house, lot, [bid for name, bid in auction.bids.items() if name not in gone])
    withdrawn = tuple(sorted(name for name in auction.bids if name in gone))
    return Scored(
        task=lot.task.id, auction=auction.number, clearing=clearing, seed=ties(house, lot), withdrawn=withdrawn
    )
