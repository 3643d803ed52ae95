"""Every seam of Agora on one page. An implementation fits a Protocol; it inherits from nothing.

Time, chance, models, tools, sandboxes and storage are arguments everywhere. Plug-ins are found by entry points
(`agora.agents`, `agora.tools`, `agora.policies`, `agora.mechanisms`, `agora.verifiers`, `agora.stores`), and
`agora.testing` has a conformance check for each seam that a plug-in can fill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path

from typing_extensions import Protocol, runtime_checkable

from agora.bids import NO_JURY, Bid, Clearing, Juror, Plan, Price, Profile, Reserve, Shortlist
from agora.events import Event
from agora.messages import Reply, Request, ToolCall, ToolSpec
from agora.records import AgentRecord, MemoryEntry, Ran, Recorded, RunInfo, ToolResult
from agora.routing import Outlook
from agora.tasks import Limits, Outcome, Patch, Task, Tier, Usage, Work
from agora.values import JsonValue


class Clock(Protocol):
    """Time as an argument."""

    def now_us(self) -> int:
        """Microseconds since the epoch, for the record."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards, for durations and deadlines."""
        ...


class Chance(Protocol):
    """Randomness as an argument: the same seed and label give the same draw, whatever was drawn before."""

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...

    def integer(self, label: str) -> int:
        """A uniform integer in [0, 2**63) for this label."""
        ...

    def uniform(self, label: str) -> float:
        """A uniform float in [0, 1) for this label."""
        ...


class ChatModel(Protocol):
    """One model behind one endpoint."""

    @property
    def name(self) -> str:
        """As the user wrote it: provider/model."""
        ...

    def price(self) -> Price | None:
        """The list price; None where it is not known."""
        ...

    def bound_tokens(self, request: Request) -> int:
        """An upper bound on the prompt's tokens: never less than what the provider will count."""
        ...

    async def complete(self, request: Request) -> Reply:
        """Make the call within its deadline.

        Raises:
            ModelError: Nothing usable came back; `paid` says whether it may still be charged.
        """
        ...


class Workspace(Protocol):
    """A private copy of a folder, in which an agent works."""

    @property
    def root(self) -> Path:
        """Where the copy is on this machine."""
        ...

    @property
    def tier(self) -> Tier:
        """The sandbox that `run` really uses."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = 60.0,
        env: Mapping[str, str] | None = None,
        writable: bool = True,
    ) -> Ran:
        """Run a command inside the sandbox, in the copy; `writable=False` mounts the copy read-only.

        "python" as argv[0] means the workspace's own .venv interpreter, or Agora's, bound read-only.

        Raises:
            SandboxError: The command could not be started at all.
        """
        ...

    def path(self, relative: str) -> Path:
        """The real path of a file inside the copy.

        Raises:
            WorkspaceError: It would leave the copy ("..", absolute, through a link).
        """
        ...

    def patch(self) -> Patch:
        """What has changed since the copy was made."""
        ...

    async def close(self) -> None:
        """Remove the copy and whatever still runs in it."""
        ...


class Sandbox(Protocol):
    """Makes workspaces of one tier."""

    @property
    def tier(self) -> Tier:
        """What it really gives on this machine."""
        ...

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Workspace:
        """Copy a folder (None: an empty one), apply a patch to the copy where one is given, and return it.

        Raises:
            SandboxError: The tier is below `least`.
            WorkspaceError: The source is not a folder that can be read.
            PatchError: The patch does not fit.
        """
        ...


@runtime_checkable
class Tool(Protocol):
    """Something an agent can use.

    Three attributes may be there besides. `origin`: where its text comes from, if that is not to be trusted ("web").
    `again`: whether a resumed attempt uses it again on its fresh copy (True), only reads its recorded answer (False),
    or gets the copy as it was left (not stated). `reads`: it changes nothing, so that a look-ahead may use it.
    """

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON schema of the arguments."""
        ...

    async def call(self, arguments: Mapping[str, JsonValue], workspace: Workspace | None) -> str:
        """Use it. Whatever it raises becomes an error message for the model.

        Args:
            arguments: Already validated against the schema.
            workspace: The attempt's copy of the folder, where the task has one.
        """
        ...


class Desk(Protocol):
    """Where an agent bids or performs: the only way to models, tools and the sandbox.

    Each call is reserved before it is made, settled after it, and recorded. An agent cannot misstate what it spent.
    """

    @property
    def task(self) -> Task:
        """What is to be done; the verifier is hidden (`verify` is None)."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files in the workspace, capped."""
        ...

    @property
    def evidence(self) -> tuple[str, ...]:
        """What earlier attempts at this task failed with."""
        ...

    @property
    def workspace(self) -> Workspace | None:
        """The attempt's copy; None while bidding, or where the task has no workspace."""
        ...

    @property
    def left(self) -> Limits:
        """What may still be spent here."""
        ...

    async def ask(self, model: ChatModel, request: Request) -> Reply:
        """Call a model: `ModelError` where it failed, `BudgetError` where its worst case does not fit."""
        ...

    async def use(self, tool: Tool, call: ToolCall) -> ToolResult:
        """Use a tool: arguments are validated, output is capped, failures become text.

        Raises:
            BudgetError: No steps or time are left.
        """
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = 60.0,
        worst_usd: Decimal = Decimal(0),
        bill: Callable[[Ran], Usage] | None = None,
    ) -> Ran:
        """Run a command in the sandbox as one step.

        Args:
            argv: The command; never through a shell.
            stdin: What it reads.
            timeout_s: Its wall-clock limit.
            worst_usd: What it may cost at worst, reserved first; booked in full unless `bill` knows better.
            bill: Reads the command's own report of its spend; what it raises leaves the worst case booked.
        """
        ...


class Agent(Protocol):
    """Someone who can do tasks: a model with tools, a function, a command line."""

    @property
    def profile(self) -> Profile:
        """Its card."""
        ...

    async def bid(self, desk: Desk) -> Plan | None:
        """Write a plan for `desk.task`; None: not interested."""
        ...

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """Follow the plan. Changes are taken from the workspace by the market; `Work.patch` may stay empty."""
        ...


class Verifier(Protocol):
    """Decides whether work is right."""

    @property
    def name(self) -> str:
        """Its kind, as in `Check.kind`."""
        ...

    async def verify(self, task: Task, work: Work, *, sandbox: Sandbox) -> Outcome:
        """Look at the work only (never at who did it). An error leaves the outcome unknown."""
        ...


class Mechanism(Protocol):
    """An auction rule: pure, deterministic, blind to names and to the order of bids."""

    @property
    def name(self) -> str:
        """As in `auctions/NAME.toml` and on the ledger."""
        ...

    def clear(
        self, bids: Sequence[Bid], *, reserve: Reserve, seed: int, jury: Mapping[str, Juror] = NO_JURY
    ) -> Clearing:
        """Score all bids (in any order) against a scale fixed before opening; `jury`: who made the marks on them."""
        ...


class Policy(Protocol):
    """The coordinator's rule: who may bid."""

    @property
    def name(self) -> str:
        """As on the ledger."""
        ...

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        """Choose, with propensities; a pure function of its arguments and the policy's state."""
        ...


class Store(Protocol):
    """Shared memory: the append-only ledger, and tables derived from it in the same transaction."""

    async def record(self, run: str, *events: Event) -> None:
        """Append events in order; return when they are durable.

        Raises:
            LedgerError: The database refused.
        """
        ...

    def note(self, run: str, *events: Event) -> None:
        """Append events with the next commit, all or none; `record` or `close` makes them durable, in order."""
        ...

    def hold(self, run: str) -> AbstractAsyncContextManager[None]:
        """Hold the right to write a run, renewed while the block lasts; afterwards `record` refuses its events.

        Raises:
            LeaseError: Another process holds it.
        """
        ...

    def holder(self, run: str) -> str:
        """Who holds a run now, for people to read; empty where nobody that still lives does."""
        ...

    def events(
        self, run: str | None = None, *, after: int = 0, kinds: frozenset[str] | None = None
    ) -> Iterator[Recorded]:
        """The ledger (of one run, of some kinds of events) in order, from after a sequence number."""
        ...

    def runs(self, *, limit: int = 50) -> Sequence[RunInfo]:
        """The latest runs, newest first."""
        ...

    def find_run(self, ref: str) -> str:
        """The id behind an id, a unique prefix, or "last".

        Raises:
            UnknownNameError: None or several match.
        """
        ...

    def records(self) -> Sequence[AgentRecord]:
        """Promised against delivered, per operator, agent and skill."""
        ...

    def recall(self, text: str, *, limit: int = 8, trust: frozenset[str] | None = None) -> Sequence[MemoryEntry]:
        """Remembered bids of tasks that are like a text, best match first; `trust`: only of tasks with such labels."""
        ...

    async def close(self) -> None:
        """Commit what was noted and let go of the database."""
        ...
