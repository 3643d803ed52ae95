"""One auction of a task, followed along its events: bids, marks, scores, second plans; each only from who was asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from agora.auctioning import clear, scored
from agora.auctions import agreement_of, record_of
from agora.bids import Bid, Juror, Lesson
from agora.events import BidPlaced, BidRefused, Event, Judged, Recalled, Scored
from agora.judging import marked
from agora.ledger.redact import REDACTED
from agora.lots import Auction, House, Lot
from agora.refining import refiners, scored_again
from agora.tasks import Usage
from agora.traces.replay.desks import Desks, Uncalled, What
from agora.weighing import weighed

_MEASURED: Final = ("entropy", "entropy_form", "entropy_scaled", "surprisal_nats")


class AuctionReplay:
    """From its call to its clearing; owned by the replay of its task.

    Args:
        house: The rules of the run, with the pool as it changes.
        lot: The task, with this auction as its last one.
        desks: What its calls took.
    """

    def __init__(self, house: House, lot: Lot, desks: Desks) -> None:
        self.house, self._lot, self._desks = house, lot, desks
        self._auction = lot.auction
        self.stage = "bids"
        """bids, recalling, refining or cleared."""
        self._answers = sorted(lot.auction.opened.asked)  # whose are still to come, in their order
        self._wants: list[str] = []  # of the second calls, or of what is recalled
        self._heard: dict[int, list[Judged]] = defaultdict(list)
        self._refined: dict[str, Bid] = {}
        self._lessons: dict[str, tuple[Lesson, ...]] = {}
        self._shown: list[str] = []  # who is shown something of past auctions
        self._answered: set[str] = set()  # whose second answers are there
        self._again = False  # whether the second plans were scored
        self._counted: set[tuple[What, int, str]] = set()
        self._rules: dict[type[Event], Callable[..., Event | None]] = {
            BidPlaced: self._answer,
            BidRefused: self._answer,
            Judged: self._mark,
            Scored: self._scores,
            Recalled: self._recollection,
        }

    def waited_for(self, round: int) -> list[str]:
        """Whose answers to a call for first or second bids are still to come."""
        return self._wants if round else self._answers

    def missing(self) -> str:
        """What must come before anything else, in words; empty: nothing must."""
        if self.stage == "recalling":
            return f"what {self._wants[0]} is shown of past auctions is missing"
        if self.stage == "cleared":
            return ""
        second = "second " if self.stage == "refining" else ""
        if waits := self.waited_for(bool(second)):
            return f"the answer of {waits[0]} to the call for {second}bids is missing"
        return f"the scores of its {second}bids are missing"

    def take(self, event: BidPlaced | BidRefused | Judged | Scored | Recalled) -> Event | None:
        """Follow one event; as `TaskReplay.take`.

        Raises:
            Uncalled: Nobody called for it.
        """
        if event.auction != self._auction.number:
            raise Uncalled(f"call {event.auction} for bids was not open, to which {event.kind} belongs")
        return self._rules[type(event)](event)

    def _answer(self, event: BidPlaced | BidRefused) -> Event | None:
        auction = self._auction
        bid = event.bid if isinstance(event, BidPlaced) else None
        name = bid.agent if bid else cast("BidRefused", event).agent
        round = bid.round if bid else cast("BidRefused", event).round
        wanted = self.waited_for(round)
        if self.stage != ("refining" if round else "bids") or name not in wanted:
            raise Uncalled(f"{name} was not asked for {'a second bid' if round else 'a bid'} then")
        if wanted[0] != name:
            raise Uncalled(self.missing())
        wanted.pop(0)
        if round:
            self._answered.add(name)
        took = self._took("refine" if round else "bid", round, name)
        if bid is None:
            if not round:
                self._refusal(auction, cast("BidRefused", event))
            return None
        (self._refined if round else auction.bids)[name] = bid
        return event.model_copy(update={"bid": self._bid_again(bid, took)})

    def _refusal(self, auction: Auction, event: BidRefused) -> None:
        auction.refusals[event.agent] = event.reason
        if event.malformed:
            auction.malformed.add(event.agent)
        if event.failure is not None:
            auction.failures[event.agent] = event.failure

    def _bid_again(self, bid: Bid, took: Usage) -> Bid:
        """A bid as the market weighs it; what is measured of how it was written is taken as it is."""
        card = self.house.pool.cards.get(bid.agent)
        if card is None or card.price is None or REDACTED in bid.model_dump_json():
            return bid
        told = {name: getattr(bid, name) for name in _MEASURED}
        now = weighed(self._lot, card, bid.plan, card.price, usage=took, round=bid.round)
        return now.model_copy(update=told)

    def _mark(self, event: Judged) -> Event:
        auction = self._auction
        bids = self._refined if event.round else auction.bids
        stage = "refining" if event.round else "bids"
        waits = self._wants if event.round else self._answers
        if self.stage != stage or waits:
            raise Uncalled(self.missing() or f"{event.judge} was not asked for marks then")
        if len(bids) <= (event.round == 0):
            raise Uncalled(f"nobody was asked for marks: there were {len(bids)} bids to compare")
        judges = self._judges(auction, gone_too=True)
        heard = [one.judge for one in self._heard[event.round]]
        if event.judge not in judges or event.judge in heard:
            raise Uncalled(f"{event.judge} was not asked for marks then")
        if late := [name for name in self._judges(auction) if name < event.judge and name not in heard]:
            raise Uncalled(f"the marks of {late[0]} are missing")
        if strange := sorted(set(event.marks) ^ set(bids)) if not event.dropped else sorted(event.marks):
            raise Uncalled(f"{event.judge} was not asked to mark {strange[0]}, or did not")
        self._heard[event.round].append(event)
        self._took("jury", event.round, event.judge)
        if not event.dropped and not event.round:
            operator = self.house.pool.operators[event.judge]
            auction.jury[event.judge] = Juror(operator=operator, agreement=event.agreement)
        if event.dropped:
            return event
        operator = self.house.pool.cards[event.judge].operator
        record = record_of(self._lot.records, operator=operator, agent=event.judge, skill=self._lot.task.skill)
        return event.model_copy(update={"agreement": agreement_of(record)})

    def _judges(self, auction: Auction, *, gone_too: bool = False) -> tuple[str, ...]:
        """Who judges now; also who could when it was called for, and has left since."""
        here = self.house.judges_among(auction.opened.asked)
        if not gone_too:
            return here
        able = self.house.judges_of(auction.opened.asked)
        return tuple(sorted({*here, *able}))

    def _scores(self, event: Scored) -> Event:
        auction = self._auction
        waits = self._wants if event.round else self._answers
        if self.stage != ("refining" if event.round else "bids") or waits:
            raise Uncalled(self.missing() or "nothing was to be scored then")
        bids = self._refined if event.round else auction.bids
        heard = self._heard[event.round]
        if len(bids) > (event.round == 0):
            judged = {one.judge for one in heard}
            if silent := [name for name in self._judges(auction) if name not in judged]:
                raise Uncalled(f"the marks of {silent[0]} are missing")
        if event.round:
            refined = {name: marked(self._refined[name], heard) for name in self._shown if name in self._refined}
            now, stand = scored_again(self.house, self._lot, refined, clear=partial(clear, self.house, self._lot))
            auction.clearing, auction.bids = event.clearing, stand
            self._again, self.stage = True, "cleared"
            self._leftovers()
            return now
        auction.bids = {name: marked(bid, heard) for name, bid in bids.items()}
        made = scored(self.house, self._lot)
        auction.clearing = event.clearing
        for name in event.withdrawn:
            auction.refusals[name] = self.house.pool.gone.get(name, "had left")
            auction.bids.pop(name, None)
        self.stage = "recalling"
        self.look()
        return made

    def look(self) -> None:
        """Who is to write again, by the rules and the pool as they are now: a fork, and who left, may change that."""
        if self.stage == "bids" or self._again:
            return
        pool = self.house.pool
        may = sorted(refiners(self.house, self._lot))
        able = [name for name in may if "refines" in pool.able.get(name, ()) and name not in pool.gone]
        recalls = [name for name in able if name not in self._lessons]
        self._shown = [name for name in may if self._lessons.get(name)]
        self._wants = recalls or [name for name in self._shown if name not in self._answered]
        self.stage = "recalling" if recalls else "refining" if self._shown else "cleared"
        if self.stage == "cleared":
            self._leftovers()

    def _recollection(self, event: Recalled) -> None:
        if self.stage != "recalling" or event.agent not in self._wants:
            raise Uncalled(f"{event.agent} was not to write its plan again")
        if self._wants[0] != event.agent:
            raise Uncalled(self.missing())
        self._lessons[event.agent] = event.lessons
        self.look()

    def _took(self, what: What, round: int, agent: str) -> Usage:
        """What one desk took, which counts as its agent's from now on."""
        self._counted.add((what, round, agent))
        took = self._desks.taken(what, self._auction.number, round, agent)
        self._auction.taken[agent] += took
        return took

    def _leftovers(self) -> None:
        """What desks took of which nothing came: who sat there has left, or the rule asks no such thing any more."""
        for what, round, agent in self._desks.of(self._auction.number):
            if (what, round, agent) not in self._counted:
                self._took(what, round, agent)
