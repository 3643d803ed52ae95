"""How `agora run` runs: order, tasks, pool, market, result, exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio

from agora.cli.approval import Approver
from agora.cli.definitions import load_mechanism, load_policy, load_tasks
from agora.cli.endings import exit_code, print_result
from agora.cli.forms import print_form, run_form
from agora.cli.joining import ABSENT
from agora.cli.options import Format
from agora.cli.paint import err, safe
from agora.cli.pool import Pool, join_pool
from agora.cli.session import Session, open_session, opened_store
from agora.cli.view import View, view_of
from agora.errors import ConfigError
from agora.events import Event
from agora.market import Market
from agora.posting import as_task, as_usd
from agora.protocols import Sandbox
from agora.results import Report
from agora.sandbox import BareSandbox
from agora.tasks import Task, Tier

_PATH_ENDS = (".toml", "/")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the command line asks for."""

    what: str
    """A goal, a task's file, or a folder of tasks."""
    workspace: Path | None = None
    """The folder it is about."""
    verify: str | None = None
    """A command that passes when the work is right."""
    skill: str | None = None
    """The skill that it needs; agents without it are kept out."""
    only: str | None = None
    """Agents by name or file, comma-separated; None: the whole pool."""
    flags: Mapping[str, object] = field(default_factory=dict[str, object])
    """Fields of the settings that were stated."""
    format: Format = Format.TEXT
    """How results are written."""
    project: Path | None = None
    """What --project says."""


def execute(order: Order) -> int:
    """Carry out an order.

    Returns:
        The exit code.

    Raises:
        UsageError: Something cannot be used; nothing was spent.
        SandboxError: There is no sandbox that the tasks accept.
    """
    flags = dict(order.flags)
    if flags.get("budget_usd") is not None:
        flags["budget_usd"] = as_usd(str(flags["budget_usd"]), where="--budget")
    session = open_session(project=order.project, flags=flags)
    return anyio.run(partial(_run, order, session, tasks_of(order)))


def tasks_of(order: Order) -> list[Task]:
    """The tasks that an order names, with what the command line adds to them.

    Raises:
        UsageError: A definition or the workspace cannot be used.
    """
    if not order.what.strip():
        raise ConfigError("goal", "is empty: say in words what is to be done")
    path = Path(order.what).expanduser()
    loaded = load_tasks(path) if order.what.endswith(_PATH_ENDS) or _is_there(path) else [as_task(order.what)]
    if order.skill is not None:
        loaded = [task.model_copy(update={"skill": order.skill}) for task in loaded]
    return [as_task(task, workspace=order.workspace, verify=order.verify) for task in loaded]


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a goal in words can be longer than any file's name
        return False


def housed(tasks: Sequence[Task], *, bare: bool) -> tuple[Sequence[Task], Sandbox | None]:
    """Tasks, and what their copies are made in; None: the best that this machine has, which is for the market to find.

    Args:
        tasks: As they are defined.
        bare: No sandbox at all was asked for, so that no task demands one.
    """
    if not bare:
        return tasks, None
    return [task.model_copy(update={"tier": Tier.BARE}) for task in tasks], BareSandbox()


async def _run(order: Order, session: Session, tasks: Sequence[Task]) -> int:
    settings = session.settings
    tasks, sandbox = housed(tasks, bare=settings.bare)
    mechanism = load_mechanism(settings.mechanism, project=session.project)
    policy = load_policy(settings.policy)
    pool = join_pool(session, only=order.only)
    pool.need_some()
    text = order.format is Format.TEXT
    if text:
        _announce(pool)
    view = view_of(tasks, budget_usd=settings.budget_usd, quiet=not text and not err().is_terminal)
    approve = Approver(view, yes=settings.yes)
    async with opened_store(session) as store:
        market = Market(
            pool.agents,
            budget_usd=settings.budget_usd,
            mechanism=mechanism,
            policy=policy,
            store=store,
            sandbox=sandbox,
            bid_deadline_s=settings.bid_deadline_s,
            attempts=settings.attempts,
            approve=approve,
            seed=settings.seed,
        )
        with view.shown():
            report = await market.run_all(
                tasks,
                parallel=settings.parallel,
                notes=notes_of(pool, bare=settings.bare),
                watch=_watcher(view, order.format),
            )
        _say(order, report, view, approve)
    return exit_code(report, view.story, refused=approve.refused or bool(approve.unasked))


def notes_of(pool: Pool, *, bare: bool) -> dict[str, str]:
    """What a reader of the ledger should know about how the run began."""
    notes = {ABSENT + name: reason for name, reason in pool.absent.items()}
    if bare:
        notes["sandbox"] = "none: --bare was asked for"
    return notes


def _announce(pool: Pool) -> None:
    names = ", ".join(safe(agent.profile.name) for agent in pool.agents)
    err().print(f"[quiet]asking {names}[/]")


def _watcher(view: View, form: Format) -> Callable[[Event], None]:
    """Who sees the events: the view, and standard output where they are asked for."""

    def watch(event: Event) -> None:
        view.watch(event)
        if form is Format.STREAM_JSON:
            print_form("agora.event/1", event.model_dump(mode="json"))

    return watch


def _say(order: Order, report: Report, view: View, approve: Approver) -> None:
    if order.format is not Format.TEXT:
        print_form("agora.run/1", run_form(report.run, view.story))
    else:
        print_result(report, view.story)
    for task in approve.unasked:
        err().print(
            f"the patch for {safe(task)} was not applied: there is no terminal to ask on; "
            f"see it with `agora show {report.run}`, or run with --yes"
        )
