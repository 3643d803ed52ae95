"""Patterns in a real market, with several agents and a store on disk: who was asked, what it took, what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.bids import Price
from agora.market import Market
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.models.scripted import RuleModel
from agora.tasks import Check, Task, Verdict
from agora.workflows.executor import FlowReport, resume_flow, run_flow
from agora.workflows.nodes import Flow
from agora.workflows.patterns import pattern

PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(1))
Say = Callable[[str], str]


def agent(name: str, say: Say | str, calls: list[str]) -> LLMAgent:
    """An agent that plans, then says what a rule makes of its task; each call is noted."""

    def reply(request: Request) -> str:
        calls.append(name)
        if "Do not solve it yet" in request.messages[0].content:
            return "1. think\n2. answer"
        task = next(message.content for message in reversed(request.messages) if message.role == "user")
        return say if isinstance(say, str) else say(task)

    return LLMAgent(name, RuleModel(f"scripted/{name}", reply, price=PRICE), tools=())


async def run(path: Path, flow: Flow, says: Mapping[str, Say | str]) -> tuple[FlowReport, list[str]]:
    calls: list[str] = []
    store = SQLStore.open(str(path / "agora.db"), clock=SystemClock())
    agents = [agent(name, say, calls) for name, say in says.items()]
    try:
        return await run_flow(Market(agents, store=store, seed=1, attempts=2, budget_usd="5"), flow), calls
    finally:
        await store.close()


def who(report: FlowReport) -> dict[str, str]:
    """Task -> who did it last."""
    return {done.task.id: done.attempts[-1].award.agent for done in report.report.results if done.attempts}


def view(answer: str) -> str:
    return json.dumps({"answer": answer, "why": "so"})


def accepting(drafts: Sequence[str]) -> Say:
    """Accepts these drafts only."""

    def say(task: str) -> str:
        fits = any(f"| {draft}\n" in task for draft in drafts)
        return json.dumps({"accept": fits, "feedback": "" if fits else "shorter"})

    return say


async def test_an_evaluator_sends_a_draft_back_once(tmp_path: Path) -> None:
    flow = pattern("evaluator-optimiser", "Name the river.", writers="writer", evaluators="judge")
    says: dict[str, Say | str] = {
        "writer": lambda task: "Rhine" if "shorter" in task else "The Rhine, I think",
        "judge": accepting(["Rhine"]),
    }
    report, calls = await run(tmp_path, flow, says)
    assert report.output == "Rhine"
    assert who(report) == {"write_1": "writer", "judge_1": "judge", "write_2": "writer", "judge_2": "judge"}
    assert len(calls) == 8, "a plan and the work for each of four tasks, and nothing besides"


async def test_an_evaluator_that_accepts_nothing_is_asked_no_more_than_the_cap(tmp_path: Path) -> None:
    flow = pattern("evaluator-optimiser", "Name the river.", writers="writer", evaluators="judge", rounds=2)
    report, _ = await run(tmp_path, flow, {"writer": "Rhine", "judge": accepting([])})
    assert report.output.startswith("Rhine\n\n[not resolved:")
    assert len(who(report)) == 4


async def test_votes_are_counted_and_what_they_took_is_the_run_s(tmp_path: Path) -> None:
    flow = pattern("voting", "2 + 2?", voters="ann,bob,cid")
    report, calls = await run(tmp_path, flow, {"ann": "4", "bob": "5", "cid": "4.", "idle": "6"})
    assert report.output == "4"
    assert sorted(who(report).values()) == ["ann", "bob", "cid"]
    assert "idle" not in calls
    assert report.report.usage.usd == sum(done.usage.usd for done in report.report.results) > 0


async def test_an_orchestrator_splits_and_workers_share_the_parts(tmp_path: Path) -> None:
    says: dict[str, Say | str] = {
        "lead": lambda task: '{"parts": ["the left", "the right"]}' if "Split it" in task else "both",
        "worker": lambda task: "left done" if "| the left" in task else "right done",
    }
    flow = pattern("orchestrator-workers", "Sum it up.", orchestrators="lead", workers="worker", synthesisers="lead")
    report, _ = await run(tmp_path, flow, says)
    assert report.output == "both"
    assert who(report) == {"split": "lead", "part[0]": "worker", "part[1]": "worker", "answer": "lead"}
    goals = {done.task.id: done.task.goal for done in report.report.results}
    assert "| left done" in goals["answer"]


async def test_a_debate_converges(tmp_path: Path) -> None:
    flow = pattern("debate", "2 + 2?", debaters="ann,bob", places=2, rounds=3)
    yields: Say = lambda task: view("4") if "answered before" in task else view("5")  # noqa: E731 - a rule in a line
    report, _ = await run(tmp_path, flow, {"ann": view("4"), "bob": yields})
    assert report.output == "4"
    assert len(who(report)) == 4, "one round, and none after they agree"


async def test_a_debate_that_does_not_converge_is_decided_by_its_judge(tmp_path: Path) -> None:
    flow = pattern("debate", "2 + 2?", debaters="ann,bob", places=2, rounds=1, judges="judge")
    report, _ = await run(tmp_path, flow, {"ann": view("4"), "bob": view("5"), "judge": "4"})
    assert report.output == "4"
    assert who(report)["judge"] == "judge"


async def test_a_mixture_is_made_one_and_checked(tmp_path: Path) -> None:
    work = Task(id="t", goal="2 + 2?", verify=Check(kind="exact", options={"answer": "4"}))
    flow = pattern("mixture", work, proposers="ann,bob", aggregators="sum", places=2, layers=2)
    report, _ = await run(tmp_path, flow, {"ann": "4", "bob": "5", "sum": "4"})
    assert (report.verdict, report.output) == (Verdict.PASSED, "4")
    assert len(who(report)) == 5


async def test_only_candidates_that_were_chosen_are_asked(tmp_path: Path) -> None:
    about = {"ann": "does sums", "bob": "does sums quickly", "cid": "draws maps"}
    flow = pattern("candidates", "2 + 2?", candidates=about, routers="router", refiners="refiner")

    def route(task: str) -> str:
        ids = [line[0] for line in task.splitlines() if line[1:2] == ":" and "sums" in line]
        return json.dumps({"reason": "sums", "ids": ids})

    says: dict[str, Say | str] = {"ann": "4", "bob": "four", "cid": "here", "router": route, "refiner": "4 (four)"}
    report, calls = await run(tmp_path, flow, says)
    assert report.output == "4 (four)"
    assert sorted(who(report).values()) == ["ann", "bob", "refiner", "router"]
    assert "cid" not in calls


@pytest.mark.parametrize(
    ("probes", "strong", "output", "tasks"),
    [
        (("4", "4", "4"), ("9", "9", "9"), "4", 3),
        (("4", "5", "4"), ("4", "9", "9"), "4", 5),
        (("4", "5", "6"), ("7", "7", "7"), "7", 6),
        (("4", "5", "6"), ("7", "8", "9"), "8", 7),
    ],
)
async def test_sigma_escalates_as_far_as_the_probes_differ(
    tmp_path: Path, probes: tuple[str, ...], strong: tuple[str, ...], output: str, tasks: int
) -> None:
    says = {f"p{place}": said for place, said in enumerate(probes)}
    says |= {f"s{place}": said for place, said in enumerate(strong)} | {"judge": "8"}
    flow = pattern("sigma", "2 + 2?", probes="p0,p1,p2", strong="s0,s1,s2", judges="judge")
    report, calls = await run(tmp_path, flow, says)
    assert report.output == output
    assert len(who(report)) == tasks
    assert len(calls) == 2 * tasks


@pytest.mark.parametrize(("confidence", "tasks"), [(95, 2), (60, 3), (20, 4)])
async def test_a_plan_is_verified_by_as_many_strategies_as_it_is_unsure(
    tmp_path: Path, confidence: int, tasks: int
) -> None:
    plan = json.dumps({"strategies": ["a", "b", "c"], "confidence": confidence})
    flow = pattern("prism", "2 + 2?", planners="planner", solvers="ann,bob,cid")
    report, _ = await run(tmp_path, flow, {"planner": plan, "ann": "4", "bob": "4", "cid": "4"})
    assert report.output == "4"
    assert len(who(report)) == tasks


async def test_where_no_look_fits_thought_is_taken(tmp_path: Path) -> None:
    flow = pattern("on-demand", "2 + 2?", classifiers="look", instant="quick", reasoning="slow", agentic="tools")
    report, calls = await run(tmp_path, flow, {"look": "hm", "quick": "5", "slow": "4", "tools": "6"})
    assert report.output == "4"
    assert who(report) == {"look": "look", "reasoning": "slow"}
    assert not {"quick", "tools"} & set(calls)


async def test_a_pattern_that_was_cut_off_goes_on_in_its_branch_and_asks_nobody_twice(tmp_path: Path) -> None:
    path, cut, calls = str(tmp_path / "agora.db"), anyio.CancelScope(), list[str]()
    flow = pattern("sigma", "2 + 2?", probes="p0,p1,p2", strong="s0,s1,s2", judges="judge")
    says = {"p0": "4", "p1": "5", "p2": "6", "s0": "7", "s1": "8", "s2": "9", "judge": "8"}

    def market(store: SQLStore, *, dies: str) -> Market:
        def dying(task: str) -> str:
            cut.cancel()
            return says[dies]

        agents = [agent(name, dying if name == dies else said, calls) for name, said in says.items()]
        return Market(agents, store=store, seed=1, budget_usd="5")

    store = SQLStore.open(path, clock=SystemClock())
    with cut:
        await run_flow(market(store, dies="s1"), flow)
    name = store.runs()[0].id
    await store.close()
    before = list(calls)
    assert "s1" in before
    assert "judge" not in before
    store = SQLStore.open(path, clock=SystemClock())
    report = await resume_flow(market(store, dies=""), name)
    assert report.output == "8"
    after = calls[len(before) :]
    assert "judge" in after
    assert not {"p0", "p1", "p2"} & set(after), "the probes are on record, and so is the branch that they led to"
    again = await resume_flow(market(store, dies=""), name)
    assert again.output == "8"
    await store.close()
