"""`agora resume`: go on with a run that was cut off, or that waited for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agora.cli.options import Approve, Format, Json, Project, Yes

if TYPE_CHECKING:
    from collections.abc import Callable

    from agora.cli.session import Session
    from agora.cli.view import View
    from agora.events import Event, Resumed, Started
    from agora.market import Market
    from agora.protocols import Mechanism, Policy, Store
    from agora.results import Report
    from agora.workflows.executor import FlowReport


def resume(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="An id, or the beginning of one.", show_default="latest undone"),
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Open a plan that has not begun in $EDITOR first.")] = False,
    approve: Approve = None,
    yes: Yes = False,
    json: Json = False,
    output_format: Annotated[
        Format, typer.Option("--output-format", help="How results are written to standard output.")
    ] = Format.TEXT,
    project: Project = None,
) -> None:
    """Go on with a run that was cut off or waits.

    Nothing that is on record is done, asked or paid again. Calls that had begun and have no end on record are of
    unknown fate: they are charged at their worst case, and said. The exit code is that of `agora run`.
    """
    from functools import partial

    import anyio

    from agora.cli.session import open_session

    session = open_session(project=project)
    form = Format.JSON if json else output_format
    raise typer.Exit(anyio.run(partial(_resume, session, run, "yes" if yes else approve, form, edit=edit)))


async def _resume(session: Session, ref: str | None, approve: str | None, form: Format, *, edit: bool) -> int:
    from functools import partial

    from agora.cli.paint import err, safe
    from agora.cli.pool import join_pool
    from agora.cli.running import ONLY, conduct, ended, is_quiet, market_of, rules_of
    from agora.cli.session import opened_store
    from agora.cli.signing import publisher_of
    from agora.cli.view import view_of
    from agora.forks import events_of
    from agora.sandbox import BareSandbox
    from agora.traces.told.story import told

    async with opened_store(session) as store:
        run = ref_of(store, ref)
        story = told(entry.event for entry in events_of(store, run))
        session = as_begun(session, story.started, run, approve=approve)
        only = story.started.command.get(ONLY) if story.started else None
        pool = join_pool(session, only=only if isinstance(only, str) else None)
        pool.need_some()
        view = view_of((), budget_usd=session.settings.budget_usd, quiet=is_quiet(form))
        view.story = story
        sandbox = BareSandbox() if session.settings.bare else None
        forked = story.started is not None and story.started.forked is not None
        rules = rules_on_record(session, story.started) if story.started and forked else rules_of(session)
        make = partial(market_of, session, pool, rules, store=store, sandbox=sandbox)
        signs = publisher_of(session, store)

        if form is Format.TEXT:
            err().print(f"[quiet]going on with run {safe(run)}[/]")

        async def go(market: Market, watch: Callable[[Event], None]) -> Report | FlowReport:
            return await go_on(session, market, run, view, form, watch=watch, edit=edit)

        done = await conduct(make, go, session=session, store=store, view=view, form=form, signs=signs)
    return ended(done, view, form, signs=signs)


async def go_on(
    session: Session,
    market: Market,
    run: str,
    view: View,
    form: Format,
    *,
    watch: Callable[[Event], None],
    edit: bool = False,
) -> Report | FlowReport:
    """Go on with a run in the way in which it goes on: a plan, a workflow, or a list of tasks.

    Args:
        session: The settings.
        market: As it began.
        run: Its id.
        view: Shows it; its story knows the run's past.
        form: How results are written.
        watch: Called with each new event.
        edit: Open a plan that has not begun in an editor first.
    """
    from functools import partial

    from agora.abilities import RunWatcher
    from agora.cli.planning import PlanDesk
    from agora.cli.running import is_quiet
    from agora.workflows.executor import resume_flow
    from agora.workflows.paced import resume_paced
    from agora.workflows.planning.running import resume_plan

    watcher: object = watch
    known = partial(watcher.recorded, run) if isinstance(watcher, RunWatcher) else watch
    told_first = partial(_told_first, known, form)
    if view.story.planning is not None:
        desk = PlanDesk(session, view, edit=edit, quiet=is_quiet(form))
        return await resume_plan(market, run, edit=desk, watch=told_first)
    if view.story.flow is not None:
        return await resume_flow(market, run, watch=told_first)
    return await resume_paced(market, run, watch=told_first)


def rules_on_record(session: Session, started: Started) -> tuple[Mechanism, Policy]:
    """The rules that a run began with, by their names and options on record; what has none there is loaded by its name.

    Raises:
        UnknownNameError: There is no such rule here.
        ConfigError: It refuses its options.
    """
    from agora.cli.definitions import load_mechanism, load_policy
    from agora.traces.replay.making import mechanism_from, policy_from

    settings, project = session.settings, session.project
    if started.mechanism_settings:
        mechanism = mechanism_from(started.mechanism, started.mechanism_settings)
    else:
        mechanism = load_mechanism(settings.mechanism, project=project)
    if started.policy_settings:
        return mechanism, policy_from(started.policy, started.policy_settings)
    return mechanism, load_policy(settings.policy, project=project)


def ref_of(store: Store, ref: str | None) -> str:
    """The run that is meant; without a name, the latest that is not done and was begun on the command line.

    Raises:
        UnknownNameError: There is none, or several.
        ConfigError: All runs are done.
    """
    from agora.cli.running import first_of
    from agora.errors import ConfigError
    from agora.events import Started

    if ref is not None:
        return store.find_run(ref)
    for info in store.runs():
        begun = [entry.event for entry in first_of(store, info.id)]
        if not info.done and any(isinstance(event, Started) and event.command for event in begun):
            return info.id
    raise ConfigError("RUN", "no run was cut off or waits: `agora runs` lists them all")


def as_begun(session: Session, started: Started | None, run: str, *, approve: str | None) -> Session:
    """The session with the settings that a run began with.

    Raises:
        ConfigError: It was not begun on the command line.
    """
    from dataclasses import replace

    from agora.cli.running import REMEMBERED
    from agora.errors import ConfigError
    from agora.settings import load_settings

    if started is None or not started.command:
        raise ConfigError(f"run {run}", "was not begun with `agora run`: go on with it by Market.resume from Python")
    flags: dict[str, object] = {name: value for name, value in started.command.items() if name in REMEMBERED}
    flags |= {"budget_usd": started.limits.usd, "seed": started.seed, "db_url": session.settings.db_url or None}
    if approve is not None:
        flags["approve"] = approve
    return replace(session, settings=load_settings(flags=flags, project=session.project))


def _told_first(watch: Callable[[Event], None], form: Format, event: Event) -> None:
    """What of unknown fate was charged is said before the run goes on."""
    from agora.cli.paint import err
    from agora.events import Resumed

    if isinstance(event, Resumed) and event.unknown and form is Format.TEXT:
        err().print(f"[unknown]{charged(event)}[/]")
    watch(event)


def charged(resumed: Resumed) -> str:
    """What was charged without anybody knowing its fate, for markup."""
    from agora.cli.paint import safe, usd

    count = len(resumed.unknown)
    calls = f"{count} call{'s' if count > 1 else ''} of unknown fate {'were' if count > 1 else 'was'}"
    cost = usd(resumed.usd) if resumed.usd or not resumed.tokens else f"{resumed.tokens} tokens"
    return (
        f"{calls} charged at {'their' if count > 1 else 'its'} worst case, {cost}: {safe(', '.join(resumed.unknown))}"
    )
