"""`agora explain` says why these were asked: the figures of the policy, and what last changed the edge of an ant."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from agora.agents.function import FunctionAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.cli.definitions import load_policy
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.protocols import Agent, Desk
from agora.tasks import Check, Task
from cli.projects import Shell

RIGHT = Check(kind="exact", options={"answer": "right"})


def agent(name: str, answer: str) -> Agent:
    async def perform(desk: Desk, plan: Plan) -> str:
        return answer

    perform.__qualname__ = name
    return FunctionAgent(name, perform, plan=Plan(text=name, tokens=0), price=Price(per_task=Decimal("0.01")))


async def run(project: Path, policy: str) -> None:
    store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
    pool = [agent("able", "right"), agent("weak", "wrong")]
    market = Market(pool, store=store, policy=load_policy(policy, project=None), seed=1, attempts=1)
    await market.run_all([Task(id=f"t{n}", goal="Fix the failing test", verify=RIGHT) for n in range(4)])
    await store.close()


@pytest.mark.parametrize(("policy", "terms"), [("linucb", ["mean", "width", "score"]), ("ants", ["tau", "eta", "p"])])
def test_every_figure_of_a_routing_is_shown(shell: Shell, project: Path, policy: str, terms: list[str]) -> None:
    (project / "memory").mkdir(exist_ok=True)
    anyio.run(run, project, policy)
    shown = shell("explain", "last", "t3")
    assert shown.code == 0
    assert f"routing ({policy})" in shown.out
    assert all(f" {term}" in shown.out for term in terms)
    if policy == "ants":
        assert "likeliest a task of type 'code'" in " ".join(shown.out.split())
        assert "from the start: code" in " ".join(shown.out.split())
    (task,) = json.loads(shell("explain", "last", "t3", "--json").out)["tasks"]
    considered = task["routing"]["considered"]
    assert {one["agent"] for one in considered} == {"able", "weak"}
    assert set(terms) <= set(considered[0]["terms"])


@pytest.mark.parametrize("policy", ["tag_table", "acar", "frugalgpt", "tcar"])
def test_who_was_never_tried_has_no_record_and_no_success(shell: Shell, project: Path, policy: str) -> None:
    (project / "memory").mkdir(exist_ok=True)
    anyio.run(run, project, policy)
    first, later = (" ".join(shell("explain", "last", task).out.split()) for task in ("t0", "t3"))
    assert "no record yet" in first
    assert "success 1" not in first
    assert " 1.0000 " not in first, "nor in the table"
    asked = later.split(f"routing ({policy}): ")[1].split(":")[0]
    assert f"{asked}: success" in later, "who was tried has one"
    (task,) = json.loads(shell("explain", "last", "t0", "--json").out)["tasks"]
    assert {one["terms"]["seen"] for one in task["routing"]["considered"]} == {0.0}
