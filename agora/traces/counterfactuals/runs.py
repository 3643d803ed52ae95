"""What a run's auctions would have decided under another rule, or without somebody: each by itself, from the record.

Every auction is first decided again as it was. Where that does not give the scores on record (a body was erased, or the
rule of then cannot be made again here), the auction is named and left out. Each auction starts from what was known
then: an award that changes would have taught the market something else, and that is not followed up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from agora.abilities import Archive
from agora.ambient import SeededChance
from agora.auctions.exploration import explore
from agora.auctions.ranking import card_hash
from agora.bids import Ability, Bid, Clearing, Standing
from agora.events import Event, Joined, Opened, Scored, Screened, Started
from agora.forks import events_of, lineage
from agora.protocols import Mechanism, Store
from agora.rules import Rules
from agora.traces.counterfactuals.deciding import NOBODY, Held, Pool, held, open_points, remarks, reproduces, rules_of
from agora.traces.told.story import AuctionStory, RunStory, TaskStory

DECIDING: Final = frozenset(
    {"started", "joined", "posted", "screened", "opened", "bid", "judged", "recalled", "scored"}
)
"""Kinds of events without which an auction cannot be decided again."""


class Erased(NamedTuple):
    """An entry whose body is gone."""

    seq: int
    """Its position on the ledger."""
    kind: str
    """What it was."""


@dataclass(kw_only=True)
class Record:
    """One run as it is on record, with the positions of its auctions."""

    run: str
    """Its id."""
    story: RunStory = field(default_factory=RunStory)
    """The run."""
    scored_at: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """(task, auction) -> position of the scores that count."""
    spans: dict[tuple[str, int], list[int]] = field(default_factory=dict[tuple[str, int], list[int]])
    """(task, auction) -> positions of its first and of its last event."""
    opened: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    """Auctions whose call for bids is on record."""
    standings: dict[str, Mapping[str, Standing]] = field(default_factory=dict[str, Mapping[str, Standing]])
    """Task -> what was known of everyone on its shortlist."""
    erased: list[Erased] = field(default_factory=list[Erased])
    """Entries that an auction may need."""
    abilities: dict[str, tuple[Ability, ...]] = field(default_factory=dict[str, tuple[Ability, ...]])
    """Agent -> what it can do besides bidding; who is missing: not on record."""

    @property
    def pool(self) -> Pool:
        """Who took part."""
        return Pool(
            operators={name: card.operator for name, card in self.story.cards.items()}, abilities=self.abilities
        )

    def take(self, seq: int, event: Event) -> None:
        """Follow the next event."""
        self.story.tell(event)
        if isinstance(event, Started):
            self.abilities |= event.abilities
        elif isinstance(event, Joined) and event.abilities is not None:
            self.abilities[event.profile.name] = event.abilities
        elif isinstance(event, Screened):
            self.standings[event.task] = event.standings
        if (number := getattr(event, "auction", None)) is None or isinstance(number, str):
            return
        place = event.task, int(number)
        self.spans.setdefault(place, [seq, seq])[1] = seq
        if isinstance(event, Opened):
            self.opened.add(place)
        elif isinstance(event, Scored):
            self.scored_at[place] = seq


def read_record(store: Store, run: str) -> Record:
    """A run as it is on record.

    Args:
        store: With the ledger.
        run: The run's id.
    """
    record, gone = Record(run=run), list[int]()
    for recorded in events_of(store, run):
        if recorded.event is None:
            gone.append(recorded.seq)
        else:
            record.take(recorded.seq, recorded.event)
    if gone:
        kinds = {seq: kind for part in lineage(store, run) for seq, kind in _kinds(store, part.run).items()}
        record.erased = [Erased(seq, kinds.get(seq, "event")) for seq in gone if kinds.get(seq, "bid") in DECIDING]
    return record


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is thought to have been otherwise."""

    mechanism: Mechanism
    """The rule now."""
    then: Mechanism | None
    """The rule of then; None: it cannot be made again."""
    without: frozenset[str] = NOBODY
    """Who is thought away."""
    routes: Mapping[str, Route] | None = None
    """Task -> whom another policy would have asked; None: the policy stays."""

    @property
    def rules(self) -> Rules:
        """How auctions are held now."""
        return rules_of(self.mechanism)


class Route(NamedTuple):
    """Whom a policy would have asked for a task."""

    waves: tuple[tuple[str, ...], ...]
    """Who is asked together, and who only after them."""
    direct: bool
    """Whether the first gets the task without an auction."""
    reason: str = ""
    """Why these, in one sentence."""
    remark: str = ""
    """What the choice lacks; empty: it is what the policy would have chosen."""


class Redone(NamedTuple):
    """One auction, decided again."""

    task: str
    """Whose."""
    auction: int
    """Which one of the task's, from 0."""
    seq: int
    """Position of its scores on the ledger."""
    asked: tuple[str, ...]
    """Who would be asked for a bid."""
    then: Clearing
    """As it is on record."""
    now: Clearing
    """As it would be, of the bids that are on record."""
    open: tuple[str, ...]
    """What the change would have asked for and nobody asked; empty: the award is known."""
    remarks: tuple[str, ...]
    """What else to know."""
    follows: bool
    """True: it followed an award of this task that would or might have been another: perhaps it was never held."""
    replanned: bool = False
    """True: the same agent would have it, by another of its two plans."""

    @property
    def moved(self) -> bool:
        """Whether another agent, or nobody, would have it."""
        return self.then.winner != self.now.winner

    @property
    def paid_otherwise(self) -> bool:
        """Whether the same agent would be promised something else."""
        return not self.moved and self.then.payment != self.now.payment


class Undone(NamedTuple):
    """An auction that could not be decided again."""

    task: str
    """Whose."""
    auction: int
    """Which one."""
    why: str
    """In words."""


def redecided(record: Record, change: Change) -> tuple[list[Redone], list[Undone]]:
    """Every auction of a run, decided again under a change.

    Raises:
        ConfigError: The mechanism cannot score bids with the options that it has.
    """
    redone, undone = list[Redone](), list[Undone]()
    lost = sorted({task for task, _ in record.spans} - set(record.story.tasks))
    undone += [Undone(task, 0, "the task's announcement was erased") for task in lost]
    for name, task in record.story.tasks.items():
        follows = False
        for auction in task.auctions:
            why = _lacks(record, name, auction)
            base = None if why or change.then is None else held(auction, change.then, pool=record.pool)
            if base is not None and not reproduces(auction, base):
                why = "the scores on record do not follow from it: the rule was another one, or a body is not there"
            if why:
                undone.append(Undone(name, auction.opened.auction, why))
                follows = True  # what it would have decided is not known
                continue
            one = _redone(record, task, auction, base, change, follows=follows)
            redone.append(one)
            follows = follows or one.moved or one.replanned or bool(one.open)
    return redone, undone


def _redone(
    record: Record, task: TaskStory, auction: AuctionStory, base: Held | None, change: Change, *, follows: bool
) -> Redone:
    asked, remark = _asked(record, task, auction, change)
    now = held(auction, change.mechanism, pool=record.pool, without=change.without, among=asked)
    clearing, number = auction.clearing, auction.opened.auction
    assert clearing is not None
    said = remarks(auction, base, now, without=change.without)
    return Redone(
        task=task.task.id,
        auction=number,
        seq=record.scored_at[task.task.id, number],
        asked=asked,
        then=clearing,
        now=now.clearing,
        open=open_points(auction, base, now, asked=asked),
        remarks=(*((remark,) if remark else ()), *said),
        follows=follows,
        replanned=_plan_of(auction.bids, clearing) != _plan_of(now.bids, now.clearing),
    )


def _plan_of(bids: Mapping[str, Bid], clearing: Clearing) -> tuple[str, ...]:
    """The winning bid."""
    winner = bids.get(clearing.winner or "")
    return () if winner is None else (winner.agent, winner.content_hash)


def _asked(record: Record, task: TaskStory, auction: AuctionStory, change: Change) -> tuple[tuple[str, ...], str]:
    """Who would be asked now, and what to know of that."""
    opened, route = auction.opened, None if change.routes is None else change.routes.get(task.task.id)
    was = tuple(name for name in opened.asked if name not in change.without)
    then = None if change.then is None else rules_of(change.then)
    if opened.auction:
        by = "whom another policy would have asked next is not redone" if route and opened.how == "reassign" else ""
        return was, by
    explores = then is None or then.explore != change.rules.explore
    posts = then is not None and then.post != change.rules.post
    if route is None and not explores and not posts and was == opened.asked:
        return was, ""
    waves = route.waves if route else task.shortlist.waves or (tuple(task.shortlist.members),)
    waves = tuple(tuple(name for name in wave if name not in change.without) for wave in waves)
    wave = next((wave for wave in waves if wave), ())
    direct = route.direct if route else task.shortlist.direct
    said = route.remark if route else ""
    if not direct and (whom := _explored(record, task.task.id, change)):
        return (whom,), said or "the lot falls on a newcomer, which is asked alone"
    if opened.how == "explore":
        return wave, said or "no lot falls on a newcomer: all of the shortlist would have been asked"
    if route is None and not posts:
        return was or wave, said
    if change.rules.post and len(wave) > 1 and not direct:
        said = said or "whether one agent alone would have been asked is not redone"
    return wave, said


def _explored(record: Record, task: str, change: Change) -> str | None:
    """Whom an exploration would be for, by the lots of then (`agora/opening.py`)."""
    started = record.story.started
    if started is None or not change.rules.explore:
        return None
    known, alike = dict[str, str](), Counter[str]()
    standings = record.standings.get(task, {})
    cards = {name: record.story.cards[name] for name in sorted(standings) if name not in change.without}
    for name, card in cards.items():
        key = card_hash(card)
        known[f"{key} {alike[key]}"] = name
        alike[key] += 1
    seed = SeededChance(started.seed).integer(f"{task}/opening")
    found = explore({key: standings[name] for key, name in known.items()}, share=change.rules.explore, seed=seed)
    return None if found.whom is None else known[found.whom]


def _lacks(record: Record, task: str, auction: AuctionStory) -> str:
    """Why an auction cannot be decided again; empty: nothing is missing as far as can be seen."""
    place = task, auction.opened.auction
    first, last = record.spans.get(place, [0, 0])
    inside = [one for one in record.erased if first < one.seq < last]
    if place not in record.opened:
        inside = [one for one in record.erased if one.kind in ("opened", "screened") and one.seq < first] or inside
    if auction.first.scored is None:
        return _gone([one for one in record.erased if one.kind == "scored"]) or "its bids were not scored"
    return _gone(inside)


def _gone(erased: Iterable[Erased]) -> str:
    found = [f"{one.seq} ({one.kind})" for one in erased]
    return f"the body of event {', '.join(found[:3])} was erased" if found else ""


def _kinds(store: Store, run: str) -> dict[int, str]:
    """Position -> kind of the entries of a run, from their envelopes: those stay when a body goes."""
    if not isinstance(store, Archive):
        return {}
    return {one.entry.envelope.seq: one.entry.envelope.kind for one in store.stored(run)}
