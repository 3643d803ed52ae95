"""One task of a run, followed along its events: at each decision the state that the loop had just before it.

What was received (bids, marks, work, outcomes, answers, what clocks and purses said) is taken from the record, and only
where it was called for. What was decided is made again by the function that the loop called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from agora.auctioning import Seen, screening, take_up
from agora.budget import Purse
from agora.coordinator.policies.by_ants import GIVEN
from agora.events import (
    Applied,
    Applying,
    Awarded,
    BidPlaced,
    BidRefused,
    Closed,
    Credited,
    Event,
    Judged,
    Learned,
    Opened,
    Performed,
    Recalled,
    Routed,
    Scored,
    Screened,
    Settled,
    TaskDone,
    Verified,
)
from agora.finishing import ended
from agora.lots import Auction, House, Lot
from agora.opening import called_next
from agora.performing import outcome_without
from agora.results import attempt_of
from agora.settling import award_for, credit, lessons, no_bids, own_credits, settlement
from agora.tasks import Limits, Outcome, Task, Usage, Verdict
from agora.traces.replay.auction import AuctionReplay
from agora.traces.replay.desks import Desks, Uncalled
from agora.traces.replay.known import Records


class TaskReplay:
    """Owned by one replay.

    Args:
        house: The rules of the run, with the pool as it changes.
        task: As posted.
        records: What was known of agents, by position.
    """

    def __init__(self, house: House, task: Task, records: Records) -> None:
        self.house, self._records = house, records
        self.lot = Lot(task=task, purse=Purse(f"task {task.id}", Limits(), clock=house.run.clock))
        self._stage = "posted"
        self.desks = Desks(self)
        self._routed: Routed | None = None
        self.auction: AuctionReplay | None = None
        self._performed: Performed | None = None
        self.awarded: Awarded | None = None
        self._owing: list[Event] = []  # decided already, in the order in which they are put on record
        self.done: TaskDone | None = None
        self._rules: dict[type[Event], Callable[..., Event | None]] = {
            Routed: self._routing,
            Opened: self._called,
            Closed: self._called,
            BidPlaced: self._bidding,
            BidRefused: self._bidding,
            Judged: self._bidding,
            Scored: self._bidding,
            Recalled: self._bidding,
            Awarded: self._award,
            Performed: self._perform,
            Verified: self._verdict,
            Settled: self._owed,
            Credited: self._owed,
            Learned: self._owed,
            Applying: self._patch,
            Applied: self._patch,
            TaskDone: self._ending,
        }

    @property
    def stage(self) -> str:
        """How far it is: posted, open, bids, recalling, refining, cleared, awarded, performed, verified and so on."""
        return self.auction.stage if self._stage == "auction" and self.auction is not None else self._stage

    def take(self, event: Event) -> Event | None:
        """Follow one event.

        Returns:
            It as it is made again from what was known before it; None of what is only received.

        Raises:
            Uncalled: Nobody called for it.
        """
        if self.done is not None:
            raise Uncalled(f"the task had ended before, and nothing more of it was to come, {event.kind} neither")
        if self._routed is not None and not isinstance(event, Screened):
            raise Uncalled("its screening is missing, which is put on record with its routing")
        rule = self._rules.get(type(event))
        return rule(event) if rule else None

    def missing(self) -> str:
        """What must come before anything else of the task, in words; empty: nothing must."""
        if self._owing:
            return f"its {self._owing[0].kind} is missing"
        if self._stage == "auction" and self.auction is not None:
            return self.auction.missing()
        wants = {
            "posted": "its screening",
            "awarded": "what came of its attempt",
            "performed": "the verdict on its attempt",
        }
        return f"{wants[self.stage]} is missing" if self.stage in wants else ""

    def _routing(self, event: Routed) -> Event:
        """The routing, once its screening was read: what it was told from outside stands there."""
        self._expect("posted", event)
        self._routed = event
        return event

    def screened(self, event: Screened) -> tuple[Event | None, Event]:
        """The routing that was read before, if there was one, and the screening, both made again."""
        self._expect("posted", event)
        lot, routed = self.lot, self._routed
        at = event.records_at
        lot.records = self._records.at(at, lot.task.skill) if at is not None else ()
        left = event.left or Limits(usd=event.reserve.usd, seconds=float(event.reserve.s) or None)
        working: dict[str, float] = {}
        types: dict[str, float] = {}
        if routed is not None:
            lot.place = routed.place
            cards = self.house.pool.cards
            for one in routed.routing.considered:
                if one.agent in cards:
                    working[cards[one.agent].operator] = one.known.load
            if routed.routing.details.get("intent_reason") == GIVEN:
                types = cast("dict[str, float]", routed.routing.details["weights"])
        seen = Seen(left=left, down=event.down, types=types, files=event.files, working=working)
        again, now = screening(self.house, lot, seen)
        if event.left is None:
            now = now.model_copy(update={"left": None, "records_at": None})
        if routed is None and again:
            raise Uncalled("its routing is missing, which is put on record with its screening")
        if routed is not None and not again:
            raise Uncalled("it was routed, and nobody who may do it was there to choose from")
        take_up(lot, event)
        self._routed, self._stage = None, "open"
        return (again[0] if again else None), now

    def _called(self, event: Opened | Closed) -> Event:
        self._nothing_missing(event)
        auction = self.lot.auctions[-1] if self.lot.auctions else None
        if auction is not None and self.stage == "cleared" and self._winner_here():
            raise Uncalled(f"the award to {auction.clearing.winner} is missing")
        if self.stage not in ("open", "cleared", "verified"):
            raise Uncalled(f"no call for bids was to come ({self.stage})")
        reserve = event.reserve if isinstance(event, Opened) else None
        left = event.left
        if left is None and reserve is not None:
            left = Limits(usd=reserve.usd, seconds=float(reserve.s) or None)
        now = called_next(self.house, self.lot, left or Limits())
        if event.left is None:
            now = now.model_copy(update={"left": None})
        if isinstance(event, Closed):
            self.lot.parked = event.reason if event.parked else ""
            self._stage = "closed"
            return now
        purse = Purse("bidding", Limits(), clock=self.house.run.clock, parent=self.lot.purse)
        self.lot.auctions.append(Auction(opened=event, purse=purse))
        self.awarded, self._performed, self._stage = None, None, "auction"
        self.auction = AuctionReplay(self.house, self.lot, self.desks)
        self.desks.opened(self.lot.auction)
        return now

    def _bidding(self, event: BidPlaced | BidRefused | Judged | Scored | Recalled) -> Event | None:
        if self._stage != "auction" or self.auction is None or self.auction.stage == "cleared":
            raise Uncalled(f"{event.kind} was not to come then ({self.stage})")
        made = self.auction.take(event)
        if self.auction.stage == "cleared":
            self._owing = [*self._credits(no_bids(self.lot, self.lot.auction))]
        return made

    def _award(self, event: Awarded) -> Event:
        auction = self._auction(event.auction, event)
        self._nothing_missing(event)
        if self.stage != "cleared":
            raise Uncalled(f"no award was to come ({self.stage})")
        if auction.clearing.winner is None:
            raise Uncalled("nobody made a bid that could be awarded")
        if not self._winner_here():
            raise Uncalled(f"{auction.clearing.winner} won, and had left before the award")
        now = event.model_copy(update={"award": award_for(self.lot), "evidence": self.lot.evidence})
        self.awarded, self._stage = event, "awarded"
        return now

    def _winner_here(self) -> bool:
        winner = self.lot.auction.clearing.winner
        return winner is not None and winner not in self.house.pool.gone

    def _perform(self, event: Performed) -> None:
        award = self.awarded.award if self.awarded else None
        if self.stage != "awarded" or award is None or (award.agent, award.attempt) != (event.agent, event.attempt):
            raise Uncalled(f"attempt {event.attempt} was not awarded to {event.agent}")
        self.desks.book_attempt(event)
        self._performed, self._stage = event, "performed"

    def _verdict(self, event: Verified) -> Event:
        performed, awarded = self._performed, self.awarded
        if performed is None or awarded is None or self.stage != "performed":
            raise Uncalled(f"attempt {event.attempt} of {event.agent} has no work to be verified")
        if (event.agent, event.attempt) != (performed.agent, performed.attempt):
            raise Uncalled(f"attempt {event.attempt} of {event.agent} has no work to be verified")
        lot, outcome = self.lot, None
        if performed.work is None or performed.work.patch.whole:  # what held a secret was not the same before
            outcome = outcome_without(lot.task, performed)
        lot.auction.attempt = attempt = attempt_of(awarded.award, performed, event.outcome)
        credited = self._credits([credit(lot, lot.auction, attempt)])
        self._owing = [settlement(lot.task, lot.auction, attempt), *credited]
        self._stage = "verified"
        return event.model_copy(update={"outcome": _verified(event.outcome, outcome)})

    def _owed(self, event: Settled | Credited | Learned) -> Event:
        if isinstance(event, Learned) and not self._owing:
            self._lesson()
        if not self._owing:
            raise Uncalled(f"{event.kind} was not to come then")
        if self._owing[0].kind != event.kind:
            raise Uncalled(self.missing())
        return self._owing.pop(0)

    def _credits(self, credits: list[Credited]) -> list[Credited]:
        return own_credits(credits, self.lot, self.house.run.past.before) if self.house.learn else []

    def forked(self, house: House) -> None:
        """A fork begins here, under rules of its own: what was owed for what it took over is owed there."""
        self.house = house
        if self.auction is not None:
            self.auction.house = house
            self.look()
        if self._stage == "learning":
            self._owing = self._lessons()
        stands = self._credits([one for one in self._owing if isinstance(one, Credited)])
        self._owing = [one for one in self._owing if not isinstance(one, Credited) or one in stands]

    def look(self) -> None:
        """Who is to write a second plan, by the rules and the pool as they are now."""
        if self._stage != "auction" or self.auction is None:
            return
        before = self.auction.stage
        self.auction.look()
        if before != "cleared" and self.auction.stage == "cleared":
            self._owing = [*self._credits(no_bids(self.lot, self.lot.auction))]

    def _lesson(self) -> None:
        """What is learned at the end of the task is decided at once: when it is closed, or its award was not funded."""
        if self.stage != "closed" and not (self.stage == "cleared" and self._winner_here()):
            return
        self._stage = "learning"
        self._owing = self._lessons()

    def _lessons(self) -> list[Event]:
        past, operators = self.house.run.past, self.house.pool.operators
        found = lessons(self.lot, operators, before=past.before) if self.house.learn else []
        return [one for one in found if one not in past]

    def _ending(self, event: TaskDone) -> Event:
        lot = self.lot
        self.done = event
        unfunded = event.budget_short and not event.attempts and event.usage == Usage()
        if unfunded and (self.stage == "posted" or not lot.auctions):  # the run could no longer pay for it
            return TaskDone(task=lot.task.id, verdict=Verdict.FAILED, reason=event.reason, budget_short=True)
        if not self._owing:
            self._lesson()
        if (lack := self.missing()) or self.stage != "learning":
            self.done = None
            raise Uncalled(lack or "what comes after it is missing: another call for bids, or that there is none")
        if open_calls := self.desks.open_calls:
            raise Uncalled(f"call {min(open_calls)} has no end")
        lot.purse.short = event.budget_short  # what the purse said
        winner = lot.auction.clearing.winner if lot.auctions else None
        if event.reason == f"a person refused the award to {winner!r}":
            lot.refused = event.reason  # what the person said
        return ended(self.house, lot)

    def _patch(self, event: Applying | Applied) -> None:
        last = lot.attempts[-1] if (lot := self.lot).attempts else None
        if last is None or not last.patch.changes:
            raise Uncalled("there was no patch to be written")
        if isinstance(event, Applying) and event.attempt != last.award.attempt:
            raise Uncalled(f"the patch of attempt {event.attempt} was not the one to be written")

    def _auction(self, number: int, event: Event) -> Auction:
        if not self.lot.auctions or self.lot.auction.number != number:
            raise Uncalled(f"call {number} for bids was not open, to which {event.kind} belongs")
        return self.lot.auction

    def _expect(self, stage: str, event: Event) -> None:
        if self.stage != stage:
            raise Uncalled(f"{event.kind} was not to come then ({self.stage})")

    def _nothing_missing(self, event: Event) -> None:
        if lack := self.missing():
            raise Uncalled(lack)


def _verified(then: Outcome, without: Outcome | None) -> Outcome:
    """What is decided without a verifier, where that is so; else what the verifier said."""
    return then if without is None else without
