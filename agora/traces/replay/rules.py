"""The rules of a run, made again from what it says of its beginning: mechanism, policy, chance, pool, bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agora.abilities import Learning
from agora.ambient import VERSIONS, SeededChance
from agora.bids import NO_JURY, Ability, Bid, Clearing, Juror, Reserve
from agora.coordinator.screening import Everyone
from agora.errors import AgoraError, ConfigError, described
from agora.events import Closed, Event, Judged, Opened, Paced, Recalled, Reserved, Screened, Started
from agora.learning import taken_up
from agora.lots import House
from agora.memory.ledger_file import LedgerFile
from agora.memory.null_store import NullStore
from agora.past import Past
from agora.pool import Pool
from agora.protocols import Mechanism, Policy, Store
from agora.runs import Run
from agora.sandbox import BareSandbox
from agora.tasks import Limits
from agora.traces.replay.known import Records, taught
from agora.traces.replay.making import built_in, mechanism_from, options_in, policy_from

_DECIDING: Final = ("platform", "numpy")
"""What may move the last digits of a float."""


class Ground(NamedTuple):
    """What the decisions of a run are made with."""

    house: House
    """Its rules."""
    learner: Learning | None
    """Its policy, where it learns."""
    records: Records
    """What was known of agents, by position."""
    forked: bool
    """Whether it stands on another run."""
    notes: tuple[str, ...]
    """What else to know."""
    holes: tuple[str, ...]
    """What is not there that any decision may hang on."""
    limits: Limits
    """What the run may take."""

    def over(self, event: Event) -> str:
        """How what was given out goes beyond what the run may take, in words; empty: it does not."""
        if isinstance(event, Reserved):
            given: Limits | None = Limits(usd=event.usd, tokens=event.tokens)
        else:
            given = event.left if isinstance(event, Screened | Opened | Closed | Paced) else None
        for name in ("usd", "tokens", "steps", "seconds"):
            most, of = getattr(self.limits, name), getattr(given, name, None)
            if most is not None and of is not None and of > most:
                return f"{of} {name} were given out, and the run may take {most} in all"
        return ""


class StillClock:
    """Time that nobody reads: all times of a replay stand on record."""

    def now_us(self) -> int:
        """Always 0."""
        return 0

    def monotonic_s(self) -> float:
        """Always 0."""
        return 0.0


class _Unknown:
    """A mechanism that is not here.

    Args:
        name: As on the ledger.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Refuse.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"mechanism {self.name!r}", "is not here: install what brings it along")


def ground_of(store: Store, run: str, started: Started, *, before: Sequence[Event] = ()) -> Ground:
    """The rules that a run began with.

    Args:
        store: With the ledger.
        run: The run's id.
        started: How it began.
        before: Of a fork, the events of the run that it was forked from, as far as they stand.
    """
    notes, holes = list[str](), list[str]()
    mechanism = _mechanism(started, notes, holes)
    policy, unknown = taught(_policy(started, notes, holes), store, up_to=started.knows)
    holes += [f"the body of event {seq} was erased, from which the policy had learned" for seq in unknown[:1]]
    if isinstance(store, LedgerFile) and store.first > 1:
        holes.append(f"half a ledger: it begins at entry {store.first}, and what was learned before is not there")
    past = Past(before, before=Past(before)) if before else Past()
    if before:
        taken_up(policy, run, past)
    pool = Pool(started.agents, before, able=_abilities(store, run, started, notes, holes))
    house = House(
        run=Run(id=run, store=NullStore(), clock=StillClock(), chance=SeededChance(started.seed), past=past),
        pool=pool,
        mechanism=mechanism,
        policy=policy,
        sandbox=BareSandbox(),
        bid_deadline_s=0.0,
        attempts=started.attempts,
        learn=started.learn,
        parallel=started.parallel,
    )
    learner = policy if isinstance(policy, Learning) else None
    return Ground(
        house, learner, Records(store), started.forked is not None, tuple(notes), tuple(holes), started.limits
    )


def here(versions: Mapping[str, str]) -> str:
    """How this place differs from the one where a run was recorded, where that may move floats; empty: it does not."""
    if not versions:
        return ""
    others = [name for name in _DECIDING if versions.get(name) != VERSIONS[name]]
    if not others:
        return ""
    then = ", ".join(f"{name} {versions.get(name, 'not on record')}" for name in others)
    mine = ", ".join(f"{name} {VERSIONS[name]}" for name in others)
    return f"recorded with {then}, replayed with {mine}: floats may differ in their last digits"


def _mechanism(started: Started, notes: list[str], holes: list[str]) -> Mechanism:
    name, settings = started.mechanism, started.mechanism_settings
    if not settings:
        said = f"the options of mechanism {name!r} are not on record: it is taken as its name alone makes it"
        notes.append(said)
        holes.append(said)
    try:
        return mechanism_from(name, settings)
    except AgoraError as problem:
        said = f"mechanism {name!r} cannot be made from the ledger alone: {described(problem)}"
        notes.append(said)
        holes.append(said)
        return _Unknown(name)


def _policy(started: Started, notes: list[str], holes: list[str]) -> Policy:
    name, settings = started.policy, started.policy_settings
    where = f"policy {name!r}"
    try:
        if built_in("policies", name):
            options = options_in(settings, where=where)
            if "classifier" in options:  # what it said is on record, and nobody is asked again
                settings = json.dumps({**options, "classifier": "words"})
        elif not settings:
            said = f"{where} is no rule of Agora's own, and has no options on record: it is taken by its name alone"
            notes.append(said)
            holes.append(said)
        return policy_from(name, settings)
    except AgoraError as problem:
        said = f"{where} cannot be made from the ledger alone: {described(problem)}"
        notes.append(said)
        holes.append(said)
        return Everyone(name=name)


def _abilities(
    store: Store, run: str, started: Started, notes: list[str], holes: list[str]
) -> Mapping[str, tuple[Ability, ...]]:
    if started.abilities:
        return started.abilities
    said = "what each agent could do is not on record: it is taken from what each did"
    notes.append(said)
    holes.append(said)
    did: dict[str, set[Ability]] = {card.name: {"replans"} for card in started.agents}
    for recorded in store.events(run, kinds=frozenset({"judged", "recalled"})):
        if isinstance(recorded.event, Judged):
            did.setdefault(recorded.event.judge, set()).add("judges")
        elif isinstance(recorded.event, Recalled):
            did.setdefault(recorded.event.agent, set()).add("refines")
    return {name: tuple(sorted(able)) for name, able in did.items()}
