"""One auction decided again, from its recorded bids, judgements, reserve and tie seed. Pure: no call, no token.

What an agent wrote and what a judge marked stand as they are on record; only what the market makes of them is redone:
who is heard as a judge, the scores, the payment, and whose second plan counts. Whatever the changed rule would have
asked for and nobody asked is named, and the award is then not called known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from agora.abilities import Juried, Ruled
from agora.auctions import after_refinement, may_refine
from agora.auctions.paying import within_budget
from agora.bids import Ability, Bid, Clearing, Juror
from agora.protocols import Mechanism
from agora.rules import NO_RULES, Rules
from agora.traces.told.story import AuctionStory

NOBODY: Final[frozenset[str]] = frozenset()
"""No names."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What the record says of those who take part in a run."""

    operators: Mapping[str, str]
    """Agent -> who is behind it."""
    abilities: Mapping[str, Collection[Ability]]
    """Agent -> what it can do besides bidding; who is missing: not on record."""

    def may(self, agent: str, ability: Ability) -> bool:
        """Whether it can, as far as anybody knows: what is not on record may be."""
        return agent not in self.abilities or ability in self.abilities[agent]


class Held(NamedTuple):
    """An auction as a mechanism decides it."""

    first: Clearing
    """Of the first bids."""
    clearing: Clearing
    """The one that counts: with second plans, where there are any."""
    bids: Mapping[str, Bid]
    """The bids that it was made of, with their marks."""
    second: tuple[str, ...]
    """Whose second plan was looked at."""
    unheard: tuple[str, ...]
    """Who would have been asked to judge, and was not."""
    unwritten: tuple[str, ...]
    """Who might have been asked for a second plan, and was not."""


def held(
    auction: AuctionStory,
    mechanism: Mechanism,
    *,
    pool: Pool,
    without: Collection[str] = NOBODY,
    among: Collection[str] | None = None,
) -> Held:
    """Decide an auction that was scored, from what is on record of it.

    Args:
        auction: As it is on record; it was scored.
        mechanism: The rule.
        pool: What is on record of those who took part.
        without: Who is thought away, with bids and marks.
        among: Who is asked; None: who was.

    Raises:
        ConfigError: The mechanism cannot score bids with the options that it has.
    """
    scored = auction.first.scored
    assert scored is not None
    reserve, seed = auction.opened.reserve, scored.seed
    asked = [name for name in (auction.opened.asked if among is None else among) if name not in without]
    placed = {name: bid for name, bid in auction.first.bids.items() if name in asked}
    jury, unheard = _jury(auction, mechanism, pool, asked=asked, bids=len(placed))

    def clear(bids: Sequence[Bid]) -> Clearing:
        return within_budget(mechanism.clear(bids, reserve=reserve, seed=seed, jury=jury), reserve)

    bids = {name: _marked(auction, bid, jury, round=0) for name, bid in placed.items() if name not in scored.withdrawn}
    first = clear([*bids.values()])
    rules = rules_of(mechanism)
    if rules.refine == "off":
        return Held(first, first, bids, (), unheard, ())
    cheaper = may_refine(first, reserve=reserve, winner_too=rules.refine == "all")
    second = [_marked(auction, bid, jury, round=1) for name, bid in auction.second.bids.items() if name in cheaper]
    was_asked = {*auction.lessons, *auction.second.bids, *auction.second.refused}
    unwritten = tuple(name for name in cheaper if name not in was_asked and pool.may(name, "refines"))
    if not second:
        return Held(first, first, bids, (), unheard, unwritten)
    after = after_refinement(first, [*bids.values()], second, clear=clear)
    counted = {bid.agent: bid for bid in after.bids}
    return Held(first, after.clearing, counted, tuple(sorted(bid.agent for bid in second)), unheard, unwritten)


def rules_of(mechanism: Mechanism) -> Rules:
    """How a mechanism's auctions are held besides their scores."""
    return mechanism.rules if isinstance(mechanism, Ruled) else NO_RULES


def reproduces(auction: AuctionStory, base: Held) -> bool:
    """Whether a decision that was made again is the one on record, figure by figure."""
    first, second = auction.first.scored, auction.second.scored
    return first is not None and first.clearing == base.first and (second or first).clearing == base.clearing


def open_points(auction: AuctionStory, base: Held | None, now: Held, *, asked: Collection[str]) -> tuple[str, ...]:
    """What the changed rule would have asked for and nobody asked, one sentence each; empty: the award is known.

    Args:
        auction: As it is on record.
        base: As it was decided then; None: the rule of then cannot be made again.
        now: As it is decided with the change.
        asked: Who would be asked for a bid now.
    """
    points: list[str] = []
    never = sorted(name for name in asked if name not in auction.opened.asked)
    if never:
        points.append(f"{_listed(never)} never bid here: no bid on record")
    if now.unheard:
        points.append(f"{_listed(now.unheard)} would have been asked to judge: what nobody asked is not known")
    known = () if base is None else base.unwritten  # whoever could have been asked then, and had nothing to be shown
    unwritten = [name for name in now.unwritten if name not in known]
    if unwritten:
        points.append(f"{_listed(unwritten)} would have been asked to write again: what nobody asked is not known")
    return tuple(points)


def remarks(auction: AuctionStory, base: Held | None, now: Held, *, without: Collection[str]) -> tuple[str, ...]:
    """What the decision rests on that a changed rule might have changed, one sentence each."""
    said: list[str] = []
    then = None if auction.first.scored is None else auction.first.scored.clearing
    if now.second and then is not None and _scores(then) != _scores(now.first):
        said.append(f"the second plans of {_listed(now.second)} were written under other scores")
    counted = (auction.second.scored.refined if auction.second.scored else ()) if base is None else base.second
    dropped = sorted(set(counted) - set(now.second) - set(without))
    if dropped:
        said.append(f"the second plans of {_listed(dropped)} would not have been asked for, and do not count")
    judged = [name for name in without if name in auction.first.bids]
    if judged and now.bids and any(bid.marks for bid in now.bids.values()):
        said.append(f"the judges had the plans of {_listed(judged)} before them too")
    return tuple(said)


def _jury(
    auction: AuctionStory, mechanism: Mechanism, pool: Pool, *, asked: Sequence[str], bids: int
) -> tuple[dict[str, Juror], tuple[str, ...]]:
    """Who is heard of those that judged then, and who would have been heard besides."""
    wanted = mechanism.jury if isinstance(mechanism, Juried) else NOBODY
    if bids < 2:  # one first bid is nothing to compare: nobody is asked
        return {}, ()
    judges = [name for name in asked if wanted is None or name in wanted]
    jury = {name: one for name, one in auction.jury(pool.operators, round=0).items() if name in judges}
    unheard = (name for name in judges if name not in auction.first.judged and pool.may(name, "judges"))
    return jury, tuple(sorted(unheard))


def _marked(auction: AuctionStory, bid: Bid, jury: Collection[str], *, round: int) -> Bid:
    marks = auction.marks(bid.agent, round=round)
    return bid.model_copy(update={"marks": {judge: mark for judge, mark in marks.items() if judge in jury}})


def _scores(clearing: Clearing) -> dict[str, float]:
    return {score.agent: score.total for score in clearing.ranking}


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
