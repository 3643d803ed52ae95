"""Refinement: whoever asks less than the provisional winner may write its plan again, shown what won and lost before.

SALE (arXiv 2602.02751, section on auction memory); who, from what, and when it moves the award are pure rules
(`agora/auctions/refinement.py`). Where nothing is remembered, nobody is asked and nothing is spent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, partial

from agora.abilities import Refining
from agora.auctions import after_refinement, lessons_for, may_refine
from agora.auctions.refinement import on_the_same_figures
from agora.bidding import collect_bids
from agora.bids import Bid, Clearing, Lesson, Plan
from agora.events import Recalled, Scored
from agora.judging import hear_jury
from agora.lots import House, Lot
from agora.protocols import Agent, Desk
from agora.records import MemoryEntry


async def refine(house: House, lot: Lot, *, clear: Callable[[Sequence[Bid]], Clearing]) -> None:
    """Give the cheaper bidders their second plan, have it judged, and clear once more; the award may move."""
    auction = lot.auction
    again = house.run.past.find(Scored, lot.task.id, auction.number, 1)
    able = [name for name in (auction.bids if again else refiners(house, lot)) if _may(house, lot, name)]
    lessons = {name: shown for name, shown in _recalled(house, lot, sorted(able)).items() if shown}
    if not lessons:
        return

    def write(agent: Agent, desk: Desk) -> Awaitable[Plan | None]:
        assert isinstance(agent, Refining)
        name = agent.profile.name
        return agent.refine(desk, auction.bids[name].plan, lessons[name])

    refined = await hear_jury(house, lot, await collect_bids(house, lot, lessons, write=write, round=1), round=1)
    if again is None:
        again, auction.bids = scored_again(house, lot, refined, clear=clear)
        house.note(again)
    else:  # under the rule of then, of which a fork may know nothing
        auction.bids |= {name: on_the_same_figures(auction.bids[name], refined[name]) for name in again.refined}
    auction.clearing = again.clearing


def refiners(house: House, lot: Lot) -> tuple[str, ...]:
    """Who asks so little that it may write its plan again, if it can and is here; in the order of the first scores."""
    auction, rules = lot.auction, house.rules
    if rules.refine == "off":
        return ()
    return may_refine(auction.clearing, reserve=auction.opened.reserve, winner_too=rules.refine == "all")


def scored_again(
    house: House, lot: Lot, refined: Mapping[str, Bid], *, clear: Callable[[Sequence[Bid]], Clearing]
) -> tuple[Scored, dict[str, Bid]]:
    """What the second plans come to, and the bids that stand then; pure.

    Args:
        house: The collaborators.
        lot: The task, with the first bids and their clearing.
        refined: Bidder -> second bid, with its marks.
        clear: The mechanism, with all but the bids fixed.
    """
    auction = lot.auction
    after = after_refinement(auction.clearing, list(auction.bids.values()), list(refined.values()), clear=clear)
    scored = Scored(
        task=lot.task.id,
        auction=auction.number,
        clearing=after.clearing,
        seed=house.run.chance.integer(f"{lot.task.id}/{auction.phase('ties')}"),
        round=1,
        refined=tuple(sorted(bid.agent for bid in after.bids if bid.round)),
        aside=after.aside,
    )
    return scored, {bid.agent: bid for bid in after.bids}


def _may(house: House, lot: Lot, name: str) -> bool:
    """Whether it can, and is here to do it; once the second plans were scored, whether it could then."""
    past, task, number = house.run.past, lot.task.id, lot.auction.number
    if past.find(Recalled, task, number, name) or past.find(Scored, task, number, 1):
        return past.find(Recalled, task, number, name) is not None
    return "refines" in house.pool.able.get(name, ()) and name not in house.pool.gone


def _recalled(house: House, lot: Lot, names: Sequence[str]) -> dict[str, tuple[Lesson, ...]]:
    """What each agent is shown; on record, so that a run that is gone on with shows the same."""
    number, most = lot.auction.number, house.rules.lessons

    @cache
    def entries(trust: frozenset[str]) -> Sequence[MemoryEntry]:
        return house.run.store.recall(lot.task.goal, limit=most * max(1, len(lot.shortlist.members)), trust=trust)

    def recall(name: str) -> Recalled:
        seed = house.run.chance.integer(f"{lot.task.id}/lessons")
        lessons = lessons_for(entries(house.agents[name].profile.trust), agent=name, k=most, seed=seed)
        return Recalled(task=lot.task.id, auction=number, agent=name, lessons=lessons)

    return {name: house.decided(Recalled, lot.task.id, partial(recall, name), number, name).lessons for name in names}
