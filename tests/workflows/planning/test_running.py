"""A goal is planned by whoever wins the plan's auction, and the graph that came out is carried out, in one run."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from agora import failpoints
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.bids import Plan
from agora.errors import ApprovalPendingError, ConfigError, LedgerError, UsageError
from agora.events import (
    Done,
    Event,
    FlowBegan,
    Learned,
    Opened,
    PlanningBegan,
    PlanningEnded,
    Posted,
    Started,
    TaskDone,
)
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.protocols import Agent, Desk, Store
from agora.questions import Answer, Approve, Question
from agora.tasks import Check, Limits, Task, Verdict
from agora.testing import RuleModel
from agora.workflows.executor import FlowReport, resume_flow
from agora.workflows.nodes import Flow, TaskNode
from agora.workflows.planning.running import REFUSED, REPAIR, WRITE, Proposal, plan_and_run, resume_plan

E = TypeVar("E", bound=Event)

GOOD = json.dumps(
    {
        "subtasks": [
            {"id": "look", "description": "say LOOKED"},
            {"id": "think", "description": "say THOUGHT", "depends_on": ["look"], "coupling": "strong"},
        ]
    }
)
RING = json.dumps(
    {
        "subtasks": [
            {"id": "a", "description": "x", "depends_on": ["b"]},
            {"id": "b", "description": "y", "depends_on": ["a"], "skills": ["cooking"]},
        ]
    }
)


class Scribe:
    """A model that answers each plan's call with the next of its replies, and does parts and goals in words."""

    def __init__(self, *replies: str) -> None:
        self._replies = replies
        self.asked: list[str] = []
        """The plans' calls, in order."""

    def __call__(self, request: Request) -> str:
        text = "\n".join(str(message.content) for message in request.messages)
        if "You are one of several agents that compete" in text:
            return "1. do it\nCHANCE: 90 %"
        if "Split the goal below" in text:
            self.asked.append(text)
            return self._replies[min(len(self.asked), len(self._replies)) - 1]
        return next((word for word in ("THOUGHT", "LOOKED") if f"say {word}\n\nThis is one part" in text), "42")


def agents(scribe: Scribe, *, skills: tuple[str, ...] = ()) -> list[Agent]:
    return [LLMAgent("scribe", RuleModel("scripted", scribe), skills=skills)]


def memory() -> MemoryStore:
    return MemoryStore(clock=SystemClock())


def market(scribe: Scribe, store: Store, *, approve: Approve | None = None, usd: str = "1.00") -> Market:
    return Market(agents(scribe), store=store, seed=1, attempts=1, approve=approve, budget_usd=usd)


def events(store: Store, kind: type[E]) -> list[E]:
    return [item.event for item in store.events() if isinstance(item.event, kind)]


EXACT = Check(kind="exact", options={"answer": "42"})
GOAL = Task(id="goal", goal="find the answer to {everything}", verify=EXACT)


async def test_a_goal_becomes_a_graph_that_an_agent_wrote_and_the_goals_check_holds_at_its_end() -> None:
    store, scribe = memory(), Scribe(f"Here it is:\n```json\n{GOOD}\n```")
    done = await plan_and_run(market(scribe, store), GOAL)
    assert (done.verdict, done.output) == (Verdict.PASSED, "42")
    told = {result.task.id: result.task for result in done.report.results}
    assert list(told) == [WRITE, "look", "think", "answer"]
    assert "| find the answer to {everything}" in told[WRITE].goal
    assert told["look"].goal.startswith("say LOOKED\n")
    assert "LOOKED" in told["think"].goal
    assert "THOUGHT" in told["answer"].goal
    assert told["answer"].goal.startswith("find the answer to {everything}\n")
    (ended,) = events(store, PlanningEnded)
    assert (ended.came_to, ended.agent, ended.errors, ended.repair) == ("graph", "scribe", (), None)
    (began,) = events(store, FlowBegan)
    assert [node.id for node in Flow.model_validate(began.graph).nodes] == ["look", "think", "answer"]
    assert len(events(store, Done)) == 1


async def test_nothing_is_learned_from_a_plan_and_its_task_stays_unknown() -> None:
    store = memory()
    done = await plan_and_run(market(Scribe(GOOD), store), GOAL)
    verdicts = {result.task.id: result.verdict for result in done.report.results}
    assert verdicts[WRITE] is Verdict.UNKNOWN
    assert {lesson.task for lesson in events(store, Learned)} == {"answer"}


async def test_nothing_is_learned_from_a_check_that_a_model_wrote() -> None:
    plan = {
        "subtasks": [
            {"id": "look", "description": "say LOOKED", "verifier": {"kind": "exact", "answer": "LOOKED"}},
            {"id": "other", "description": "say LOOKED", "verifier": {"kind": "exact", "answer": "other"}},
        ]
    }
    store = memory()
    done = await plan_and_run(market(Scribe(json.dumps(plan)), store), GOAL)
    verdicts = {result.task.id: result.verdict.value for result in done.report.results}
    assert verdicts == {WRITE: "unknown", "look": "passed", "other": "failed", "answer": "passed"}
    assert done.verdict is Verdict.PASSED, "what a model expects of a part does not stop the rest"
    grounded = {lesson.task: lesson.update["grounded"] for lesson in events(store, Learned) if lesson.what == "record"}
    assert grounded == {"look": False, "other": False, "answer": True}


async def test_a_plan_that_cannot_be_used_is_written_once_more_with_all_that_is_wrong() -> None:
    store, scribe = memory(), Scribe(RING, GOOD)
    done = await plan_and_run(market(scribe, store), GOAL)
    assert done.verdict is Verdict.PASSED
    assert [result.task.id for result in done.report.results] == [WRITE, REPAIR, "look", "think", "answer"]
    (ended,) = events(store, PlanningEnded)
    assert (ended.came_to, ended.repair) == ("graph", ())
    assert any("a -> b -> a" in error for error in ended.errors)
    again = scribe.asked[-1]
    assert all(f"- {error}" in again for error in ended.errors)
    assert f"| {RING}" in again
    repair = next(result.task for result in done.report.results if result.task.id == REPAIR)
    assert repair.agents == ("scribe",)


async def test_after_two_plans_that_cannot_be_used_the_goal_runs_as_one_task_and_it_is_said() -> None:
    store, scribe = memory(), Scribe(RING, "I would rather not.")
    seen: list[Proposal] = []

    async def look(proposal: Proposal) -> Flow:
        seen.append(proposal)
        return proposal.flow

    done = await plan_and_run(market(scribe, store), GOAL, edit=look)
    assert (done.verdict, done.output) == (Verdict.PASSED, "42")
    assert [result.task.id for result in done.report.results] == [WRITE, REPAIR, "answer"]
    assert done.report.results[-1].task.goal == GOAL.goal
    (ended,) = events(store, PlanningEnded)
    assert ended.came_to == "one task"
    assert ended.repair is not None
    assert "no plan in the reply" in ended.repair[0]
    assert seen[0].errors == ended.repair
    assert len(scribe.asked) == 2


async def test_ten_thousand_subtasks_are_refused_and_cost_no_more_than_a_repair() -> None:
    store = memory()
    many = json.dumps({"subtasks": [{"id": f"t{number}", "description": "x"} for number in range(10_000)]})

    async def write(desk: Desk, plan: Plan) -> str:
        return many if desk.task.id in (WRITE, REPAIR) else "42"

    crowd = Market([FunctionAgent("crowd", write, plan=Plan(text="1. do it"))], store=store, seed=1)
    done = await plan_and_run(crowd, GOAL)
    assert done.verdict is Verdict.PASSED
    assert [result.task.id for result in done.report.results] == [WRITE, REPAIR, "answer"]
    (ended,) = events(store, PlanningEnded)
    assert ended.errors == ("the plan has 10,000 subtasks, and 50 is the most: join some of them",)


async def test_a_plan_of_one_part_is_the_goal_itself() -> None:
    one = json.dumps({"subtasks": [{"id": "all", "description": "all of it"}]})
    done = await plan_and_run(market(Scribe(one), memory()), GOAL)
    assert [result.task.id for result in done.report.results] == [WRITE, "answer"]
    assert done.report.results[-1].task.goal == GOAL.goal


async def test_where_nobody_plans_the_goal_runs_as_one_task() -> None:
    async def perform(desk: Desk, plan: Plan) -> str:
        if desk.task.id == WRITE:
            raise ValueError("no plans today")
        return "42"

    store = memory()
    worker = FunctionAgent("worker", perform, plan=Plan(text="1. do it"))
    done = await plan_and_run(Market([worker], store=store, seed=1, attempts=1), GOAL)
    assert done.verdict is Verdict.PASSED
    (ended,) = events(store, PlanningEnded)
    assert (ended.came_to, len(ended.errors)) == ("one task", 1)
    assert "no plans today" in ended.errors[0]


async def test_planning_takes_its_share_at_most_repair_included() -> None:
    store = memory()
    await plan_and_run(market(Scribe(RING, RING), store, usd="1.00"), GOAL)
    (taken,) = [done.usage.usd for done in events(store, TaskDone) if done.task == WRITE]
    reserves = {opened.task: opened.reserve.usd for opened in events(store, Opened)}
    assert reserves[WRITE] == Decimal("0.15")
    assert reserves[REPAIR] == Decimal("0.15") - taken
    assert taken > 0
    assert reserves["answer"] > Decimal("0.9")


async def test_the_limits_of_the_goal_are_those_of_the_whole_run() -> None:
    store = memory()
    done = await plan_and_run(market(Scribe(GOOD), store), GOAL.model_copy(update={"limits": Limits(steps=20)}))
    assert done.report.usage.steps <= 20
    (started,) = events(store, Started)
    assert (started.limits.steps, started.limits.usd) == (20, Decimal(1))


async def test_a_person_can_change_the_plan_before_it_runs() -> None:
    store = memory()

    async def change(proposal: Proposal) -> Flow:
        kept = [node for node in proposal.flow.nodes if node.id != "think"]
        last = TaskNode(id="answer", goal="say 42 after {look}", after=("look",), verify=EXACT)
        return proposal.flow.model_copy(update={"nodes": (kept[0], last)})

    done = await plan_and_run(market(Scribe(GOOD), store), GOAL, edit=change)
    assert [result.task.id for result in done.report.results] == [WRITE, "look", "answer"]
    (ended,) = events(store, PlanningEnded)
    assert ended.edited
    assert done.report.results[-1].task.goal == "say 42 after LOOKED"


async def test_what_a_person_says_no_to_is_not_run_and_stays_so() -> None:
    store = memory()

    async def refuse(proposal: Proposal) -> None:
        return None

    done = await plan_and_run(market(Scribe(GOOD), store), GOAL, edit=refuse)
    assert (done.verdict, done.reason, done.outputs) == (Verdict.FAILED, REFUSED, {})
    assert [result.task.id for result in done.report.results] == [WRITE]
    assert events(store, FlowBegan) == []
    again = await resume_plan(market(Scribe(GOOD), store), done.report.run)
    assert (again.verdict, again.reason) == (Verdict.FAILED, REFUSED)


async def test_a_graph_that_cannot_be_run_is_not_begun() -> None:
    store = memory()

    async def spoil(proposal: Proposal) -> Flow:
        ring = TaskNode(id="a", goal="x", after=("a",))
        return proposal.flow.model_copy(update={"nodes": (ring,), "output": ""})

    with pytest.raises(ConfigError, match="a -> a"):
        await plan_and_run(market(Scribe(GOOD), store), GOAL, edit=spoil)
    assert events(store, FlowBegan) == []
    assert events(store, PlanningEnded) == []


@pytest.mark.parametrize(
    ("work", "more", "said"),
    [
        (" ", {}, "goal"),
        ("x", {"workspace": "/nowhere/at/all"}, "does not exist"),
        ("x", {"verify": Check(kind="nothing")}, "nothing"),
        ("x", {"most": 51}, "most"),
        ("x", {"most": 0}, "most"),
    ],
)
async def test_what_cannot_be_used_is_refused_before_anything_is_asked(
    work: str, more: dict[str, object], said: str
) -> None:
    store, scribe = memory(), Scribe(GOOD)
    with pytest.raises(UsageError, match=said):
        await plan_and_run(market(scribe, store), work, **more)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - one table for all
    assert list(store.events()) == []


async def test_a_planner_sees_the_names_of_files_and_cannot_change_any(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("secret text")
    scribe, store = Scribe(GOOD), memory()

    async def yes(question: Question) -> Answer:
        return Answer(True)

    await plan_and_run(market(scribe, store, approve=yes), GOAL.model_copy(update={"workspace": str(tmp_path)}))
    (asked,) = scribe.asked
    assert "notes.txt" in asked
    assert "secret text" not in asked
    (posted, *_) = events(store, Posted)
    assert posted.spec.workspace is None


async def test_a_part_that_changes_files_fails_and_its_changes_go_nowhere(tmp_path: Path) -> None:
    (tmp_path / "word.txt").write_text("wrong\n")

    async def perform(desk: Desk, plan: Plan) -> str:
        if desk.task.id == WRITE:
            return GOOD
        assert desk.workspace is not None
        desk.workspace.path(f"{desk.task.id}.txt").write_text("x")
        return desk.task.id

    async def yes(question: Question) -> Answer:
        return Answer(True)

    worker = FunctionAgent("worker", perform, plan=Plan(text="1. do it"))
    here = Market([worker], store=memory(), seed=1, attempts=1, approve=yes)
    done = await plan_and_run(here, "mend it", workspace=tmp_path)
    verdicts = {result.task.id: result.verdict.value for result in done.report.results}
    assert verdicts == {WRITE: "unknown", "look": "failed", "think": "failed", "answer": "unknown"}
    assert await names_in(tmp_path) == {"answer.txt", "word.txt"}
    told = done.report.results[-1].task.goal
    assert "## think (failed): say THOUGHT" in told


async def names_in(folder: Path) -> set[str]:
    return {path.name async for path in anyio.Path(folder).iterdir() if await path.is_file()}


async def test_labels_keep_a_planner_out_who_may_not_see_them() -> None:
    private = GOAL.model_copy(update={"labels": frozenset({"private"})})
    done = await plan_and_run(market(Scribe(GOOD), memory()), private)
    assert done.report.results[0].shortlist.members == {}
    assert done.verdict is Verdict.FAILED


class DiedError(BaseException):
    """The process is gone."""


def _die() -> None:
    raise DiedError


@pytest.mark.parametrize(
    "place",
    [
        "planning_began.durable",
        "posted",
        "performed.durable",
        "task_done",
        "planning_ended",
        "flow_began",
        "flow_began.durable",
        "flow_ended",
        "done",
    ],
)
@pytest.mark.parametrize("hit", [1, 2])
async def test_a_run_that_dies_anywhere_goes_on_and_asks_and_does_nothing_twice(
    tmp_path: Path, place: str, hit: int
) -> None:
    scribe = Scribe(RING, GOOD)
    path = str(tmp_path / "agora.db")

    async def keep(proposal: Proposal) -> Flow:
        nodes = [node.model_copy(update={"tokens": 9}) for node in proposal.flow.nodes]
        return proposal.flow.model_copy(update={"nodes": tuple(nodes)})

    store = SQLStore.open(path, clock=SystemClock())
    failpoints.arm(Failpoint(place, hit, act=_die))
    done: FlowReport | None = None
    try:
        with suppress(DiedError):
            done = await plan_and_run(market(scribe, store), GOAL, edit=keep)
    finally:
        failpoints.arm(None)
    await store.close()
    store = SQLStore.open(path, clock=SystemClock())
    if done is None:
        asked = len(scribe.asked)
        done = await resume_plan(market(scribe, store), "last", edit=keep)
        planned = sum(one.task in (WRITE, REPAIR) for one in events(store, TaskDone))
        assert planned == 2
        assert asked <= len(scribe.asked) <= 2
    assert done.verdict is Verdict.PASSED
    assert [result.task.id for result in done.report.results] == [WRITE, REPAIR, "look", "think", "answer"]
    (began,) = events(store, FlowBegan)
    assert {node.tokens for node in Flow.model_validate(began.graph).nodes} == {9}
    assert len(events(store, PlanningEnded)) == len(events(store, PlanningBegan)) == len(events(store, Done)) == 1
    await store.close()


async def test_only_a_planned_run_is_gone_on_with_as_one() -> None:
    store = memory()
    here = market(Scribe(GOOD), store)
    other = await here.run("hello")
    with pytest.raises(LedgerError, match="plans nothing"):
        await resume_plan(here, other.run)


async def test_a_planned_run_is_reported_again_the_same() -> None:
    store = memory()
    here = market(Scribe(GOOD), store)
    done = await plan_and_run(here, GOAL)
    again = await resume_plan(here, done.report.run)
    assert again.outputs == done.outputs
    assert [one.task.id for one in again.report.results] == [one.task.id for one in done.report.results]
    assert (await resume_flow(here, done.report.run)).outputs == done.outputs


async def test_an_award_of_the_plan_that_waits_for_a_person_waits() -> None:
    store = memory()

    async def later(question: Question) -> Answer:
        return Answer(None) if question.about == "award" else Answer(True)

    with pytest.raises(ApprovalPendingError):
        await plan_and_run(market(Scribe(GOOD), store, approve=later), GOAL)

    async def yes(question: Question) -> Answer:
        return Answer(True)

    done = await resume_plan(market(Scribe(GOOD), store, approve=yes), "last")
    assert done.verdict is Verdict.PASSED


async def test_a_run_that_follows_a_graph_is_not_ended_as_a_list_of_tasks() -> None:
    store, scribe = memory(), Scribe(GOOD)

    async def later(proposal: Proposal) -> Flow:
        raise ConfigError("the editor", "is not there")

    with pytest.raises(ConfigError, match="editor"):
        await plan_and_run(market(scribe, store), GOAL, edit=later)
    here = market(scribe, store)
    for wrong in (here.resume("last"), resume_flow(here, "last")):
        with pytest.raises(LedgerError, match="resume_plan"):
            await wrong
    done = await resume_plan(here, "last")
    assert (done.verdict, len(scribe.asked)) == (Verdict.PASSED, 1)
