"""A workflow with everything that a workflow can have, in a place of its own: begun, gone on with, inspected.

For killing and cancelling it (crash_flows.py). Scripted are the language model, which answers by a rule and is paid,
and the person, who says yes; what a worker does is written to a file beside the ledger, line by line, so that work that
was on record and was done again is seen.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path

import anyio
from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.errors import UnknownNameError
from agora.events import Asked, Called, Done, Event, FlowBegan, FlowEnded, NodeSkipped, Performed, Resumed, TaskDone
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.protocols import Desk
from agora.questions import Answer, Question
from agora.testing import RuleModel, audit
from agora.workflows.executor import FlowReport, resume_flow, run_flow
from agora.workflows.nodes import Flow

SEED = 7
PARALLEL = 4

_WORKER, _WRITER = ["worker"], ["writer"]


def _exact(answer: str) -> dict[str, object]:
    return {"kind": "exact", "options": {"answer": answer}}


FLOW = Flow.model_validate(
    {
        "name": "everything",
        "inputs": {"given": {"default": "b"}},
        "nodes": [
            {"id": "list", "goal": "list: a {given} c", "agents": _WRITER},
            {"id": "each", "goal": "item {item}", "after": ["list"], "each": "list", "agents": _WORKER},
            {"id": "write", "goal": "write: {item}", "after": ["list"], "each": "list", "agents": _WRITER},
            {
                "id": "count",
                "goal": "count {previous}",
                "after": ["list"],
                "repeat": {"most": 5, "until": {"of": "count", "equals": 3}},
                "agents": _WORKER,
            },
            {"id": "yes", "goal": "said", "after": ["count"], "when": {"of": "count", "equals": 3}, "agents": _WORKER},
            {"id": "no", "goal": "said", "after": ["count"], "when": {"of": "count", "equals": 4}, "agents": _WORKER},
            {"id": "never", "goal": "said", "after": ["no"], "agents": _WORKER},
            {"id": "first", "goal": "quick", "verify": _exact("nothing"), "fallback": "second", "agents": _WORKER},
            {"id": "second", "goal": "careful", "verify": _exact("CAREFUL"), "agents": _WORKER},
            {"kind": "use", "id": "inside", "use": "part", "inputs": {"what": "{first}"}, "after": ["first"]},
            {"kind": "approve", "id": "ask", "approve": "Go on with {each}?", "after": ["each"]},
            {
                "id": "join",
                "goal": "{each} {write} {count} {yes} {no} {first} {inside} {ask.verdict}",
                "after": ["each", "write", "yes", "never", "first", "inside", "ask"],
                "needs": "any",
                "agents": _WORKER,
            },
        ],
        "flows": [
            {
                "name": "part",
                "inputs": {"what": {}},
                "nodes": [
                    {"id": "left", "goal": "left {what}", "agents": _WORKER},
                    {"id": "right", "goal": "write: right {what}", "agents": _WRITER},
                    {"id": "both", "goal": "{left} {right}", "after": ["left", "right"], "agents": _WORKER},
                ],
            }
        ],
    }
)
"""A map twice, a loop, conditions of both ends, a fallback, a question, branches, a workflow inside."""


class Found(BaseModel):
    """What is there afterwards."""

    faults: list[str] = []
    """What does not add up."""
    result: list[str] = []
    """Verdict, outputs, skipped nodes and the verdict of each task: the same however the run went."""
    bought: dict[str, int] = {}
    """Task and agent -> replies of models that were had."""
    spent: str = ""
    """Dollars, less what calls of unknown fate were charged with."""
    unknown: int = 0
    """Calls of unknown fate."""
    died: int = 0
    """Processes that were killed, or runs that were cancelled, before their end."""


def _reply(request: Request) -> str:
    """Plan, list or write."""
    asked = request.messages[-1].content
    if "Do not solve it yet" in request.messages[0].content:
        return "1. say it"
    if "list:" in asked:
        return "\n".join(asked.partition("list:")[2].split()[:3])
    return f"written, {asked.partition('write:')[2].split()[0] if 'write:' in asked else ''}"


def market(store: SQLStore, work: Path) -> Market:
    """A worker that needs no model, and a writer that pays for one."""

    async def perform(desk: Desk, plan: Plan) -> str:
        _line(work, f"did {desk.task.id}")
        await anyio.lowlevel.checkpoint()
        kind, _, rest = desk.task.goal.partition(" ")
        return str(int(rest or 0) + 1) if kind == "count" else desk.task.goal.upper()

    async def person(question: Question) -> Answer:
        if question.about != "step":
            return Answer(True, asked=False)
        _line(work, f"asked {question.task}")
        await anyio.lowlevel.checkpoint()
        return Answer(True)

    price = Price(input_per_mtok=Decimal(3), output_per_mtok=Decimal(15))
    writer = LLMAgent("writer", RuleModel("scripted/writer", _reply, price=price), tools=())
    worker = FunctionAgent("worker", perform, plan=Plan(text="1. do it"))
    return Market([worker, writer], store=store, approve=person, seed=SEED, attempts=1, budget_usd="5")


def _line(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


async def in_market(folder: Path, use: Callable[[Market], Awaitable[FlowReport]]) -> None:
    """A market on the folder's ledger, closed afterwards."""
    store = SQLStore.open(folder / "agora.db", clock=SystemClock())
    try:
        await use(market(store, folder / "work"))
    finally:
        await store.close()


async def follow(here: Market) -> FlowReport:
    """From the beginning."""
    return await run_flow(here, FLOW, parallel=PARALLEL)


async def go_on(here: Market) -> FlowReport:
    """Resume what was cut off; what never began, or has no graph on record yet, is begun."""
    try:
        events = list(here.store.events(here.store.find_run("last")))
    except UnknownNameError:
        return await follow(here)
    if not any(isinstance(item.event, FlowBegan) for item in events):
        return await follow(here)
    return await resume_flow(here, "last")


def on_record(folder: Path) -> list[Event]:
    """What the ledger says of the last run; a run without a graph did nothing."""
    store = SQLStore.open(folder / "agora.db", clock=SystemClock())
    try:
        last = store.runs(limit=1)
        return [item.event for run in last for item in store.events(run.id) if item.event is not None]
    finally:
        anyio.run(store.close)


def settled(events: Sequence[Event]) -> set[str]:
    """What may not be done or asked again, in the words of the file beside the ledger."""
    done = {f"did {event.task}" for event in events if isinstance(event, Performed)}
    return done | {f"asked {event.task}" for event in events if isinstance(event, Asked) and event.granted is not None}


def lines(folder: Path) -> Counter[str]:
    """What was done and asked so far."""
    file = folder / "work"
    return Counter(file.read_text().splitlines() if file.exists() else ())


def inspect(folder: Path) -> Found:
    """What the ledger says afterwards."""
    events = on_record(folder)
    faults = audit(events)
    store = SQLStore.open(folder / "agora.db", clock=SystemClock())
    if (bad := store.check()) is not None:
        faults.append(f"the chain breaks at {bad}")
    anyio.run(store.close)
    ended = [event for event in events if isinstance(event, FlowEnded)]
    if len(ended) != 1:
        faults.append(f"the workflow ended {len(ended)} times")
    skipped = sorted(f"skipped {event.task}: {event.reason}" for event in events if isinstance(event, NodeSkipped))
    tasks = sorted(f"{event.task} {event.verdict}" for event in events if isinstance(event, TaskDone))
    replies = Counter(f"{one.task}/{one.agent}" for one in events if isinstance(one, Called) and one.reply is not None)
    usd = sum((event.usage.usd for event in events if isinstance(event, Done)), Decimal(0))
    lost = [event for event in events if isinstance(event, Resumed)]
    return Found(
        faults=faults,
        result=[*(f"{one.verdict} {dict(one.outputs)}" for one in ended), *skipped, *tasks],
        bought=dict(sorted(replies.items())),
        spent=str((usd - sum((event.usd for event in lost), Decimal(0))).normalize()),
        unknown=sum(len(event.unknown) for event in lost),
    )
