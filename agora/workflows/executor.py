"""A workflow is followed: a node starts as soon as all that it waits for has come to an end.

Every task node goes through the market's loop, in one run with one purse. What may start is a pure function of what has
ended (`expanding.py`), and all that ended is on the ledger, so a run that was cut off is gone on with from wherever it
was: nothing that is on record is done, asked or paid again.

Where a failure stops the workflow, what has not begun is not begun; what is being worked on comes to its own end, since
calls that are under way are paid for in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import anyio
from anyio.abc import TaskGroup

from agora.errors import LedgerError, UsageError, only
from agora.events import Event, FlowBegan, FlowEnded, NodeSkipped
from agora.market import Market
from agora.open_run import OpenRun
from agora.results import Report
from agora.tasks import Verdict
from agora.values import JsonValue, Value
from agora.workflows.allotting import Allotment
from agora.workflows.checking import checked, checked_inputs
from agora.workflows.context_shown import task_of
from agora.workflows.deciding import MOST_RUNS, experienced, on_record, shaped
from agora.workflows.expanding import Progress
from agora.workflows.flow import Workflow
from agora.workflows.instances import Ending, Instance, Remark, output_of
from agora.workflows.nodes import ApproveNode, Flow
from agora.workflows.unrolling import UNRESOLVED

PARALLEL: Final = 4
"""How many nodes are worked on at once where nobody says."""


class FlowReport(Value):
    """What came of a workflow."""

    flow: str
    """Its name."""
    verdict: Verdict
    """passed where all of its ends passed; failed where it was stopped or an end failed; else unknown."""
    outputs: Mapping[str, JsonValue]
    """Node -> what it gave, of those that nobody follows."""
    skipped: tuple[Remark, ...] = ()
    """What was passed over or could not be begun, and why."""
    reason: str = ""
    """Why it was stopped."""
    report: Report
    """The run: a result for each task, in the order in which they were posted, and what it took."""

    @property
    def output(self) -> str:
        """The outputs as one text: of one node, that node's; of several, an object."""
        return output_of(self.outputs)

    @property
    def consistency_unresolved(self) -> bool:
        """Whether its answers still differed at the end of a synthesis."""
        return UNRESOLVED in self.outputs


async def run_flow(
    market: Market,
    flow: Flow | Workflow,
    inputs: Mapping[str, JsonValue] | None = None,
    *,
    parallel: int = PARALLEL,
    notes: Mapping[str, str] | None = None,
    command: Mapping[str, JsonValue] | None = None,
    watch: Callable[[Event], None] | None = None,
) -> FlowReport:
    """Follow a workflow in a run of its own.

    Args:
        market: Who does the tasks.
        flow: The graph, or its builder.
        inputs: What it is given.
        parallel: How many nodes are worked on at once.
        notes: Put on the ledger with the start, as who did not join and why.
        command: Put there too: what makes this market again, for whoever resumes the run.
        watch: Called with each event when it is recorded.

    Raises:
        ConfigError: The graph or an input cannot be used; nothing was spent.
        ApprovalPendingError: A question waits for a person; `resume_flow` goes on when it is answered.
    """
    graph = flow.build() if isinstance(flow, Workflow) else flow
    async with market.open_run(parallel=parallel, notes=notes, command=command, watch=watch) as run:
        return await follow(run, graph, inputs)


async def resume_flow(market: Market, run: str, *, watch: Callable[[Event], None] | None = None) -> FlowReport:
    """Go on with a workflow that was cut off, by the graph that is on record.

    Args:
        market: With the agents, the mechanism and the policy that it began with.
        run: Its id, a unique prefix, or "last".
        watch: Called with each new event when it is recorded.

    Raises:
        LedgerError: The run follows no workflow, or something is on record that the workflow does not start.
        ApprovalPendingError: A question still waits for a person.
    """
    async with market.reopen(run, watch=watch) as again:
        began = again.past.find(FlowBegan)
        if began is None:
            mend = f"go on with it by `{again.follows or 'Market.resume'}`"
            raise LedgerError(f"run {again.id} follows no workflow: {mend}")
        return await follow(again, Flow.model_validate(began.graph), began.inputs)


async def follow(
    run: OpenRun, flow: Flow, inputs: Mapping[str, JsonValue] | None = None, *, decided: Sequence[Event] = ()
) -> FlowReport:
    """Follow a workflow to the end of a run that is open, and close the run.

    What was done in the run before, as planning, stands in its report and was paid from its purse. A run follows one
    graph, which is put on its ledger first; of a run that was reopened, pass the one that is on record (`FlowBegan`).

    Args:
        run: As `Market.open_run` or `Market.reopen` hands it out.
        flow: The graph.
        inputs: What it is given.
        decided: Put on the ledger with the graph: all of it, or none.

    Raises:
        ConfigError: The graph or an input cannot be used; nothing of it was begun.
        ApprovalPendingError: A question waits for a person.
    """
    given = dict(inputs or {})
    if run.past.find(FlowBegan) is None:
        checked_inputs(checked(flow), given)
        flow, chosen = shaped(
            flow, decision=run.id, draw=run.draw, experience=lambda: experienced(run.others(most=MOST_RUNS))
        )
        await run.record(*decided, *chosen, FlowBegan(flow=flow.name, graph=on_record(flow), inputs=given))
    return await _Follower(run, flow, given).follow()


class _Follower:
    """One workflow on its way through one run."""

    def __init__(self, run: OpenRun, flow: Flow, inputs: Mapping[str, JsonValue]) -> None:
        self._run, self._flow = run, flow
        self._progress = Progress(flow, inputs)
        self._allotment = Allotment(flow)
        self._limiter = anyio.CapacityLimiter(run.parallel)
        self._reasons: dict[str, str] = {}
        self._not_begun: dict[str, str] = {}
        self._told = self._compared = 0

    async def follow(self) -> FlowReport:
        try:
            async with anyio.create_task_group() as group:
                self._start(group, self._progress.ready.start)
        except BaseExceptionGroup as failures:
            raise only(failures) from failures
        return await self._close()

    def _start(self, group: TaskGroup, ready: Sequence[Instance]) -> None:
        self._allotment.opened(ready)
        for instance in ready:
            group.start_soon(self._work, group, instance)
        self._note_skipped()

    async def _work(self, group: TaskGroup, instance: Instance) -> None:
        """One instance, when it is its turn; at its end what waits for it is started, unless a person must answer."""
        async with self._limiter:
            if not self._progress.wanted(instance.id):
                return
            ending = await (self._ask if isinstance(instance.node, ApproveNode) else self._do)(instance)
        if ending is not None:
            self._start(group, self._progress.finish(instance.id, ending))

    async def _ask(self, instance: Instance) -> Ending | None:
        granted = await self._run.granted(instance.id, instance.text)
        return None if granted is None else Ending(verdict=Verdict.PASSED if granted else Verdict.FAILED)

    async def _do(self, instance: Instance) -> Ending | None:
        limits = self._allotment.limits(instance, self._run.left)
        try:
            (task,) = await self._run.post(task_of(self._run, instance), wait=False)
        except UsageError as error:  # only now it is known what its text or its folder is
            self._reasons[instance.id] = self._not_begun[instance.id] = str(error)
            self._run.note(NodeSkipped(task=instance.id, reason=str(error)))
            return Ending(verdict=Verdict.FAILED)
        result = await self._run.do(task, limits=limits, after=instance.after)
        if result is None:
            return None
        self._reasons[instance.id] = result.reason
        return Ending(verdict=result.verdict, output=result.output)

    def _note_skipped(self) -> None:
        for found in self._progress.compared(self._compared):
            self._run.note(found)
            self._compared += 1
        for one in self._progress.passed_over(self._told):
            self._allotment.passed_over(one.id)
            self._run.note(NodeSkipped(task=one.id, reason=one.why))
            self._told += 1

    async def _close(self) -> FlowReport:
        self._run.stop_if_waiting()
        stands = self._progress.ready
        reason = "; ".join(f"{one.id} failed: {self._reasons.get(one.id) or one.why}" for one in stands.stopped)
        await self._run.record(FlowEnded(verdict=stands.verdict, outputs=stands.outputs, reason=reason))
        return FlowReport(
            flow=self._flow.name,
            verdict=stands.verdict,
            outputs=stands.outputs,
            skipped=(*(Remark(id=id, why=why) for id, why in sorted(self._not_begun.items())), *stands.skipped),
            reason=reason,
            report=await self._run.close(),
        )
