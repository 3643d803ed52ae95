"""Taking up a run that was cut off: what it has on record, whether this is the same market, and what it still owes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from agora.bids import Profile
from agora.errors import ConfigError, LedgerError
from agora.events import Awarded, Called, Done, Event, Performed, Resumed, Started, TaskDone, ToolUsed
from agora.forks import events_of
from agora.learning import settings_of
from agora.ledger.redact import REDACTED
from agora.past import Past
from agora.pool import CHANGES, Pool, abilities_of
from agora.protocols import Agent, Mechanism, Policy, Store
from agora.runs import Run


def read_past(store: Store, run: str) -> Past:
    """What a run has on record.

    Raises:
        LedgerError: A body that is needed was erased.
    """
    own: list[Event] = []
    before: list[Event] = []
    for recorded in events_of(store, run):
        if recorded.event is None:
            raise LedgerError(f"run {run} cannot be resumed: the body of event {recorded.seq} was erased")
        (own if recorded.run == run else before).append(recorded.event)
    return Past([*before, *own], before=Past(before) if before else None)


def begun_as(past: Past, agents: Mapping[str, Agent], *, mechanism: Mechanism, policy: Policy) -> Started:
    """How the run began, where this is still the same market: with everyone who takes part in the run as it is now.

    Raises:
        ConfigError: Something that decides has changed since; a finished run may be looked at with any pool.
        LedgerError: The run never began.
    """
    started = past.find(Started)
    if started is None:
        raise LedgerError("the run has no beginning on record: nothing was asked or paid; start it again")
    if past.find(Done):
        return started
    for task in past.tasks:
        if REDACTED in task.model_dump_json() and past.find(TaskDone, task.id) is None:
            raise LedgerError(f"task {task.id!r} held a secret, which is not on record: post it again in a new run")
    for what, then, now in (
        ("mechanism", started.mechanism, mechanism.name),
        ("the mechanism's options", started.mechanism_settings, settings_of(mechanism)),
        ("policy", started.policy, policy.name),
        ("the policy's options", started.policy_settings, settings_of(policy)),
    ):
        if then not in (now, ""):  # older runs did not write options down
            raise ConfigError(what, f"the run began with {then!r}, and this is {now!r}: resume it with the same")
    _same_agents(past, started, agents)
    return started


def _same_agents(past: Past, started: Started, agents: Mapping[str, Agent]) -> None:
    """Refuse agents that are not who takes part in the run.

    Raises:
        ConfigError: One is missing, or is or can do something else.
    """
    able = Pool(started.agents, past.of_kinds(CHANGES), able=started.abilities).able
    for profile, how, since in _needed(past, started):
        where, agent = f"agent {profile.name!r}", agents.get(profile.name)
        if agent is None:
            raise ConfigError(where, f"{how} and is not here: bring it back")
        if agent.profile != profile:
            changed = [name for name, value in profile if getattr(agent.profile, name) != value]
            raise ConfigError(where, f"has another {', '.join(changed)} than when {since}: put it back to resume")
        could, can = able.get(profile.name, abilities_of(agent)), abilities_of(agent)
        if could != can:
            others = sorted({*could} ^ {*can})
            raise ConfigError(where, f"was not the same when {since} (it {', '.join(others)}): put it back to resume")


def _needed(past: Past, started: Started) -> Iterator[tuple[Profile, str, str]]:
    """Who takes part, and who left with work under way: its card, how it takes part, and since when."""
    pool = Pool(started.agents, past.of_kinds(CHANGES))
    for card in pool.members:
        if card in started.agents:
            yield card, "took part in the run", "the run began"
        else:
            yield card, "joined the run", "it joined"
    for event in past.of_kinds({"awarded"}):
        if isinstance(event, Awarded) and (name := event.award.agent) in pool.gone:
            performed = past.find(Performed, event.task, event.award.attempt)
            if performed is None and past.find(TaskDone, event.task) is None:
                yield pool.cards[name], f"left the run with work on {event.task!r} under way", "it took part"


async def charge_unknown(run: Run) -> None:
    """Close what has no end on record, at its worst case: nobody can know whether it was charged.

    Nothing is written for a run that is done.
    """
    if run.past.find(Done):
        return
    ends = run.past.unknown()
    if not ends and run.past.untouched:
        return
    resumed = Resumed(
        unknown=tuple(end.call if isinstance(end.call, str) else end.call.id for end in ends),
        usd=sum((end.usage.usd for end in ends), Decimal(0)),
        tokens=sum(end.usage.tokens for end in ends),
    )
    await run.record(resumed, *ends)
    for end in ends:
        run.past.add(end)


def owed(past: Past) -> tuple[Resumed, list[Called | ToolUsed]]:
    """What a run that was cut off is charged for what has no end on record, and those ends; pure."""
    ends = past.unknown()
    resumed = Resumed(
        unknown=tuple(end.call if isinstance(end.call, str) else end.call.id for end in ends),
        usd=sum((end.usage.usd for end in ends), Decimal(0)),
        tokens=sum(end.usage.tokens for end in ends),
    )
    return resumed, ends
