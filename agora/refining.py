"""Refinement: whoever asks less than the provisional winner may write its plan again, shown what won and lost before.

SALE (arXiv 2602.02751, section on auction memory); who, from what, and when it moves the award are pure rules
(`agora/auctions/refinement.py`). Where nothing is remembered, nobody is asked and nothing is spent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from functools import partial

from agora.abilities import Refining
from agora.auctions import after_refinement, lessons_for, may_refine
from agora.auctions.paying import within_budget
from agora.auctions.refinement import LESSONS
from agora.bidding import collect_bids
from agora.bids import Bid, Clearing, Lesson, Plan
from agora.events import Recalled, Scored
from agora.judging import hear_jury
from agora.lots import House, Lot
from agora.protocols import Agent, Desk


async def refine(house: House, lot: Lot) -> None:
    """Give the cheaper bidders their second plan, have it judged, and clear once more; the lot's award may move."""
    cheaper = may_refine(lot.clearing, reserve=lot.reserve)
    able = [name for name in cheaper if isinstance(house.agents[name], Refining)]
    lessons = {name: shown for name in sorted(able) if (shown := _recalled(house, lot, name))}
    if not lessons:
        return

    def write(agent: Agent, desk: Desk) -> Awaitable[Plan | None]:
        assert isinstance(agent, Refining)
        name = agent.profile.name
        return agent.refine(desk, lot.bids[name].plan, lessons[name])

    first, seed = lot.clearing, house.run.chance.integer(f"{lot.task.id}/ties")
    refined = await hear_jury(house, lot, await collect_bids(house, lot, lessons, write=write, round=1), round=1)
    clear = partial(_clear, house, lot, seed)
    after = after_refinement(first, list(lot.bids.values()), list(refined.values()), clear=clear)
    scored = house.decided(
        Scored, lot.task.id, lambda: Scored(task=lot.task.id, clearing=after.clearing, seed=seed, round=1), 1
    )
    lot.bids, lot.clearing = {bid.agent: bid for bid in after.bids}, scored.clearing


def _clear(house: House, lot: Lot, seed: int, bids: Sequence[Bid]) -> Clearing:
    clearing = house.mechanism.clear(bids, reserve=lot.reserve, seed=seed, jury=lot.jury)
    return within_budget(clearing, lot.reserve)


def _recalled(house: House, lot: Lot, name: str) -> tuple[Lesson, ...]:
    """What an agent is shown; on record, so that a run that is gone on with shows the same."""

    def recall() -> Recalled:
        entries = house.run.store.recall(lot.task.goal, limit=LESSONS * max(1, len(lot.shortlist.members)))
        lessons = lessons_for(entries, agent=name, seed=house.run.chance.integer(f"{lot.task.id}/lessons"))
        return Recalled(task=lot.task.id, agent=name, lessons=lessons)

    return house.decided(Recalled, lot.task.id, recall, name).lessons
