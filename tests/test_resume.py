"""Going on with a run that was cut off: nothing on record is asked, done or paid again, and all of it is counted."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from agora import failpoints
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.ambient import SystemClock
from agora.bids import Plan, Price
from agora.errors import ApprovalPendingError, ConfigError, FolderBusyError, LedgerError, ModelError
from agora.events import Applied, Asked, Called, Event, Resumed, TaskDone, ToolUsed
from agora.failpoints import Failpoint
from agora.ledger.redact import redactor_of
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Request
from agora.protocols import Agent, Desk, Store, Workspace
from agora.questions import Answer, Approve, Question
from agora.records import Ran
from agora.sandbox import BareSandbox
from agora.sandbox.staging import alone
from agora.tasks import Check, Limits, Task, Tier, Usage, Verdict, Work
from agora.testing import FakeClock, RuleModel, ScriptedModel, audit, call, say

SAYS_42 = Check(kind="exact", options={"answer": "42"})
DOLLAR = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(1))
PLAN = Plan(text="ask", steps=2)


class Power(BaseException):
    """The power is cut; not an Exception, so that nobody in between catches it."""


def task(**fields: object) -> Task:
    return Task.model_validate({"id": "t", "goal": "what is 6 x 7?", "verify": SAYS_42, **fields})


def events(store: Store) -> list[Event]:
    return [item.event for item in store.events() if item.event is not None]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def cut_off(market: Market, tasks: list[Task], *, at: str, hit: int = 1) -> None:
    """Run until a failpoint, and end there as far as a process can without dying."""

    def cut() -> None:
        raise Power

    failpoints.arm(Failpoint(at, hit, act=cut))
    try:
        with pytest.raises(Power):
            await market.run_all(tasks)
    finally:
        failpoints.arm(None)


def asking(model: RuleModel | ScriptedModel, *, prompts: tuple[str, ...] = ("one", "two"), name: str = "a") -> Agent:
    """Asks its model for each prompt in turn; hands in the last reply."""

    async def perform(desk: Desk, plan: Plan) -> str:
        text = ""
        for prompt in prompts:
            text = (await desk.ask(model, Request(messages=(Message(role="user", content=prompt),)))).text
        return text

    return FunctionAgent(name, perform, plan=PLAN, price=Price())


def market_of(agent: Agent, store: Store, *, approve: Approve | None = None, **more: object) -> Market:
    return Market([agent], store=store, approve=approve, sandbox=BareSandbox(), seed=1, budget_usd="5", **more)  # type: ignore[arg-type]


async def test_a_reply_on_record_is_not_asked_for_again() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)
    market = market_of(asking(model), store)
    await cut_off(market, [task()], at="performed")
    assert model.calls == 2
    report = await market.resume("last")
    assert report.passed == 1, report.results[0].reason
    assert model.calls == 2
    assert audit(events(store), verdicts={"t": Verdict.PASSED}) == []


async def test_a_call_without_an_end_is_charged_at_its_worst_case_listed_and_made_again() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)
    market = market_of(asking(model), store)
    await cut_off(market, [task()], at="called", hit=2)
    reserved = [event for event in events(store) if event.kind == "reserved"]
    assert len(reserved) == 2
    report = await market.resume("last")
    assert report.passed == 1, report.results[0].reason
    assert model.calls == 3
    (resumed,) = (event for event in events(store) if isinstance(event, Resumed))
    assert resumed.unknown == ("t/attempt-1/a/2",)
    assert resumed.usd == reserved[1].usd > 0
    charged = [event.usage.usd for event in events(store) if isinstance(event, Called)]
    assert len(charged) == 3
    assert report.usage.usd == sum(charged)
    assert [event.call for event in events(store) if isinstance(event, Called)][-1] == "t/attempt-1/a/2+1"
    assert audit(events(store)) == []


async def test_a_call_that_failed_for_good_fails_again_without_being_made() -> None:
    store = MemoryStore(clock=FakeClock())
    refused = ModelError("scripted/m", "no such thing", paid=False, status=404)
    model = ScriptedModel("scripted/m", [refused, say("42")], price=DOLLAR)
    statuses: list[int | None] = []

    async def perform(desk: Desk, plan: Plan) -> str:
        try:
            await desk.ask(model, Request(messages=(Message(role="user", content="one"),)))
        except ModelError as error:
            statuses.append(error.status)
            return (await desk.ask(model, Request(messages=(Message(role="user", content="two"),)))).text
        return "it was made again"

    market = market_of(FunctionAgent("a", perform, plan=PLAN, price=Price()), store)
    await cut_off(market, [task()], at="performed")
    report = await market.resume("last")
    assert report.results[0].output == "42"
    assert statuses == [404, 404]
    assert audit(events(store)) == []


async def test_a_finished_run_reports_again_and_nothing_is_written() -> None:
    store = MemoryStore(clock=FakeClock())
    market = market_of(asking(RuleModel("scripted/m", lambda request: "42", price=DOLLAR)), store)
    first = await market.run_all([task()])
    before = len(events(store))
    again = await market.resume("last")
    assert len(events(store)) == before
    assert again.results == first.results
    assert again.usage == first.usage


async def test_what_was_spent_before_the_cut_is_missing_from_the_purse_afterwards() -> None:
    store = MemoryStore(clock=FakeClock())
    left: list[Limits] = []
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)

    async def perform(desk: Desk, plan: Plan) -> str:
        reply = await desk.ask(model, Request(messages=(Message(role="user", content="one"),)))
        left.append(desk.left)
        return reply.text

    market = market_of(FunctionAgent("a", perform, plan=PLAN, price=Price()), store)
    await cut_off(market, [task()], at="performed")
    await market.resume("last")
    assert left[0].usd == left[1].usd
    assert left[0].tokens == left[1].tokens
    assert left[0].steps == left[1].steps


async def test_money_that_calls_of_unknown_fate_may_have_cost_cannot_be_spent_again() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=Price(output_per_mtok=Decimal(1000)))
    market = Market(
        [asking(model, prompts=("one",))], store=store, budget_usd="1.50", seed=1
    )  # a call: $1.024 at worst
    await cut_off(market, [task()], at="called")  # a call may cost $1.024
    report = await market.resume("last")
    assert model.calls == 1
    assert report.passed == 0
    assert "usd" in report.results[0].reason
    assert report.usage.usd == Decimal("1.024")
    assert audit(events(store)) == []


@tool
def look_up(word: str) -> str:
    """Look a word up outside.

    Args:
        word: Which.
    """
    LOOKED_UP.append(word)
    return f"{word} means 42"


@tool
def write(text: str, workspace: Workspace) -> str:
    """Write answer.txt.

    Args:
        text: Its content.
        workspace: The copy.
    """
    workspace.path("answer.txt").write_text(text)
    return "written"


LOOKED_UP: list[str] = []


async def test_tools_outside_are_not_used_again_and_the_copy_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("x")
    LOOKED_UP.clear()
    store = MemoryStore(clock=FakeClock())

    def rule(request: Request) -> object:
        turn = sum(message.role == "assistant" for message in request.messages)
        if "plan" in request.messages[-1].content and turn == 0 and len(request.messages) == 1:
            return "1. look it up\n2. write it down"
        steps = [call("look_up", word="six"), call("write", text="42"), say("42")]
        return steps[turn]

    model = RuleModel("scripted/m", rule, price=DOLLAR)  # type: ignore[arg-type]
    market = market_of(LLMAgent("a", model, tools=[look_up, write], tier=Tier.BARE), store)
    work = task(workspace=str(tmp_path), tier=Tier.BARE)
    await cut_off(market, [work], at="performed")
    calls = model.calls
    report = await market.resume("last")
    assert LOOKED_UP == ["six"]
    assert model.calls == calls
    assert report.passed == 1, report.results[0].reason
    assert [change.path for change in report.results[0].patch.changes] == ["answer.txt"]
    assert sum(isinstance(event, ToolUsed) for event in events(store)) == 2
    assert audit(events(store)) == []


async def test_a_paid_command_that_ended_is_not_started_again_and_what_it_changed_is_there(tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("x")
    log = tmp_path.parent / "starts.log"
    store = MemoryStore(clock=FakeClock())
    script = f"import pathlib; pathlib.Path('made.txt').write_text('m'); open({str(log)!r},'a').write('s'); print('42')"

    async def perform(desk: Desk, plan: Plan) -> str:
        ran: Ran = await desk.run(
            ["python", "-c", script],
            worst_usd=Decimal("0.50"),
            bill=lambda ran: Usage(usd=Decimal("0.20")),
        )
        return ran.stdout.strip()

    market = market_of(FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE), store)
    await cut_off(market, [task(workspace=str(tmp_path), tier=Tier.BARE)], at="performed")
    report = await market.resume("last")
    assert report.results[0].output == "42"
    assert log.read_text() == "s"
    assert [change.path for change in report.results[0].patch.changes] == ["made.txt"]
    assert report.usage.usd == Decimal("0.20")
    assert audit(events(store)) == []


async def yes(question: Question) -> Answer:
    return Answer(True, asked=False)


async def test_the_patch_is_written_once_even_when_its_end_was_not_recorded(tmp_path: Path) -> None:
    target = tmp_path / "answer.txt"
    target.write_text("41")
    store = MemoryStore(clock=FakeClock())

    async def perform(desk: Desk, plan: Plan) -> Work:
        assert desk.workspace is not None
        desk.workspace.path("answer.txt").write_text("42")
        return Work(output="42")

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    market = market_of(agent, store, approve=yes)
    await cut_off(market, [task(workspace=str(tmp_path), tier=Tier.BARE)], at="applied")
    assert target.read_text() == "42"
    report = await market.resume("last")
    assert report.results[0].applied
    assert target.read_text() == "42"
    assert [event.reason for event in events(store) if isinstance(event, Applied)] == [""]
    assert names_in(tmp_path) == ["answer.txt"]
    assert audit(events(store)) == []


@pytest.mark.parametrize("granted", [True, False])
async def test_a_question_that_nobody_could_answer_waits_and_its_answer_counts_after_a_restart(
    tmp_path: Path, granted: bool
) -> None:
    (tmp_path / "answer.txt").write_text("41")
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)

    async def perform(desk: Desk, plan: Plan) -> Work:
        reply = await desk.ask(model, Request(messages=(Message(role="user", content="one"),)))
        assert desk.workspace is not None
        desk.workspace.path("answer.txt").write_text(reply.text)
        return Work(output=reply.text)

    async def nobody(question: Question) -> Answer:
        return Answer(None) if question.about == "diff" else Answer(True, asked=False)

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    market = market_of(agent, store, approve=nobody)
    with pytest.raises(ApprovalPendingError) as waiting:
        await market.run_all([task(workspace=str(tmp_path), tier=Tier.BARE)])
    assert waiting.value.questions == ("t/diff",)
    with pytest.raises(ApprovalPendingError):
        await market.resume("last")
    (asked,) = (event for event in events(store) if isinstance(event, Asked))
    assert asked.granted is None
    run = store.find_run("last")
    await store.record(run, asked.model_copy(update={"granted": granted}))
    report = await market.resume("last")
    assert report.results[0].applied is granted
    assert (tmp_path / "answer.txt").read_text() == ("42" if granted else "41")
    assert model.calls == 1
    assert audit(events(store)) == []


async def test_one_task_that_waits_does_not_keep_the_others(tmp_path: Path) -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)

    async def picky(question: Question) -> Answer:
        return Answer(None) if question.task == "one" else Answer(True, asked=False)

    market = market_of(asking(model), store, approve=picky)
    with pytest.raises(ApprovalPendingError, match="one/award-1"):
        await market.run_all([task(id="one"), task(id="two")])
    assert [event.task for event in events(store) if isinstance(event, TaskDone)] == ["two"]
    calm = market_of(asking(model), store, approve=yes)
    report = await calm.resume("last")
    assert report.passed == 2
    assert audit(events(store)) == []


async def test_an_answer_counts_for_nothing_but_what_was_asked(tmp_path: Path) -> None:
    store = MemoryStore(clock=FakeClock())
    commands = iter([["echo", "42"], ["rm", "-rf", "."]])
    ran: list[str] = []

    async def perform(desk: Desk, plan: Plan) -> str:
        argv = next(commands)
        ended = await desk.run(argv)
        ran.append(argv[0])
        return ended.stdout.strip()

    async def nobody(question: Question) -> Answer:
        return Answer(None) if question.about == "command" else Answer(True, asked=False)

    (tmp_path / "x").write_text("x")
    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    market = market_of(agent, store, approve=nobody)
    with pytest.raises(ApprovalPendingError):
        await market.run_all([task(workspace=str(tmp_path), tier=Tier.BARE)])
    (asked,) = (event for event in events(store) if isinstance(event, Asked))
    assert asked.question.argv == ("echo", "42")
    await store.record(store.find_run("last"), asked.model_copy(update={"granted": True}))
    with pytest.raises(ApprovalPendingError):
        await market.resume("last")
    assert ran == []


async def test_a_changed_agent_is_named_before_anything_is_spent() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)
    await cut_off(market_of(asking(model), store), [task()], at="performed")
    before = len(events(store))
    dearer = FunctionAgent("a", "42".format, plan=PLAN, price=Price(per_task=Decimal(1)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"agent 'a'.*price"):
        await market_of(dearer, store).resume("last")
    with pytest.raises(ConfigError, match=r"agent 'a'.*bring it back"):
        await market_of(asking(model, name="b"), store).resume("last")
    assert len(events(store)) == before


async def test_agents_whose_prompts_differ_each_time_are_asked_again_and_all_is_counted() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=DOLLAR)
    turns = iter(range(100))

    async def perform(desk: Desk, plan: Plan) -> str:
        prompt = f"it is turn {next(turns)}"
        return (await desk.ask(model, Request(messages=(Message(role="user", content=prompt),)))).text

    market = market_of(FunctionAgent("a", perform, plan=PLAN, price=Price()), store)
    await cut_off(market, [task()], at="performed")
    report = await market.resume("last")
    calls = [event for event in events(store) if isinstance(event, Called)]
    assert [event.call for event in calls] == ["t/attempt-1/a/1", "t/attempt-1/a/2"]
    assert report.usage.usd == sum(event.usage.usd for event in calls)
    assert audit(events(store)) == []


def test_a_failpoint_is_named_and_counted_or_refused() -> None:
    for text in ("called", "called:", ":3", "called:x", "called:0"):
        with pytest.raises(ConfigError, match="AGORA_FAILPOINT"):
            Failpoint.parse(text)
    hits: list[int] = []
    point = Failpoint("*", 2, act=lambda: hits.append(1))
    for name in ("a", "b", "c"):
        point.at(name)
    assert hits == [1]
    assert point.reached == {"a": 1, "b": 1, "c": 1}


async def test_the_time_in_which_a_person_thinks_is_nobodys_work(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")

    async def slow(question: Question) -> Answer:
        if question.about == "command":
            await anyio.sleep(0.8)
        return Answer(True)

    async def perform(desk: Desk, plan: Plan) -> str:
        return (await desk.run(["echo", "42"])).stdout.strip()

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    market = market_of(agent, MemoryStore(clock=SystemClock()), approve=slow)
    report = await market.run_all([task(workspace=str(tmp_path), tier=Tier.BARE, limits=Limits(seconds=0.7))])
    assert report.passed == 1, report.results[0].reason
    assert report.usage.seconds < 0.7


async def test_a_patch_with_a_secret_is_not_written_from_the_record_that_does_not_hold_it(tmp_path: Path) -> None:
    (tmp_path / "conf.txt").write_text("key = none\n")
    secret = "correct-horse-battery-9"
    store = MemoryStore(clock=FakeClock(), redactor=redactor_of([secret]))

    async def perform(desk: Desk, plan: Plan) -> Work:
        assert desk.workspace is not None
        desk.workspace.path("conf.txt").write_text(f"key = {secret}\n")
        return Work(output="42")

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    market = market_of(agent, store, approve=yes)
    await cut_off(market, [task(workspace=str(tmp_path), tier=Tier.BARE)], at="applying")
    report = await market.resume("last")
    assert (tmp_path / "conf.txt").read_text() == "key = none\n"
    assert not report.results[0].applied
    (applied,) = (event for event in events(store) if isinstance(event, Applied))
    assert "held a secret" in applied.reason


async def test_work_with_a_secret_that_was_not_verified_before_the_cut_is_nobodys_failure(tmp_path: Path) -> None:
    (tmp_path / "conf.txt").write_text("key = none\n")
    secret = "correct-horse-battery-9"
    store = MemoryStore(clock=FakeClock(), redactor=redactor_of([secret]))

    async def perform(desk: Desk, plan: Plan) -> Work:
        assert desk.workspace is not None
        desk.workspace.path("conf.txt").write_text(f"key = {secret}\n")
        return Work(output="42")

    market = market_of(FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE), store, approve=yes)
    await cut_off(market, [task(workspace=str(tmp_path), tier=Tier.BARE)], at="verified")
    report = await market.resume("last")
    assert report.results[0].verdict is Verdict.UNKNOWN
    assert [event.kind for event in events(store) if event.kind == "learned"] == []


async def test_a_run_that_is_done_does_nothing_more_whatever_the_market_is_now(tmp_path: Path) -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "41", price=DOLLAR)
    agents = [asking(model, name="a"), asking(model, name="b")]
    first = await Market(agents, store=store, seed=1, attempts=1, learn=False).run_all([task()])
    before, calls = len(events(store)), model.calls
    again = await Market([asking(model, name="other")], store=store, attempts=5, approve=yes).resume("last")
    assert again.results == first.results
    assert (len(events(store)), model.calls) == (before, calls)


async def test_two_tasks_that_are_gone_on_with_share_one_budget() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42 " * 700, price=Price(output_per_mtok=Decimal(400)))

    async def picky(question: Question) -> Answer:
        return Answer(None) if question.task == "one" else Answer(True, asked=False)

    agent = asking(model, prompts=("1", "2"))
    with pytest.raises(ApprovalPendingError):
        await Market([agent], store=store, approve=picky, budget_usd="1.00", seed=1).run_all(
            [task(id="one"), task(id="two")]
        )
    (two,) = (event for event in events(store) if isinstance(event, TaskDone))
    assert two.usage.usd > Decimal("0.5")
    report = await Market([agent], store=store, approve=yes, budget_usd="1.00", seed=1).resume("last")
    assert report.usage.usd <= 1
    assert audit(events(store)) == []


async def test_whoever_has_nobody_to_ask_does_not_settle_a_question_that_waits(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    store = MemoryStore(clock=FakeClock())

    async def perform(desk: Desk, plan: Plan) -> str:
        return (await desk.run(["echo", "42"])).stdout.strip()

    async def nobody(question: Question) -> Answer:
        return Answer(None) if question.about == "command" else Answer(True, asked=False)

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    with pytest.raises(ApprovalPendingError):
        await market_of(agent, store, approve=nobody).run_all([task(workspace=str(tmp_path), tier=Tier.BARE)])
    with pytest.raises(ApprovalPendingError):
        await market_of(agent, store).resume("last")


async def test_a_patch_that_was_being_written_is_finished_by_whoever_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    store = MemoryStore(clock=FakeClock())

    async def perform(desk: Desk, plan: Plan) -> Work:
        assert desk.workspace is not None
        for name in ("a", "b", "c"):
            desk.workspace.path(name).write_text("2")
        return Work(output="42")

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    work = task(workspace=str(tmp_path), tier=Tier.BARE)
    await cut_off(market_of(agent, store, approve=yes), [work], at="applying.durable")
    report = await market_of(agent, store).resume("last")
    assert report.results[0].applied
    assert {name: (tmp_path / name).read_text() for name in names_in(tmp_path)} == {"a": "2", "b": "2", "c": "2"}


async def test_nobody_says_what_came_of_a_patch_while_its_folder_is_held(tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text("41")
    store = MemoryStore(clock=FakeClock())

    async def perform(desk: Desk, plan: Plan) -> Work:
        assert desk.workspace is not None
        desk.workspace.path("answer.txt").write_text("42")
        return Work(output="42")

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price(), tier=Tier.BARE)
    market = market_of(agent, store, approve=yes)
    await cut_off(market, [task(workspace=str(tmp_path), tier=Tier.BARE)], at="applying.durable")
    with alone(tmp_path), pytest.raises(FolderBusyError, match="end it, or try again"):
        await market.resume("last")
    assert not any(isinstance(event, Applied) for event in events(store))
    assert (await market.resume("last")).results[0].applied
    assert (tmp_path / "answer.txt").read_text() == "42"
    assert audit(events(store)) == []


async def test_an_intent_that_cannot_be_recorded_leaves_a_run_that_can_be_gone_on_with() -> None:
    store = MemoryStore(clock=FakeClock())
    model = RuleModel("scripted/m", lambda request: "42", price=Price())

    async def perform(desk: Desk, plan: Plan) -> str:
        huge = "x" * (33 * 1024 * 1024)
        with pytest.raises(LedgerError):
            await desk.ask(model, Request(messages=(Message(role="user", content=huge),)))
        return "42"

    agent = FunctionAgent("a", perform, plan=PLAN, price=Price())
    limits = Limits(tokens=10**9, usd=Decimal(5))
    market = Market([agent], store=store, limits=limits, seed=1)
    await cut_off(market, [task(limits=limits)], at="performed")
    assert (await market.resume("last")).passed == 1
    assert audit(events(store)) == []
