"""READ FIRST: the market's loop.

    post      a task is announced
    screen    who cannot or may not do it is kept out; the policy makes a shortlist
    bid       everyone on it writes a plan, sealed, until a deadline             (bidding.py)
    score     all bids are opened together; the mechanism ranks them             (auctions/)
    award     the winner gets the task; its budget is set aside before any work  (settling.py)
    perform   the winner follows its plan, inside its limits, in a copy          (performing.py, desk.py)
    verify    the verifier decides: passed, failed or unknown                    (performing.py, verifiers/)
    settle    promised against delivered goes on record                          (settling.py)
    learn     only from what was verified
    again     on failure the runner-up gets the task once, with the evidence

Whatever is decided or received is an event on the ledger. Decisions are pure; this file moves values between them.
"""

from __future__ import annotations

import platform
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from pathlib import Path

import anyio

from agora.ambient import SeededChance, SystemClock, fresh_id, fresh_seed
from agora.auctions import SALE
from agora.bidding import call_for_bids
from agora.bids import Reserve
from agora.budget import Purse, share_of, tightest
from agora.coordinator import Everyone
from agora.desk import Run
from agora.errors import BudgetError, ConfigError, NoAgentsError, PatchError, only
from agora.events import Applied, Done, Event, Posted, Scored, Screened, Started, TaskDone
from agora.lots import Approve, House, Lot
from agora.memory.in_memory import MemoryStore
from agora.performing import make_attempt
from agora.posting import as_task, as_usd, fill, listing, unique_ids
from agora.protocols import Agent, ChatModel, Clock, Mechanism, Policy, Sandbox, Store
from agora.results import Report, Result
from agora.sandbox import BestSandbox, apply_patch, refuse_below
from agora.settling import award_for, lessons, reason_of, settlement
from agora.streaming import Stream, Tee
from agora.tasks import Check, Limits, Task, Tier, Usage, Verdict
from agora.verifiers import build_verifier


class Market:
    """A pool of agents, a budget, and the rule by which tasks find the agent that does them.

    Args:
        agents: The pool; names are unique.
        budget_usd: What one run may cost, in US dollars. Local work is free of it.
        mechanism: The auction's rule; SALE by default.
        policy: Who may bid; everyone who passes the filters by default.
        store: The shared memory; by default one that ends with the process.
        sandbox: What makes the copies that agents work in; by default the best that this machine has.
        limits: Bounds of one run on top of the budget.
        bid_deadline_s: Seconds after which bids do not count.
        attempts: Awards that one task gets at most.
        approve: Asked before a patch is written to the workspace; None: patches are only handed back.
        seed: Of all chance in a run; None draws one, which is recorded.
        clock: Time.
        learn: False for a measurement: nothing is learned from its outcomes.
        wrap: Put around every model before it is called (a recorder, a cache); None: models are called as they are.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        *,
        budget_usd: str | float | Decimal = "1.00",
        mechanism: Mechanism | None = None,
        policy: Policy | None = None,
        store: Store | None = None,
        sandbox: Sandbox | None = None,
        limits: Limits | None = None,
        bid_deadline_s: float = 60.0,
        attempts: int = 2,
        approve: Approve | None = None,
        seed: int | None = None,
        clock: Clock | None = None,
        learn: bool = True,
        wrap: Callable[[ChatModel], ChatModel] | None = None,
    ) -> None:
        if not agents:
            raise NoAgentsError
        self._agents = {agent.profile.name: agent for agent in agents}
        if len(self._agents) < len(agents):
            raise ConfigError("agents", "two agents have one name: rename one of them")
        if attempts < 1:
            raise ConfigError("attempts", f"{attempts} is no number of awards: allow at least 1")
        self._limits = fill(limits or Limits(), Limits(usd=as_usd(budget_usd, where="budget_usd")))
        self._mechanism, self._policy = mechanism or SALE(), policy or Everyone()
        self._store, self._sandbox = store or MemoryStore(clock=clock or SystemClock()), sandbox or BestSandbox()
        self._bid_deadline_s, self._attempts = bid_deadline_s, attempts
        self._approve, self._seed, self._clock = approve, seed, clock or SystemClock()
        self._learn, self._wrap = learn, wrap

    @property
    def store(self) -> Store:
        """The shared memory, with the ledger of every run."""
        return self._store

    async def run(
        self, work: str | Task, *, workspace: str | Path | None = None, verify: str | Check | None = None
    ) -> Result:
        """Have one task done.

        Args:
            work: The goal in words, or a whole task.
            workspace: The folder it is about; agents get a copy.
            verify: A command that passes when the work is right ("pytest -q"), or any check.

        Raises:
            UsageError: Something about the task cannot be used; nothing was spent.
        """
        report = await self.run_all([as_task(work, workspace=workspace, verify=verify)])
        return report.results[0]

    def run_sync(
        self, work: str | Task, *, workspace: str | Path | None = None, verify: str | Check | None = None
    ) -> Result:
        """`run`, for code that is not async."""
        return anyio.run(partial(self.run, work, workspace=workspace, verify=verify))

    @asynccontextmanager
    async def stream(
        self, work: str | Task, *, workspace: str | Path | None = None, verify: str | Check | None = None
    ) -> AsyncGenerator[Stream]:
        """`run`, with its events while they happen.

        Example:
            async with market.stream("fix the test", workspace=".") as events:
                async for event in events: ...
            events.result
        """
        async with Stream.of(partial(self.run_all, [as_task(work, workspace=workspace, verify=verify)])) as stream:
            yield stream

    async def run_all(
        self,
        tasks: Sequence[Task],
        *,
        parallel: int = 1,
        notes: dict[str, str] | None = None,
        watch: Callable[[Event], None] | None = None,
    ) -> Report:
        """Have several tasks done in one run, under one budget.

        Args:
            tasks: With unique ids.
            parallel: How many at once; the run's limits are then split evenly, so that arrival decides nothing.
            notes: Put on the ledger with the start, as who did not join and why.
            watch: Called with each event when it is recorded.
        """
        if parallel < 1:
            raise ConfigError("parallel", f"{parallel} is no number of tasks: allow at least 1 at once")
        tasks = [as_task(task) for task in tasks]
        unique_ids(tasks)
        house = self._house(tasks, watch)
        _require_sandbox(house, tasks)
        purse = Purse("run", self._limits, clock=self._clock)
        started_s = self._clock.monotonic_s()
        await house.record(self._started(house.run, notes or {}))
        results: dict[str, Result] = {}
        share = share_of(purse.left, len(tasks)) if parallel > 1 else Limits()
        limiter = anyio.CapacityLimiter(parallel)
        try:
            async with anyio.create_task_group() as group:
                for task in tasks:
                    group.start_soon(self._queue, house, task, purse, share, limiter, results)
        except BaseExceptionGroup as failures:
            raise only(failures) from failures
        ordered = tuple(results[task.id] for task in tasks)
        await house.record(Done(verdicts={done.task.id: done.verdict for done in ordered}, usage=purse.spent))
        return Report(
            run=house.run.id,
            results=ordered,
            usage=purse.spent,
            overhead=sum((done.overhead for done in ordered), Usage()),
            seconds=max(0.0, self._clock.monotonic_s() - started_s),
        )

    async def _queue(
        self,
        house: House,
        task: Task,
        purse: Purse,
        share: Limits,
        limiter: anyio.CapacityLimiter,
        results: dict[str, Result],
    ) -> None:
        async with limiter:
            try:
                own = purse.fund(f"task {task.id}", tightest(task.limits, share))
            except BudgetError as empty:  # one task's overrun or delay must not cost the others their report
                results[task.id] = await _unfunded(house, task, str(empty))
                return
            try:
                results[task.id] = await _loop(house, Lot(task=task, purse=own))
            finally:
                own.close()

    def _house(self, tasks: Sequence[Task], watch: Callable[[Event], None] | None) -> House:
        store = Tee(self._store, watch) if watch else self._store
        seed = fresh_seed() if self._seed is None else self._seed
        return House(
            run=Run(id=fresh_id(), store=store, clock=self._clock, chance=SeededChance(seed), wrap=self._wrap),
            agents=self._agents,
            mechanism=self._mechanism,
            policy=self._policy,
            verifiers={task.id: build_verifier(task.verify) for task in tasks if task.verify},
            sandbox=self._sandbox,
            bid_deadline_s=self._bid_deadline_s,
            attempts=self._attempts,
            learn=self._learn,
            approve=self._approve,
        )

    def _started(self, run: Run, notes: dict[str, str]) -> Started:
        return Started(
            seed=run.chance.seed,
            agents=tuple(agent.profile for agent in self._agents.values()),
            limits=self._limits,
            mechanism=self._mechanism.name,
            policy=self._policy.name,
            versions={"agora": _VERSION, "python": platform.python_version()},
            notes=notes,
        )


def _require_sandbox(house: House, tasks: Sequence[Task]) -> None:
    """Refuse before anything is spent what no sandbox here may do."""
    least = max((task.tier for task in tasks if task.workspace is not None), default=Tier.BARE)
    if least > Tier.BARE:
        refuse_below(least, house.sandbox.tier)


async def _unfunded(house: House, task: Task, reason: str) -> Result:
    """A task that the run can no longer pay for: announced, and done."""
    house.note(Posted(task=task.id, spec=task))
    await house.record(TaskDone(task=task.id, verdict=Verdict.FAILED, reason=reason))
    return Result(run=house.run.id, task=task, verdict=Verdict.FAILED, reason=reason, budget_short=True)


async def _loop(house: House, lot: Lot) -> Result:
    """One task, from posting to its terminal row."""
    task = lot.task
    lot.files = listing(task.workspace)

    left = lot.purse.left
    lot.reserve = Reserve(usd=left.usd or Decimal(0), s=Decimal(str(left.seconds or 0)))
    house.note(Posted(task=task.id, spec=task))

    pool = [agent.profile for agent in house.agents.values()]
    lot.shortlist = house.policy.shortlist(task, pool, limits=left, chance=house.run.chance)
    house.note(Screened(task=task.id, shortlist=lot.shortlist, reserve=lot.reserve))

    lot.bids = await call_for_bids(house, lot)
    lot.overhead = lot.purse.spent

    seed = house.run.chance.integer(f"{task.id}/ties")
    lot.clearing = house.mechanism.clear(list(lot.bids.values()), reserve=lot.reserve, seed=seed)
    house.note(Scored(task=task.id, clearing=lot.clearing, seed=seed))

    for number in range(1, min(house.attempts, len(lot.clearing.ranking)) + 1):
        try:
            attempt = await make_attempt(house, lot, award_for(lot, number))
        except BudgetError:
            break
        lot.attempts.append(attempt)
        await house.record(settlement(lot, attempt))
        if attempt.outcome.verdict is not Verdict.FAILED:
            break

    if house.learn:
        for lesson in lessons(lot, {agent.name: agent.operator for agent in pool}):
            house.note(lesson)
    lot.applied = await _apply(house, lot)
    return await _finish(house, lot)


async def _apply(house: House, lot: Lot) -> bool:
    """Write the patch to the user's workspace, wholly or not at all, once, if someone says so."""
    last = lot.attempts[-1] if lot.attempts else None
    workspace = lot.task.workspace
    if house.approve is None or last is None or workspace is None or not last.patch.changes:
        return False
    if last.outcome.verdict is Verdict.FAILED:
        return False
    reason = "not approved"
    if await house.approve(lot.task, last.patch):
        try:
            await anyio.to_thread.run_sync(apply_patch, last.patch, Path(workspace))
            reason = ""
        except PatchError as error:
            reason = str(error)
    paths = tuple(change.path for change in last.patch.changes)
    await house.record(Applied(task=lot.task.id, paths=paths, applied=not reason, reason=reason))
    return not reason


async def _finish(house: House, lot: Lot) -> Result:
    """The terminal row, and the result."""
    last = lot.attempts[-1] if lot.attempts else None
    verdict = last.outcome.verdict if last else Verdict.FAILED
    result = Result(
        run=house.run.id,
        task=lot.task,
        verdict=verdict,
        attempts=tuple(lot.attempts),
        shortlist=lot.shortlist,
        bids=tuple(lot.bids.values()),
        clearing=lot.clearing if lot.bids else None,
        usage=lot.purse.spent,
        overhead=lot.overhead,
        applied=lot.applied,
        reason="" if verdict is Verdict.PASSED else reason_of(lot),
        budget_short=not lot.attempts and lot.purse.short,
    )
    done = TaskDone(
        task=lot.task.id,
        verdict=verdict,
        agent=last.award.agent if last else "",
        attempts=len(lot.attempts),
        usage=result.usage,
        overhead=result.overhead,
        reason=result.reason,
    )
    await house.record(done)
    return result


_VERSION = version("agora-market")
