"""READ FIRST: the market's loop.

    post      a task is announced, to a run that is open                         (open_run.py)
    screen    who cannot or may not do it is kept out; the policy makes a shortlist (auctioning.py)
    open      all of them are asked, or one, where bids would not pay            (opening.py)
    bid       everyone on it writes a plan, sealed, until a deadline             (bidding.py)
    judge     every judge marks all plans at once, shuffled and without names    (judging.py)
    score     all bids are opened together; the mechanism ranks them             (auctions/)
    refine    who is cheaper than the winner writes again, shown what won before (refining.py)
    award     the winner gets the task; its budget is set aside before any work  (settling.py)
    perform   the winner follows its plan, inside its limits, in a copy          (performing.py, desk.py)
    verify    the verifier decides: passed, failed or unknown                    (performing.py, verifiers/)
    settle    promised against delivered goes on record                          (settling.py)
    learn     only from what was verified
    again     on failure a new call, with the evidence: to the same agent, then to the others (opening.py)

Whatever is decided or received is an event on the ledger. Decisions are pure; this file moves values between them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio

from agora.abilities import Learning
from agora.ambient import VERSIONS, SeededChance, SystemClock, fresh_id, fresh_seed
from agora.applying import apply
from agora.auctioning import awarded, hold_auction, screen
from agora.auctions import SALE
from agora.budget import tightest
from agora.coordinator.policies import linucb_sale
from agora.errors import ApprovalRefusedError, BudgetError, ConfigError, LedgerError, NoAgentsError
from agora.events import Done, Event, Started, TaskDone
from agora.finishing import finish
from agora.forking import ground_of, opening_of
from agora.learning import knowing, settings_of, taken_up
from agora.ledger.redact import redactor_of
from agora.lots import House, Lot
from agora.memory.in_memory import MemoryStore
from agora.open_run import OpenRun, Publish
from agora.opening import next_call
from agora.past import Past
from agora.performing import make_attempt
from agora.pool import CHANGES, Pool, abilities_of
from agora.posting import as_task, as_usd, fill
from agora.protocols import Agent, ChatModel, Clock, Mechanism, Policy, Sandbox, Store
from agora.questions import Approve
from agora.results import Report, Result
from agora.resuming import begun_as, charge_unknown, read_past
from agora.runs import Run
from agora.sandbox import BestSandbox
from agora.settling import credit, lessons, own_credits, settlement
from agora.streaming import Stream, Tee
from agora.tasks import Check, Limits, Task
from agora.values import JsonValue


class Market:
    """A pool of agents, a budget, and the rule by which tasks find the agent that does them.

    Args:
        agents: The pool; names are unique.
        budget_usd: What one run may cost, in US dollars. Local work is free of it.
        mechanism: The auction's rule; SALE by default.
        policy: Who may bid; by default those that LinUCB says may be the best (everyone, while nothing is known).
        store: The shared memory; by default one that ends with the process.
        sandbox: What makes the copies that agents work in; by default the best that this machine has.
        limits: Bounds of one run on top of the budget.
        bid_deadline_s: Seconds after which bids do not count.
        attempts: Awards that one task gets at most.
        approve: Asked before a command, an award, a patch; None: patches are only handed back, the rest goes ahead.
        seed: Of all chance in a run; None draws one, which is recorded.
        clock: Time.
        learn: False for a measurement: nothing is learned from its outcomes.
        secrets: Values that enter no prompt, no event and no error; None: the keys in the environment.
        wrap: Put around every model before it is called (a recorder, a cache), and told the id of the call.
        write: Shown what models write, piece by piece, where they can stream: the agent, and the piece.
        publish: Told of each run when its terminal row is durable, as `agora.traces.trust.publishing.Publisher`.
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
        attempts: int = 3,
        approve: Approve | None = None,
        seed: int | None = None,
        clock: Clock | None = None,
        learn: bool = True,
        secrets: Iterable[str] | None = None,
        wrap: Callable[[ChatModel, str], ChatModel] | None = None,
        write: Callable[[str, str], None] | None = None,
        publish: Publish | None = None,
    ) -> None:
        if not agents:
            raise NoAgentsError
        self._agents = {agent.profile.name: agent for agent in agents}
        if len(self._agents) < len(agents):
            raise ConfigError("agents", "two agents have one name: rename one of them")
        if attempts < 1:
            raise ConfigError("attempts", f"{attempts} is no number of awards: allow at least 1")
        self._limits = fill(limits or Limits(), Limits(usd=as_usd(budget_usd, where="budget_usd")))
        self._mechanism, self._policy = mechanism or SALE(), policy or linucb_sale()
        self._redactor, self._sandbox = redactor_of(secrets), sandbox or BestSandbox()
        self._store = store or MemoryStore(clock=clock or SystemClock(), redactor=self._redactor)
        self._bid_deadline_s, self._attempts = bid_deadline_s, attempts
        self._approve, self._seed, self._clock = approve, seed, clock or SystemClock()
        self._learn, self._wrap, self._write, self._publish = learn, wrap, write, publish

    @property
    def store(self) -> Store:
        """The shared memory, with the ledger of every run."""
        return self._store

    async def run(
        self, work: str | Task, *, workspace: str | Path | None = None, verify: str | Check | None = None
    ) -> Result:
        """Have one task done; raises as `run_all` does.

        Args:
            work: The goal in words, or a whole task.
            workspace: The folder it is about; agents get a copy.
            verify: A command that passes when the work is right ("pytest -q"), or any check.
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
        notes: Mapping[str, str] | None = None,
        command: Mapping[str, JsonValue] | None = None,
        watch: Callable[[Event], None] | None = None,
    ) -> Report:
        """Have several tasks done in one run, under one budget.

        Args:
            tasks: With unique ids.
            parallel: How many at once; the run's limits are then split evenly, so that arrival decides nothing of
                money. What one task teaches another depends on which of them ends first.
            notes: Put on the ledger with the start, as who did not join and why.
            command: Put there too: what makes this market again, for whoever resumes the run.
            watch: Called with each event when it is recorded.

        Raises:
            UsageError: Something about a task cannot be used; nothing was spent.
            ApprovalPendingError: A question waits for a person; `resume` goes on when it is answered.
        """
        async with self.open_run(parallel=parallel, notes=notes, command=command, watch=watch) as run:
            return await run.do_all(tasks)

    @asynccontextmanager
    async def open_run(
        self,
        *,
        parallel: int = 1,
        limits: Limits | None = None,
        notes: Mapping[str, str] | None = None,
        command: Mapping[str, JsonValue] | None = None,
        watch: Callable[[Event], None] | None = None,
    ) -> AsyncGenerator[OpenRun]:
        """A run to which tasks are posted while it goes on, as a workflow does; the arguments are those of `run_all`.

        `limits` are bounds of this run besides the market's.

        Example:
            async with market.open_run() as run:
                (task,) = await run.post(Task(id="read", goal="..."))
                result = await run.do(task)
                report = await run.close()
        """
        if parallel < 1:
            raise ConfigError("parallel", f"{parallel} is no number of tasks: allow at least 1 at once")
        policy, knows = knowing(self._policy, self._store)
        started = self._started(parallel, notes or {}, command or {}, knows=knows)
        if limits is not None:
            started = started.model_copy(update={"limits": tightest(started.limits, limits)})
        house = self._house(fresh_id(), started, Past(), policy, watch)
        async with self._store.hold(house.run.id):
            yield OpenRun(house, started, loop=_loop, publish=self._publish)

    async def resume(self, run: str, *, watch: Callable[[Event], None] | None = None) -> Report:
        """Go on with a run: what is on record stands; a call without an end there is charged at worst and made again.

        Args:
            run: Its id, a unique prefix, or "last"; a done one reports again.
            watch: Called with each new event when it is recorded.

        Raises:
            UnknownNameError: There is no such run.
            LeaseError: Another process is at it.
            LedgerError: It follows a graph, and is gone on with otherwise.
            ConfigError: An agent, the mechanism or the policy is not what the run began with.
            ApprovalPendingError: A question still waits for a person.
        """
        async with self.reopen(run, watch=watch) as again:
            if again.follows and again.past.find(Done) is None:
                raise LedgerError(f"run {again.id} follows a graph: go on with it by `{again.follows}`")
            return await again.do_all(again.tasks)

    @asynccontextmanager
    async def reopen(self, run: str, *, watch: Callable[[Event], None] | None = None) -> AsyncGenerator[OpenRun]:
        """A run that was cut off, open once more; what raises is said at `resume`."""
        ref = self._store.find_run(run)
        async with self._store.hold(ref):
            past = read_past(self._store, ref)
            started = begun_as(past, self._agents, mechanism=self._mechanism, policy=self._policy)
            policy, _ = knowing(self._policy, self._store, up_to=started.knows)
            taken_up(policy, ref, past)
            house = self._house(ref, started, past, policy, watch)
            house.require_sandbox([task for task in past.tasks if past.find(TaskDone, task.id) is None])
            await charge_unknown(house.run)
            yield OpenRun(house, started, loop=_loop, publish=self._publish)

    async def fork(
        self,
        run: str,
        *,
        at: int,
        changes: Mapping[str, str] | None = None,
        instead: Event | None = None,
        command: Mapping[str, JsonValue] | None = None,
    ) -> str:
        """Begin a new run that stands on what another has on record before an event; return its id.

        `resume` and the like go on with it; this market's agents, rules, limits and seed hold there.

        Args:
            run: As at `resume`.
            at: The position on the ledger of its first event that does not stand.
            changes: What is otherwise, in words, for the record.
            instead: What stands in that event's place (`agora.forking.instead_of`); then nothing is learned.
            command: As at `run_all`; None: as the other run's.

        Raises:
            ConfigError: It cannot be forked there.
        """
        ground, new = ground_of(self._store, self._store.find_run(run), at, changes or {}), fresh_id()
        began = ground.started
        started = self._started(began.parallel, began.notes, command or began.command, knows=began.knows)
        async with self._store.hold(new):
            await self._store.record(new, *opening_of(ground, started, self._agents, seed=self._seed, instead=instead))
        return new

    def _house(
        self, run: str, started: Started, past: Past, policy: Policy, watch: Callable[[Event], None] | None
    ) -> House:
        return House(
            run=Run(
                id=run,
                store=Tee(self._store, watch) if watch else self._store,
                clock=self._clock,
                chance=SeededChance(started.seed),
                past=past,
                redactor=self._redactor,
                wrap=self._wrap,
                write=self._write,
                approve=self._approve,
                learner=policy if isinstance(policy, Learning) else None,
            ),
            pool=Pool(started.agents, past.of_kinds(CHANGES), self._agents, able=started.abilities),
            mechanism=self._mechanism,
            policy=policy,
            sandbox=self._sandbox,
            bid_deadline_s=self._bid_deadline_s,
            attempts=started.attempts,
            learn=started.learn,
            parallel=started.parallel,
        )

    def _started(
        self, parallel: int, notes: Mapping[str, str], command: Mapping[str, JsonValue], *, knows: int
    ) -> Started:
        return Started(
            seed=fresh_seed() if self._seed is None else self._seed,
            agents=tuple(agent.profile for agent in self._agents.values()),
            limits=self._limits,
            mechanism=self._mechanism.name,
            mechanism_settings=settings_of(self._mechanism),
            policy=self._policy.name,
            policy_settings=settings_of(self._policy),
            abilities={name: abilities_of(agent) for name, agent in self._agents.items()},
            versions=VERSIONS,
            parallel=parallel,
            attempts=self._attempts,
            learn=self._learn,
            knows=knows,
            notes=notes,
            command=command,
        )


async def _loop(house: House, lot: Lot) -> Result:
    """One task, from its announcement to its terminal row; what was decided before stands."""
    before = house.run.past.before
    await screen(house, lot)
    while opened := next_call(house, lot):  # each call leads to an attempt, or takes somebody out
        await hold_auction(house, lot, opened)
        if (award := awarded(house, lot)) is None:
            continue
        try:
            attempt = await make_attempt(house, lot, award)
        except BudgetError:
            break
        except ApprovalRefusedError as refused:
            lot.refused = str(refused)
            break
        lot.auction.attempt = attempt
        credited = own_credits([credit(lot, lot.auction, attempt)], lot, before) if house.learn else []
        await house.record(settlement(lot.task, lot.auction, attempt), *credited)

    if house.learn:
        for lesson in lessons(lot, house.operators, before=before):
            house.note(lesson)
    lot.applied = await apply(house, lot)
    return await finish(house, lot)
