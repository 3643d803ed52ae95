"""CPU per recorded event, and per auctioned task: what the store costs at synchronous=FULL.

Run: python benchmarks/bench_store.py [TASKS] [CONCURRENT]

Each task records what an auction among three scripted agents records (30 events in 18 commits: every intent of a model
call is committed before the call, the rest rides along or is committed at the loop's steps). Rows are counted
afterwards and the chain is checked. CPU is that of the whole process (all threads), wall time is this disk's.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import anyio

from agora.ambient import SystemClock
from agora.bids import Amount, Award, Bid, Clearing, Plan, Price, Profile, Reserve, Score, Shortlist
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Done,
    Event,
    Learned,
    Performed,
    Posted,
    Reserved,
    Scored,
    Screened,
    Settled,
    Started,
    TaskDone,
    ToolUsed,
    Verified,
)
from agora.ledger.canonical import decode, encode
from agora.ledger.chain import GENESIS, body_hash, entry_hash
from agora.memory.null_store import NullStore
from agora.memory.sql_store import SQLStore
from agora.messages import Message, Reply, Request, ToolCall, ToolSpec
from agora.protocols import Store
from agora.records import Envelope
from agora.tasks import Limits, Outcome, Task, Usage, Verdict, Work

AGENTS = ("scout", "surgeon", "clerk")
USAGE = Usage(usd=Decimal("0.00123"), input_tokens=310, output_tokens=85, steps=1, seconds=0.012)
PRICE = Amount(value=Decimal("0.0213"))
PLAN = Plan(text="Read the failing test, find the function, change it, run the test again. " * 3, steps=4, tokens=3000)
TOOLS = (
    ToolSpec(
        name="read_file",
        description="Read a file.",
        parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    ),
)
TURN = "def slugify(text):\n    return text.lower().replace(' ', '-')\n" * 4


def started() -> Started:
    """The run's first event."""
    price = Price(input_per_mtok=Decimal("0.25"), output_per_mtok=Decimal(2))
    pool = tuple(Profile(name=name, operator=f"op-{name}", kind="llm", price=price) for name in AGENTS)
    return Started(seed=7, agents=pool, limits=Limits(usd=Decimal(2)), mechanism="sale", policy="everyone")


def steps(task: str) -> Iterator[tuple[Event, ...]]:
    """One auctioned task as the commits that the loop makes; the last event of each is waited for."""
    shortlist = Shortlist(members=dict.fromkeys(AGENTS, 1.0))
    yield (
        Posted(task=task, spec=Task(id=task, goal="Make slugify handle spaces", skill="python")),
        Screened(task=task, shortlist=shortlist, reserve=Reserve(usd=Decimal(1))),
    )
    for agent in AGENTS:
        yield (_intent(task, f"{agent}/bid/1", agent, turns=2),)
    yield (
        *(_answer(task, f"{agent}/bid/1", agent) for agent in AGENTS),
        *(BidPlaced(task=task, bid=_bid(agent)) for agent in AGENTS),
        Scored(task=task, clearing=_clearing(), seed=7),
        Awarded(task=task, award=Award(agent="scout", attempt=1, plan=PLAN, payment=PRICE, reason="lowest cost")),
    )
    for turn in range(1, 5):
        call = f"scout/perform/{turn}"
        yield (_intent(task, call, "scout", turns=2 + 2 * turn),)
        yield (_answer(task, call, "scout"), *([_tool(task, turn)] if turn < 4 else []))
    yield (Performed(task=task, agent="scout", attempt=1, work=Work(output=TURN), usage=USAGE),)
    outcome = Outcome(verdict=Verdict.PASSED, verifier="command", seconds=0.2)
    yield (Verified(task=task, agent="scout", attempt=1, outcome=outcome),)
    yield (
        Settled(
            task=task,
            agent="scout",
            attempt=1,
            promised_steps=4,
            promised_tokens=3000,
            delivered=USAGE,
            verdict=Verdict.PASSED,
        ),
        _record(task),
        Learned(
            task=task,
            what="memory",
            key=task,
            update={
                "goal": "Make slugify handle spaces",
                "agent": "scout",
                "plan": PLAN.text,
                "won": True,
                "passed": True,
                "grounded": True,
            },
        ),
        TaskDone(task=task, verdict=Verdict.PASSED, agent="scout", attempts=1, usage=USAGE, overhead=USAGE),
    )


def _bid(agent: str) -> Bid:
    return Bid(
        agent=agent,
        plan=PLAN,
        length_tokens=60,
        projected_tokens=3000,
        price=PRICE,
        entropy=0.25,
        content_hash=hashlib.sha256(agent.encode()).hexdigest(),
        usage=USAGE,
    )


def _clearing() -> Clearing:
    scores = tuple(Score(agent=agent, total=0.1, terms={"cost": 0.2, "entropy": -0.1}, price=PRICE) for agent in AGENTS)
    return Clearing(mechanism="sale", ranking=scores, payment=PRICE, weights={"cost": 0.5, "entropy": 0.5})


def _intent(task: str, call: str, agent: str, *, turns: int) -> Reserved:
    messages = tuple(Message(role="user", content=TURN) for _ in range(turns))
    request = Request(messages=messages, tools=TOOLS)
    return Reserved(
        task=task, call=call, agent=agent, model="scripted", request=request, usd=Decimal("0.01"), tokens=4000
    )


def _answer(task: str, call: str, agent: str) -> Called:
    reply = Reply(text=TURN, finish="stop", usage=USAGE, model="scripted")
    return Called(task=task, call=call, agent=agent, reply=reply, usage=USAGE)


def _tool(task: str, turn: int) -> ToolUsed:
    call = ToolCall(id=f"call-{turn}", name="read_file", arguments='{"path": "src/text.py"}')
    return ToolUsed(task=task, agent="scout", call=call, result=TURN, usage=USAGE)


def _record(task: str) -> Learned:
    return Learned(
        task=task,
        what="record",
        key="op-scout/scout/python",
        update={
            "operator": "op-scout",
            "agent": "scout",
            "skill": "python",
            "grounded": True,
            "passed": 1,
            "promised_steps": 4,
            "delivered_steps": 7,
            "promised_tokens": 3000,
            "delivered_tokens": 2765,
            "usd": "0.00861",
            "seconds": 0.084,
        },
    )


async def stream(store: Store, *, tasks: int, concurrent: int) -> None:
    """So many tasks, so many at once."""
    await store.record("bench", started())
    numbers = iter(range(tasks))

    async def worker() -> None:
        for number in numbers:
            for events in steps(f"task-{number}"):
                for event in events[:-1]:
                    store.note("bench", event)
                await store.record("bench", events[-1])

    async with anyio.create_task_group() as group:
        for _ in range(concurrent):
            group.start_soon(worker)
    await store.record("bench", Done(verdicts={}, usage=USAGE))


def per_event() -> None:
    """CPU of encode, of the two hashes and of decode, over the events of one task."""
    events = [event for step in steps("task-1") for event in step]
    rounds = 100
    begin = time.process_time()
    bodies = [encode(event) for _ in range(rounds) for event in events]
    middle = time.process_time()
    for body in bodies:
        entry_hash(Envelope(1, 1, "bench", "bid", 1, body_hash(bytes(16), body), GENESIS))
    hashed = time.process_time()
    for body in bodies:
        decode(body)
    end = time.process_time()
    micro = 1e6 / len(bodies)
    print(f"per event: {len(events)} events, {sum(map(len, bodies)) / len(bodies):.0f} bytes each on average")
    print(f"  encode {(middle - begin) * micro:.1f} us, hash {(hashed - middle) * micro:.1f} us", end="")
    print(f", decode {(end - hashed) * micro:.1f} us")


def measure(name: str, store: Store, *, tasks: int, concurrent: int) -> float:
    """CPU milliseconds per task."""
    wall, cpu = time.perf_counter(), time.process_time()
    anyio.run(lambda: stream(store, tasks=tasks, concurrent=concurrent))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ms = cpu / tasks * 1e3
    print(f"{name}, {concurrent} at once: {ms:.2f} ms CPU a task, {wall / tasks * 1e3:.2f} ms wall")
    return ms


def main() -> None:
    """Print the figures."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    concurrent = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    count = sum(len(step) for step in steps("task-1"))
    per_event()
    with tempfile.TemporaryDirectory() as folder:
        bare = measure("making the events (null store)", NullStore(), tasks=tasks, concurrent=concurrent)
        store = SQLStore.open(Path(folder) / "bench.db", clock=SystemClock())
        full = measure("SQLStore at FULL", store, tasks=tasks, concurrent=concurrent)
        share = full - bare
        print(f"  the store's share: {share:.2f} ms a task of {count} events, {share / count * 1e3:.1f} us an event")
        rows = sum(1 for _ in store.events())
        assert rows == tasks * count + 2, "events were lost"
        assert store.check() is None, "the chain is broken"
        print(f"  {rows} entries counted, chain checked; one task at a time:")
        before = measure("SQLStore at FULL", store, tasks=50, concurrent=1)
        print(f"  {before / count * 1e3:.1f} us CPU an event without company")
        anyio.run(store.close)
    print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
