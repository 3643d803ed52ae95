"""The jury: each judge marks all bids of a round at once, shuffled and without names.

Every agent that was asked for a bid and can judge is a judge, its own bid included (SALE, arXiv 2602.02751, value of a
bid), unless the mechanism names fewer. An answer that cannot be read is asked for once more; then the judge is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import anyio

from agora.abilities import Juried, JuryMember
from agora.auctions import Ballot, ballot_for, jury_schema, read_marks
from agora.bids import Bid, Juror
from agora.budget import Purse, tightest
from agora.desk import MeteredDesk
from agora.errors import described
from agora.events import Judged
from agora.lots import House, Lot
from agora.tasks import Limits

JURY_LIMITS = Limits(tokens=60_000, steps=2)
"""What one judge may take for one round: the answer, and one more where it could not be read."""


async def hear_jury(house: House, lot: Lot, bids: Mapping[str, Bid], *, round: int = 0) -> dict[str, Bid]:
    """Have the bids of a round marked by all judges at the same time; they come back with their marks.

    One first bid is nothing to compare, and nobody is asked. Marks are put on the ledger in the order of names.
    """
    judges = jury_of(house, lot) if len(bids) > (round == 0) else ()
    heard: dict[str, Judged] = {}
    with anyio.move_on_after(house.bid_deadline_s):
        async with anyio.create_task_group() as group:
            for name in judges:
                group.start_soon(_hear, house, lot, name, bids, round, heard)
    for name in judges:
        late = f"no marks within {house.bid_deadline_s:g} s"
        judged = heard.setdefault(name, Judged(task=lot.task.id, judge=name, round=round, dropped=late))
        house.note(judged)
        if not judged.dropped:
            lot.jury[name] = Juror(operator=house.agents[name].profile.operator)
    return {name: _marked(bid, heard.values()) for name, bid in bids.items()}


def jury_of(house: House, lot: Lot) -> tuple[str, ...]:
    """Who judges, in the order of names."""
    chosen = house.mechanism.jury if isinstance(house.mechanism, Juried) else ()
    able = (name for name in lot.shortlist.members if isinstance(house.agents[name], JuryMember))
    return tuple(sorted(name for name in able if chosen is None or name in chosen))


def _marked(bid: Bid, heard: Iterable[Judged]) -> Bid:
    marks = {judged.judge: judged.marks[bid.agent] for judged in heard if bid.agent in judged.marks}
    return bid.model_copy(update={"marks": {**bid.marks, **marks}})


async def _hear(
    house: House, lot: Lot, name: str, bids: Mapping[str, Bid], round: int, heard: dict[str, Judged]
) -> None:
    phase = f"jury-{round}"
    judged = house.run.past.find(Judged, lot.task.id, round, name)
    if judged is not None:
        lot.purse.book(house.run.past.spent(lot.task.id, phase, name))
        heard[name] = judged
        return
    agent = house.agents[name]
    bounds = tightest(JURY_LIMITS, agent.profile.limits)
    purse = Purse(f"judging by {name}", bounds, clock=house.run.clock, parent=lot.purse)
    desk = MeteredDesk(house.run, lot.task, agent=name, phase=phase, price=agent.profile.price, purse=purse)
    ballot = ballot_for(list(bids.values()), judge=name, seed=house.run.chance.integer(f"{lot.task.id}/{phase}"))
    assert isinstance(agent, JuryMember)
    try:
        marks, dropped = await _read(agent, desk, ballot), ""
    except Exception as error:  # an agent is the user's code: what breaks in it costs its marks, not the auction
        marks, dropped = {}, described(error)
    finally:
        desk.leave()
    heard[name] = Judged(task=lot.task.id, judge=name, round=round, marks=marks, dropped=dropped)


async def _read(member: JuryMember, desk: MeteredDesk, ballot: Ballot) -> dict[str, int]:
    schema = jury_schema(ballot)
    try:
        return read_marks(await member.mark(desk, ballot.plans, schema=schema), ballot)
    except ValueError as unreadable:
        complaint = str(unreadable)
    return read_marks(await member.mark(desk, ballot.plans, schema=schema, complaint=complaint), ballot)
