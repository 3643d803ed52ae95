"""Golden runs: small runs of every policy, every mechanism and every way of a run, made without chance or time.

`PYTHONPATH=tests python -m traces.golden_runs` makes the files in `golden/` again: exported ledgers, packed with xz.
They are made again where what a run puts on record changes on purpose, and never to make a test pass.
"""

from __future__ import annotations

import lzma
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Final

import anyio

from agora import Workflow, failpoints, registry
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.bids import Plan, Price
from agora.coordinator.policies.routed import RoutedPolicy
from agora.failpoints import Failpoint
from agora.ledger.chain import SALT_BYTES
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Request
from agora.protocols import Agent, Desk, Mechanism, Policy
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock, RuleModel
from agora.traces.exporting import Export, selected
from agora.traces.replay.making import mechanism_from, policy_from
from agora.workflows.executor import run_flow
from agora.workflows.nodes import When
from agora.workflows.paced import run_paced

GOLDEN: Final = Path(__file__).parent / "golden"
SAYS_42: Final = Check(kind="exact", options={"answer": "42"})
_PRICE: Final = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(2))


Record = Callable[[MemoryStore], Awaitable[None]]
"""Makes a run, or several, on a ledger."""


class Power(BaseException):
    """The power is cut; not an Exception, so that nobody in between catches it."""


def memory() -> MemoryStore:
    """A ledger on which nothing is left to time or chance but the ids of runs."""
    numbers = count()
    return MemoryStore(clock=FakeClock(), salt=lambda: next(numbers).to_bytes(SALT_BYTES, "big"))


def worker(name: str, *, right: int = 10, price: str = "0.01", confidence: float | None = None) -> Agent:
    """Answers the first so many of every ten tasks right, and says how sure it is."""

    async def bid(desk: Desk) -> Plan | None:
        return Plan(text=f"1. multiply\n2. answer, as {name}", tokens=0, confidence=confidence)

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42" if int(desk.task.id.removeprefix("t")) % 10 < right else "41"

    perform.__module__, perform.__qualname__ = "golden", name  # an operator of its own, however this file is run
    return FunctionAgent(name, perform, plan=bid, price=Price(per_task=Decimal(price)))


def writer(name: str, plan: str, *, answer: str = "42", price: Price = _PRICE) -> Agent:
    """A model that writes a plan, marks longer plans higher, writes a better plan when it is shown one, and answers."""

    def reply(request: Request) -> str:
        prompt = request.messages[0].content
        schema = request.output_schema or {}
        labels = schema.get("properties")
        if isinstance(labels, Mapping) and "plan" not in labels:
            return "{" + ", ".join(f'"{label}": {3 + place % 3}' for place, label in enumerate(labels)) + "}"
        return (
            f"{plan}, then check"
            if "won" in prompt and "lost" in prompt
            else plan
            if "Do not solve" in prompt
            else answer
        )

    return LLMAgent(name, RuleModel(f"scripted/{name}", reply, price=price), tools=())


def tasks(first: int, number: int, skill: str = "sums") -> list[Task]:
    """Sums, the same each."""
    return [
        Task(id=f"t{one}", goal="what is 6 x 7?", skill=skill, verify=SAYS_42) for one in range(first, first + number)
    ]


def pool() -> list[Agent]:
    """One that is right, one that is seldom, one in between."""
    return [worker("able", price="0.05"), worker("weak", right=2), worker("half", right=5, price="0.02")]


def market(
    store: MemoryStore,
    agents: list[Agent],
    *,
    policy: Policy | None = None,
    mechanism: Mechanism | None = None,
    attempts: int = 2,
) -> Market:
    """A market without time or chance."""
    return Market(
        agents,
        store=store,
        policy=policy,
        mechanism=mechanism,
        seed=3,
        attempts=attempts,
        budget_usd="20",
        clock=FakeClock(),
        secrets=(),
    )


def of_policy(name: str) -> Record:
    """Two runs: what the first one taught decides in the second."""

    async def record(store: MemoryStore) -> None:
        for first in (0, 3):
            await market(store, pool(), policy=policy_from(name, "")).run_all(tasks(first, 3))

    return record


def of_mechanism(name: str) -> Record:
    """Two runs of models that write, judge and write again, beside functions that say how sure they are."""

    async def record(store: MemoryStore) -> None:
        agents = [
            writer("anna", "1. multiply\n2. add nothing"),
            writer("bert", "1. guess", answer="41", price=Price(input_per_mtok=Decimal(2), output_per_mtok=Decimal(4))),
            worker("carl", right=5, price="0.004", confidence=0.9),
            worker("dora", price="0.006", confidence=0.6),
        ]
        for first in (0, 2):
            made = market(store, agents, policy=policy_from("sale", ""), mechanism=mechanism_from(name, ""), attempts=3)
            await made.run_all(tasks(first, 2))

    return record


async def flow(store: MemoryStore) -> None:
    """A workflow that chooses its topology, routes context, compares, and passes something over."""
    graph = Workflow("answers", inputs=["what"], topology="auto")
    graph.task("t1", "what is {what}?", verify=SAYS_42)
    graph.task("t2", "once more: what is {what}?", verify=SAYS_42)
    graph.compare("same", "t1", "t2")
    agree, differ = When(of="same.agree", equals=True), When(of="same.agree", equals=False)
    graph.task("t3", "Say it: {same.majority}", after=["same"], when=agree, context=200)
    graph.task("t4", "Find out who is wrong", after=["same"], when=differ)
    await run_flow(market(store, pool()), graph, {"what": "6 x 7"}, parallel=2)


async def learned_flow(store: MemoryStore) -> None:
    """A workflow whose topology is learned, three times: what the first ones taught decides the last."""
    for _ in range(3):
        graph = Workflow("twice", topology="learned")
        graph.task("t1", "what is 6 x 7?", verify=SAYS_42)
        graph.task("t2", "once more, after {t1}: what is 6 x 7?", after=["t1"], verify=SAYS_42, optional=True)
        await run_flow(market(store, [worker("able")]), graph, parallel=1)


async def parallel(store: MemoryStore) -> None:
    """Several tasks at once."""
    await market(store, pool()).run_all(tasks(0, 4), parallel=3)


async def paced(store: MemoryStore) -> None:
    """A budget that is spread over a list."""
    await run_paced(market(store, pool()), tasks(0, 3), pacing="even")


async def comings(store: MemoryStore) -> None:
    """Agents that join and leave while the run goes on."""
    able, weak, half = pool()
    async with market(store, [weak, half]).open_run() as run:
        for number, one in enumerate(await run.post(*tasks(0, 6))):
            if number == 3:
                await run.join(able)
            if number == 5:
                await run.leave("weak", "holiday")
            await run.do(one, limits=Limits(usd=Decimal(1)))
        await run.close()


async def cut(place: str, hit: int, made: Market, run: str = "") -> None:
    """Begin a run of three tasks, or go on with one, and cut the power.

    Raises:
        Power: It was cut.
    """

    def power() -> None:
        raise Power

    failpoints.arm(Failpoint(place, hit, act=power))
    try:
        await (made.resume(run) if run else made.run_all(tasks(0, 3)))
    finally:
        failpoints.arm(None)


async def resumed(store: MemoryStore) -> None:
    """A run that was cut off twice, and gone on with."""
    agents = [writer("anna", "1. multiply"), writer("bert", "1. guess", answer="41"), worker("carl", right=5)]

    with suppress(Power):
        await cut("called", 4, market(store, agents))
    with suppress(Power):
        await cut("awarded", 4, market(store, agents), "last")
    await market(store, agents).resume("last")


async def parked(store: MemoryStore) -> None:
    """A task at which everybody fails: tried again, given to others, set aside."""
    agents = [worker(name, right=0, price=price) for name, price in (("a", "0.01"), ("b", "0.02"), ("c", "0.03"))]
    await market(store, agents, attempts=5).run_all(tasks(0, 2))


def policies() -> list[str]:
    """Those that have a golden run: of routers, which stand behind one ranker, one.

    The others are recorded and replayed in `tests/test_routers_in_market.py`.
    """
    return [
        name
        for name in registry.BUILT_IN["policies"]
        if name == "knn" or not isinstance(registry.find("policies", name), RoutedPolicy)
    ]


def recorders() -> Iterator[tuple[str, Record]]:
    """All golden runs: the file's name, and what records it."""
    for name in policies():
        yield f"policy-{name.replace('+', '-')}", of_policy(name)
    for name in registry.BUILT_IN["mechanisms"]:
        yield f"mechanism-{name.replace('_', '-')}", of_mechanism(name)
    for record in (flow, learned_flow, parallel, paced, comings, resumed, parked):
        yield record.__name__.replace("_", "-"), record


async def recorded(record: Record) -> MemoryStore:
    """A golden run, made now."""
    store = memory()
    await record(store)
    return store


async def write_all() -> None:
    """Make the files again."""
    GOLDEN.mkdir(exist_ok=True)
    for name, record in recorders():
        store = await recorded(record)
        lines = b"".join(Export(store, selected(store, store, None)).lines())
        (GOLDEN / f"{name}.jsonl.xz").write_bytes(lzma.compress(lines, preset=9 | lzma.PRESET_EXTREME))
        sys.stdout.write(f"{name}: {len(lines)} bytes\n")


if __name__ == "__main__":
    anyio.run(write_all)
