"""The desk as an agent sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from anyio import CancelScope

from agora.bids import Price
from agora.budget import Purse
from agora.desk.calls import Calls
from agora.desk.seat import Seat
from agora.desk.steps import Lessons, Steps, no_lessons
from agora.desk.uses import Uses
from agora.events import Step, Stepped
from agora.messages import Reply, Request, ToolCall
from agora.protocols import ChatModel, Tool, Workspace
from agora.records import Ran, ToolResult
from agora.runs import Run
from agora.tasks import Limits, Task, Usage
from agora.values import JsonValue


class MeteredDesk:
    """One agent's desk for one bid or one attempt.

    Args:
        run: The run's collaborators.
        task: With its verifier; agents see it without.
        agent: Whose desk.
        phase: "bid" or "attempt-1" and so on: part of every call's id.
        price: What the agent states, for models without a price of their own.
        purse: What may be spent here.
        workspace: The attempt's copy.
        files: Names of the files in the workspace.
        evidence: What earlier attempts failed with.
        history: What the market counted of the agent, in words.
        write_cap: The promised number of tokens written; None: no promise.
        lessons: Reads what was learned of the agent's steps, where it asks.
    """

    def __init__(
        self,
        run: Run,
        task: Task,
        *,
        agent: str,
        phase: str,
        price: Price | None,
        purse: Purse,
        workspace: Workspace | None = None,
        files: tuple[str, ...] = (),
        evidence: tuple[str, ...] = (),
        history: str = "",
        write_cap: int | None = None,
        lessons: Lessons = no_lessons,
    ) -> None:
        seen = task.model_copy(update={"verify": None}) if task.verify else task
        self._seat = Seat(run=run, task=seen, agent=agent, phase=phase, purse=purse)
        self._calls = Calls(self._seat, price=price, write_cap=write_cap)
        self._uses = Uses(self._seat)
        self._steps, self._lessons = Steps(self._seat), lessons
        self._files, self._evidence, self._history = files, evidence, history
        self.tool_calls = 0
        """Calls of tools that ended here, those on record included."""
        self.tool_calls_ok = 0
        """Those that ran without an error."""
        if workspace is not None:
            self.sit_down(workspace)

    @property
    def task(self) -> Task:
        """What is to be done; the verifier is hidden."""
        return self._seat.task

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files in the workspace."""
        return self._files

    @property
    def evidence(self) -> tuple[str, ...]:
        """What earlier attempts failed with."""
        return self._evidence

    @property
    def workspace(self) -> Workspace | None:
        """The attempt's copy."""
        return self._uses.workspace

    @property
    def left(self) -> Limits:
        """What may still be spent here."""
        return self._seat.purse.left

    @property
    def last_reply(self) -> Reply | None:
        """What the last call gave; None where it failed."""
        return self._calls.last_reply

    @property
    def last_temperature(self) -> float | None:
        """The temperature that the last call was asked at; None: there was no call."""
        return self._calls.last_temperature

    @property
    def history(self) -> str:
        """What the market counted of who sits here on tasks of this skill, in words; empty where it has no record."""
        return self._history

    @property
    def steps(self) -> tuple[Step, ...]:
        """Which of the agent's two models each call went to, in order."""
        return self._steps.taken

    @property
    def step_lessons(self) -> Sequence[Mapping[str, JsonValue]]:
        """What grounded outcomes taught of the choices of who sits here, in the order of the log."""
        return self._lessons()

    def draw(self, label: str) -> float:
        """A number in [0, 1): the same for one label at one desk, whenever it is asked for."""
        return self._steps.draw(label)

    def step(self, number: int, decide: Callable[[], Stepped], *, instead: bool = False) -> Stepped:
        """A choice of a model as it stands on record, or what is decided now, which is put there."""
        return self._steps.step(number, decide, instead=instead)

    def sit_down(self, workspace: Workspace) -> None:
        """Work in this copy from now on."""
        self._uses.sit_down(workspace)

    def end_with(self, deadline: CancelScope) -> None:
        """Move this deadline by the time in which a person is asked."""
        self._uses.deadlines.add(deadline)

    def leave(self) -> None:
        """Get up: what is on record and was not asked for again is counted."""
        self._seat.book_all()

    async def ask(self, model: ChatModel, request: Request) -> Reply:
        """Call a model; what may heal is tried again, within the request's deadline and what the purse still holds.

        Raises:
            BudgetError: The worst case of an attempt does not fit (from the error of the one before, where there was
                one), or the model is unpriced; it was not made.
            ModelError: The last attempt failed.
        """
        return await self._calls.ask(model, request)

    async def use(self, tool: Tool, call: ToolCall) -> ToolResult:
        """Validate, run, cap and record one tool call; what goes wrong becomes text for the model.

        Raises:
            BudgetError: No steps or time are left.
        """
        result = await self._uses.use(tool, call)
        self.tool_calls += 1
        self.tool_calls_ok += result.ok
        return result

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = 60.0,
        worst_usd: Decimal = Decimal(0),
        bill: Callable[[Ran], Usage] | None = None,
    ) -> Ran:
        """Run a command as one step: its worst case is reserved, its bill (or the worst case) is booked.

        Raises:
            BudgetError: No steps, time or dollars are left.
            SandboxError: It could not be started.
        """
        return await self._uses.run(argv, stdin=stdin, timeout_s=timeout_s, worst_usd=worst_usd, bill=bill)
