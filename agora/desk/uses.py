"""Tools and commands of one desk: validated, bounded, recorded; what goes wrong becomes text for the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from anyio import CancelScope

from agora.agents.tools import parse_arguments
from agora.budget import Reservation
from agora.desk.asking import CLOSING_S, Asker, AskingWorkspace, Asks
from agora.desk.remembering import put_back
from agora.desk.seat import Seat
from agora.desk.transcripts import (
    BILLED_OUTPUT_CHARS,
    TOOL_OUTPUT_CHARS,
    capped,
    digest_of_use,
    labelled,
    read,
    written,
)
from agora.errors import ApprovalPendingError, ApprovalRefusedError, BudgetError, SandboxError
from agora.events import CommandReserved, ToolUsed
from agora.messages import ToolCall
from agora.past import COMMAND, INTERRUPTED, PastTool
from agora.protocols import Tool, Workspace
from agora.records import Ran, ToolResult
from agora.tasks import Patch, Tier, Usage

TOOL_DEADLINE_S: Final = 300.0
"""The longest a tool may take."""

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
        self._asker = Asker(seat, pause=self._pause)
        self.workspace: AskingWorkspace | None = None
        self.deadlines: set[CancelScope] = set()
        """What ends the work or a use; they move while a person is asked."""
        self._waited_s = 0.0
        self._restored_at = -1
        self._restoring = anyio.Lock()
        self._working = 0

    def sit_down(self, workspace: Workspace) -> None:
        """Work in this copy; its commands are asked for."""
        self.workspace = AskingWorkspace(workspace, self._asker)

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
        asked = digest_of_use(call.name, self._seat.cleaner.text(call.arguments))
        on_record = call.model_copy(update={"arguments": capped(call.arguments)})
        again: bool | None = getattr(tool, "again", None)
        past = self._take(asked, id=call.id)
        if past is not None:
            if not await self._restored(past) and again:
                await self._call_tool(tool, call, Asks(again=[*past.event.granted, *past.event.refused]))
            return ToolResult(past.event.result, ok=past.event.ok, origin=past.event.origin)
        self._seat.book_all()
        reservation = self._seat.purse.reserve()
        started_s, waited_s = self._seat.run.clock.monotonic_s(), self._waited_s
        asks = Asks()
        try:
            with self._at_work():
                result = await self._call_tool(tool, call, asks)
        except ApprovalPendingError:  # the model is told nothing, and uses it again when there is an answer
            self._seat.purse.settle(reservation, Usage())
            raise
        except BaseException:
            usage = Usage(steps=1, seconds=self._worked_s(started_s, waited_s))
            self._seat.purse.settle(reservation, usage)
            cut = ToolResult("the tool was interrupted", ok=False)
            await self._ended(asks, self._used(on_record, cut, usage, asked=asked, asks=asks, unknown=True))
            raise
        usage = Usage(steps=1, seconds=self._worked_s(started_s, waited_s))
        self._seat.purse.settle(reservation, usage)
        copy = self.workspace
        patch = copy.patch() if copy and (again is None or copy.tier is Tier.BARE) else None
        await self._ended(asks, self._used(on_record, result, usage, patch=patch, asked=asked, asks=asks))
        return result

    async def _ended(self, asks: Asks, used: ToolUsed, *, once: bool = False) -> None:
        """Put the end of a use on record; what is never started twice must not lose it."""
        if once or asks.commands:
            with CancelScope(shield=True), anyio.fail_after(CLOSING_S):
                await self._seat.run.record(used)
        else:
            self._seat.run.note(used)

    def _take(self, asked: str, *, id: str | None = None) -> PastTool | None:
        """How an equal use ended that is on record; those of unknown fate were charged, and are not it."""
        while (past := self._seat.past.take_tool(asked, id=id)) is not None:
            self._seat.book(past)
            if not past.event.unknown:
                return past
        return None

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
        asked = digest_of_use(COMMAND, *map(self._seat.cleaner.text, (stdin, *argv)))
        if (before := await self._ran_before(copy, asked, argv, stdin, timeout_s)) is not None:
            return before
        self._seat.book_all()
        left = self._seat.purse.left
        reservation = self._seat.purse.reserve(usd=worst_usd, tokens=(left.tokens or 0) if bill else 0)
        call = ToolCall(id=self._seat.next_id(), name=COMMAND, arguments="\n".join(argv))
        asks = Asks()
        question = await self._allowed(call, reservation, argv, stdin=stdin, asked=asked, asks=asks)
        once = worst_usd > 0 or copy.tier is Tier.BARE
        intent = CommandReserved(
            task=self._seat.task.id,
            call=call.id,
            agent=self._seat.agent,
            argv=tuple(argv),
            usd=worst_usd,
            asked=asked,
            question=question,
        )
        started_s, waited_s = self._seat.run.clock.monotonic_s(), self._waited_s
        usage = Usage(usd=worst_usd, steps=1)
        ran: Ran | None = None
        try:
            if once:
                await self._seat.run.record(intent)
            limit_s = timeout_s if left.seconds is None else max(0.05, min(timeout_s, left.seconds))
            with self._at_work():
                ran = self._cleaned(await copy.inner.run(argv, stdin=stdin, timeout_s=limit_s))
            if bill is not None:
                usage = bill(ran).model_copy(update={"steps": 1})
            return ran
        finally:
            usage = usage.model_copy(update={"seconds": self._worked_s(started_s, waited_s)})
            overrun = self._seat.purse.settle(reservation, usage)
            ended = self._command_ended(call, ran, usage, overrun, once=once, asked=asked, asks=asks)
            await self._ended(asks, ended, once=once)

    async def _allowed(
        self, call: ToolCall, reservation: Reservation, argv: Sequence[str], *, stdin: str, asked: str, asks: Asks
    ) -> str:
        """Ask for a command; a no is its end, and for a question without an answer nothing is booked."""
        sandboxed = self.workspace is not None and self.workspace.tier > Tier.BARE
        try:
            return await self._asker.ask(asks, argv, sandboxed=sandboxed, stdin=stdin, usd=reservation.usd)
        except ApprovalRefusedError as refused:
            usage = Usage(steps=1)
            self._seat.purse.settle(reservation, usage)
            told = ToolResult(str(refused), ok=False)
            await self._ended(asks, self._used(call, told, usage, asked=asked, asks=asks))
            raise
        except BaseException:  # it was never started
            self._seat.purse.settle(reservation, Usage())
            raise

    def _command_ended(
        self, call: ToolCall, ran: Ran | None, usage: Usage, overrun: bool, *, once: bool, asked: str, asks: Asks
    ) -> ToolUsed:
        text, stdout_chars = written(
            _CUT_OFF if ran is None else ran, BILLED_OUTPUT_CHARS if once else TOOL_OUTPUT_CHARS
        )
        return self._used(
            call,
            ToolResult(text, ok=ran is not None and ran.exit_code == 0),
            usage,
            overrun,
            patch=self.workspace.patch() if once and ran is not None and self.workspace else None,
            stdout_chars=stdout_chars,
            unknown=ran is None,
            asked=asked,
            asks=asks,
        )

    async def _ran_before(
        self, copy: AskingWorkspace, asked: str, argv: Sequence[str], stdin: str, timeout_s: float
    ) -> Ran | None:
        """How a command ended that is on record; what it did to the lost copy is done to this one."""
        past = self._take(asked)
        if past is None:
            return None
        if past.event.refused:
            raise ApprovalRefusedError(past.event.result)
        if await self._restored(past):
            return read(past.event)
        asks = Asks(again=[*past.event.granted])
        again = self._cleaned(await copy.within(asks).run(argv, stdin=stdin, timeout_s=timeout_s))
        return again if past.event.stdout_chars is None else read(past.event)

    def _cleaned(self, ran: Ran) -> Ran:
        return ran._replace(stdout=self._seat.cleaner.text(ran.stdout), stderr=self._seat.cleaner.text(ran.stderr))

    async def _restored(self, past: PastTool) -> bool:
        """Bring the copy into the state that a recorded use left it in, where that is on record.

        A state that was left later stays: of uses that went on at once, the last has the work of all.

        Raises:
            SandboxError: It held a secret, which is not on record.
        """
        async with self._restoring:
            if self.workspace is None or (past.event.patch is None and past.at > self._restored_at):
                return False
            if past.event.patch is None or past.at < self._restored_at:
                return True
            if not past.event.patch.whole:
                name = past.event.call.name
                raise SandboxError(f"what {name!r} left in the lost copy held a secret, which is not on record")
            source = self._seat.task.workspace
            put = partial(
                put_back,
                past.event.patch,
                self.workspace.inner,
                None if source is None else Path(source),
                wholly=not self._working,
            )
            await anyio.to_thread.run_sync(put)
            self._restored_at = past.at
            return True

    @contextmanager
    def _at_work(self) -> Generator[None]:
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    @contextmanager
    def _within(self, limit_s: float) -> Generator[None]:
        with anyio.fail_after(limit_s) as deadline:
            self.deadlines.add(deadline)
            try:
                yield
            finally:
                self.deadlines.discard(deadline)

    async def _call_tool(self, tool: Tool, call: ToolCall, asks: Asks) -> ToolResult:
        copy = self.workspace.within(asks) if self.workspace else None
        left_s = self._seat.purse.left.seconds
        limit_s = TOOL_DEADLINE_S if left_s is None else min(TOOL_DEADLINE_S, left_s)
        try:
            arguments = parse_arguments(tool, call.arguments)
            with self._within(limit_s):
                text = self._seat.cleaner.text(await tool.call(arguments, copy))
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
        asked: str,
        asks: Asks,
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
            asked=asked,
            granted=tuple(asks.granted),
            refused=tuple(asks.refused),
            commands=tuple(asks.commands),
        )
