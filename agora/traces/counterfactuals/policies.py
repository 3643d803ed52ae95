"""Whom another policy would have asked for the tasks of a run, from what is on record of everyone then.

The policy is given what the ledger held when the run began, and then the run's own events in their order, each before
the next decision: what it would have learned from its own awards is not known, and is not made up. Its one draw is the
run's. Pure, but for reading the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Final, cast

from agora.abilities import Learning
from agora.ambient import SeededChance
from agora.bids import Profile, Shortlist
from agora.coordinator import enforced
from agora.coordinator.policies.by_ants import GIVEN
from agora.events import Event, Joined, Left, Posted, Routed, Screened, Started
from agora.learning import knowing
from agora.pool import Pool
from agora.protocols import Chance, Policy, Store
from agora.records import Recorded
from agora.routing import NOWHERE, Known, Outlook
from agora.tasks import Limits, Task
from agora.traces.counterfactuals.runs import Route

UNSEEN: Final = "what a policy sees of everyone is not on record: it is asked without (no cost, load or latency)"
"""Where the policy of then kept no reckoning."""


class Sights:
    """What a run's decisions saw, as its events tell it; owned by one reader."""

    def __init__(self) -> None:
        self.pool = Pool(())
        self.tasks: dict[str, Task] = {}
        self.routed: dict[str, Routed] = {}
        self.seed = 0

    def take(self, event: Event) -> None:
        """Follow the next event."""
        if isinstance(event, Started):
            self.pool, self.seed = Pool(event.agents), event.seed
        elif isinstance(event, (Joined, Left)):
            self.pool.take(event)
        elif isinstance(event, Posted):
            self.tasks[event.spec.id] = event.spec
        elif isinstance(event, Routed):
            self.routed[event.task] = event

    def able(self, screened: Screened, *, without: Iterable[str] = ()) -> list[Profile]:
        """The cards of those that passed the filters when a task was screened, in the order of the pool."""
        routed = self.routed.get(screened.task)
        names = {one.agent for one in routed.routing.considered} if routed else set(screened.shortlist.members)
        return [card for card in self.pool.members if card.name in names.difference(without)]

    def chosen(self, policy: Policy, screened: Screened, *, without: Iterable[str] = ()) -> Shortlist | None:
        """Whom a policy asks for a task, by what was seen then; None: the task is not on record.

        Args:
            policy: With what it knows then.
            screened: The decision on record.
            without: Who is thought away.
        """
        task = self.tasks.get(screened.task)
        if task is None:
            return None
        able = self.able(screened, without=without)
        if not able:
            return Shortlist(members={}, kept_out=screened.shortlist.kept_out)
        outlook = self.outlook(screened)
        chance = cast("Chance", SeededChance(self.seed))
        given = policy.shortlist(task, able, outlook, chance=chance)
        return enforced(given, able, {})

    def outlook(self, screened: Screened) -> Outlook:
        """What a policy is told besides the task and the pool."""
        routed, known = self.routed.get(screened.task), dict[str, Known]()
        types: Mapping[str, float] = {}
        if routed is not None:
            known = {one.agent: one.known for one in routed.routing.considered}
            if routed.routing.details.get("intent_reason") == GIVEN:
                types = cast("Mapping[str, float]", routed.routing.details["weights"])
        return Outlook(
            limits=screened.left or Limits(),  # who could not be paid was filtered then
            known=known,
            arms=self.pool.arms,
            types=types,
            place=NOWHERE if routed is None else routed.place,
        )


def rerouted(
    store: Store, recorded: Iterable[Recorded], policy: Policy, *, without: Iterable[str] = ()
) -> dict[str, Route]:
    """Task -> whom a policy would have asked.

    Args:
        store: With the ledger: what was known when the run began.
        recorded: The run's events, in order.
        policy: Any; what it knows does not matter, it gets a fresh one.
        without: Who is thought away.
    """
    entries = [one for one in recorded if one.event is not None]
    started = next((one.event for one in entries if isinstance(one.event, Started)), None)
    knows = started.knows if started else 0
    own, _ = knowing(policy, store, up_to=knows)
    lost = unlearned(store, own, up_to=knows)
    sights, routes, gone = Sights(), dict[str, Route](), tuple(without)
    waiting: list[Recorded] = []
    for one in entries:
        event = one.event
        assert event is not None
        sights.take(event)
        if isinstance(event, Screened) and (given := sights.chosen(own, event, without=gone)) is not None:
            waves = given.waves or ((tuple(given.members),) if given.members else ())
            reason = given.routing.reason if given.routing else "everyone who may bid"
            learns = isinstance(own, Learning) and event.task not in sights.routed
            remark = "; ".join(filter(None, (UNSEEN if learns else "", lost)))
            routes[event.task] = Route(waves, given.direct, reason, remark)
        waiting.append(one)
        if isinstance(event, Routed):
            continue  # it stands before the shortlist that was made with it, and was learned after
        for known in waiting:
            if isinstance(own, Learning) and known.event is not None and known.event.kind in own.kinds:
                own.learn(known.run, known.event)
        waiting.clear()
    return routes


def unlearned(store: Store, policy: Policy, *, up_to: int) -> str:
    """That a policy may know less here than it would have then, in one sentence; empty: all bodies are there.

    Args:
        store: With the ledger.
        policy: Any.
        up_to: The last position that it learns from.
    """
    if not isinstance(policy, Learning):
        return ""
    entries = takewhile(lambda one: one.seq <= up_to, store.events(kinds=policy.kinds))
    lost = sum(one.event is None for one in entries)
    events = "1 event" if lost == 1 else f"{lost} events"
    return f"{events} that {policy.name} would have learned from cannot be read here" if lost else ""
