"""The desk: where an agent bids or performs, and the only way to models, tools and the sandbox.

Each attempt at a model call is an intent on the ledger and a reservation in the purse before it is made, and a
settlement after. One whose fate is unknown (a timeout, a lost connection, 408, 5xx) is booked at its worst case, one
that was refused (other 4xx) at nothing. Nothing an agent says about its own spend is believed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import anyio
from anyio import CancelScope

from agora.agents.tools import parse_arguments
from agora.bids import Price
from agora.budget import Purse, Reservation
from agora.errors import BudgetError, BudgetExceededError, ModelError, SandboxError, UnpricedModelError
from agora.events import Called, CommandReserved, Reserved, ToolUsed
from agora.messages import Reply, Request, ToolCall
from agora.models.retries import Retries, attempt_id, may_heal, pause_s
from agora.protocols import Chance, ChatModel, Clock, Store, Tool, Workspace
from agora.records import Ran, ToolResult
from agora.tasks import Limits, Task, Usage

TOOL_OUTPUT_CHARS = 16_000
"""The longest tool result that a model gets to read."""

TOOL_DEADLINE_S = 300.0
"""The longest a tool may take."""

_CLOSING_S = 10.0
_ERROR_CHARS = 2_000
_FREE = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What all desks of one run share."""

    id: str
    store: Store
    clock: Clock
    chance: Chance
    retries: Retries = field(default_factory=Retries)
    """How often, and after what pause, a model call that failed is tried again."""
    wrap: Callable[[ChatModel], ChatModel] | None = None
    """Put around every model before it is called."""


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
        write_cap: The promised number of tokens written; None: no promise.
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
        write_cap: int | None = None,
    ) -> None:
        self._run = run
        self._task = task.model_copy(update={"verify": None}) if task.verify else task
        self._agent, self._phase, self._price, self._purse = agent, phase, price, purse
        self._workspace, self._files, self._evidence = workspace, files, evidence
        self._write_cap = write_cap
        self._calls = itertools.count(1)
        self._last: Request | None = None
        self.last_reply: Reply | None = None

    @property
    def task(self) -> Task:
        """What is to be done; the verifier is hidden."""
        return self._task

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
        return self._workspace

    def sit_down(self, workspace: Workspace) -> None:
        """Work in this copy from now on."""
        self._workspace = workspace

    @property
    def left(self) -> Limits:
        """What may still be spent here."""
        return self._purse.left

    async def ask(self, model: ChatModel, request: Request) -> Reply:
        """Call a model; what may heal is tried again, within the request's deadline and what the purse still holds.

        Raises:
            BudgetError: The worst case of an attempt does not fit (from the error of the one before, where there was
                one), or the model is unpriced; it was not made.
            ModelError: The last attempt failed.
        """
        price = model.price() or self._price
        if price is None:
            raise UnpricedModelError(model.name)
        ends_s = self._run.clock.monotonic_s() + request.deadline_s
        sent, reservation = self._reserve(model, request, price)
        call = self._call_id()
        attempt = 1
        while True:
            try:
                return await self._attempt(attempt_id(call, attempt), model, sent, reservation, price)
            except ModelError as failure:
                left_s = await self._pause(attempt_id(call, attempt), attempt, failure, ends_s)
                if left_s <= 0:
                    raise
                attempt += 1
                try:
                    again = request.model_copy(update={"deadline_s": min(left_s, request.deadline_s)})
                    sent, reservation = self._reserve(model, again, price)
                except BudgetError as full:
                    raise full from failure

    async def _pause(self, call: str, attempt: int, failure: ModelError, ends_s: float) -> float:
        """Wait before the next attempt; return the seconds that it may take, 0 where none is to be made."""
        retries, clock = self._run.retries, self._run.clock
        if attempt >= retries.attempts or not may_heal(failure):
            return 0.0
        wait_s = pause_s(retries, attempt, failure, self._run.chance.uniform(f"retry/{call}"))
        left_s = ends_s - clock.monotonic_s()
        purse_s = self._purse.left.seconds
        if wait_s >= (left_s if purse_s is None else min(left_s, purse_s)):
            return 0.0
        await anyio.sleep(wait_s)
        return ends_s - clock.monotonic_s()

    async def _attempt(
        self, call: str, model: ChatModel, request: Request, reservation: Reservation, price: Price
    ) -> Reply:
        """Put the intent on the ledger, call once, settle, put the reply on the ledger."""
        intent = self._intent(call, model, request, reservation)
        started_s = self._run.clock.monotonic_s()
        reply: Reply | None = None
        error, paid = "the call was not made: its intent could not be recorded", False
        try:
            await self._run.store.record(self._run.id, intent)
            error, paid = "the call was interrupted; its fate is unknown", True
            reply = await (self._run.wrap(model) if self._run.wrap else model).complete(request)
            return reply
        except ModelError as failure:
            error, paid = str(failure), failure.paid
            raise
        finally:
            usage = self._usage(reply, reservation, price, started_s=started_s, paid=paid)
            overrun = self._purse.settle(reservation, usage)
            self.last_reply = reply
            ended = Called(
                task=self._task.id,
                call=call,
                agent=self._agent,
                reply=reply,
                error="" if reply else error,
                usage=usage,
                overrun=overrun,
            )
            with CancelScope(shield=True), anyio.fail_after(_CLOSING_S):
                await self._run.store.record(self._run.id, ended)

    async def use(self, tool: Tool, call: ToolCall) -> ToolResult:
        """Validate, run, cap and record one tool call; what goes wrong becomes text for the model."""
        reservation = self._purse.reserve()
        started_s = self._run.clock.monotonic_s()
        result = ToolResult("the tool was interrupted", ok=False)
        try:
            result = await self._call_tool(tool, call)
            return result
        finally:
            usage = Usage(steps=1, seconds=self._since(started_s))
            self._purse.settle(reservation, usage)
            self._note_tool(call, result, usage)

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
        if self._workspace is None:
            raise SandboxError(f"task {self._task.id!r} has no workspace to run {argv[0]!r} in: pass --workspace")
        left = self._purse.left
        reservation = self._purse.reserve(usd=worst_usd, tokens=(left.tokens or 0) if bill else 0)
        started_s = self._run.clock.monotonic_s()
        call = ToolCall(id=self._call_id(), name="command", arguments="\n".join(argv))
        usage = Usage(usd=worst_usd, steps=1)
        ran = Ran(130, "", "interrupted", 0.0)
        try:
            if worst_usd:
                intent = CommandReserved(
                    task=self._task.id, call=call.id, agent=self._agent, argv=tuple(argv), usd=worst_usd
                )
                await self._run.store.record(self._run.id, intent)
            limit_s = timeout_s if left.seconds is None else max(0.05, min(timeout_s, left.seconds))
            ran = await self._workspace.run(argv, stdin=stdin, timeout_s=limit_s)
            if bill is not None:
                usage = bill(ran).model_copy(update={"steps": 1})
            return ran
        finally:
            usage = usage.model_copy(update={"seconds": self._since(started_s)})
            overrun = self._purse.settle(reservation, usage)
            limit = f" ({ran.limit} limit)" if ran.limit else ""
            text = f"exit {ran.exit_code}{limit}\n{ran.stdout}{ran.stderr}"
            self._note_tool(call, ToolResult(text, ok=ran.exit_code == 0), usage, overrun=overrun)

    def _reserve(self, model: ChatModel, request: Request, price: Price) -> tuple[Request, Reservation]:
        """The worst case leaves the purse: the prompt's upper bound, and the output cap (cut to what is left)."""
        prompt_tokens = model.bound_tokens(request)
        left = self._purse.left
        cap = request.max_tokens if left.tokens is None else min(request.max_tokens, left.tokens - prompt_tokens)
        if self._write_cap is not None:
            promised = self._write_cap - self._purse.spent.output_tokens
            if promised < 1:
                raise BudgetExceededError(f"plan of {self._agent}", "promised output tokens", 1, 0)
            cap = min(cap, promised)
        if 1 <= cap < request.max_tokens:
            request = request.model_copy(update={"max_tokens": cap})
        if left.seconds is not None and 0 < left.seconds < request.deadline_s:
            request = request.model_copy(update={"deadline_s": left.seconds})
        usd = price.of(prompt_tokens, request.max_tokens) if price.unit == "usd" else _FREE
        return request, self._purse.reserve(usd=usd, tokens=prompt_tokens + request.max_tokens)

    def _call_id(self) -> str:
        return f"{self._task.id}/{self._phase}/{self._agent}/{next(self._calls)}"

    def _intent(self, call: str, model: ChatModel, request: Request, reservation: Reservation) -> Reserved:
        follows = _shared(self._last, request)
        self._last = request
        on_record = request
        if follows:
            on_record = request.model_copy(update={"messages": request.messages[follows:], "tools": ()})
        return Reserved(
            task=self._task.id,
            call=call,
            agent=self._agent,
            model=model.name,
            request=on_record,
            follows=follows,
            usd=reservation.usd,
            tokens=reservation.tokens,
        )

    def _usage(
        self, reply: Reply | None, reservation: Reservation, price: Price, *, started_s: float, paid: bool
    ) -> Usage:
        """What is booked: the reply's tokens at our own price; the whole reservation where the fate is unknown."""
        seconds = self._since(started_s)
        if reply is not None:
            seconds = max(seconds, reply.usage.seconds)  # a reply from the record takes what it took
            tokens_in, tokens_out = reply.usage.input_tokens, reply.usage.output_tokens
            usd = price.of(tokens_in, tokens_out) if price.unit == "usd" else _FREE
            return Usage(usd=usd, input_tokens=tokens_in, output_tokens=tokens_out, steps=1, seconds=seconds)
        if paid:
            return Usage(usd=reservation.usd, input_tokens=reservation.tokens, steps=1, seconds=seconds)
        return Usage(steps=1, seconds=seconds)

    async def _call_tool(self, tool: Tool, call: ToolCall) -> ToolResult:
        left_s = self._purse.left.seconds
        limit_s = TOOL_DEADLINE_S if left_s is None else min(TOOL_DEADLINE_S, left_s)
        try:
            arguments = parse_arguments(tool, call.arguments)
            with anyio.fail_after(limit_s):
                text = await tool.call(arguments, self._workspace)
        except TimeoutError:
            return ToolResult(f"error: {call.name} took longer than {limit_s:.0f} s and was stopped", ok=False)
        except BudgetError:
            raise
        except Exception as error:  # a tool is the user's code: the model is told what went wrong, and may try again
            return ToolResult(f"error: {type(error).__name__}: {error}"[:_ERROR_CHARS], ok=False)
        return ToolResult(_cap(text))

    def _note_tool(self, call: ToolCall, result: ToolResult, usage: Usage, *, overrun: bool = False) -> None:
        event = ToolUsed(
            task=self._task.id,
            agent=self._agent,
            call=call.model_copy(update={"arguments": _cap(call.arguments)}),
            result=_cap(result.text),
            ok=result.ok,
            usage=usage,
            overrun=overrun,
        )
        self._run.store.note(self._run.id, event)

    def _since(self, started_s: float) -> float:
        return max(0.0, self._run.clock.monotonic_s() - started_s)


def _shared(last: Request | None, request: Request) -> int:
    """How many leading messages the last request already put on record; 0 unless the tools are the same."""
    if last is None or last.tools != request.tools:
        return 0
    count = 0
    for old, new in zip(last.messages, request.messages, strict=False):
        if old is not new and old != new:
            break
        count += 1
    return count if count == len(last.messages) else 0


def _cap(text: str) -> str:
    """Head and tail of a long text, with what was cut said in between."""
    if len(text) <= TOOL_OUTPUT_CHARS:
        return text
    half = TOOL_OUTPUT_CHARS // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters cut ...]\n{text[-half:]}"
