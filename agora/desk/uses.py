"""Tools and commands of one desk: validated, bounded, recorded; what goes wrong becomes text for the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

import anyio
import anyio.to_thread
from anyio import CancelScope

from agora.agents.tools import parse_arguments
from agora.desk.asking import AskingWorkspace
from agora.desk.remembering import put_back
from agora.desk.seat import Seat
from agora.desk.transcripts import BILLED_OUTPUT_CHARS, TOOL_OUTPUT_CHARS, capped, labelled, read, written
from agora.errors import ApprovalError, ApprovalPendingError, BudgetError, SandboxError
from agora.events import CommandReserved, ToolUsed
from agora.messages import ToolCall
from agora.past import COMMAND, INTERRUPTED, PastTool
from agora.protocols import Tool, Workspace
from agora.records import Ran, ToolResult
from agora.tasks import Patch, Tier, Usage

TOOL_DEADLINE_S: Final = 300.0
"""The longest a tool may take."""

_CLOSING_S = 10.0
_ERROR_CHARS = 2_000
_FREE = Decimal(0)
_CUT_OFF: Final = Ran(130, "", INTERRUPTED, 0.0)


class Uses:
    """How one desk uses tools and runs commands.

    Args:
        seat: Whose.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self.workspace: Workspace | None = None
        self.deadlines: set[CancelScope] = set()
        """What ends the work or a use; they move while a person is asked."""
        self._waited_s = 0.0

    def sit_down(self, workspace: Workspace) -> None:
        """Work in this copy; its commands are asked for where somebody wants to be asked."""
        run, task = self._seat.run, self._seat.task.id
        self.workspace = workspace
        if run.approve is not None or run.past.asks(task):
            seat = self._seat
            self.workspace = AskingWorkspace(
                workspace, run=run, task=task, desk=seat.place, agent=seat.agent, pause=self._pause
            )

    @contextmanager
    def _pause(self) -> Generator[None]:
        """Let no deadline pass while a person thinks."""
        began_s, stopped = anyio.current_time(), [(scope, scope.deadline) for scope in self.deadlines]
        for scope, _ in stopped:
            scope.deadline = math.inf
        try:
            yield
        finally:
            waited_s = anyio.current_time() - began_s
            self._seat.purse.wait(waited_s)
            self._waited_s += waited_s
            for scope, deadline in stopped:
                scope.deadline = deadline + waited_s

    def _worked_s(self, started_s: float, waited_s: float) -> float:
        return max(0.0, self._seat.since(started_s) - (self._waited_s - waited_s))

    async def use(self, tool: Tool, call: ToolCall) -> ToolResult:
        """Validate, run, cap and record one tool call; what goes wrong becomes text for the model."""
        on_record = call.model_copy(update={"arguments": capped(call.arguments)})
        again: bool | None = getattr(tool, "again", None)
        once = self.workspace is not None and (again is None or self.workspace.tier is Tier.BARE)
        past = self._seat.past.take_tool(on_record)
        if past is not None:
            self._seat.book(past)
            if not past.event.unknown:
                if not await self._restored(past) and again:
                    await self._call_tool(tool, call)
                return ToolResult(past.event.result, ok=past.event.ok, origin=past.event.origin)
        self._seat.book_all()
        reservation = self._seat.purse.reserve()
        started_s, waited_s = self._seat.run.clock.monotonic_s(), self._waited_s
        result: ToolResult | None = None
        try:
            result = await self._call_tool(tool, call)
            return result
        finally:
            usage = Usage(steps=1, seconds=self._worked_s(started_s, waited_s))
            self._seat.purse.settle(reservation, usage)
            told = result or ToolResult("the tool was interrupted", ok=False)
            patch = self.workspace.patch() if once and self.workspace and result is not None else None
            self._seat.run.note(self._used(on_record, told, usage, patch=patch, unknown=result is None))

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        timeout_s: float = 60.0,
        worst_usd: Decimal = _FREE,
        bill: Callable[[Ran], Usage] | None = None,
    ) -> Ran:
        """Run a command as one step: its worst case is reserved, its bill (or the worst case) is booked."""
        copy = self.workspace
        if copy is None:
            raise SandboxError(f"task {self._seat.task.id!r} has no workspace to run {argv[0]!r} in: pass --workspace")
        call = ToolCall(id="", name=COMMAND, arguments="\n".join(argv))
        if (before := await self._ran_before(copy, call, argv, stdin, timeout_s)) is not None:
            return before
        self._seat.book_all()
        left = self._seat.purse.left
        reservation = self._seat.purse.reserve(usd=worst_usd, tokens=(left.tokens or 0) if bill else 0)
        started_s, waited_s = self._seat.run.clock.monotonic_s(), self._waited_s
        call = call.model_copy(update={"id": self._seat.next_id()})
        once = worst_usd > 0 or copy.tier is Tier.BARE
        usage = Usage(usd=worst_usd, steps=1)
        ran: Ran | None = None
        try:
            if once:
                intent = CommandReserved(
                    task=self._seat.task.id, call=call.id, agent=self._seat.agent, argv=tuple(argv), usd=worst_usd
                )
                await self._seat.run.record(intent)
            limit_s = timeout_s if left.seconds is None else max(0.05, min(timeout_s, left.seconds))
            ran = self._cleaned(await copy.run(argv, stdin=stdin, timeout_s=limit_s))
            if bill is not None:
                usage = bill(ran).model_copy(update={"steps": 1})
            return ran
        except ApprovalError:  # it was never started
            usage = Usage(steps=1)
            raise
        finally:
            usage = usage.model_copy(update={"seconds": self._worked_s(started_s, waited_s)})
            overrun = self._seat.purse.settle(reservation, usage)
            most = BILLED_OUTPUT_CHARS if once else TOOL_OUTPUT_CHARS
            text, stdout_chars = written(_CUT_OFF if ran is None else ran, most)
            told = ToolResult(text, ok=ran is not None and ran.exit_code == 0)
            patch = copy.patch() if once and ran is not None else None
            ended = self._used(call, told, usage, overrun, patch=patch, stdout_chars=stdout_chars, unknown=ran is None)
            if once:  # it is never started twice, so its end must not be lost
                with CancelScope(shield=True), anyio.fail_after(_CLOSING_S):
                    await self._seat.run.record(ended)
            else:
                self._seat.run.note(ended)

    async def _ran_before(
        self, copy: Workspace, call: ToolCall, argv: Sequence[str], stdin: str, timeout_s: float
    ) -> Ran | None:
        """How a command ended that is on record; what it did to the lost copy is done to this one."""
        past = self._seat.past.take_tool(call, by_id=False)
        if past is None:
            return None
        self._seat.book(past)
        if past.event.unknown:
            return None
        if await self._restored(past):
            return read(past.event)
        again = self._cleaned(await copy.run(argv, stdin=stdin, timeout_s=timeout_s))
        return again if past.event.stdout_chars is None else read(past.event)

    def _cleaned(self, ran: Ran) -> Ran:
        return ran._replace(stdout=self._seat.cleaner.text(ran.stdout), stderr=self._seat.cleaner.text(ran.stderr))

    async def _restored(self, past: PastTool) -> bool:
        """Bring the copy into the state that a recorded use left it in, where that is on record.

        Raises:
            SandboxError: It held a secret, which is not on record.
        """
        if past.event.patch is None or self.workspace is None:
            return False
        if not past.event.patch.whole:
            name = past.event.call.name
            raise SandboxError(f"what {name!r} left in the lost copy held a secret, which is not on record")
        await anyio.to_thread.run_sync(put_back, past.event.patch, self.workspace.root)
        return True

    @contextmanager
    def _within(self, limit_s: float) -> Generator[None]:
        with anyio.fail_after(limit_s) as deadline:
            self.deadlines.add(deadline)
            try:
                yield
            finally:
                self.deadlines.discard(deadline)

    async def _call_tool(self, tool: Tool, call: ToolCall) -> ToolResult:
        left_s = self._seat.purse.left.seconds
        limit_s = TOOL_DEADLINE_S if left_s is None else min(TOOL_DEADLINE_S, left_s)
        try:
            arguments = parse_arguments(tool, call.arguments)
            with self._within(limit_s):
                text = self._seat.cleaner.text(await tool.call(arguments, self.workspace))
        except TimeoutError:
            return ToolResult(f"error: {call.name} took longer than {limit_s:.0f} s and was stopped", ok=False)
        except (BudgetError, ApprovalPendingError):
            raise
        except Exception as error:  # a tool is the user's code: the model is told what went wrong, and may try again
            told = self._seat.cleaner.text(f"error: {type(error).__name__}: {error}")
            return ToolResult(told[:_ERROR_CHARS], ok=False)
        origin: str = getattr(tool, "origin", "")
        return ToolResult(labelled(capped(text), origin) if origin else capped(text), origin=origin)

    def _used(
        self,
        call: ToolCall,
        result: ToolResult,
        usage: Usage,
        overrun: bool = False,
        *,
        patch: Patch | None = None,
        stdout_chars: int | None = None,
        unknown: bool = False,
    ) -> ToolUsed:
        return ToolUsed(
            task=self._seat.task.id,
            agent=self._seat.agent,
            phase=self._seat.phase,
            call=call,
            result=result.text,
            ok=result.ok,
            origin=result.origin,
            patch=patch,
            stdout_chars=stdout_chars,
            unknown=unknown,
            usage=usage,
            overrun=overrun,
        )
