"""`agora trace replay RUN --from EVENT --change NAME=VALUE`: a run that goes on live from an event of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agora.cli.session import Session
    from agora.events import Event, Started
    from agora.forking import Ground
    from agora.market import Market
    from agora.protocols import Agent, Mechanism, Policy
    from agora.records import Recorded
    from agora.results import Report
    from agora.values import JsonValue
    from agora.workflows.executor import FlowReport

SETTINGS = ("budget", "attempts", "seed")
"""What of the market can be otherwise besides its rules and its agents."""
INPUTS = ("price", "goal")
"""What was received at the event itself and can be otherwise, besides mark.AGENT."""


@dataclass(frozen=True, kw_only=True)
class Meant:
    """Changes taken apart."""

    rules: Mapping[str, str]
    """Of the mechanism and the policy."""
    agents: str | None
    """Who takes part, as at `agora run --agents`, or -NAME to leave one out; None: as it was."""
    settings: Mapping[str, str]
    """budget, attempts, seed."""
    inputs: Mapping[str, str]
    """What was received at the event."""


async def run(session: Session, ref: str, at: int, changes: Mapping[str, str], *, json: bool) -> int:
    """Fork a run from an event and do what follows.

    Args:
        session: With the ledger, and the project that the run was made in.
        ref: The run: an id, the beginning of one, or "last".
        at: The position of the first event that does not stand.
        changes: What is to be otherwise, name -> value; none: what follows is only done once more.
        json: Whether one JSON object is printed at the end.

    Returns:
        The exit code of the new run.

    Raises:
        UnknownNameError: No such run, rule, option or agent; the nearest is named.
        ConfigError: The run cannot be forked there, or a value cannot be meant.
    """
    from functools import partial

    from agora.cli.options import Format
    from agora.cli.paint import err, fork_line, safe
    from agora.cli.resume import go_on
    from agora.cli.running import conduct, ended, is_quiet
    from agora.cli.session import opened_store
    from agora.cli.signing import publisher_of
    from agora.cli.view import view_of
    from agora.errors import ConfigError
    from agora.forking import ground_of, instead_of
    from agora.forks import events_of
    from agora.traces.told.story import told

    if session.ledger is not None:
        raise ConfigError("--ledger", "an exported ledger cannot be gone on with: fork in the project's own memory")
    form, meant = (Format.JSON if json else Format.TEXT), taken_apart(changes)
    async with opened_store(session) as store:
        run_id = store.find_run(ref)
        ground = ground_of(store, run_id, at, changes)
        instead = ground.at.event if meant.inputs else None
        for field, value in meant.inputs.items():
            instead = instead_of(instead, field, value)
        prepared = _prepared(session, ground, meant, run_id)
        view = view_of((), budget_usd=prepared.session.settings.budget_usd, quiet=is_quiet(form))
        view.story = told(ground.past.of_kinds(_CHANGES))
        if form is Format.TEXT:
            for line in [*unread(ground, changes), *_warnings(list(events_of(store, run_id)), ground.fork.at)]:
                err().print(f"[unknown]{safe(line)}[/]")

        async def go(market: Market, watch: Callable[[Event], None]) -> Report | FlowReport:
            new = await market.fork(run_id, at=at, changes=changes, instead=instead, command=prepared.command)
            view.story = told(one.event for one in events_of(store, new))
            if form is Format.TEXT:
                err().print(f"[quiet]run {new}, {fork_line(ground.fork)}[/]")
            return await go_on(prepared.session, market, new, view, form, watch=watch)

        make = partial(prepared.make, store=store)
        signs = publisher_of(session, store)
        done = await conduct(make, go, session=prepared.session, store=store, view=view, form=form, signs=signs)
    return ended(done, view, form, signs=signs)


class Prepared(NamedTuple):
    """What a fork is made with."""

    session: Session
    """With the settings that hold from there on."""
    make: Callable[..., Market]
    """Makes the market, around a store and whoever is asked."""
    command: Mapping[str, JsonValue]
    """What `agora resume` makes the same market from."""


def _prepared(session: Session, ground: Ground, meant: Meant, run: str) -> Prepared:
    from dataclasses import replace
    from functools import partial

    from agora.cli.pool import join_pool
    from agora.cli.resume import as_begun
    from agora.cli.running import market_of
    from agora.sandbox import BareSandbox
    from agora.traces.told.story import told

    members = [card.name for card in told(ground.past.of_kinds(_CHANGES)).members]
    begun = _begun(ground.started, meant, members, run)
    rules = rules_meant(session, ground.started, meant.rules)
    session = as_begun(session, begun, run, approve=None)
    only = begun.command.get(_ONLY)
    pool = join_pool(session, only=only if isinstance(only, str) else None)
    if (stay := _stay(meant.agents, members)) is not None:
        pool = replace(pool, agents=_these(pool.agents, stay, pool.absent))
    pool.need_some()
    sandbox = BareSandbox() if session.settings.bare else None
    command = {**begun.command, _ONLY: _named(pool.agents, only)}
    return Prepared(session, partial(market_of, session, pool, rules, sandbox=sandbox), command)


def taken_apart(changes: Mapping[str, str]) -> Meant:
    """Changes by what they are of.

    >>> taken_apart({"weights.cost": ".4", "budget": "2"}).settings
    {'budget': '2'}
    """
    settings = {name: value for name, value in changes.items() if name in SETTINGS}
    given = {name: value for name, value in changes.items() if name in INPUTS or name.startswith(("mark.", "verdict"))}
    known = {*settings, *given, "agents"}
    rules = {name: value for name, value in changes.items() if name not in known}
    return Meant(rules=rules, agents=changes.get("agents"), settings=settings, inputs=given)


def rules_meant(session: Session, began: Started, changes: Mapping[str, str]) -> tuple[Mechanism, Policy]:
    """The rules of a run as they stand on record, with changes.

    Raises:
        UnknownNameError: No such rule or option.
        ConfigError: A rule refuses a value.
    """
    from agora.cli.definitions import load_mechanism, load_policy
    from agora.cli.resume import rules_on_record
    from agora.learning import settings_of
    from agora.traces.counterfactuals.options import changed_mechanism, changed_policy, wanted
    from agora.traces.replay.making import options_in

    mechanism, policy = rules_on_record(session, began)
    if not changes:
        return mechanism, policy
    asked = wanted(changes)
    if asked.mechanism is not None:
        mechanism = load_mechanism(asked.mechanism, project=session.project)
    if asked.options:
        base = options_in(settings_of(mechanism), where="mechanism")
        mechanism = changed_mechanism(mechanism.name, base, asked.options)
    if asked.policy is not None:
        policy = load_policy(asked.policy, project=session.project)
    if asked.policy_options:
        policy = changed_policy(policy.name, options_in(settings_of(policy), where="policy"), asked.policy_options)
    return mechanism, policy


def _begun(began: Started, meant: Meant, members: Sequence[str], run: str) -> Started:
    """How the run began, with the settings and agents that are otherwise: what `agora resume` makes the market from."""
    from agora.errors import ConfigError
    from agora.posting import as_usd

    update: dict[str, object] = {}
    command: dict[str, JsonValue] = dict(began.command)
    if not command:
        raise ConfigError(f"run {run}", "was not begun with `agora run`: fork it by Market.fork from Python")
    if (budget := meant.settings.get("budget")) is not None:
        usd = as_usd(budget, where="--change budget")
        update["limits"] = began.limits.model_copy(update={"usd": usd})
    command |= {name: meant.rules[name] for name in ("mechanism", "policy") if name in meant.rules}
    for name in ("attempts", "seed"):
        if (text := meant.settings.get(name)) is not None:
            if not text.strip().isdigit() or (name == "attempts" and int(text) < 1):
                raise ConfigError(f"--change {name}={text}", "is no whole number that can be meant")
            if name == "seed":
                update["seed"] = int(text)
            else:
                command["attempts"] = int(text)
    if meant.agents is not None and _stay(meant.agents, members) is None:
        command[_ONLY] = meant.agents
    return began.model_copy(update={**update, "command": command})


def _stay(agents: str | None, members: Sequence[str]) -> list[str] | None:
    """Who goes on taking part; None: those who take part are named instead.

    Raises:
        UnknownNameError: Nobody of that name takes part.
        ConfigError: Both are said at once, or nobody would be left.
    """
    from agora.errors import ConfigError, UnknownNameError

    where = f"--change agents={agents}"
    parts = [part.strip() for part in (agents or "").split(",") if part.strip()]
    out = [part[1:] for part in parts if part.startswith("-")]
    if agents is not None and not parts:
        raise ConfigError(where, "names nobody: name those who take part, or -NAME to leave one out")
    if len(out) < len(parts):
        if out:
            raise ConfigError(where, "name those who take part, or -NAME to leave one out: not both")
        return None
    for name in out:
        if name not in members:
            raise UnknownNameError("agent of the run", name, members)
    if set(members) <= set(out):
        raise ConfigError(where, "leaves nobody: keep at least one agent")
    return [name for name in members if name not in out]


def _these(agents: Sequence[Agent], names: Sequence[str], absent: Mapping[str, str]) -> tuple[Agent, ...]:
    """Exactly those who took part.

    Raises:
        ConfigError: One of them is not here any more.
    """
    from agora.errors import ConfigError

    here = {agent.profile.name: agent for agent in agents}
    for name in names:
        if name not in here:
            why = f": {absent[name]}" if name in absent else ""
            raise ConfigError(
                f"agent {name!r}", f"took part and is not here{why}; bring it back, or --change agents=-{name}"
            )
    return tuple(here[name] for name in names)


def _named(agents: Sequence[Agent], only: object) -> str:
    """Who takes part, as `agora run --agents` takes it: who was read from a file named there stays that file's."""
    from pathlib import Path

    from agora.cli.agent_files import read_agent

    stated = [part.strip() for part in only.split(",")] if isinstance(only, str) else []
    paths = [Path(part).expanduser().resolve() for part in stated if part.endswith(".toml")]
    files = {read_agent(path).name: str(path) for path in paths}
    return ",".join(files.get(agent.profile.name, agent.profile.name) for agent in agents)


def unread(ground: Ground, changes: Mapping[str, str]) -> list[str]:
    """Which changes can change nothing: at the end of a run nothing is decided any more."""
    if not changes or ground.at.event is None or ground.at.event.kind != "done":
        return []
    return [f"nothing after event {ground.fork.at} (done) reads {', '.join(changes)}: fork from an earlier event"]


def _warnings(events: list[Recorded], at: int) -> list[str]:
    """What a reader should know of the folder that the new run works in."""
    from agora.events import Applied

    wrote = [one for one in events if one.seq >= at and isinstance(one.event, Applied) and one.event.applied]
    return [
        f"event {one.seq} wrote into the folder of task {one.event.task!r}: the new run works in it as it is now"
        for one in wrote
        if one.event is not None
    ]


_CHANGES = frozenset({"started", "joined", "left"})
_ONLY = "only"
