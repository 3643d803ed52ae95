"""What goes wrong on the way through a workflow: nodes without end, failures, agents that leave, nobody who may."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.errors import ConfigError
from agora.events import FlowEnded, Posted, TaskDone
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.models.litellm_model import LiteLLMModel
from agora.protocols import Agent, Desk, Store
from agora.results import Result
from agora.tasks import Verdict
from agora.testing.endpoint import FaultyEndpoint
from agora.testing.exchange import Exchange, answer, completion
from agora.workflows.executor import FlowReport, resume_flow, run_flow
from agora.workflows.nodes import Flow


def flow_of(*nodes: Mapping[str, object], **more: object) -> Flow:
    return Flow.model_validate({"name": "flow", "nodes": [{"kind": "task", **node} for node in nodes], **more})


def exact(text: str) -> dict[str, object]:
    return {"kind": "exact", "options": {"answer": text}}


def shouting(name: str, *, dear: bool = False, gone_at: str = "-", trust: Sequence[str] = ()) -> FunctionAgent:
    """An agent that says its goal loudly, and whose every word fails from the task of a name on."""
    gone: list[str] = []

    async def work(desk: Desk, plan: Plan) -> str:
        await anyio.lowlevel.checkpoint()
        if gone or desk.task.id == gone_at:
            gone.append(desk.task.id)
            raise ConnectionError("it has left")
        return desk.task.goal.upper()

    price = Price(unit="s", per_task=Decimal(1)) if dear else Price(unit="s")
    return FunctionAgent(name, work, plan=Plan(text=f"1. {name} does it", tokens=10), price=price, trust=trust)


def market(*agents: Agent, store: Store | None = None, attempts: int = 3) -> Market:
    return Market(agents, seed=1, attempts=attempts, store=store or MemoryStore(clock=SystemClock()))


def results(report: FlowReport) -> dict[str, Result]:
    return {result.task.id: result for result in report.report.results}


async def test_a_node_that_never_ends_is_ended_by_its_seconds_and_the_others_go_on() -> None:
    ended: list[str] = []

    async def work(desk: Desk, plan: Plan) -> str:
        try:
            await (anyio.sleep_forever() if desk.task.id == "never" else anyio.lowlevel.checkpoint())
        finally:
            ended.append(desk.task.id)
        return "done"

    flow = flow_of(
        {"id": "never", "goal": "wait", "limits": {"seconds": 1.5}, "on_failure": "continue"},
        {"id": "after", "goal": "it came to: {never.verdict}", "after": ["never"]},
        {"id": "beside", "goal": "on"},
    )
    agent = FunctionAgent("worker", work, plan=Plan(text="1. do it"))
    with anyio.fail_after(30):
        done = await run_flow(market(agent, attempts=1), flow)
    assert ended == ["beside", "never", "after"]
    assert results(done)["never"].reason == "agent 'worker' ran out of time"
    assert results(done)["after"].task.goal == "it came to: failed"


async def test_a_node_that_states_no_seconds_has_600() -> None:
    store = MemoryStore(clock=SystemClock())
    await run_flow(market(shouting("worker"), store=store), flow_of({"id": "a", "goal": "a"}))
    (posted,) = [item.event for item in store.events() if isinstance(item.event, Posted)]
    assert posted.spec.limits.seconds == 600


async def test_a_bid_without_end_counts_as_none_after_the_deadline() -> None:
    async def never(desk: Desk) -> Plan:
        await anyio.sleep_forever()
        raise AssertionError

    async def work(desk: Desk, plan: Plan) -> str:
        return "done"

    slow = FunctionAgent("slow", work, plan=never)
    here = Market([slow, shouting("worker")], seed=1, bid_deadline_s=0.2)
    with anyio.fail_after(30):
        done = await run_flow(here, flow_of({"id": "a", "goal": "a"}))
    assert done.output == "A"


@pytest.mark.parametrize(
    ("on_failure", "verdict", "goals", "skipped"),
    [
        ({}, Verdict.FAILED, {"broken": "quick"}, set[str]()),
        ({"on_failure": "skip"}, Verdict.UNKNOWN, {"broken": "quick", "any": "none "}, {"next"}),
        (
            {"on_failure": "continue"},
            Verdict.UNKNOWN,
            {"broken": "quick", "next": "failed QUICK", "any": "none QUICK"},
            set[str](),
        ),
        (
            {"fallback": "other"},
            Verdict.UNKNOWN,
            {"broken": "quick", "other": "careful", "next": "passed CAREFUL", "any": "none CAREFUL"},
            set[str](),
        ),
    ],
    ids=["stop", "skip", "continue", "fallback"],
)
async def test_what_follows_a_failure_is_what_the_node_states(
    on_failure: dict[str, object], verdict: Verdict, goals: dict[str, str], skipped: set[str]
) -> None:
    flow = flow_of(
        {"id": "broken", "goal": "quick", "verify": exact("nothing"), **on_failure},
        *([{"id": "other", "goal": "careful", "verify": exact("CAREFUL")}] if "fallback" in on_failure else []),
        {"id": "next", "goal": "{broken.verdict} {broken}", "after": ["broken"]},
        {"id": "beside", "goal": "on"},
        {"id": "any", "goal": "none {broken}", "after": ["broken", "beside"], "needs": "any"},
    )
    done = await run_flow(market(shouting("worker"), attempts=1), flow, parallel=1)
    found = {name: result.task.goal for name, result in results(done).items()}
    found.pop("beside", None)
    assert found == goals
    assert done.verdict is verdict
    assert {one.id for one in done.skipped} == skipped
    assert ("broken failed" in done.reason) is (verdict is Verdict.FAILED)


async def test_where_an_agent_leaves_in_the_middle_the_others_take_over() -> None:
    nodes = [{"id": f"n{n}", "goal": f"n{n}", "after": [f"n{n - 1}"] if n else []} for n in range(4)]
    flow = flow_of(*({**node, "verify": exact(str(node["goal"]).upper())} for node in nodes))
    done = await run_flow(market(shouting("cheap", gone_at="n2"), shouting("dear", dear=True)), flow)
    assert done.verdict is Verdict.PASSED, done.reason
    winners = [result.attempts[-1].award.agent for result in done.report.results]
    assert winners == ["cheap", "cheap", "dear", "dear"]
    assert "it has left" in results(done)["n2"].attempts[0].error


@pytest.mark.timeout(120)
async def test_where_an_agents_endpoint_dies_in_the_middle_the_others_take_over() -> None:
    dead: list[str] = []

    def serve(exchange: Exchange) -> None:
        if dead:
            exchange.reset()
        else:
            answer(completion("HELLO"))(exchange)

    with FaultyEndpoint(serve) as endpoint:

        async def close(desk: Desk, plan: Plan) -> str:
            await anyio.lowlevel.checkpoint()
            if desk.task.id == "close":
                dead.append(desk.task.id)
            return desk.task.goal.upper()

        model = LiteLLMModel("openai/test", api_base=endpoint.url, api_key="no-key", price=Price(unit="s"))
        local = FunctionAgent(
            "local", close, plan=Plan(text="1. say it", tokens=10), price=Price(unit="s", per_task=Decimal(1))
        )
        flow = flow_of(
            {"id": "first", "goal": "hello", "verify": exact("HELLO"), "agents": ["remote"]},
            {"id": "close", "goal": "close", "after": ["first"], "agents": ["local"]},
            {"id": "last", "goal": "hello", "verify": exact("HELLO"), "after": ["close"]},
        )
        began_s = time.monotonic()
        done = await run_flow(market(LLMAgent("remote", model, tools=()), local), flow)
    last = results(done)["last"]
    assert [attempt.award.agent for attempt in last.attempts] == ["local"], done.reason
    assert done.verdict is Verdict.PASSED
    assert time.monotonic() - began_s < 90


async def test_a_run_that_an_agent_has_left_is_not_gone_on_with_until_it_is_back(tmp_path: Path) -> None:
    path, cut = str(tmp_path / "agora.db"), anyio.CancelScope()
    did: list[str] = []

    async def leave(desk: Desk, plan: Plan) -> str:
        did.append(desk.task.id)
        if len(did) == 1:
            cut.cancel()
        await anyio.lowlevel.checkpoint()
        return "here again"

    quitter = FunctionAgent("quitter", leave, plan=Plan(text="1. leave"))
    flow = flow_of(
        {"id": "a", "goal": "a", "agents": ["loud"]}, {"id": "b", "goal": "{a}", "after": ["a"], "agents": ["quitter"]}
    )
    store = SQLStore.open(path, clock=SystemClock())
    with cut:
        await run_flow(market(shouting("loud"), quitter, store=store), flow)
    count = sum(1 for _ in store.events())
    with pytest.raises(ConfigError, match=r"'quitter'.*is not here: bring it back"):
        await resume_flow(market(shouting("loud"), shouting("new"), store=store), "last")
    assert sum(1 for _ in store.events()) == count, "nothing was done or charged"
    done = await resume_flow(market(shouting("loud"), quitter, shouting("new"), store=store), "last")
    assert done.output == "here again"
    assert did == ["b", "b"]
    await store.close()


async def test_where_trust_keeps_everybody_out_it_is_said_who_and_for_which_labels_and_nothing_is_spent() -> None:
    store = MemoryStore(clock=SystemClock())
    flow = flow_of(
        {"id": "open", "goal": "hello"},
        {"id": "secret", "goal": "{open}", "after": ["open"], "labels": ["private", "secret"]},
        {"id": "after", "goal": "{secret}", "after": ["secret"]},
    )
    agents = (shouting("one"), shouting("two", trust=["private"]))
    done = await run_flow(market(*agents, store=store), flow)
    assert done.verdict is Verdict.FAILED
    assert "one is not trusted with private, secret data" in done.reason
    assert "two is not trusted with secret data" in done.reason
    kept_out = results(done)["secret"]
    assert not kept_out.attempts
    assert kept_out.usage.usd == kept_out.usage.tokens == 0
    assert set(kept_out.shortlist.kept_out) == {"one", "two"}
    assert "after" not in results(done)


async def test_whoever_comes_after_a_label_needs_its_trust_too() -> None:
    flow = flow_of(
        {"id": "secret", "goal": "hello", "labels": ["secret"]},
        {"id": "after", "goal": "{secret}", "after": ["secret"]},
    )
    done = await run_flow(market(shouting("open"), shouting("sworn", dear=True, trust=["secret"])), flow)
    assert {result.attempts[-1].award.agent for result in done.report.results} == {"sworn"}


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ('{{"files": ["a"]}}', "'list' is an object and no list: name the list inside it, as 'list.FILES'"),
        ("{{}}", "'list' is an object and no list"),
        ("a\nb\nc", "'list' has 3 items, and 2 is the most here: raise each.most, or split the list"),
    ],
)
@pytest.mark.parametrize("on_failure", ["stop", "continue"])
async def test_a_map_over_what_is_no_list_or_too_long_a_one_fails_before_any_item(
    gives: str, said: str, on_failure: str
) -> None:
    flow = flow_of(
        {"id": "list", "goal": gives},
        {
            "id": "each",
            "goal": "{item}",
            "after": ["list"],
            "each": {"of": "list", "most": 2},
            "on_failure": on_failure,
        },
        {"id": "next", "goal": "it {each.verdict}", "after": ["each"]},
    )
    done = await run_flow(market(shouting("worker")), flow)
    if on_failure == "stop":
        assert said in done.reason
        assert set(results(done)) == {"list"}
    else:
        assert [said in one.why for one in done.skipped] == [True]
        assert results(done)["next"].task.goal == "it failed"


async def test_an_empty_list_is_a_map_of_nothing_which_has_passed() -> None:
    flow = flow_of(
        {"id": "each", "goal": "{item}", "each": "given"},
        {"id": "next", "goal": "{each} {each.verdict}", "after": ["each"]},
        inputs={"given": {"default": "[]"}},
    )
    done = await run_flow(market(shouting("worker")), flow)
    assert done.output == "[] PASSED"


@pytest.mark.parametrize("node", ["a", "a[0]", "a#1", "use/a"])
async def test_no_two_instances_can_have_one_id(node: str) -> None:
    """An id cannot look like an item, a round or a node inside, and no id can stand twice."""
    store = MemoryStore(clock=SystemClock())
    with pytest.raises((ConfigError, ValueError), match=r"stands twice|pattern"):
        await run_flow(
            market(shouting("worker"), store=store), flow_of({"id": "a", "goal": "a"}, {"id": node, "goal": "b"})
        )
    assert list(store.events()) == []


async def test_a_workflow_that_failed_is_done_and_reports_again() -> None:
    store = MemoryStore(clock=SystemClock())
    flow = flow_of(
        {"id": "broken", "goal": "a", "verify": exact("b")}, {"id": "next", "goal": "c", "after": ["broken"]}
    )
    here = market(shouting("worker"), store=store, attempts=1)
    done = await run_flow(here, flow)
    again = await resume_flow(here, done.report.run)
    assert (again.verdict, again.reason) == (done.verdict, done.reason)
    events = [item.event for item in store.events()]
    assert sum(isinstance(event, (FlowEnded, TaskDone)) for event in events) == 2
