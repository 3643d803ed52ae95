"""How `agora run` runs: order, tasks, pool, market, result, exit code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from agora.ambient import SystemClock
from agora.cli.approval import Approver
from agora.cli.caching import CACHE_NOTE, cached
from agora.cli.definitions import load_mechanism, load_policy
from agora.cli.endings import exit_code, flow_code, print_flow, print_result, print_waiting
from agora.cli.flows import without_sandbox
from agora.cli.forms import print_form, run_form
from agora.cli.interrupts import InterruptedRunError, interruptible
from agora.cli.joining import ABSENT
from agora.cli.options import Format
from agora.cli.order import Order, work_of
from agora.cli.paint import err, safe
from agora.cli.planning import PlanDesk
from agora.cli.pool import Pool, join_pool
from agora.cli.rationing import rationed
from agora.cli.session import Session, open_session, opened_store
from agora.cli.signing import publisher_of, tell
from agora.cli.telemetry import spans_of_this_process
from agora.cli.view import View, view_of
from agora.errors import ApprovalPendingError
from agora.events import Event
from agora.market import Market
from agora.open_run import Publish
from agora.posting import as_usd
from agora.protocols import ChatModel, Mechanism, Policy, Sandbox, Store
from agora.questions import Approve
from agora.records import Recorded
from agora.results import Report
from agora.sandbox import BareSandbox
from agora.settings import Settings
from agora.tasks import Task, Tier
from agora.values import JsonValue
from agora.workflows.executor import PARALLEL, FlowReport, run_flow
from agora.workflows.nodes import Flow
from agora.workflows.paced import run_paced
from agora.workflows.planning.running import plan_and_run

if TYPE_CHECKING:
    from agora.traces.telemetry import Spans
    from agora.traces.trust.publishing import Publisher

T = TypeVar("T")

ONLY: Final = "only"
"""Under which name a run remembers the agents that it was to ask."""
REMEMBERED: Final = frozenset(
    {"mechanism", "policy", "bid_deadline_s", "attempts", "bare", "approve", "ask_above_usd", "ask_commands"}
)
"""The settings that a run remembers, so that it can be gone on with; none of them is a secret."""
_LATEST = 20


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
    return anyio.run(partial(_run, order, session, work_of(order)))


def housed(tasks: Sequence[Task], *, bare: bool) -> tuple[Sequence[Task], Sandbox | None]:
    """Tasks, and what their copies are made in; None: the best that this machine has, which is for the market to find.

    Args:
        tasks: As they are defined.
        bare: No sandbox at all was asked for, so that no task demands one.
    """
    if not bare:
        return tasks, None
    return [task.model_copy(update={"tier": Tier.BARE}) for task in tasks], BareSandbox()


async def _run(order: Order, session: Session, work: Sequence[Task] | Flow) -> int:
    settings = session.settings
    sandbox = BareSandbox() if settings.bare else None
    rules = rules_of(session)
    pool = join_pool(session, only=order.only)
    pool.need_some()
    if isinstance(work, Flow):
        pool.need_for(work)
    if order.format is Format.TEXT:
        _announce(pool)
    quiet = is_quiet(order.format)
    tasks = () if isinstance(work, Flow) else housed(work, bare=settings.bare)[0]
    shown = () if order.plan or order.edit else tasks
    async with opened_store(session) as store, cached(session) as wrap:
        session = rationed(session, store, clock=SystemClock(), quiet=quiet or order.format is not Format.TEXT)
        settings = session.settings
        view = view_of(shown, budget_usd=settings.budget_usd, quiet=quiet, secrets=session.secrets)
        write = view.write if settings.stream else None
        signs = publisher_of(session, store)
        make = partial(market_of, session, pool, rules, store=store, sandbox=sandbox, wrap=wrap, write=write)

        async def go(market: Market, watch: Callable[[Event], None]) -> Report | FlowReport:
            notes = notes_of(pool, bare=settings.bare, cache=settings.cache)
            command = command_of(order, settings)
            if order.plan or order.edit:
                desk = PlanDesk(session, view, edit=order.edit, quiet=quiet)
                most = settings.parallel if "parallel" in settings.model_fields_set else PARALLEL
                return await plan_and_run(
                    market, next(iter(tasks)), edit=desk, parallel=most, notes=notes, command=command, watch=watch
                )
            if isinstance(work, Flow):
                flow = without_sandbox(work) if settings.bare else work
                most = settings.parallel if "parallel" in settings.model_fields_set else PARALLEL
                return await run_flow(
                    market, flow, order.inputs, parallel=most, notes=notes, command=command, watch=watch
                )
            most = settings.parallel
            return await run_paced(
                market, tasks, pacing=settings.pacing, parallel=most, notes=notes, command=command, watch=watch
            )

        done = await conduct(make, go, session=session, store=store, view=view, form=order.format, signs=signs)
    return ended(done, view, order.format, signs=signs)


def is_quiet(form: Format) -> bool:
    """Whether nothing is shown while a run runs: a program reads the results, and nobody sees standard error."""
    return form is not Format.TEXT and not err().is_terminal


def rules_of(session: Session) -> tuple[Mechanism, Policy]:
    """The auction's rule and the coordinator's.

    Raises:
        UsageError: There is no such rule, or its file does not fit.
    """
    settings = session.settings
    return load_mechanism(settings.mechanism, project=session.project), load_policy(
        settings.policy, project=session.project
    )


def market_of(
    session: Session,
    pool: Pool,
    rules: tuple[Mechanism, Policy],
    *,
    store: Store,
    sandbox: Sandbox | None,
    approve: Approve,
    wrap: Callable[[ChatModel, str], ChatModel] | None = None,
    write: Callable[[str, str], None] | None = None,
    publish: Publish | None = None,
) -> Market:
    """The market of a project's settings."""
    settings = session.settings
    return Market(
        pool.agents,
        budget_usd=settings.budget_usd,
        mechanism=rules[0],
        policy=rules[1],
        store=store,
        sandbox=sandbox,
        bid_deadline_s=settings.bid_deadline_s,
        attempts=settings.attempts,
        approve=approve,
        seed=settings.seed,
        secrets=session.secrets,
        wrap=wrap,
        write=write,
        publish=publish,
    )


def command_of(order: Order, settings: Settings) -> dict[str, JsonValue]:
    """What `agora resume` makes the same market from; tasks, seed and limits stand on the ledger by themselves."""
    only = None
    if order.only is not None:
        names = [name.strip() for name in order.only.split(",")]
        only = ",".join(str(Path(name).expanduser().resolve()) if name.endswith(".toml") else name for name in names)
    return {
        ONLY: only,
        **{name: value for name, value in settings.model_dump(mode="json").items() if name in REMEMBERED},
    }


async def conduct(
    make: Callable[..., Market],
    go: Callable[[Market, Callable[[Event], None]], Awaitable[T]],
    *,
    session: Session,
    store: Store,
    view: View,
    form: Format,
    signs: Publisher | None = None,
) -> T:
    """Have a run done or gone on with, in view of whoever watches.

    Args:
        make: Makes the market around an approver.
        go: What is done with it.
        session: The settings.
        store: Where it is recorded.
        view: Shows the run; its story may know the run's past.
        form: How results are written.
        signs: Signs the ledger when the run is done.

    Returns:
        What came of it.

    Raises:
        ApprovalPendingError: A question waits for an answer; what there is was shown.
        InterruptedRunError: Somebody ended it.
    """
    settings = session.settings
    approve = Approver(
        view, mode=settings.approve, ask_above_usd=settings.ask_above_usd, ask_commands=settings.ask_commands
    )
    market = make(approve=approve, publish=signs)
    with interruptible(view.stopping) as interrupts:
        try:
            with view.shown(), spans_of_this_process() as spans:
                return await go(market, _Watcher(view, form, spans))
        except ApprovalPendingError as pending:
            if form is Format.TEXT:
                print_waiting(view.story)
            else:
                print_form("agora.run/2", run_form(pending.run, view.story))
            raise
        except BaseException as error:
            if interrupts.count:
                raise InterruptedRunError(_id_of(view, store)) from error
            raise


def ended(done: Report | FlowReport, view: View, form: Format, *, signs: Publisher | None = None) -> int:
    """Say what came of a run, and what was signed of it; return the exit code."""
    story = view.story
    report = done.report if isinstance(done, FlowReport) else done
    if form is not Format.TEXT:
        print_form("agora.run/2", run_form(report.run, story))
    elif isinstance(done, FlowReport):
        print_flow(done, story)
    else:
        print_result(done, story)
    tell(signs, quiet=form is not Format.TEXT)
    return flow_code(done, story) if isinstance(done, FlowReport) else exit_code(done, story)


def _id_of(view: View, store: Store) -> str:
    """The run that a view shows; empty where nothing of it is on record."""
    started = view.story.started
    runs = store.runs(limit=_LATEST) if started is not None else ()
    return next((info.id for info in runs if any(one.event == started for one in first_of(store, info.id))), "")


def first_of(store: Store, run: str) -> Sequence[Recorded]:
    """The first entry of a run's record, where there is one."""
    return tuple(islice(store.events(run), 1))


def notes_of(pool: Pool, *, bare: bool, cache: bool = False) -> dict[str, str]:
    """What a reader of the ledger should know about how the run began."""
    notes = {ABSENT + name: reason for name, reason in pool.absent.items()}
    if bare:
        notes["sandbox"] = "none: --bare was asked for"
    if cache:
        notes["cache"] = CACHE_NOTE
    return notes


def _announce(pool: Pool) -> None:
    names = ", ".join(safe(agent.profile.name) for agent in pool.agents)
    err().print(f"[quiet]asking {names}[/]")


class _Watcher:
    """Who sees the events: the view, standard output where they are asked for, and OpenTelemetry where it is set up."""

    def __init__(self, view: View, form: Format, spans: Spans | None) -> None:
        self._view, self._form, self._spans = view, form, spans

    def __call__(self, event: Event) -> None:
        self.recorded("", event)

    def recorded(self, run: str, event: Event) -> None:
        """Take an event of a run."""
        self._view.watch(event)
        if self._form is Format.STREAM_JSON:
            print_form("agora.event/1", event.model_dump(mode="json"))
        if self._spans is not None:
            self._spans.recorded(run, event)
