"""Every fault, many rounds, through the real path: litellm, the guard, the desk with its purse and its ledger.

What must hold of every call, whatever the provider does: it ends within its deadline and a second, with a reply or with
an error of Agora's; a cut answer is never a reply; nothing is booked below zero or left unbooked; and the provider is
called at most a tenth more often than it was needed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import anyio

from agora.ambient import SystemClock
from agora.bids import Price
from agora.errors import BudgetError, ModelError
from agora.events import Called, Reserved
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Reply, Request, ToolSpec
from agora.models.breaker import LEAST_CALLS
from agora.models.concurrency import MOST, Concurrency
from agora.models.health import Health
from agora.models.litellm_model import LiteLLMModel
from agora.models.retries import Retries
from agora.models.retry_budget import LEAST
from agora.protocols import ChatModel
from agora.tasks import Limits, Task
from agora.testing.chaos import FAULTS, Fault
from agora.testing.chaos_streams import STREAMED
from agora.testing.desk import desk_for
from agora.testing.endpoint import FaultyEndpoint
from agora.values import JsonValue

GRACE_S = 1.0
"""A call may end so long after its deadline."""
ROUNDS = 20
"""Of each fault, in the short form."""
BATCH = LEAST_CALLS - LEAST - 1
"""Rounds against one provider: with their retries too few to open its breaker, which would answer in its place."""
HANGING = 0.4, 10
"""Deadline in seconds, and calls at once, where nothing but the deadline ends a call."""
ANSWERING = 3.0, 3
"""The same where something is answered: a machine that is busy with other things is no fault of the provider's."""

_PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(10))
_TASK = Task(id="t", goal="answer")
_TOOL = ToolSpec(name="read_file", description="Read.", parameters={"type": "object", "properties": {}})

_SCHEMA: Mapping[str, JsonValue] = {"type": "object", "properties": {"answer": {"type": "integer"}}}


class Row(NamedTuple):
    """What came of one fault."""

    fault: str
    """Its name."""
    rounds: int
    """Logical calls that were made."""
    replies: int
    """Of these, how many ended with a reply."""
    errors: int
    """Of these, how many ended with an error of Agora's."""
    calls: int
    """Requests that reached the provider."""
    late_s: float
    """The most seconds that a call ended after its deadline; negative where all were early."""
    broken: tuple[str, ...] = ()
    """Promises that did not hold, in words."""

    def __add__(self, other: object) -> Row:
        """Both rows as one."""
        if not isinstance(other, Row):
            return NotImplemented
        return Row(
            self.fault,
            self.rounds + other.rounds,
            self.replies + other.replies,
            self.errors + other.errors,
            self.calls + other.calls,
            max(self.late_s, other.late_s),
            self.broken + other.broken,
        )


async def play(name: str, fault: Fault, *, rounds: int = ROUNDS, streamed: bool = False) -> Row:
    """Meet one fault for so many rounds.

    Args:
        name: For the row.
        fault: What the provider does each time.
        rounds: Logical calls.
        streamed: Whether the answers are asked for as streams.
    """
    row = Row(name, 0, 0, 0, 0, float("-inf"))
    while row.rounds < rounds:
        batch = _Batch(name, fault, streamed=streamed)
        row += await batch.run(min(BATCH, rounds - row.rounds))
    return row


async def play_all(*, rounds: int = ROUNDS) -> list[Row]:
    """Meet every fault in turn, after one good call that loads what must be loaded."""
    with FaultyEndpoint("ok") as endpoint:
        await _model(endpoint).complete(_ask(20.0))
    rows: list[Row] = []
    for faults, streamed in ((FAULTS, False), (STREAMED, True)):
        for name, fault in faults.items():
            rows.append(await play(name, fault, rounds=rounds, streamed=streamed))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows for people, with their sum."""
    total = Row("all", 0, 0, 0, 0, float("-inf"))
    for row in rows:
        total += row
    lines = [f"{'fault':<36}{'rounds':>7}{'replies':>8}{'errors':>7}{'late s':>8}{'calls/round':>12}"]
    for row in (*rows, total._replace(fault="all")):
        share = row.calls / row.rounds if row.rounds else 0.0
        lines.append(
            f"{row.fault:<36}{row.rounds:>7}{row.replies:>8}{row.errors:>7}{row.late_s:>8.2f}{share:>12.2f}"
            + (f"  {len(row.broken)} broken, as: {row.broken[0]}" if row.broken else "")
        )
    return "\n".join(lines)


class _Batch:
    """Rounds against one endpoint."""

    def __init__(self, name: str, fault: Fault, *, streamed: bool) -> None:
        deadline_s, self._at_once = HANGING if fault.hangs else ANSWERING
        self._name, self._fault, self._streamed = name, fault, streamed
        self._request = _ask(deadline_s, structured=fault.structured)
        self._deadline_s = deadline_s
        self._replies = self._errors = 0
        self._late_s = float("-inf")
        self._broken: list[str] = []

    async def run(self, rounds: int) -> Row:
        with FaultyEndpoint(self._fault.play) as endpoint:
            model = _Streamed(_model(endpoint)) if self._streamed else _model(endpoint)
            turns = iter(range(rounds))
            async with anyio.create_task_group() as group:
                for _ in range(self._at_once):
                    group.start_soon(self._work, model, turns)
            calls = endpoint.count
        return Row(self._name, rounds, self._replies, self._errors, calls, self._late_s, tuple(self._broken))

    async def _work(self, model: ChatModel, turns: Iterator[int]) -> None:
        for _ in turns:
            await self._once(model)

    async def _once(self, model: ChatModel) -> None:
        store = MemoryStore(clock=SystemClock())
        limits = Limits(usd=Decimal(1), tokens=400_000, steps=60)
        desk = desk_for(_TASK, store=store, clock=SystemClock(), limits=limits, retries=Retries(base_s=0.05, cap_s=0.1))
        began_s = time.monotonic()
        replied = False
        try:
            await desk.ask(model, self._request)
            replied = True
            self._replies += 1
        except (ModelError, BudgetError):
            self._errors += 1
        except Exception as error:  # what is looked for: anything that is not Agora's
            self._broken.append(f"{type(error).__name__}: {error}"[:200])
        late_s = time.monotonic() - began_s - self._deadline_s
        self._late_s = max(self._late_s, late_s)
        if late_s > GRACE_S:
            self._broken.append(f"ended {late_s:.2f} s after its deadline")
        if self._fault.fate != "either" and replied != (self._fault.fate == "reply"):
            self._broken.append("a reply" if replied else "no reply")
        self._broken += audit(store)


class _Streamed:
    """A model whose answers are always asked for as streams."""

    def __init__(self, model: LiteLLMModel) -> None:
        self._model = model
        self.name = model.name
        self.price = model.price
        self.bound_tokens = model.bound_tokens

    async def complete(self, request: Request) -> Reply:
        """Ask for a stream, and listen to nothing but its end."""
        return await self._model.stream(request, write=_unheard)


def _unheard(piece: str) -> None:
    """Nobody reads along."""


def audit(store: MemoryStore) -> list[str]:
    """What is wrong with the books: an intent without an end, a negative bill, or none where something was owed."""
    events = [item.event for item in store.events()]
    intents = {event.call: event for event in events if isinstance(event, Reserved)}
    endings = [event for event in events if isinstance(event, Called)]
    wrong: list[str] = []
    if sorted(intents) != sorted(ended.call for ended in endings):
        wrong.append("an intent without an end, or an end without an intent")
    for ended in endings:
        usage = ended.usage
        if usage.usd < 0 or usage.input_tokens < 0 or usage.output_tokens < 0:
            wrong.append(f"a negative bill: {usage}")
        if ended.reply is not None and (usage.usd <= 0 or usage.tokens <= 0):
            wrong.append("a reply without a bill")
        if ended.reply is None and usage.usd not in (0, intents[ended.call].usd):
            wrong.append(f"an error that is booked at {usage.usd}")
    return wrong


def _model(endpoint: FaultyEndpoint) -> LiteLLMModel:
    # The limit on calls at once starts at its most: what is measured here is the faults, not the queue.
    health = Health(concurrency=Concurrency(start=MOST))
    return LiteLLMModel("openai/test", api_base=endpoint.url, api_key="none", price=_PRICE, health=health)


def _ask(deadline_s: float, *, structured: bool = False) -> Request:
    message = Message(role="user", content="What is in the file?")
    schema = _SCHEMA if structured else None
    return Request(messages=(message,), tools=(_TOOL,), output_schema=schema, max_tokens=50, deadline_s=deadline_s)
