"""A goal is planned by an agent and carried out as the graph that came out: one run, one purse, one ledger.

The plan is a task like any other: whoever wins its auction writes it. It has no verifier, so it stays unknown, and
nothing is learned from it: that a plan is JSON of the right form says nothing of its worth, and whether the goal is
reached hangs on whoever does it. A plan that cannot be used is written once more, by the same agent, with all errors;
after that the goal runs as one task, and it is said so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Final, NamedTuple

from agora.coordinator import reason_to_keep_out
from agora.errors import ConfigError, LedgerError
from agora.events import Event, FlowBegan, PlanningBegan, PlanningEnded
from agora.market import Market
from agora.open_run import OpenRun
from agora.posting import as_task, listing
from agora.results import Result
from agora.tasks import Check, Limits, Task, Usage, Verdict
from agora.values import JsonValue
from agora.workflows.executor import PARALLEL, FlowReport, follow
from agora.workflows.nodes import Flow
from agora.workflows.planning.graphing import NAME, graph_of, single_of
from agora.workflows.planning.plan import MOST_SUBTASKS
from agora.workflows.planning.prompts import plan_prompt, repair_prompt
from agora.workflows.planning.reading import Reading, read_plan

SHARE: Final = Decimal("0.15")
"""What planning may take of all that the run may, its repair included."""
WRITE, REPAIR = "plan:write", "plan:repair"
"""The tasks of planning; no node of a workflow can be called so."""
REFUSED: Final = "a person did not let the plan run"
"""Why nothing was done."""


_OF_THE_WORK: Final = frozenset(
    {"id", "goal", "workspace", "files", "examples", "images", "tools", "verify", "protect", "limits"}
)
"""What is said of the work and not of whoever does it: a planner has nothing to do with it."""


class Proposal(NamedTuple):
    """What is going to be followed, before it is."""

    run: str
    """The run's id."""
    task: Task
    """The goal."""
    flow: Flow
    """The graph."""
    errors: tuple[str, ...]
    """Why it is the goal as one task; empty: it is what the planner wrote."""


Edit = Callable[[Proposal], Awaitable[Flow | None]]
"""A person's say before anything of a plan runs: the graph as it is or changed; None: it is not to run."""


async def plan_and_run(
    market: Market,
    work: str | Task,
    *,
    workspace: str | Path | None = None,
    verify: str | Check | None = None,
    edit: Edit | None = None,
    most: int = MOST_SUBTASKS,
    parallel: int = PARALLEL,
    notes: Mapping[str, str] | None = None,
    command: Mapping[str, JsonValue] | None = None,
    watch: Callable[[Event], None] | None = None,
) -> FlowReport:
    """Let an agent split a goal into tasks, and have these done.

    Args:
        market: Whose agents bid on the plan and on its tasks.
        work: The goal in words, or a whole task; its limits are those of the whole run, besides the market's.
        workspace: The folder it is about.
        verify: A command that passes when the whole is right, or any check: it holds at the end of the graph.
        edit: Shown the graph before anything of it runs.
        most: How many subtasks there may be.
        parallel: How many are worked on at once.
        notes: Put on the ledger with the start.
        command: Put there too: what makes this market again, for whoever resumes the run.
        watch: Called with each event when it is recorded.

    Returns:
        What came of the graph; failed, with `REFUSED` as its reason, where a person did not let it run.

    Raises:
        UsageError: The task cannot be used, or what a person made of the plan.
        ApprovalPendingError: A question waits for a person; `resume_plan` goes on when it is answered.
    """
    stated = work.limits if isinstance(work, Task) else Limits()
    task = as_task(work, workspace=workspace, verify=verify).model_copy(update={"limits": stated})
    if task.images:
        raise ConfigError(f"task {task.id!r}: images", "tasks of a plan see no pictures: have it done as one task")
    if not 1 <= most <= MOST_SUBTASKS:
        raise ConfigError("most", f"{most} is no number of subtasks: allow 1 to {MOST_SUBTASKS}")
    single_of(task)
    async with market.open_run(parallel=parallel, limits=stated, notes=notes, command=command, watch=watch) as run:
        await run.record(began := PlanningBegan(spec=task, most=most))
        return await _Planner(run, began, edit).carry_out()


async def resume_plan(
    market: Market, run: str, *, edit: Edit | None = None, watch: Callable[[Event], None] | None = None
) -> FlowReport:
    """Go on with a planned run that was cut off, wherever it was; a graph that is on record is followed as it is.

    Args:
        market: With the agents, the mechanism and the policy that it began with.
        run: Its id, a unique prefix, or "last".
        edit: Shown the graph where none is on record yet.
        watch: Called with each new event when it is recorded.

    Raises:
        LedgerError: The run plans nothing.
        ApprovalPendingError: A question still waits for a person.
    """
    async with market.reopen(run, watch=watch) as again:
        began = again.past.find(PlanningBegan)
        if began is None:
            raise LedgerError(f"run {again.id} plans nothing: go on with it by `resume_flow` or `Market.resume`")
        return await _Planner(again, began, edit).carry_out()


class _Planner:
    """One goal on its way to a graph."""

    def __init__(self, run: OpenRun, began: PlanningBegan, edit: Edit | None) -> None:
        self._run, self._task, self._most, self._edit = run, began.spec, began.most, edit
        self._agents = [card for card in run.pool if not reason_to_keep_out(_any(self._task), card, Limits())]

    async def carry_out(self) -> FlowReport:
        on_record = self._run.past.find(FlowBegan)
        ended = self._run.past.find(PlanningEnded)
        if ended is not None:  # what was planned is not planned again; its tasks stand in the report
            await self._run.post(*(task for task in self._run.tasks if task.id in (WRITE, REPAIR)))
        if on_record is not None:
            return await follow(self._run, Flow.model_validate(on_record.graph), on_record.inputs)
        if ended is not None:
            return await self._refused()
        flow, ended = await self._planned()
        if self._edit is not None:
            wanted = await self._edit(Proposal(self._run.id, self._task, flow, _said(ended)))
            if wanted is None:
                await self._run.record(ended.model_copy(update={"came_to": "refused"}))
                return await self._refused()
            ended = ended.model_copy(update={"edited": wanted != flow})
            flow = wanted
        return await follow(self._run, flow, decided=[ended])

    async def _planned(self) -> tuple[Flow, PlanningEnded]:
        skills = {skill for card in self._agents for skill in card.skills}
        asked = plan_prompt(self._task.goal, most=self._most, skills=skills, files=listing(self._task.workspace))
        result, first = await self._ask(WRITE, asked, Usage())
        winner = result.attempts[-1].award.agent if result.attempts else ""
        ended = PlanningEnded(came_to="one task", agent=winner, errors=first.errors)
        reading = first
        if first.plan is None and winner:
            prompt = repair_prompt(asked, reply=_reply(result) or result.reason, errors=first.errors)
            _, reading = await self._ask(REPAIR, prompt, result.usage, agents=(winner,))
            ended = ended.model_copy(update={"repair": reading.errors})
        if reading.plan is None or len(reading.plan.parts) == 1:
            return single_of(self._task), ended
        return graph_of(reading.plan, self._task, agents=self._agents), ended.model_copy(update={"came_to": "graph"})

    async def _ask(self, id: str, goal: str, taken: Usage, *, agents: tuple[str, ...] = ()) -> tuple[Result, Reading]:
        """Have a plan written: an agent that sees the names of files only, and nothing that it could change."""
        nothing = Task(id=id, goal=goal, tools=())
        kept = {name: value for name, value in self._task if name not in _OF_THE_WORK}
        asked = nothing.model_copy(update={**kept, "agents": agents or self._task.agents})
        (posted,) = await self._run.post(asked)
        result = await self._run.do(posted, limits=_share(self._run.started.limits, taken))
        if result is None:
            self._run.stop_if_waiting()
            raise LedgerError(f"task {id!r} came to no end")
        if result.verdict is Verdict.FAILED:
            return result, Reading(errors=(f"no plan was written: {result.reason}",))
        return result, read_plan(_reply(result), agents=self._agents, verify=self._task.verify, most=self._most)

    async def _refused(self) -> FlowReport:
        report = await self._run.close()
        return FlowReport(flow=NAME, verdict=Verdict.FAILED, outputs={}, reason=REFUSED, report=report)


def _any(task: Task) -> Task:
    """The task for whatever skill: who is kept out of it is kept out of all parts."""
    return task.model_copy(update={"skill": ""})


def _reply(result: Result) -> str:
    return result.attempts[-1].output if result.attempts else ""


def _said(ended: PlanningEnded) -> tuple[str, ...]:
    """Why it is one task."""
    return (ended.errors if ended.repair is None else ended.repair) if ended.came_to == "one task" else ()


def _share(whole: Limits, taken: Usage) -> Limits:
    """What is left of planning's share; time is not shared out, since the rest may need less of it."""
    return Limits(
        usd=None if whole.usd is None else max(Decimal(0), (whole.usd * SHARE).quantize(_STEP, ROUND_DOWN) - taken.usd),
        tokens=None if whole.tokens is None else max(0, int(whole.tokens * SHARE) - taken.tokens),
        steps=None if whole.steps is None else max(0, int(whole.steps * SHARE) - taken.steps),
        seconds=None if whole.seconds is None else whole.seconds * float(SHARE),
    )


_STEP: Final = Decimal("0.000001")
