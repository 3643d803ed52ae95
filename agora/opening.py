"""Which call for bids comes next: the first one; after a failure the same agent again, then the others; or the end.

The decisions are pure (`agora/auctions/again.py`); each call is an event, and every call that leads to no attempt takes
at least one agent out, so that the calls end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Literal

from agora.auctions import record_of
from agora.auctions.again import Park, Patience, Replan, Stop, Tried, after_attempt
from agora.auctions.expecting import expected_bidding, expected_work
from agora.auctions.exploration import explore
from agora.auctions.ranking import card_hash
from agora.auctions.worth import LONG_TOKENS, Contender, cap_on, worth_of
from agora.bids import Price, Profile, Reserve, Standing
from agora.events import BidPlaced, Closed, Opened, Scored
from agora.knowing import usual_tokens
from agora.lots import House, Lot
from agora.tasks import Limits


def next_call(house: House, lot: Lot) -> Opened | None:
    """The next call for bids; None: the task ends here, and `lot.parked` says if it is set aside.

    What was decided before stands.
    """
    number, past = len(lot.auctions), house.run.past
    opened = past.find(Opened, lot.task.id, number) or past.find(Closed, lot.task.id)
    if opened is None:
        opened = called_next(house, lot, lot.purse.left)
        house.note(opened)
    if isinstance(opened, Closed):
        lot.parked = opened.reason if opened.parked else ""
        return None
    return opened


def called_next(house: House, lot: Lot, left: Limits) -> Opened | Closed:
    """What is decided after the auctions so far; pure.

    Args:
        house: The collaborators.
        lot: The task, with its auctions and what came of them.
        left: What is left for it.
    """
    called = _again(house, lot, left) if lot.auctions else _first(house, lot, left)
    return called.model_copy(update={"left": left})


def reserve_of(left: Limits) -> Reserve:
    """What is left, as the scale of an auction's scores."""
    return Reserve(usd=left.usd or Decimal(0), s=Decimal(str(left.seconds or 0)))


def _first(house: House, lot: Lot, left: Limits) -> Opened:
    """The first call: to a newcomer by lot, to one agent alone where more bids would not pay, or to all."""
    gone = house.pool.gone
    members, reserve = list(_wave(lot, gone)), reserve_of(left)
    if _begun(house, lot, members):
        return Opened(task=lot.task.id, how="auction", asked=tuple(members), reserve=reserve)
    rules, judges = house.rules, house.judges_among(members)
    cards = {name: house.pool.cards[name] for name in members}
    seed = house.run.chance.integer(f"{lot.task.id}/opening")
    if newcomer := _newcomer(lot, _to_explore(house, lot), share=rules.explore, seed=seed):
        whom, reason = newcomer
        return Opened(task=lot.task.id, how="explore", asked=(whom,), reserve=reserve, reason=reason)
    tokens = usual_tokens(lot.records)
    if not rules.post or len(members) < 2 or tokens is None:  # nothing is known yet: bids tell most
        return Opened(task=lot.task.id, how="auction", asked=tuple(members), reserve=reserve)
    contenders = [
        Contender(
            agent=name,
            lot=card_hash(card),
            standing=lot.standings.get(name, Standing()),
            asked=expected_work(card.price or Price(), tokens=tokens),
            bidding=expected_bidding(
                card.price or Price(),
                record=record_of(lot.records, operator=card.operator, agent=name, skill=lot.task.skill),
                goal=lot.task.goal,
                bidders=len(members),
                judges=name in judges,
                each=rules.ballots == "each",
            ),
        )
        for name, card in cards.items()
    ]
    share = rules.bidding_share_long if tokens >= LONG_TOKENS else rules.bidding_share
    worth = worth_of(contenders, reserve=reserve, seed=seed, cap=cap_on(lot.records, share=share, reserve=reserve))
    if not worth.agents:  # the reserve covers nobody's usual cost: their bids may ask less
        return Opened(task=lot.task.id, how="auction", asked=tuple(members), reserve=reserve, reason=worth.reason)
    asked = tuple(sorted(worth.agents))
    return Opened(task=lot.task.id, how=worth.how, asked=asked, reserve=reserve, reason=worth.reason)


def _begun(house: House, lot: Lot, members: Iterable[str]) -> bool:
    """Whether bids are on record without a call: as older versions left them, which asked everybody."""
    past, task = house.run.past, lot.task.id
    return past.find(Scored, task, 0, 0) is not None or any(past.find(BidPlaced, task, 0, 0, name) for name in members)


def _newcomer(lot: Lot, cards: Mapping[str, Profile], *, share: float, seed: int) -> tuple[str, str] | None:
    """Whom an exploration is for, and why; lots fall on what an agent is, never on its name."""
    alike: Counter[str] = Counter()
    known: dict[str, str] = {}
    for name, card in cards.items():
        key = card_hash(card)
        known[f"{key} {alike[key]}"] = name
        alike[key] += 1
    standings = {key: lot.standings.get(name, Standing()) for key, name in known.items()}
    found = explore(standings, share=share, seed=seed)
    return None if found.whom is None else (known[found.whom], found.reason)


def _to_explore(house: House, lot: Lot) -> dict[str, Profile]:
    """Among whom a newcomer is looked for: everyone who may bid now; nobody, where a policy awards directly."""
    here = sorted(name for name in lot.shortlist.members if name not in house.pool.gone)
    return {} if lot.shortlist.direct else {name: house.pool.cards[name] for name in here}


def _wave(lot: Lot, out: Collection[str]) -> tuple[str, ...]:
    """Who is asked next, in the order of names: those of the first wave in which anybody is left."""
    waves = lot.shortlist.waves or (tuple(lot.shortlist.members),)
    left = (tuple(sorted(name for name in wave if name not in out)) for wave in waves)
    return next((wave for wave in left if wave), ())


def _again(house: House, lot: Lot, left: Limits) -> Opened | Closed:
    """After an auction: by whom the task is tried next, or why by nobody; whoever has left is passed over."""
    members = sorted(lot.shortlist.members)
    gone = {name: why for name, why in house.pool.gone.items() if name in lot.shortlist.members}
    passed_over = "".join(f"; {name} {why}" for name, why in sorted(gone.items()))
    out = _declined(lot) | _set_in_their_ways(house, lot) | gone.keys()
    reserve, number = reserve_of(left), len(lot.auctions)
    if not lot.attempts:
        reason = f"nobody who was asked before made a bid that could be taken{passed_over}"
        return _reassign(lot, number, _wave(lot, out), reserve, reason, passed_over)
    tried = [Tried(agent=one.award.agent, verdict=one.outcome.verdict, blameless=one.blameless) for one in lot.attempts]
    step = after_attempt(tried, left=left, bidders=len(members), out=out, patience=Patience(attempts=house.attempts))
    if isinstance(step, (Park, Stop)):
        why = step.reason + (passed_over if isinstance(step, Park) else "")
        return Closed(task=lot.task.id, parked=isinstance(step, Park), reason=why)
    if isinstance(step, Replan):
        return _call(lot, number, "replan", (step.agent,), reserve, step.reason)
    others = _wave(lot, step.excluding)
    return _reassign(lot, number, others, reserve, f"{step.reason}{passed_over}", passed_over)


def _reassign(
    lot: Lot, number: int, left: tuple[str, ...], reserve: Reserve, reason: str, passed_over: str
) -> Opened | Closed:
    if not left:
        return Closed(task=lot.task.id, reason=f"nobody is left to be asked{passed_over}")
    return _call(lot, number, "reassign", left, reserve, reason)


def _call(
    lot: Lot, number: int, how: Literal["replan", "reassign"], asked: tuple[str, ...], reserve: Reserve, reason: str
) -> Opened:
    return Opened(task=lot.task.id, auction=number, how=how, asked=asked, reserve=reserve, reason=reason)


def _declined(lot: Lot) -> frozenset[str]:
    """Who was asked and made no bid that could be taken: each is asked for a first bid once."""
    return frozenset(
        name
        for auction in lot.auctions
        for name in auction.opened.asked
        if name not in {score.agent for score in auction.clearing.ranking}
    )


def _set_in_their_ways(house: House, lot: Lot) -> frozenset[str]:
    """Who failed and would do the same again; who is not at hand has left, and is asked nothing."""
    failed = {attempt.award.agent for attempt in lot.attempts if not attempt.blameless}
    able = house.pool.able
    return frozenset(name for name in failed if name in able and "replans" not in able[name])
