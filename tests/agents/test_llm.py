"""An agent of a model and tools keeps to its plan and its limits, whatever the model does."""

from __future__ import annotations

import hashlib
import sys
from decimal import Decimal

import anyio
import pytest
from pydantic import BaseModel

from agora.abilities import Refining
from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.bids import Lesson, Plan, Price
from agora.errors import AgentError, ContextOverflowError, ModelError, UnpricedModelError
from agora.events import Called, Reserved, ToolUsed
from agora.memory.in_memory import MemoryStore
from agora.messages import Reply, Request
from agora.models.retries import Retries
from agora.protocols import Desk
from agora.tasks import Limits, Task, Usage
from agora.testing import FakeClock, RuleModel, ScriptedModel, call, desk_for, expecting, say

TASK = Task(id="t", goal="add 1 and 2")
PLAN = Plan(text="1. add\n2. answer", steps=2)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: One.
        b: Another.
    """
    return a + b


@tool
def explode() -> str:
    """Fail."""
    raise ValueError("boom")


class Total(BaseModel):
    total: int


async def test_a_tool_loop_runs_until_the_model_answers() -> None:
    model = ScriptedModel("m", [call("add", a=1, b=2), expecting("3", "the total is 3")])
    work = await LLMAgent("a", model, tools=[add]).perform(desk_for(TASK), PLAN)
    assert work.output == "the total is 3"
    model.assert_consumed()


async def test_the_winner_is_shown_its_own_plan_and_the_evidence() -> None:
    model = ScriptedModel("m", [expecting("1. add", "3")])
    await LLMAgent("a", model, tools=[]).perform(desk_for(TASK, evidence=("it said 4",)), PLAN)
    seen = ScriptedModel("m", [expecting("it said 4", "3")])
    await LLMAgent("a", seen, tools=[]).perform(desk_for(TASK, evidence=("it said 4",)), PLAN)


async def test_a_stated_price_goes_before_the_list_when_a_call_is_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    stated = Price(output_per_mtok=Decimal(1_000))
    agent = LLMAgent("a", "openai/gpt-5-mini", tools=[], price=stated, max_tokens=100)
    store = MemoryStore(clock=FakeClock())
    desk = desk_for(TASK, price=stated, store=store, retries=Retries(attempts=1))
    with pytest.raises(ModelError):  # nobody beyond this machine can be reached from here
        await agent.perform(desk, PLAN)
    assert [item.event.usd for item in store.events() if isinstance(item.event, Reserved)] == [Decimal("0.1")]


async def test_a_failing_tool_is_a_message_to_the_model_and_not_the_end() -> None:
    model = ScriptedModel("m", [call("explode"), expecting("ValueError: boom", "it cannot be done")])
    work = await LLMAgent("a", model, tools=[explode]).perform(desk_for(TASK), PLAN)
    assert work.output == "it cannot be done"


async def test_a_tool_that_is_not_there_or_not_allowed_is_named_to_the_model() -> None:
    allowed_none = TASK.model_copy(update={"tools": ()})
    model = ScriptedModel("m", [call("add", a=1, b=2), expecting("no tool 'add'", "3")])
    work = await LLMAgent("a", model, tools=[add]).perform(desk_for(allowed_none), PLAN)
    assert work.output == "3"


async def test_an_answer_that_does_not_fit_its_schema_is_repaired_once() -> None:
    model = ScriptedModel("m", ["three", expecting("does not fit the schema", '{"total": 3}')])
    work = await LLMAgent("a", model, tools=[], output=Total).perform(desk_for(TASK), PLAN)
    assert Total.model_validate_json(work.output).total == 3


async def test_a_second_misfit_ends_the_attempt() -> None:
    model = ScriptedModel("m", ["three", "still three"])
    with pytest.raises(AgentError, match="does not fit"):
        await LLMAgent("a", model, tools=[], output=Total).perform(desk_for(TASK), PLAN)


async def test_an_endless_loop_of_tool_calls_ends_at_the_step_limit_and_keeps_the_work() -> None:
    model = RuleModel("m", lambda request: call("add", a=1, b=1))
    desk = desk_for(TASK, limits=Limits(usd=Decimal(1), steps=9))
    work = await LLMAgent("a", model, tools=[add]).perform(desk, PLAN)
    assert work.output.startswith("[stopped:")
    assert "steps" in work.output


@tool
def recite() -> str:
    """Say a lot."""
    return "word " * 600


def sent(store: MemoryStore) -> list[Request]:
    return [item.event.request for item in store.events() if isinstance(item.event, Reserved)]


async def test_a_conversation_that_the_model_refuses_is_cut_and_what_was_cut_is_on_record() -> None:
    full = ContextOverflowError("m", "too long", paid=False)
    model = ScriptedModel("m", [call("recite"), full, expecting("[cut:", "3")])
    store = MemoryStore(clock=FakeClock())
    work = await LLMAgent("a", model, tools=[recite]).perform(desk_for(TASK, store=store), PLAN)
    assert work.output == "3"
    model.assert_consumed()
    first, refused, cut = sent(store)
    assert first.dropped == refused.dropped == ()
    (lost,) = cut.dropped
    assert (lost.index, lost.role, lost.gone) == (3, "tool", False)
    assert lost.chars == 2_800
    assert lost.sha256 == hashlib.sha256(("word " * 600).encode()).hexdigest()


async def test_what_was_cut_stands_only_with_the_call_that_it_was_cut_for() -> None:
    full = ContextOverflowError("m", "too long", paid=False)
    model = ScriptedModel("m", [call("recite"), full, call("add", a=1, b=2), "3"])
    store = MemoryStore(clock=FakeClock())
    await LLMAgent("a", model, tools=[recite, add]).perform(desk_for(TASK, store=store), PLAN)
    assert [len(request.dropped) for request in sent(store)] == [0, 0, 1, 0]


async def test_an_overflow_where_nothing_can_be_cut_is_an_error_and_asked_for_once() -> None:
    model = ScriptedModel("m", [ContextOverflowError("m", "too long", paid=False)])
    with pytest.raises(ContextOverflowError):
        await LLMAgent("a", model, tools=[]).perform(desk_for(TASK), PLAN)
    model.assert_consumed()


async def test_a_model_that_refuses_everything_is_asked_a_few_times_and_no_more() -> None:
    def rule(request: Request) -> Reply | ContextOverflowError:
        if sum(message.role == "tool" for message in request.messages) < 9 and not request.dropped:
            return call("recite")
        return ContextOverflowError("m", "too long", paid=False)

    model = RuleModel("m", rule)
    with pytest.raises(ContextOverflowError):
        await LLMAgent("a", model, tools=[recite]).perform(desk_for(TASK), PLAN)
    assert 9 < model.calls <= 9 + 5


async def test_what_will_not_fit_a_known_window_is_cut_before_the_model_is_asked() -> None:
    class Small(RuleModel):
        def context_tokens(self) -> int:
            return 6_000

    most = [0]

    def rule(request: Request) -> Reply:
        tokens = model.bound_tokens(request)  # as if each byte were a token
        most[0] = max(most[0], tokens + request.max_tokens)
        done = sum(message.role == "tool" for message in request.messages) >= 1 and model.calls > 12
        answer = say("done") if done else call("recite")
        return answer.model_copy(update={"usage": Usage(input_tokens=tokens, output_tokens=3)})

    model = Small("m", rule)
    store = MemoryStore(clock=FakeClock())
    agent = LLMAgent("a", model, tools=[recite], max_tokens=100)
    work = await agent.perform(desk_for(TASK, store=store), PLAN)
    assert work.output == "done"
    assert most[0] <= 6_000
    assert sum(len(request.dropped) for request in sent(store)) >= 10
    assert not any(isinstance(item.event, Called) and item.event.error for item in store.events())


async def test_the_window_is_measured_in_what_the_provider_counted_not_in_bytes() -> None:
    class Small(RuleModel):
        def context_tokens(self) -> int:
            return 6_000

    def rule(request: Request) -> Reply:
        usage = Usage(input_tokens=model.bound_tokens(request) // 5, output_tokens=3)
        return (say("done") if model.calls > 6 else call("recite")).model_copy(update={"usage": usage})

    model = Small("m", rule)
    store = MemoryStore(clock=FakeClock())
    await LLMAgent("a", model, tools=[recite], max_tokens=100).perform(desk_for(TASK, store=store), PLAN)
    assert model.calls == 7
    assert not any(request.dropped for request in sent(store))


BID_IN_A_PROCESS = """
import anyio
from agora.agents.llm import LLMAgent
from agora.tasks import Task
from agora.testing import ScriptedModel, desk_for, say
agent = LLMAgent("a", ScriptedModel("m", [say({text})]), tools=[])
plan = anyio.run(agent.bid, desk_for(Task(id="t", goal="add 1 and 2")))
print(plan.steps, plan.confidence, len(plan.text))
"""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"'1. add\n2. check' + ' \n' * 500_000 + 'answer'", "2 None 1000021"),
        (r"'1. add' + '\n' * 1_000_000 + 'answer\nCHANCE: 70 %'", "1 0.7 1000012"),
        (r"'1.' + ' ' * 1_000_000 + 'add\n' + 'CHANCE' + ' ' * 1_000_000 + ': 7 %'", "1 None 2000017"),
    ],
)
async def test_a_bid_of_a_million_blanks_is_read_in_one_pass(text: str, read: str) -> None:
    # No timing test: one pass takes a second. A pattern that starts again at every blank takes hours for the first two
    # (3 s for 8,000 blanks, four times that for twice as many); the deadline only says that nobody waits for them.
    # In a process of its own, since nothing else ends a pattern that is being matched.
    with anyio.fail_after(90):
        done = await anyio.run_process([sys.executable, "-c", BID_IN_A_PROCESS.format(text=text)])
    assert done.stdout.decode().strip() == read


async def test_an_empty_plan_is_no_bid() -> None:
    with pytest.raises(AgentError, match="empty plan"):
        await LLMAgent("a", ScriptedModel("m", [say("  ")]), tools=[]).bid(desk_for(TASK))


LESSON = Lesson(goal="add 3 and 4", lost="guess", won="1. use add\n2. answer", own="lost")


async def test_a_plan_is_refined_in_one_call_that_is_asked_as_the_bid_was() -> None:
    store = MemoryStore(clock=FakeClock())
    model = ScriptedModel("m", ["1. guess", "1. call add\n2. check\n3. answer"])
    agent = LLMAgent("a", model, tools=[add])
    desk = desk_for(TASK, store=store, files=("notes.md",), evidence=("it said 4",))
    first = await agent.bid(desk)
    refined = await agent.refine(desk, first, [LESSON])
    assert refined == Plan(text="1. call add\n2. check\n3. answer", steps=3)
    bid, second = sent(store)
    same = {"max_tokens", "temperature", "top_logprobs"}
    assert bid.model_dump(include=same) == second.model_dump(include=same)
    assert second.top_logprobs
    (message,) = second.messages
    for shown in ("1. guess", "| 1. use add", "| guess", "add 3 and 4", "add 1 and 2", "notes.md", "it said 4", "add"):
        assert shown in message.content
    model.assert_consumed()


async def test_without_a_lesson_nothing_is_asked_and_the_first_plan_stands() -> None:
    assert await LLMAgent("a", ScriptedModel("m", []), tools=[]).refine(desk_for(TASK), PLAN, []) is None


@pytest.mark.parametrize("answer", ["  ", "1. add\n 2. answer\n"])
async def test_an_empty_or_unchanged_second_plan_is_none(answer: str) -> None:
    agent = LLMAgent("a", ScriptedModel("m", [say(answer)]), tools=[])
    assert await agent.refine(desk_for(TASK), PLAN, [LESSON]) is None


def test_an_agent_with_a_model_can_refine_and_a_function_cannot() -> None:
    async def answer(desk: Desk, plan: Plan) -> str:
        return "3"

    assert isinstance(LLMAgent("a", ScriptedModel("m", []), tools=[]), Refining)
    assert not isinstance(FunctionAgent("f", answer, plan=PLAN), Refining)


async def test_an_unpriced_model_is_not_called_unless_the_agent_states_a_price() -> None:
    class Unpriced(ScriptedModel):
        def price(self) -> None:
            return None

    silent = LLMAgent("a", Unpriced("m", []), tools=[])
    assert silent.profile.price is None
    assert "no known price: state one" in (await silent.perform(desk_for(TASK), PLAN)).output
    with pytest.raises(UnpricedModelError, match="state one"):
        await silent.bid(desk_for(TASK))
    stated = Price(output_per_mtok=Decimal(1))
    priced = LLMAgent("a", Unpriced("m", ["3"]), tools=[], price=stated)
    assert (await priced.perform(desk_for(TASK, price=stated), PLAN)).output == "3"


async def test_a_call_whose_worst_case_does_not_fit_is_not_made() -> None:
    model = ScriptedModel("m", [])
    desk = desk_for(TASK, limits=Limits(usd=Decimal("0.000001"), steps=5))
    work = await LLMAgent("a", model, tools=[]).perform(desk, PLAN)
    assert "usd" in work.output


async def test_a_long_conversation_is_kept_on_record_once() -> None:
    store = MemoryStore(clock=FakeClock())
    model = ScriptedModel("m", [call("add", a=1, b=2), call("add", a=3, b=3), "6"])
    await LLMAgent("a", model, tools=[add]).perform(desk_for(TASK, store=store), PLAN)
    events = [item.event for item in store.events()]
    intents = [event for event in events if isinstance(event, Reserved)]
    assert [(event.follows, len(event.request.messages)) for event in intents] == [(0, 2), (2, 2), (4, 2)]
    assert [event.kind for event in events if event] == ["reserved", "called", "tool", "reserved", "called", "tool",
                                                         "reserved", "called"]  # fmt: skip
    assert sum(event.usage.usd for event in events if isinstance(event, Called)) > 0
    assert all(event.ok for event in events if isinstance(event, ToolUsed))


async def test_the_worst_case_is_booked_where_the_fate_of_a_call_is_unknown() -> None:
    from agora.errors import ModelTimeoutError

    store = MemoryStore(clock=FakeClock())
    model = ScriptedModel("m", [ModelTimeoutError("m", "no answer", paid=True)])
    desk = desk_for(TASK, store=store)
    with pytest.raises(ModelTimeoutError):
        await LLMAgent("a", model, tools=[]).perform(desk, PLAN)
    ended = next(item.event for item in store.events() if isinstance(item.event, Called))
    intent = next(item.event for item in store.events() if isinstance(item.event, Reserved))
    assert ended.usage.usd == intent.usd > 0
    assert "no answer" in ended.error
