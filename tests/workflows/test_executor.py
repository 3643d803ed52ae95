"""A workflow is followed in a real market: order, conditions, maps, loops, failures, questions, resumption."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.errors import ApprovalPendingError, ConfigError, LedgerError
from agora.events import Asked, Compared, Done, FlowBegan, FlowEnded, NodeSkipped, Performed, Posted
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.messages import Request
from agora.protocols import Desk, Store
from agora.questions import Answer, Approve, Question
from agora.tasks import Verdict
from agora.testing import RuleModel
from agora.workflows.executor import FlowReport, resume_flow, run_flow
from agora.workflows.flow import Workflow
from agora.workflows.nodes import Flow


def flow_of(*nodes: dict[str, object], **more: object) -> Flow:
    return Flow.model_validate({"name": "flow", "nodes": [{"kind": "task", **node} for node in nodes], **more})


def exact(answer: str) -> dict[str, object]:
    return {"kind": "exact", "options": {"answer": answer}}


def memory() -> MemoryStore:
    return MemoryStore(clock=SystemClock())


Perform = Callable[[Desk], str]


def market(perform: Perform, *, store: Store | None = None, approve: Approve | None = None) -> Market:
    async def work(desk: Desk, plan: Plan) -> str:
        await anyio.lowlevel.checkpoint()
        return perform(desk)

    agent = FunctionAgent("worker", work, plan=Plan(text="1. do it"))
    return Market([agent], store=store or memory(), seed=1, attempts=1, approve=approve)


def shout(desk: Desk) -> str:
    return desk.task.goal.upper()


def goals(report: FlowReport) -> dict[str, str]:
    return {done.task.id: done.task.goal for done in report.report.results}


async def test_what_a_node_gives_goes_into_those_that_come_after_it() -> None:
    store = memory()
    flow = flow_of(
        {"id": "greet", "goal": "hello {who}"},
        {"id": "tell", "goal": "she said: {greet}", "after": ["greet"], "verify": exact("SHE SAID: HELLO ADA")},
        inputs={"who": {}},
    )
    done = await run_flow(market(shout, store=store), flow, {"who": "Ada"})
    assert done.verdict is Verdict.PASSED
    assert done.output == "SHE SAID: HELLO ADA"
    events = [item.event for item in store.events(done.report.run)]
    began = next(event for event in events if isinstance(event, FlowBegan))
    assert Flow.model_validate(began.graph) == flow
    assert [type(event) for event in events[-2:]] == [FlowEnded, Done]
    told, posted = (
        [place for place, event in enumerate(events) if isinstance(event, kind)] for kind in (Performed, Posted)
    )
    assert told[0] < posted[1], "the second is posted when the first is done"


async def test_a_node_starts_as_soon_as_all_that_it_waits_for_has_ended() -> None:
    """Two branches: the quick one is two nodes long, and is not held up by the slow one."""
    order: list[str] = []
    slow_may_end = anyio.Event()

    async def work(desk: Desk, plan: Plan) -> str:
        if desk.task.id == "slow":
            await slow_may_end.wait()
        order.append(desk.task.id)
        if desk.task.id == "quick_2":
            slow_may_end.set()
        return "done"

    flow = flow_of(
        {"id": "root", "goal": "begin"},
        {"id": "slow", "goal": "take your time", "after": ["root"]},
        {"id": "quick_1", "goal": "hurry", "after": ["root"]},
        {"id": "quick_2", "goal": "hurry more", "after": ["quick_1"]},
        {"id": "join", "goal": "{slow} and {quick_2}", "after": ["slow", "quick_2"]},
    )
    agent = FunctionAgent("worker", work, plan=Plan(text="1. do it"))
    with anyio.fail_after(30):
        await run_flow(Market([agent], seed=1), flow)
    assert order == ["root", "quick_1", "quick_2", "slow", "join"]


async def test_a_condition_that_does_not_hold_passes_a_node_over_and_says_why() -> None:
    store = memory()
    flow = flow_of(
        {"id": "sort", "goal": "bug"},
        {"id": "fix", "goal": "fix it", "after": ["sort"], "when": {"of": "sort", "equals": "BUG"}},
        {"id": "thank", "goal": "thank them", "after": ["sort"], "when": {"of": "sort", "equals": "PRAISE"}},
    )
    done = await run_flow(market(shout, store=store), flow)
    assert set(goals(done)) == {"sort", "fix"}
    (skipped,) = [item.event for item in store.events(done.report.run) if isinstance(item.event, NodeSkipped)]
    assert skipped.task == "thank"
    assert "sort equals 'PRAISE'" in skipped.reason
    assert "'BUG'" in skipped.reason


async def test_outputs_are_compared_by_nobody_and_what_was_found_is_on_record() -> None:
    store = memory()
    flow = flow_of(
        {"id": "one", "goal": "yes"},
        {"id": "two", "goal": "no"},
        {"kind": "compare", "id": "cmp", "compare": ["one", "two"]},
        {"id": "same", "goal": "same", "after": ["cmp"], "when": {"of": "cmp.agree", "equals": True}},
        {"id": "rule", "goal": "rule", "after": ["cmp"], "when": {"of": "cmp.agree", "equals": False}},
    )
    done = await run_flow(market(shout, store=store), flow)
    assert set(goals(done)) == {"one", "two", "rule"}
    (found,) = [item.event for item in store.events(done.report.run) if isinstance(item.event, Compared)]
    assert (found.task, found.consistency, found.agree, found.of) == ("cmp", 0.0, False, 2)
    again = await resume_flow(market(shout, store=store), done.report.run)
    assert again.output == done.output
    assert sum(isinstance(item.event, Compared) for item in store.events(done.report.run)) == 1


async def test_a_map_does_its_node_for_each_item_and_the_join_sees_a_list() -> None:
    flow = flow_of(
        {"id": "list", "goal": '["a", "b", "c"]'},
        {"id": "each", "goal": "item {item}", "after": ["list"], "each": "list"},
        {"id": "join", "goal": "{each}", "after": ["each"]},
    )
    done = await run_flow(market(shout), flow)
    assert [name for name in goals(done) if name.startswith("each")] == ["each[0]", "each[1]", "each[2]"]
    assert json.loads(goals(done)["join"]) == ["ITEM A", "ITEM B", "ITEM C"]


async def test_a_loop_ends_when_its_condition_holds_and_fails_at_its_cap() -> None:
    tries: list[str] = []

    def count(desk: Desk) -> str:
        tries.append(desk.task.id)
        return str(len(tries))

    until = {"most": 5, "until": {"of": "try", "equals": 3}}
    done = await run_flow(market(count), flow_of({"id": "try", "goal": "again", "repeat": until}))
    assert (done.output, len(tries)) == ("3", 3)
    tries.clear()
    capped = {"most": 2, "until": {"of": "try", "equals": 3}}
    done = await run_flow(market(count), flow_of({"id": "try", "goal": "again", "repeat": capped}))
    assert done.verdict is Verdict.FAILED
    assert len(tries) == 2


async def test_a_failure_stops_what_has_not_begun_and_is_said() -> None:
    flow = flow_of(
        {"id": "break", "goal": "break", "verify": exact("whole")},
        {"id": "after", "goal": "go on", "after": ["break"]},
    )
    done = await run_flow(market(shout), flow)
    assert done.verdict is Verdict.FAILED
    assert "break" in done.reason
    assert set(goals(done)) == {"break"}


async def test_another_node_stands_in_for_one_that_fails() -> None:
    flow = flow_of(
        {"id": "first", "goal": "quick", "verify": exact("nothing"), "fallback": "second"},
        {"id": "second", "goal": "careful", "verify": exact("CAREFUL")},
        {"id": "use", "goal": "got {first}", "after": ["first"]},
    )
    done = await run_flow(market(shout), flow)
    assert goals(done)["use"] == "got CAREFUL"
    assert done.verdict is not Verdict.FAILED


async def test_a_workflow_can_be_a_node() -> None:
    inner = flow_of({"id": "say", "goal": "hello {who}"}, inputs={"who": {}}).model_copy(update={"name": "greeting"})
    outer = Flow.model_validate(
        {
            "name": "outer",
            "nodes": [
                {"kind": "use", "id": "greet", "use": "greeting", "inputs": {"who": "Ada"}},
                {"kind": "task", "id": "tell", "goal": "{greet}!", "after": ["greet"]},
            ],
            "flows": [inner],
        }
    )
    done = await run_flow(market(shout), outer)
    assert goals(done) == {"greet/say": "hello Ada", "tell": "HELLO ADA!"}


@pytest.mark.parametrize("said", [True, False])
async def test_a_question_is_asked_before_what_follows_it(said: bool) -> None:
    asked: list[str] = []

    async def person(question: Question) -> Answer:
        if question.about != "step":
            return Answer(True)
        asked.append(question.reason)
        return Answer(said)

    flow = flow_of(
        {"id": "draft", "goal": "text"},
        {"kind": "approve", "id": "ask", "approve": "Send {draft}?", "after": ["draft"]},
        {"id": "send", "goal": "send", "after": ["ask"]},
    )
    done = await run_flow(market(shout, approve=person), flow)
    assert asked == ["Send TEXT?"]
    assert ("send" in goals(done)) is said
    assert (done.verdict is Verdict.FAILED) is not said


async def test_a_question_that_nobody_can_be_asked_waits_across_processes_while_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "agora.db")
    done_tasks: list[str] = []

    def note(desk: Desk) -> str:
        done_tasks.append(desk.task.id)
        return "done"

    flow = flow_of(
        {"kind": "approve", "id": "ask", "approve": "Publish?"},
        {"id": "publish", "goal": "publish", "after": ["ask"]},
        {"id": "other", "goal": "something else"},
    )
    store = SQLStore.open(path, clock=SystemClock())
    with pytest.raises(ApprovalPendingError) as pending:
        await run_flow(market(note, store=store), flow)
    await store.close()
    assert done_tasks == ["other"]

    store = SQLStore.open(path, clock=SystemClock())
    run = pending.value.run
    with pytest.raises(ApprovalPendingError):
        await resume_flow(market(note, store=store), run)
    await store.close()
    store = SQLStore.open(path, clock=SystemClock())
    asked = [item.event for item in store.events(run) if isinstance(item.event, Asked)]
    waits = asked[-1]
    await store.record(run, waits.model_copy(update={"granted": True}))
    await store.close()

    store = SQLStore.open(path, clock=SystemClock())
    report = await resume_flow(market(note, store=store), run)
    await store.close()
    assert done_tasks == ["other", "publish"]
    assert report.report.run == run


async def test_a_workflow_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    path, cut = str(tmp_path / "agora.db"), anyio.CancelScope()
    done_tasks: list[str] = []

    def die_in(name: str) -> Perform:
        def perform(desk: Desk) -> str:
            if desk.task.id == name:
                cut.cancel()
            done_tasks.append(desk.task.id)
            return desk.task.goal

        return perform

    flow = flow_of(
        {"id": "list", "goal": "x\ny\nz"},
        {"id": "each", "goal": "{item}", "after": ["list"], "each": "list"},
        {"id": "join", "goal": "{each}", "after": ["each"]},
    )
    store = SQLStore.open(path, clock=SystemClock())
    with cut:
        await run_flow(market(die_in("each[1]"), store=store), flow, parallel=1)
    run = store.runs()[0].id
    await store.close()
    assert "join" not in done_tasks

    before = [name for name in done_tasks if name != "each[1]"]
    store = SQLStore.open(path, clock=SystemClock())
    report = await resume_flow(market(die_in(""), store=store), run)
    assert json.loads(report.output) == ["x", "y", "z"]
    assert [name for name in done_tasks if name in before] == before, "what had ended is not done again"
    again = await resume_flow(market(die_in(""), store=store), run)
    assert again.output == report.output, "a done workflow reports again"
    await store.close()


async def test_the_nodes_of_a_workflow_together_never_take_more_than_the_budget() -> None:
    def talk(request: Request) -> str:
        return "1. say it" if "Do not solve it yet" in request.messages[0].content else "word " * 400

    model = RuleModel("scripted/dear", talk, price=Price(output_per_mtok=Decimal(20), input_per_mtok=Decimal(20)))
    many: list[dict[str, object]] = [{"id": f"n{number}", "goal": "on", "after": ["list"]} for number in range(12)]
    flow = flow_of({"id": "list", "goal": "a"}, *many)
    here = Market([LLMAgent("talker", model, tools=())], seed=1, attempts=1, budget_usd="1.00")
    done = await run_flow(here, flow, parallel=3)
    spent = [result.usage.usd for result in done.report.results]
    assert sum(spent) == done.report.usage.usd <= 1
    assert len(spent) == 13, done.reason
    assert all(spent), "every node had something to spend"


async def test_nothing_is_spent_on_a_graph_that_cannot_be_used() -> None:
    store = memory()
    with pytest.raises(ConfigError, match=r"b.*a"):
        await run_flow(
            market(shout, store=store),
            flow_of({"id": "a", "goal": "a", "after": ["b"]}, {"id": "b", "goal": "b", "after": ["a"]}),
        )
    with pytest.raises(ConfigError, match="missing"):
        await run_flow(market(shout, store=store), flow_of({"id": "a", "goal": "{x}"}, inputs={"x": {}}))
    assert list(store.events()) == []


async def test_a_run_without_a_workflow_is_not_gone_on_with_as_one() -> None:
    here = market(shout)
    result = await here.run("hello")
    with pytest.raises(LedgerError, match="follows no workflow"):
        await resume_flow(here, result.run)


async def test_what_cannot_be_begun_is_said_even_where_it_stops_nothing(tmp_path: Path) -> None:
    flow = Workflow("look", inputs=["folder", "names"])
    flow.task("look", "{item}", each="names", workspace="{folder}", on_failure="skip")
    flow.task("join", "{look}", after=["look"])
    store = memory()
    done = await run_flow(market(shout, store=store), flow, {"folder": str(tmp_path / "nowhere"), "names": "a\nb"})
    assert [one.id for one in done.skipped] == ["look[0]", "look[1]", "join"]
    assert "nowhere" in done.skipped[0].why
    noted = {item.event.task: item.event.reason for item in store.events() if isinstance(item.event, NodeSkipped)}
    assert noted == {one.id: one.why for one in done.skipped}
