"""The loop, end to end on scripted agents: who bids, who wins, what is recorded, what is learned."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

import anyio
import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.auctions import Lottery
from agora.bids import Plan, Price
from agora.errors import AgentError, BudgetError, ConfigError, LedgerError, NoAgentsError, SandboxError, WorkspaceError
from agora.events import Awarded, BidPlaced, BidRefused, Called, Done, Event, Learned, Reserved, TaskDone
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Request
from agora.protocols import Agent, Desk, Workspace
from agora.sandbox import BareSandbox
from agora.sandbox.trees import TreeCaps
from agora.tasks import Check, Limits, Patch, Task, Tier, Usage, Verdict, Work
from agora.testing import FakeClock, RuleModel, ScriptedModel, call, say

SAYS_42 = Check(kind="exact", options={"answer": "42"})
EVEN = [(-0.7, -0.7)] * 4


def task(**fields: object) -> Task:
    return Task.model_validate({"id": "t", "goal": "what is 6 x 7?", "verify": SAYS_42, **fields})


def answering(name: str, answer: str, *, price: str = "0.01", steps: int = 1, skills: tuple[str, ...] = ()) -> Agent:
    async def perform(desk: Desk, plan: Plan) -> str:
        return answer

    plan = Plan(text=f"answer at once, as {name}", steps=steps, tokens=0)
    return FunctionAgent(name, perform, plan=plan, price=Price(per_task=Decimal(price)), skills=skills)


def failing(name: str, error: Exception) -> Agent:
    async def perform(desk: Desk, plan: Plan) -> str:
        raise error

    return FunctionAgent(name, perform, plan=Plan(text="fail", tokens=0), price=Price())


def recorded(market: Market) -> list[Event]:
    return [item.event for item in market.store.events() if item.event is not None]


def kinds(market: Market) -> list[str]:
    return [event.kind for event in recorded(market)]


async def test_the_cheaper_of_two_equal_agents_wins_and_its_work_is_verified() -> None:
    market = Market([answering("dear", "42", price="0.50"), answering("cheap", "42", price="0.01")], seed=1)
    result = await market.run(task())
    assert result.passed
    assert result.output == "42"
    assert result.award is not None
    assert result.award.agent == "cheap"
    assert result.award.runner_up == "dear"
    assert "cost" in result.award.reason


async def test_every_step_of_the_loop_is_on_the_ledger_in_order() -> None:
    market = Market([answering("a", "42"), answering("b", "41", price="0.5")], seed=1)
    await market.run(task())
    assert kinds(market) == [
        "started", "posted", "routed", "screened", "opened", "bid", "bid", "scored", "awarded", "performed", "verified",
        "settled", "credited", "closed", "learned", "learned", "learned", "learned", "task_done", "done",
    ]  # fmt: skip


async def test_after_a_failure_another_agent_gets_the_task_with_the_evidence() -> None:
    seen: list[tuple[str, ...]] = []

    async def look(desk: Desk, plan: Plan) -> str:
        seen.append(desk.evidence)
        return "42"

    second = FunctionAgent("second", look, plan=Plan(text="look", tokens=0), price=Price(per_task=Decimal("0.5")))
    result = await Market([answering("first", "41"), second, answering("third", "42", price="0.9")]).run(task())
    assert [attempt.award.agent for attempt in result.attempts] == ["first", "second"]
    assert [attempt.outcome.verdict for attempt in result.attempts] == [Verdict.FAILED, Verdict.PASSED]
    assert "41" in seen[0][0]


async def test_an_agent_that_breaks_is_a_failed_attempt_and_not_the_end_of_the_run() -> None:
    agents = [failing("broken", AgentError("broken", "no such thing")), answering("b", "42", price="0.2")]
    result = await Market(agents).run(task())
    assert result.passed
    assert "no such thing" in result.attempts[0].error


async def test_an_agent_whose_own_code_breaks_does_not_end_the_run() -> None:
    async def broken_bid(desk: Desk) -> Plan | None:
        raise ZeroDivisionError("oops")

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    agents = [
        FunctionAgent("bidder", perform, plan=broken_bid),
        failing("worker", KeyError("lost")),
        answering("b", "42", price="0.2"),
    ]
    market = Market(agents)
    result = await market.run(task())
    assert result.passed
    assert result.attempts[0].error == "KeyError: 'lost'"
    refused = [event for event in recorded(market) if isinstance(event, BidRefused)]
    assert refused[0].reason == "ZeroDivisionError: oops"


async def test_a_bid_that_no_ledger_can_hold_is_refused_and_the_market_goes_on() -> None:
    async def huge(desk: Desk) -> Plan | None:
        return Plan(text="count", tokens=0, terms={"n": 10**400})

    async def words(desk: Desk) -> Plan | None:
        return cast("Plan", "a plan in words")

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    agents = [FunctionAgent("a", perform, plan=huge), FunctionAgent("b", perform, plan=words), answering("c", "42")]
    market = Market(agents)
    assert (await market.run(task())).passed
    refused = {event.agent: event.reason for event in recorded(market) if isinstance(event, BidRefused)}
    assert "bits cannot be recorded" in refused["a"]
    assert "bid a str: return a Plan" in refused["b"]


async def test_work_that_no_ledger_can_hold_is_a_failed_attempt_and_not_the_end_of_the_run(tmp_path: Path) -> None:
    async def much(desk: Desk, plan: Plan) -> str:
        return "x" * 40_000_000

    async def nothing(desk: Desk, plan: Plan) -> str:
        return cast("str", None)

    async def fill_the_disk(desk: Desk, plan: Plan) -> str:
        assert desk.workspace is not None
        desk.workspace.path("big.bin").write_bytes(bytes(40_000_000))
        return "42"

    free, plan = Price(), Plan(text="do it", tokens=0)
    for perform, said in (
        (much, "40,000,000 of output"),
        (nothing, "NoneType"),
        (fill_the_disk, "40,000,000 of files"),
    ):
        result = await Market([FunctionAgent("a", perform, plan=plan, price=free)]).run(task(), workspace=tmp_path)
        assert said in result.attempts[0].error


async def test_a_late_bid_does_not_count_and_the_market_goes_on() -> None:
    async def never(desk: Desk) -> Plan | None:
        await anyio.sleep_forever()
        return None

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    slow = FunctionAgent("slow", perform, plan=never)
    market = Market([slow, answering("prompt", "42")], bid_deadline_s=0.05)
    result = await market.run(task())
    assert result.passed
    refused = [event for event in recorded(market) if isinstance(event, BidRefused)]
    assert [(event.agent, event.reason) for event in refused] == [("slow", "no bid within 0.05 s")]


async def test_only_agents_with_the_skill_are_asked_and_the_others_are_named() -> None:
    market = Market([answering("cook", "42", skills=("cooking",)), answering("clerk", "42", skills=("sums",))])
    result = await market.run(task(skill="sums"))
    assert result.shortlist.kept_out == {"cook": "has no skill 'sums'"}
    assert list(result.shortlist.members) == ["clerk"]
    assert result.shortlist.members["clerk"] == 1.0


async def test_private_data_keeps_out_whoever_is_not_trusted_with_it() -> None:
    result = await Market([answering("a", "42")]).run(task(labels=["private"]))
    assert not result.passed
    assert result.reason == "nobody bid: a is not trusted with private data"


async def test_without_a_verifier_the_outcome_is_unknown_and_nothing_is_learned() -> None:
    market = Market([answering("a", "42")])
    result = await market.run("what is 6 x 7?")
    assert result.verdict is Verdict.UNKNOWN
    assert not [event for event in recorded(market) if isinstance(event, Learned)]


class NoSandbox:
    """A machine on which no sandbox works."""

    @property
    def tier(self) -> Tier:
        raise SandboxError("no sandbox works here")

    async def open(self, source: Path | None, *, patch: Patch | None = None, least: Tier = Tier.NAMESPACE) -> Workspace:
        raise SandboxError("no sandbox works here")


async def test_an_answer_in_words_is_verified_where_no_sandbox_works() -> None:
    assert (await Market([answering("a", "42")], sandbox=NoSandbox()).run(task())).passed


async def test_a_task_with_a_workspace_is_refused_before_anything_is_recorded_where_no_sandbox_works(
    tmp_path: Path,
) -> None:
    market = Market([answering("a", "42")], sandbox=NoSandbox())
    with pytest.raises(SandboxError, match="no sandbox works"):
        await market.run(task(), workspace=tmp_path)
    assert recorded(market) == []


async def test_a_measurement_is_recorded_and_teaches_nothing() -> None:
    market = Market([answering("a", "42")], learn=False)
    assert (await market.run(task())).passed
    assert "verified" in kinds(market)
    assert "learned" not in kinds(market)


async def test_a_workspace_that_cannot_be_copied_is_nobodys_failure(tmp_path: Path) -> None:
    (tmp_path / "huge.bin").write_bytes(b"x" * 1000)
    sandbox = BareSandbox(caps=TreeCaps(file_bytes=10))
    market = Market([answering("a", "42")], sandbox=sandbox)
    result = await market.run(task(workspace=str(tmp_path), tier=Tier.BARE))
    assert result.verdict is Verdict.UNKNOWN
    assert "huge.bin" in result.reason
    assert "learned" not in kinds(market)


async def test_a_plan_that_no_model_wrote_has_no_entropy() -> None:
    model = ScriptedModel("m", [say("a very uncertain text", logprobs=EVEN)], price=Price(unit="s"))

    async def borrow(desk: Desk) -> Plan | None:
        await desk.ask(model, Request(messages=(Message(role="user", content="go"),)))
        return Plan(text="something else", tokens=0)

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    market = Market([FunctionAgent("a", perform, plan=borrow)])
    assert (await market.run(task())).passed
    assert next(event.bid.entropy for event in recorded(market) if isinstance(event, BidPlaced)) is None


async def test_what_stops_a_run_comes_out_as_itself() -> None:
    class Full(MemoryStore):
        async def record(self, run: str, *events: Event) -> None:
            if any(isinstance(event, Awarded) for event in events):
                raise LedgerError("the disk is full")
            await super().record(run, *events)

    with pytest.raises(LedgerError, match="disk is full"):
        await Market([answering("a", "42")], store=Full(clock=FakeClock())).run(task())


async def test_an_empty_budget_keeps_out_who_charges_and_lets_local_work_through() -> None:
    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    local = FunctionAgent("local", perform, plan=Plan(text="compute", tokens=0))
    result = await Market([answering("paid", "42"), local], budget_usd=0).run(task())
    assert result.shortlist.kept_out == {"paid": "charges dollars, and the budget is 0"}
    assert result.award is not None
    assert result.award.agent == "local"


async def test_a_model_agent_bids_with_a_plan_and_follows_it_with_tools() -> None:
    model = ScriptedModel("m", [say("1. multiply\n2. answer", logprobs=EVEN), "42"])
    agent = LLMAgent("scout", model, tools=())
    market = Market([agent], seed=3)
    result = await market.run(task())
    model.assert_consumed()
    assert result.passed
    bid = next(event.bid for event in recorded(market) if isinstance(event, BidPlaced))
    assert bid.plan.steps == 2
    assert bid.entropy is not None
    assert 0 < bid.entropy < 1
    assert result.cost_usd > 0
    assert result.cost_usd == sum(event.usage.usd for event in recorded(market) if isinstance(event, Called))
    assert 0 < result.overhead.usd < result.usage.usd


async def test_every_call_has_an_intent_before_it_and_a_settlement_after_it() -> None:
    model = ScriptedModel("m", [say("1. answer", logprobs=EVEN), "42"])
    market = Market([LLMAgent("scout", model, tools=())])
    await market.run(task())
    intents = [event.call for event in recorded(market) if isinstance(event, Reserved)]
    ends = [event.call for event in recorded(market) if isinstance(event, Called)]
    assert intents == ends == ["t/bid/scout/1", "t/attempt-1/scout/1"]


async def test_bids_differ_in_more_than_price_and_each_of_two_agents_wins_something() -> None:
    async def solve(desk: Desk, plan: Plan) -> str:
        return "42"

    async def confident_on_sums(desk: Desk) -> Plan | None:
        steps = 1 if "x" in desk.task.goal else 9
        return Plan(text="compute " * steps, steps=steps, tokens=0)

    sums = FunctionAgent("sums", solve, plan=confident_on_sums, price=Price(per_task=Decimal("0.2")), skills=["sums"])
    prose = answering("prose", "42", price="0.1", skills=("prose",))
    market = Market([sums, prose])
    report = await market.run_all([task(id="one", skill="sums"), task(id="two", skill="prose")])
    assert [result.award.agent for result in report.results if result.award] == ["sums", "prose"]


async def test_the_same_inputs_and_seed_give_the_same_run() -> None:
    async def run() -> list[Event]:
        agents = [answering("a", "1", price="0.1"), answering("b", "42", price="0.1"), answering("c", "2", price="0.1")]
        market = Market(agents, seed=11, clock=FakeClock(), mechanism=Lottery())
        await market.run(task())
        return recorded(market)

    assert await run() == await run()


async def test_the_run_ends_with_its_terminal_row_and_every_task_with_its_own() -> None:
    market = Market([answering("a", "42")])
    await market.run_all([task(id="x"), task(id="y", verify=None)], parallel=2)
    done = recorded(market)[-1]
    assert isinstance(done, Done)
    assert done.verdicts == {"x": Verdict.PASSED, "y": Verdict.UNKNOWN}
    assert {event.task for event in recorded(market) if isinstance(event, TaskDone)} == {"x", "y"}


async def test_sixty_four_calls_at_once_stop_at_the_budget_where_each_costs_its_worst_case() -> None:
    price = Price(output_per_mtok=Decimal(100))
    worst = Usage(usd=price.of(0, 100), output_tokens=100, steps=1)
    model = RuleModel("m", lambda request: say("42", usage=worst), price=price)
    request = Request(messages=(Message(role="user", content="go"),), max_tokens=100)
    refused: list[BudgetError] = []

    async def one_call(desk: Desk) -> None:
        try:
            await desk.ask(model, request)
        except BudgetError as error:
            refused.append(error)

    async def all_at_once(desk: Desk, plan: Plan) -> str:
        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(one_call, desk)
        return "42"

    agent = FunctionAgent("a", all_at_once, plan=Plan(text="ask"), price=Price())
    result = await Market([agent], budget_usd="0.105").run(task(limits=Limits(steps=100)))
    assert result.passed
    assert (model.calls, len(refused)) == (10, 54)
    assert result.cost_usd == Decimal("0.10")


async def test_an_overrun_ends_the_spending_and_not_the_report() -> None:
    lie = Usage(usd=Decimal(5), output_tokens=5_000_000, steps=1)
    model = RuleModel("m", lambda request: say("42", usage=lie), price=Price(output_per_mtok=Decimal(1)))
    request = Request(messages=(Message(role="user", content="go"),), max_tokens=10)

    async def perform(desk: Desk, plan: Plan) -> str:
        return (await desk.ask(model, request)).text

    market = Market([FunctionAgent("a", perform, plan=Plan(text="ask"), price=Price())])
    report = await market.run_all([task(id="one"), task(id="two"), task(id="three")])
    assert [result.passed for result in report.results] == [True, False, False]
    assert "purse is closed" in report.results[2].reason
    assert report.usage.usd == 5
    assert model.calls == 1
    assert kinds(market)[-3:] == ["task_done", "task_done", "done"]


async def test_tasks_at_once_share_every_limit_of_the_run_evenly() -> None:
    async def busy(desk: Desk, plan: Plan) -> str:
        for _ in range(8):
            await desk.ask(model, request)
        return "42"

    model = RuleModel("m", lambda request: "42", price=Price(unit="s"))
    request = Request(messages=(Message(role="user", content="go"),), max_tokens=10)
    market = Market([FunctionAgent("a", busy, plan=Plan(text="ask"))], limits=Limits(steps=20, tokens=4_000_000))
    report = await market.run_all([task(id=f"t{n}") for n in range(4)], parallel=4)
    assert [result.usage.steps for result in report.results] == [5, 5, 5, 5]
    assert report.usage.steps == 20


async def test_events_can_be_watched_while_they_happen() -> None:
    market = Market([answering("a", "42")])
    async with market.stream(task()) as stream:
        seen = [event.kind async for event in stream]
    assert seen == kinds(market)
    assert stream.result.passed


async def test_leaving_a_stream_early_ends_the_run() -> None:
    async def never(desk: Desk, plan: Plan) -> str:
        await anyio.sleep_forever()
        return ""

    market = Market([FunctionAgent("a", never, plan=Plan(text="wait", tokens=0))])
    async with market.stream(task()) as stream:
        async for event in stream:
            if isinstance(event, Awarded):
                break
    assert "done" not in kinds(market)


def test_a_run_works_from_code_that_is_not_async_twice() -> None:
    market = Market([answering("a", "42")], store=MemoryStore(clock=FakeClock()))
    assert market.run_sync(task()).passed
    assert market.run_sync(task()).passed


async def test_the_agent_does_not_see_the_verifier() -> None:
    seen: list[Task] = []

    async def look(desk: Desk, plan: Plan) -> Work:
        seen.append(desk.task)
        return Work(output="42")

    await Market([FunctionAgent("a", look, plan=Plan(text="look", tokens=0))]).run(task())
    assert seen[0].verify is None


async def test_a_promised_token_cap_is_enforced() -> None:
    model = ScriptedModel("m", ["forty-two " * 40, "again"], price=Price(unit="s"))

    async def talk(desk: Desk, plan: Plan) -> str:
        request = Request(messages=(Message(role="user", content="go"),), max_tokens=500)
        await desk.ask(model, request)
        return (await desk.ask(model, request)).text

    promise = Plan(text="talk", tokens=20)
    result = await Market([FunctionAgent("a", talk, plan=promise)]).run(task())
    assert not result.passed
    assert "promised output tokens" in result.attempts[0].error


def test_bad_input_is_refused_before_anything_is_spent() -> None:
    with pytest.raises(NoAgentsError, match="no agents"):
        Market([])
    with pytest.raises(ConfigError, match="two agents"):
        Market([answering("a", "1"), answering("a", "2")])
    with pytest.raises(ConfigError, match="attempts: 0"):
        Market([answering("a", "1")], attempts=0)
    with pytest.raises(ConfigError, match="parallel: 0"):
        anyio.run(partial(Market([answering("a", "1")]).run_all, [task()], parallel=0))
    with pytest.raises(ConfigError, match="US dollars"):
        Market([answering("a", "1")], budget_usd="garbage")
    market = Market([answering("a", "1")])
    with pytest.raises(ConfigError, match="goal"):
        market.run_sync("  ")
    with pytest.raises(WorkspaceError, match="does not exist"):
        market.run_sync("x", workspace="/nowhere/at/all")


async def test_two_tasks_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigError, match="twice"):
        await Market([answering("a", "42")]).run_all([task(), task()])


async def test_tokens_bound_a_task_and_the_work_so_far_is_still_verified() -> None:
    model = ScriptedModel("m", [say("1. try", logprobs=EVEN), call("nothing"), call("nothing")])
    result = await Market([LLMAgent("scout", model, tools=())]).run(task(limits=Limits(steps=3)))
    assert result.verdict is Verdict.FAILED
    assert "stopped" in result.output


async def test_a_run_can_be_made_again_from_its_record_without_a_model() -> None:
    from agora.agents.tools import tool
    from agora.models.recorded import recorded_from

    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers.

        Args:
            a: One.
            b: Another.
        """
        return a + b

    plan = say("1. add\n2. add\n3. answer", logprobs=EVEN)
    model = ScriptedModel("m", [plan, call("add", a=1, b=2), call("add", a=20, b=22), "42"])
    first = Market([LLMAgent("scout", model, tools=[add])], seed=5)
    result = await first.run(task())
    replayed = recorded_from(recorded(first))["m"]
    agent = LLMAgent("scout", replayed, tools=[add], price=model.price())
    again = await Market([agent], seed=5).run(task())
    assert replayed.unused == 0
    assert again.clearing == result.clearing
    assert again.award == result.award
    assert again.cost_usd == result.cost_usd


@pytest.mark.parametrize("goal", ["x" * 100_001, "a \udcff b"])
def test_a_goal_that_no_ledger_should_hold_is_one_clear_line(goal: str) -> None:
    with pytest.raises(ConfigError, match="goal: h"):
        Market([answering("a", "42")]).run_sync(goal)


async def test_the_reason_names_who_did_not_bid_and_why() -> None:
    async def decline(desk: Desk) -> Plan | None:
        return None

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    result = await Market([FunctionAgent("shy", perform, plan=decline)]).run(task())
    assert result.reason == "nobody bid: shy is not interested"


async def test_an_agents_own_limits_bound_each_of_its_attempts() -> None:
    model = RuleModel(
        "m", lambda request: say("1. go", logprobs=EVEN) if len(request.messages) == 1 else call("nothing")
    )
    agent = LLMAgent("scout", model, tools=(), limits=Limits(steps=3))
    result = await Market([agent]).run(task())
    assert result.attempts[0].delivered.steps <= 3
    assert "attempt 1 of scout" in result.output


class Unreachable(RuleModel):
    """A model whose provider fails."""

    def down(self) -> str:
        return "provider 'x' fails: it is tried again in 12 s"


async def test_an_agent_whose_provider_fails_does_not_bid_and_the_reason_is_on_record() -> None:
    away = LLMAgent("away", Unreachable("x/m", lambda request: "42", price=Price()))
    market = Market([away, answering("here", "42")], seed=1)
    result = await market.run(task())
    assert result.award is not None
    assert result.award.agent == "here"
    assert result.shortlist.kept_out == {"away": "provider 'x' fails: it is tried again in 12 s"}
