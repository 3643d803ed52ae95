"""Runs of the real market whose truth is known: whether each agent passes each task follows from a seed."""

from __future__ import annotations

from decimal import Decimal

from agora.agents.function import FunctionAgent
from agora.ambient import SeededChance
from agora.bids import Plan, Price
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.protocols import Agent, Desk, Mechanism, Policy
from agora.tasks import Check, Limits, Task
from agora.testing import FakeClock

PASSES = {"strong": 0.9, "middling": 0.6, "weak": 0.2}
PRICES = {"strong": "0.08", "middling": "0.02", "weak": "0.002"}


def passes(name: str, task: str, seed: int) -> bool:
    return SeededChance(seed).uniform(f"{name} {task}") < PASSES[name]


def named(*policies: Policy) -> dict[str, Policy]:
    return {policy.name: policy for policy in policies}


def agent_of(name: str, seed: int) -> Agent:
    async def perform(desk: Desk, plan: Plan) -> str:
        return "right" if passes(name, desk.task.id, seed) else "wrong"

    perform.__qualname__ = name
    price = Price(per_task=Decimal(PRICES[name]))
    return FunctionAgent(name, perform, plan=Plan(text="do the task", tokens=0), price=price)


async def logged_by(
    policy: Policy, *, tasks: int = 60, seed: int = 11, mechanism: Mechanism | None = None, check: bool = True
) -> MemoryStore:
    """A ledger with one run of a policy in the real market."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    market = Market(
        [agent_of(name, seed) for name in PASSES],
        budget_usd="100",
        policy=policy,
        mechanism=mechanism,
        store=store,
        attempts=2,
        seed=seed,
        clock=clock,
    )
    verify = Check(kind="exact", options={"answer": "right"}) if check else None
    wanted = [
        Task(id=str(n), goal=f"do task {n}", skill="do", verify=verify, limits=Limits(usd=Decimal("0.10")))
        for n in range(tasks)
    ]
    await market.run_all(wanted)
    return store
