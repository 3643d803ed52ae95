"""One auction: the call for bids, what the jury says of them, the scores, and the second plans.

What was decided before stands: each step takes its decision from the record where it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from agora.agents.prompts import history_card
from agora.auctions import record_of, standing
from agora.auctions.paying import within_budget
from agora.bidding import call_for_bids
from agora.bids import Award, Bid, Clearing, Shortlist
from agora.budget import Purse
from agora.classifying import ROUTE, advice_of, spent_on_sorting, type_of
from agora.coordinator import enforced, filtered
from agora.events import Awarded, Closed, Opened, Scored, Screened
from agora.judging import hear_jury
from agora.knowing import known_of
from agora.lots import Auction, House, Lot
from agora.memory.learned import last_of, of_skill, records_at
from agora.opening import reserve_of
from agora.posting import listing
from agora.refining import refine
from agora.routing import Outlook
from agora.routing_events import Routed
from agora.settling import award_for, no_bids, own_credits
from agora.tasks import Limits


async def screen(house: House, lot: Lot) -> None:
    """Fill in who may bid, and what the market knows of them."""
    screened = house.run.past.find(Screened, lot.task.id)
    lot.records = of_skill(house.run.store.records(), lot.task.skill)
    if screened is None:
        types, advice = await type_of(house, lot), await advice_of(house, lot)
        if house.run.past.left_over(lot.task.id, (ROUTE,)):  # the policy asks nobody any more
            lot.purse.book(spent_on_sorting(house, lot))
        routed, screened = screening(house, lot, _seen(house, lot, types, advice))
        house.note(*routed, screened)  # both or neither: what was learned of the one must be true of the other
    else:
        lot.purse.book(spent_on_sorting(house, lot))
        if screened.records_at not in (None, last_of(lot.records)):  # more was learned since the task was screened
            lot.records = of_skill(records_at(house.run.store, screened.records_at), lot.task.skill)
    take_up(lot, screened)


def take_up(lot: Lot, screened: Screened) -> None:
    """Fill in what was decided when the task was screened."""
    lot.shortlist, lot.files = screened.shortlist, screened.files
    lot.standings, lot.histories = dict(screened.standings), dict(screened.histories)


class Seen(NamedTuple):
    """What is told from outside when a task is screened: by purses, health, files, and who sorts tasks."""

    left: Limits
    """What is left for the task."""
    down: Mapping[str, str] = {}
    """Who cannot be reached, and why."""
    types: Mapping[str, float] = {}
    """Task type -> probability, where somebody was asked."""
    advice: Mapping[str, float] = {}
    """Agent -> how much a model that was asked favours it."""
    files: tuple[str, ...] = ()
    """Names of the files in the workspace."""
    working: Mapping[str, float] = {}
    """Operator -> share of the places in the run that it is working at."""


async def hold_auction(house: House, lot: Lot, opened: Opened) -> None:
    """Hold the auction that was opened: it stands in the lot, with its bids and its clearing.

    Who could not be reached for a bid is credited with that.
    """
    purse = Purse(f"bidding for {lot.task.id}", Limits(), clock=house.run.clock, parent=lot.purse)
    auction = Auction(opened=opened, purse=purse)
    lot.auctions.append(auction)
    auction.bids = await hear_jury(house, lot, await call_for_bids(house, lot))
    opened_together = house.decided(Scored, lot.task.id, partial(scored, house, lot), auction.number, 0)
    auction.clearing = opened_together.clearing
    for name in opened_together.withdrawn:
        auction.refusals[name] = house.pool.gone.get(name, "had left")
        del auction.bids[name]
    if not _went_on(house, lot):
        await refine(house, lot, clear=partial(clear, house, lot))
    book_left_over(house, lot)
    if house.learn:
        for failed in own_credits(no_bids(lot, auction), lot, house.run.past.before):
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


def book_left_over(house: House, lot: Lot) -> None:
    """Count what stands of desks at which nobody sits any more: who sat there has left, or the rule asks no such thing.

    Only a run that is gone on with has any.
    """
    auction, past, task = lot.auction, house.run.past, lot.task.id
    if not past.tasks:
        return
    for phase, agent in past.left_over(task, auction.phases):
        spent = past.spent(task, phase, agent)
        auction.taken[agent] += spent
        auction.purse.book(spent)


def _went_on(house: House, lot: Lot) -> bool:
    """Whether the task went on after the first scores of this auction, without second plans: none are asked for then.

    A fork may stand on the award of a rule that asks for none, under one that does.
    """
    past, task, number = house.run.past, lot.task.id, lot.auction.number
    if past.find(Scored, task, number, 1) or not past.find(Scored, task, number, 0):
        return False
    award = past.find(Awarded, task, len(lot.attempts) + 1)
    if award is not None and award.auction == number:
        return True
    return past.find(Opened, task, number + 1) is not None or past.find(Closed, task) is not None


def clear(house: House, lot: Lot, bids: Sequence[Bid]) -> Clearing:
    """What the mechanism decides; an award that would be paid more than there is, is refused."""
    auction = lot.auction
    reserve = auction.opened.reserve
    clearing = house.mechanism.clear(bids, reserve=reserve, seed=ties(house, lot), jury=auction.jury)
    return within_budget(clearing, reserve)


def ties(house: House, lot: Lot) -> int:
    """The seed of an auction's lots between equals."""
    return house.run.chance.integer(f"{lot.task.id}/{lot.auction.phase('ties')}")


def screening(house: House, lot: Lot, seen: Seen) -> tuple[tuple[Routed, ...], Screened]:
    """Who may bid, with the reckoning where the policy has one; pure, but for what it is told.

    Args:
        house: The collaborators, with the pool and what the policy knows now.
        lot: The task, with the records on its skill.
        seen: What is told from outside.
    """
    pool = house.pool.members
    task, left = lot.task, seen.left
    reserve = reserve_of(left)
    outlook = Outlook(limits=left, down=seen.down, arms=house.pool.arms, place=lot.place, types=seen.types)
    kept_out = filtered(task, pool, outlook)
    able = [one for one in pool if one.name not in kept_out]
    shortlist = Shortlist(members={}, kept_out=kept_out)
    if able:
        known = known_of(house, lot, able, reserve=reserve, working=seen.working, advice=seen.advice)
        outlook = outlook.model_copy(update={"known": known})
        given = house.policy.shortlist(task, pool, outlook, chance=house.run.chance)
        shortlist = enforced(given, pool, kept_out)
    routed: tuple[Routed, ...] = ()
    if shortlist.routing is not None:
        routed = (Routed(task=task.id, skill=task.skill, place=lot.place, routing=shortlist.routing),)
        shortlist = shortlist.model_copy(update={"routing": None})
    members = {agent.name: agent.operator for agent in pool if agent.name in shortlist.members}
    cards = {
        name: history_card(record_of(lot.records, operator=operator, agent=name, skill=task.skill))
        for name, operator in members.items()
    }
    return routed, Screened(
        task=task.id,
        shortlist=shortlist.model_copy(update={"kept_out": {**shortlist.kept_out, **house.pool.gone}}),
        reserve=reserve,
        files=seen.files,
        standings={
            name: standing(lot.records, operator=operator, agent=name, skill=task.skill)
            for name, operator in members.items()
        },
        histories={name: card for name, card in cards.items() if card},
        records_at=last_of(lot.records),
        left=left,
        down=seen.down,
    )


def _seen(house: House, lot: Lot, types: Mapping[str, float], advice: Mapping[str, float]) -> Seen:
    operators = {card.operator for card in house.pool.members}
    return Seen(
        left=lot.purse.left,
        down=house.down(),
        types=types,
        advice=advice,
        files=listing(lot.task.workspace),
        working={one: min(1.0, house.working[one] / house.parallel) for one in operators},
    )


def scored(house: House, lot: Lot) -> Scored:
    """All bids are opened together and scored, but for those of agents that have left; pure."""
    auction, gone = lot.auction, house.pool.gone
    clearing = clear(house, lot, [bid for name, bid in auction.bids.items() if name not in gone])
    withdrawn = tuple(sorted(name for name in auction.bids if name in gone))
    return Scored(
        task=lot.task.id, auction=auction.number, clearing=clearing, seed=ties(house, lot), withdrawn=withdrawn
    )
