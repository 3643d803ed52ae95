"""The jury: each judge marks all bids of a round, shuffled and without names.

Every agent that was asked for a bid and can judge is a judge, its own bid included (SALE, arXiv 2602.02751, value of a
bid), unless the mechanism names fewer. A judge is asked in one call, or (`Rules.ballots`) in a call a bid, all at the
same time. An answer that cannot be read is asked for once more; then the judge is dropped, with all its marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import anyio

from agora.abilities import JuryMember
from agora.auctions import Ballot, agreement_of, ballot_for, jury_schema, read_marks, record_of
from agora.bids import Bid, Juror
from agora.budget import Purse
from agora.desk import MeteredDesk
from agora.errors import described
from agora.events import Judged, Scored
from agora.lots import House, Lot
from agora.models.tokens import IMAGE_TOKENS
from agora.protocols import Agent
from agora.tasks import Limits, Task, Usage

_NO_MARKS: Final[Mapping[str, int]] = MappingProxyType({})

_STEPS = 4
_ANSWER_TOKENS = 4_000
_ROOM_BYTES = 16_000


def jury_limits(ballot: Ballot, task: Task) -> Limits:
    """What one judge may take for one ballot: to read it and answer, and once more where that cannot be read.

    A token is a byte at most; there is room for the prompt, and for calls that fail and are made again.
    """
    read = len(ballot.text.encode("utf-8", "surrogatepass")) + len(task.goal.encode("utf-8", "surrogatepass"))
    tokens = 2 * (read + _ROOM_BYTES + _ANSWER_TOKENS + len(ballot.plans) * _ANSWER_TOKENS // 100)
    return Limits(tokens=tokens + 2 * IMAGE_TOKENS * len(task.images), steps=_STEPS)


async def hear_jury(house: House, lot: Lot, bids: Mapping[str, Bid], *, round: int = 0) -> dict[str, Bid]:
    """Have the bids of a round marked by all judges at the same time; they come back with their marks.

    One first bid is nothing to compare, and nobody is asked. Marks are put on the ledger in the order of names.
    """
    judges = _judges(house, lot, round) if len(bids) > (round == 0) else ()
    heard: dict[str, Judged] = {}
    deadline_s = house.deadline_s(lot)
    with anyio.move_on_after(deadline_s):
        async with anyio.create_task_group() as group:
            for name in house.in_lot_order(judges, f"{lot.task.id}/{lot.auction.phase(f'jury-{round}')}"):
                group.start_soon(_hear, house, lot, name, bids, round, heard)
    late = f"no marks within {deadline_s:g} s"
    for name in judges:
        judged = heard.setdefault(name, _judged(lot, name, round, dropped=late))
        house.note(judged)
        if not judged.dropped and not round:  # whoever is heard in the second round alone compares nothing
            lot.auction.jury[name] = Juror(operator=house.operators[name], agreement=judged.agreement)
    return {name: marked(bid, heard.values()) for name, bid in bids.items()}


def _judges(house: House, lot: Lot, round: int) -> tuple[str, ...]:
    """Who judges now, and whoever did before it left, in the order of names; what was scored is not judged again."""
    past, task, number, asked = house.run.past, lot.task.id, lot.auction.number, lot.auction.opened.asked
    heard = {name for name in asked if past.find(Judged, task, number, round, name)}
    more = () if past.find(Scored, task, number, round) else house.judges_among(asked)
    return tuple(sorted({*more, *heard}))


def marked(bid: Bid, heard: Iterable[Judged]) -> Bid:
    """A bid with the marks that it got."""
    marks = {judged.judge: judged.marks[bid.agent] for judged in heard if bid.agent in judged.marks}
    return bid.model_copy(update={"marks": {**bid.marks, **marks}})


async def _hear(
    house: House, lot: Lot, name: str, bids: Mapping[str, Bid], round: int, heard: dict[str, Judged]
) -> None:
    auction, past = lot.auction, house.run.past
    phase = auction.phase(f"jury-{round}")
    seed = house.run.chance.integer(f"{lot.task.id}/{phase}")
    ballot = ballot_for(list(bids.values()), judge=name, lot=house.cards[name], seed=seed)
    places = [f"{phase}-{label}" for label in ballot.plans]
    each = house.rules.ballots == "each"
    asked = dict(zip(places, ballot.each, strict=True)) if each else {phase: ballot}
    judged = past.find(Judged, lot.task.id, auction.number, round, name)
    if past.tasks:  # what is on record and not asked for again; the run may have begun under the other rule
        told = [place for place in (phase, *places) if judged or place not in asked]
        spent = sum((past.spent(lot.task.id, place, name) for place in told), Usage())
        auction.taken[name] += spent
        auction.purse.book(spent)
    if judged is not None:
        heard[name] = judged
        return
    agent = house.agents[name]
    purse = Purse(f"judging by {name}", agent.profile.limits, clock=house.run.clock, parent=auction.purse)
    desks = {place: _desk(house, lot, agent, place, part, purse) for place, part in asked.items()}
    marks: dict[str, int] = {}
    faults: dict[str, str] = {}
    try:
        async with anyio.create_task_group() as group:
            for place, part in asked.items():
                group.start_soon(_mark, agent, desks[place], place, part, marks, faults)
    finally:
        for desk in desks.values():
            desk.leave()
        auction.taken[name] += purse.spent
    card = agent.profile
    record = record_of(lot.records, operator=card.operator, agent=name, skill=lot.task.skill)
    dropped = next((faults[place] for place in asked if place in faults), "")  # by the ballot's order, not by arrival
    given = {} if dropped else {bidder: marks[bidder] for bidder in ballot.bidders.values()}
    heard[name] = _judged(lot, name, round, marks=given, dropped=dropped, agreement=agreement_of(record))


def _desk(house: House, lot: Lot, agent: Agent, place: str, ballot: Ballot, above: Purse) -> MeteredDesk:
    """A desk for one ballot: of calls at the same time none is taken for another, on record or in the purse."""
    card = agent.profile
    purse = Purse(f"judging by {card.name}", jury_limits(ballot, lot.task), clock=house.run.clock, parent=above)
    return MeteredDesk(house.run, lot.task, agent=card.name, phase=place, price=card.price, purse=purse)


async def _mark(
    agent: Agent, desk: MeteredDesk, place: str, ballot: Ballot, marks: dict[str, int], faults: dict[str, str]
) -> None:
    assert isinstance(agent, JuryMember)
    try:
        marks.update(await _read(agent, desk, ballot))
    except Exception as error:  # an agent is the user's code: what breaks in it costs its marks, not the auction
        faults[place] = described(error)


def _judged(
    lot: Lot, judge: str, round: int, *, dropped: str, marks: Mapping[str, int] = _NO_MARKS, agreement: float = 0.5
) -> Judged:
    return Judged(
        task=lot.task.id,
        auction=lot.auction.number,
        judge=judge,
        round=round,
        marks=marks,
        dropped=dropped,
        agreement=agreement,
    )


async def _read(member: JuryMember, desk: MeteredDesk, ballot: Ballot) -> dict[str, int]:
    schema = jury_schema(ballot)
    try:
        return read_marks(await member.mark(desk, ballot.plans, schema=schema), ballot)
    except ValueError as unreadable:
        complaint = str(unreadable)
    return read_marks(await member.mark(desk, ballot.plans, schema=schema, complaint=complaint), ballot)
