"""A run that is open: tasks are posted to it and done, until it is closed.

One list of tasks is posted whole at the beginning; a workflow posts each task when its predecessors are done. All tasks
of a run share its ledger, its purse and its bound on how many are worked on at once. What is on record of a task from
before this process is not done, asked or paid again.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence

import anyio

from agora.bids import Profile
from agora.budget import Purse, Reservation, share_of, tightest
from agora.errors import ApprovalPendingError, BudgetError, LedgerError, described, only
from agora.events import Done, Event, FlowBegan, PlanningBegan, Posted, Started, TaskDone
from agora.finishing import remembered, unfunded
from agora.lots import House, Lot
from agora.past import Past
from agora.posting import as_task, unique_ids
from agora.protocols import Agent
from agora.questions import Question
from agora.records import MemoryEntry, Recorded
from agora.results import Report, Result
from agora.routing import Place
from agora.tasks import Limits, Task, Usage
from agora.verifiers import build_verifier

Loop = Callable[[House, Lot], Awaitable[Result]]
"""Takes one task from its announcement to its terminal row."""
Publish = Callable[[str], Awaitable[None]]
"""Told the id of a run when its terminal row is durable: what signs the ledger, or takes it elsewhere."""

_NO_BOUND = Limits()


class OpenRun:
    """What `Market.open_run` and `Market.reopen` hand out.

    Args:
        house: The collaborators, with what is on record.
        started: How the run began.
        loop: How a task is done.
        publish: Told when the run is done; what it raises becomes a warning.
    """

    def __init__(self, house: House, started: Started, *, loop: Loop, publish: Publish | None = None) -> None:
        self._house, self._started, self._loop, self._publish = house, started, loop, publish
        self._begun = house.run.past.find(Started) is not None
        self._done = house.run.past.find(Done) is not None
        self._purse = Purse("run", started.limits, clock=house.run.clock)
        self._began_s = house.run.clock.monotonic_s()
        self._limiter = anyio.CapacityLimiter(started.parallel)
        self._posted: dict[str, Task] = {}
        self._results: dict[str, Result] = {}
        self._layers: dict[str, int] = {}  # task -> its depth in a workflow
        past = house.run.past
        self._on_record = {task.id: task for task in past.tasks}  # they were filled in and checked then
        for done in remembered(house, past.tasks):
            self._results[done.task.id] = done
            self._purse.book(done.usage)
        # What the others took so far is not for anybody else, whichever of them is gone on with first.
        self._kept: dict[str, Reservation] = {
            task.id: self._purse.keep(past.taken(task.id)) for task in past.tasks if task.id not in self._results
        }

    @property
    def id(self) -> str:
        """The run's id."""
        return self._house.run.id

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is on record as posted from before this process, in order."""
        return tuple(self._house.run.past.tasks)

    @property
    def started(self) -> Started:
        """How it began: who took part then, and all that it may take."""
        return self._started

    @property
    def pool(self) -> tuple[Profile, ...]:
        """The cards of those who take part now, in the order in which they came."""
        return self._house.pool.members

    @property
    def follows(self) -> str:
        """What goes on with a run that follows a graph, or is to; empty: it is a list of tasks."""
        if self.past.find(PlanningBegan) is not None:
            return "resume_plan"
        return "resume_flow" if self.past.find(FlowBegan) is not None else ""

    @property
    def parallel(self) -> int:
        """How many tasks are worked on at once."""
        return self._started.parallel

    @property
    def past(self) -> Past:
        """What is on record from before this process."""
        return self._house.run.past

    @property
    def left(self) -> Limits:
        """What can still be spent."""
        return self._purse.left

    @property
    def spent(self) -> Usage:
        """What was spent so far."""
        return self._purse.spent

    async def join(self, agent: Agent) -> None:
        """Let an agent take part in every task of this run that is not screened yet; return when that is durable.

        A run that is cut off after this is resumed by a market that has the agent.

        Raises:
            ConfigError: Another one has its name, or had it with another operator.
            LedgerError: The run is done.
        """
        self._refuse_when_done()
        await self.record(self._house.pool.join(agent))

    async def leave(self, name: str, reason: str = "") -> None:
        """Ask an agent for nothing more in this run, neither bids nor marks; return when that is durable.

        An attempt that it was awarded goes on, and counts; a bid that was not opened yet does not. It may join again.

        Args:
            name: Who.
            reason: Why, for whoever reads the record.

        Raises:
            UnknownNameError: It does not take part.
            LedgerError: The run is done.
        """
        self._refuse_when_done()
        await self.record(self._house.pool.leave(name, reason))

    async def record(self, *events: Event) -> None:
        """Put events on the ledger, unless they are there; return when they are durable."""
        await self._house.record(*self._beginning(), *events)

    def note(self, event: Event) -> None:
        """Put an event on the ledger with the next commit, unless it is there."""
        self._house.note(event)

    def recall(self, text: str, *, limit: int, trust: frozenset[str]) -> Sequence[MemoryEntry]:
        """What is remembered of tasks like a text, best match first; it changes, so put on record what is used of it.

        Args:
            text: Any text.
            limit: The most entries to return.
            trust: Only of tasks that carry no other labels.
        """
        return self._house.run.store.recall(text, limit=limit, trust=trust)

    def draw(self, label: str) -> float:
        """A draw in [0, 1) that depends on the run's seed and the label alone."""
        return self._house.run.chance.uniform(label)

    def others(self, *, most: int) -> Iterator[Iterator[Recorded]]:
        """The ledger of each of the latest runs that are done, this one left out, the oldest first.

        Args:
            most: How many of the latest are looked at.
        """
        store = self._house.run.store
        for info in reversed(store.runs(limit=most)):
            if info.done and info.id != self.id:
                yield store.events(info.id)

    def stop_if_waiting(self) -> None:
        """Refuse to go on to the end of a run in which something waits for a person.

        Raises:
            ApprovalPendingError: It stays open on record.
        """
        if waiting := [question.id for question in self._house.run.waiting]:
            raise ApprovalPendingError(self.id, waiting)

    async def granted(self, task: str, question: str) -> bool | None:
        """Ask a person before a workflow goes on; the answer is on record, and is asked for once.

        Args:
            task: The node that asks; a node asks once.
            question: In words.

        Returns:
            Yes or no; None: nobody can be asked now, which ends the run without a terminal row.
        """
        await self.record()
        try:
            return await self._house.run.granted(Question(id=f"{task}/step", about="step", task=task, reason=question))
        except ApprovalPendingError:
            return None

    async def post(self, *tasks: Task, wait: bool = True) -> tuple[Task, ...]:
        """Announce tasks; return them as they stand on record.

        Args:
            tasks: With ids that are new to the run, or as they were posted before.
            wait: False: they are durable with the next commit, which comes before anything is asked or paid for them.

        Raises:
            UsageError: Something about a task cannot be used, or another task has its id; nothing was spent.
        """
        past = self._house.run.past
        stand = [self._on_record.get(task.id) or as_task(task) for task in tasks]
        unique_ids(stand, taken=self._posted)
        self._house.require_sandbox([task for task in stand if past.find(TaskDone, task.id) is None])
        self._house.verifiers.update({task.id: build_verifier(task.verify) for task in stand if task.verify})
        events = [Posted(task=task.id, spec=task) for task in stand]
        if wait or not self._begun:
            await self.record(*events)
        else:
            for event in events:
                self.note(event)
        self._posted |= {task.id: task for task in stand}
        return tuple(stand)

    async def do(self, task: Task, *, limits: Limits = _NO_BOUND, after: Sequence[str] = ()) -> Result | None:
        """Have a posted task done, when it is its turn.

        Args:
            task: As `post` returned it.
            limits: What it may take besides its own limits.
            after: The tasks of this run that it follows, for whoever routes it.

        Returns:
            What came of it; None: it waits for a person's answer, which ends the run without a terminal row.
        """
        place = self._place(task, after)
        if (known := self._results.get(task.id)) is not None:
            return known
        async with self._limiter:
            if (kept := self._kept.pop(task.id, None)) is not None:
                self._purse.settle(kept, Usage())
            try:
                own = self._purse.fund(f"task {task.id}", tightest(task.limits, limits))
            except BudgetError as empty:  # one task's overrun or delay must not cost the others their report
                self._results[task.id] = await unfunded(self._house, task, str(empty))
                return self._results[task.id]
            try:
                self._results[task.id] = await self._loop(self._house, Lot(task=task, purse=own, place=place))
            except ApprovalPendingError:
                return None  # the others go on; what waits stands in the run
            finally:
                own.close()
        return self._results[task.id]

    async def do_all(self, tasks: Sequence[Task]) -> Report:
        """Post several tasks, have them done, and close the run.

        Where several are worked on at once, what is left is split evenly, so that arrival decides nothing of money.

        Raises:
            UsageError: Something about a task cannot be used; nothing was spent.
            ApprovalPendingError: A question waits for a person.
        """
        posted = await self.post(*tasks)
        share = share_of(self._purse.left, len(posted)) if self._started.parallel > 1 else _NO_BOUND
        try:
            async with anyio.create_task_group() as group:
                for task in posted:
                    group.start_soon(self._do, task, share)
        except BaseExceptionGroup as failures:
            raise only(failures) from failures
        return await self.close()

    async def close(self) -> Report:
        """The terminal row of the run, and its report: tasks in the order in which they were posted.

        Raises:
            ApprovalPendingError: A question waits for a person; the run stays open on record.
        """
        self.stop_if_waiting()
        ordered = tuple(self._results[task] for task in self._posted if task in self._results)
        verdicts = {done.task.id: done.verdict for done in ordered}
        self._done = True
        before = self._started.forked.usage if self._started.forked else Usage()  # it was paid in another run
        usage = self._purse.spent.without(before)
        await self.record(Done(verdicts=verdicts, usage=usage))
        if self._publish is not None:
            try:
                await self._publish(self.id)
            except Exception as problem:  # what was done and paid must not be lost to it
                warnings.warn(f"run {self.id} was not published: {described(problem)}", RuntimeWarning, stacklevel=2)
        return Report(
            run=self.id,
            results=ordered,
            usage=usage,
            overhead=sum((done.overhead for done in ordered), Usage()),
            seconds=max(0.0, self._house.run.clock.monotonic_s() - self._began_s),
        )

    def _place(self, task: Task, after: Sequence[str]) -> Place:
        done = [self._results[name] for name in after if name in self._results]
        agents = [result.award.agent for result in done if result.award is not None]
        layer = 1 + max((self._layers.get(name, 0) for name in after), default=-1)
        self._layers[task.id] = layer
        arms = self._house.pool.arms
        return Place(layer=layer, sources=tuple(arms[name] for name in agents if name in arms))

    async def _do(self, task: Task, share: Limits) -> None:
        await self.do(task, limits=share)

    def _refuse_when_done(self) -> None:
        if self._done:
            raise LedgerError(f"run {self.id} is done: nobody joins or leaves it any more; open another run")

    def _beginning(self) -> tuple[Event, ...]:
        begun, self._begun = self._begun, True
        return () if begun else (self._started,)
