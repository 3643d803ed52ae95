"""A long attempt keeps within its window by its strategy; what went is on record, and a resumed one does the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from agora import failpoints
from agora.agents.command_tools import DEFAULT_TOOLS
from agora.agents.context_rule import ContextRule, rule_of
from agora.agents.keeping import MOST_SUMMARIES
from agora.agents.llm import LLMAgent
from agora.agents.look_ahead import MOST_LOOKS
from agora.agents.tools import tool
from agora.bids import Plan
from agora.cli.agent_files import LLMFile, read_agent
from agora.errors import ConfigError, ModelError
from agora.events import Called, Reserved, ToolUsed
from agora.failpoints import Failpoint
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Reply, Request
from agora.protocols import Store
from agora.tasks import Check, Limits, Task, Usage, Work
from agora.testing import FakeClock, RuleModel, audit, call, desk_for, say

TASK = Task(id="t", goal="find the number", verify=Check(kind="exact", options={"answer": "42"}))
PLAN = Plan(text="1. look", steps=2)
WINDOW, ANSWER = 9_000, 100
ASKS = "Write down\nwhat you need"


@tool(reads=True)
def look(page: int) -> str:
    """Look at a page."""
    return f"page {page}: " + "word " * 150


@tool
def stamp(page: int) -> str:
    """Stamp a page: it cannot be undone."""
    return f"stamped {page}"


class Small(RuleModel):
    """A model whose window is known, and which counts each byte as a token."""

    def __init__(self, rule: Callable[[Request], Reply | str | ModelError]) -> None:
        def counted(request: Request) -> Reply | ModelError:
            answer = rule(request)
            if isinstance(answer, ModelError):
                return answer
            reply = say(answer) if isinstance(answer, str) else answer
            return reply.model_copy(update={"usage": Usage(input_tokens=self.bound_tokens(request), output_tokens=9)})

        super().__init__("m", counted)

    def context_tokens(self) -> int:
        return WINDOW


def sums_up(request: Request) -> bool:
    return ASKS in request.messages[-1].content


def looking(request: Request, *, pages: int = 30, stamps: bool = False) -> Reply | str:
    """Looks at one page after the other, as far as it can still see where it was; then answers."""
    if "| seen up to " in request.messages[1].content or len(request.messages) > 2:
        last = [int(json.loads(one.arguments)["page"]) for message in request.messages for one in message.tool_calls]
        noted = request.messages[1].content.rpartition("| seen up to ")[2].partition("\n")[0]
        page = max([*last, int(noted) if noted.isdigit() else 0])
    else:
        page = 0
    if sums_up(request):
        return f"seen up to {page}"
    if page >= pages:
        return "42"
    return call("stamp" if stamps and page % 2 else "look", page=page + 1)


async def performed(
    rule: ContextRule | str, model: RuleModel, *, limits: Limits | None = None
) -> tuple[Work, list[Request], MemoryStore]:
    store = MemoryStore(clock=FakeClock())
    agent = LLMAgent("a", model, tools=[look, stamp], max_tokens=ANSWER, context=rule)
    desk = desk_for(TASK, store=store, limits=limits or Limits(usd=Decimal(100), tokens=10_000_000, steps=300))
    work = await agent.perform(desk, PLAN)
    return work, sent(store), store


def sent(store: Store) -> list[Request]:
    """All requests whole, in order."""
    whole: list[Request] = []
    for item in store.events():
        if isinstance(event := item.event, Reserved):
            before = whole[-1] if event.follows else None
            messages = (*(before.messages[: event.follows] if before else ()), *event.request.messages)
            tools = before.tools if before else event.request.tools
            whole.append(event.request.model_copy(update={"messages": messages, "tools": tools}))
    return whole


@pytest.mark.parametrize("strategy", ["discard", "keep-last-n", "summary", "look-ahead"])
async def test_every_strategy_keeps_within_the_window_and_what_went_is_on_record(strategy: str) -> None:
    model = Small(looking)
    work, requests, store = await performed(strategy, model)
    assert work.output == "42"
    for request in requests:
        assert model.bound_tokens(request) + request.max_tokens <= WINDOW
    assert any(item.gone or item.chars for request in requests for item in request.dropped)
    assert not any(isinstance(item.event, Called) and item.event.error for item in store.events())


async def test_keep_last_n_leaves_the_task_and_the_last_turns_whole() -> None:
    _, requests, _ = await performed(ContextRule(strategy="keep-last-n", turns=3), Small(looking))
    cut = next(request for request in requests if request.dropped)
    assert all(item.gone for item in cut.dropped)
    assert [message.role for message in cut.messages] == ["system", "user", *["assistant", "tool"] * 3]
    assert cut.messages[:2] == requests[0].messages[:2]
    before = requests[requests.index(cut) - 1]
    assert {item.index for item in cut.dropped} == set(range(2, len(before.messages) + 2 - 6))


async def test_it_acts_at_its_share_of_the_window_and_not_before() -> None:
    early = (await performed(ContextRule(strategy="keep-last-n", turns=2, threshold=0.6), Small(looking)))[1]
    late = (await performed(ContextRule(strategy="keep-last-n", turns=2), Small(looking)))[1]
    first = [next(place for place, one in enumerate(requests) if one.dropped) for requests in (early, late)]
    assert first[0] < first[1]
    bound = Small(looking).bound_tokens
    assert bound(early[first[0] - 1]) <= 0.6 * (WINDOW - ANSWER) < bound(early[first[0] - 1]) + 1_000
    stated = (await performed(ContextRule(strategy="keep-last-n", window=4_000), RuleModel("m", looking)))[1]
    assert any(request.dropped for request in stated), "a window can be stated where the model's is not known"


async def test_a_summary_replaces_the_older_turns_by_what_the_model_wrote_quoted_behind_the_task() -> None:
    _, requests, store = await performed(ContextRule(strategy="summary", turns=2, summary_tokens=300), Small(looking))
    asked = [place for place, request in enumerate(requests) if sums_up(request)]
    assert len(asked) >= 2
    ask, after = requests[asked[0]], requests[asked[0] + 1]
    assert (ask.max_tokens, ask.output_schema) == (300, None)
    assert after.messages[1].content.startswith(requests[0].messages[1].content)
    assert "each line behind |:\n| seen up to " in after.messages[1].content
    assert [message.role for message in after.messages] == ["system", "user", *["assistant", "tool"] * 2]
    assert all(item.gone for item in after.dropped)
    again = requests[asked[1] + 1].messages[1].content
    assert again.count("| seen up to ") == 1, "a later summary takes the place of the one before"
    called = [item.event for item in store.events() if isinstance(item.event, Called)]
    assert len(called) == len(requests), "each summary is a call like every other, booked and on record"


@pytest.mark.parametrize("answer", [ModelError("m", "no", paid=False), "", call("look", page=1)])
async def test_where_no_summary_can_be_had_as_much_goes_as_with_discard(answer: Reply | str | ModelError) -> None:
    def rule(request: Request) -> Reply | str | ModelError:
        return answer if sums_up(request) else looking(request)

    work, requests, _ = await performed("summary", Small(rule))
    assert work.output == "42"
    assert not any("each line behind |" in request.messages[1].content for request in requests)
    assert sum(map(sums_up, requests)) <= MOST_SUMMARIES * 3


async def test_a_summary_that_the_purse_does_not_hold_is_not_made() -> None:
    model, rule = Small(looking), ContextRule(strategy="summary", summary_tokens=8000)
    price = model.price()
    assert price is not None
    _, requests, store = await performed(rule, model)
    first = next(place for place, request in enumerate(requests) if sums_up(request))
    called = [item.event for item in store.events() if isinstance(item.event, Called)]
    spent = sum((ended.usage.usd for ended in called[:first]), Decimal(0))
    short = Limits(usd=spent + price.of(model.bound_tokens(requests[first]), 7_900), tokens=10_000_000, steps=300)
    _, poor, _ = await performed(rule, model, limits=short)
    assert not any(map(sums_up, poor))
    assert len(poor) > first, "it goes on with what fits"


async def test_a_look_ahead_goes_on_with_the_branch_that_does_not_ask_again() -> None:
    """Whoever forgot where it was begins anew; a summary says it."""

    def forgetful(request: Request) -> Reply | str:
        told = "| seen up to " in request.messages[1].content
        if sums_up(request):
            return "seen up to 1000"
        places = [int(json.loads(one.arguments)["page"]) for message in request.messages for one in message.tool_calls]
        if told and not any(place > 1000 for place in places):
            return call("look", page=1001)
        if request.dropped and not told:
            return call("look", page=1)
        return "42" if max([0, *places]) > 1001 else call("look", page=max([0, *places]) + 1)

    rule = ContextRule(strategy="look-ahead", turns=2, steps=2)
    work, requests, _ = await performed(rule, Small(forgetful))
    assert work.output == "42"
    last = requests[-1].messages
    assert "| seen up to 1000" in last[1].content
    assert json.loads(last[-2].tool_calls[0].arguments) in ({"page": 1001}, {"page": 1002})


async def test_no_look_ahead_uses_a_tool_that_changes_something() -> None:
    work, requests, store = await performed("look-ahead", Small(lambda request: looking(request, stamps=True)))
    assert work.output == "42"
    used = [item.event.call for item in store.events() if isinstance(item.event, ToolUsed)]
    stamped = [json.loads(one.arguments)["page"] for one in used if one.name == "stamp"]
    assert sorted(stamped) == list(range(2, 31, 2)), "each once, whatever the branches wanted"
    read = [one.arguments for one in used if one.name == "look"]
    assert len(read) > len(set(read)), "what only reads is used in several branches"
    assert len(requests) > 31


async def test_a_look_ahead_keeps_to_its_share_of_what_is_left_and_to_its_number() -> None:
    plain = len((await performed("discard", Small(looking)))[1])
    ahead = len((await performed("look-ahead", Small(looking)))[1])
    assert plain < ahead <= plain + MOST_LOOKS * (3 * 3 + 1)
    poor = Limits(usd=Decimal(100), tokens=10_000_000, steps=2 * plain)
    thrifty = ContextRule(strategy="look-ahead", share=0.01)
    assert len((await performed(thrifty, Small(looking), limits=poor))[1]) == plain


@pytest.mark.parametrize("strategy", ["keep-last-n", "summary", "look-ahead"])
async def test_an_attempt_that_was_cut_off_anywhere_makes_the_same_calls_and_none_twice(strategy: str) -> None:
    def market(store: Store) -> Market:
        model = Small(
            lambda request: "1. look" if "Do not solve it yet" in str(request) else looking(request, pages=12)
        )
        agent = LLMAgent("a", model, tools=[look, stamp], max_tokens=ANSWER, context=strategy)
        return Market([agent], store=store, seed=1, attempts=1, budget_usd="100")

    class Power(BaseException):
        """The power is cut."""

    def cut() -> None:
        raise Power

    whole = MemoryStore(clock=FakeClock())
    assert (await market(whole).run_all([TASK])).passed == 1
    calls = sum(isinstance(item.event, Called) for item in whole.events())
    for hit in range(calls // 2, calls):
        store = MemoryStore(clock=FakeClock())
        failpoints.arm(Failpoint("called.durable", hit, act=cut))
        try:
            with pytest.raises(Power):
                await market(store).run_all([TASK])
        finally:
            failpoints.arm(None)
        assert (await market(store).resume("last")).passed == 1
        assert audit([item.event for item in store.events() if item.event]) == []
        assert [one.messages for one in sent(store)] == [one.messages for one in sent(whole)]


def test_a_rule_that_does_not_fit_is_refused_with_its_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"context: strategy: 'sumary' does not fit"):
        rule_of("sumary", where="agent 'a': context")
    file = tmp_path / "a.toml"
    file.write_text('model = "local/smollm2-135m"\ncontext = { strategy = "summary", turns = 0 }\n')
    with pytest.raises(ConfigError, match=r"context\.turns: 0 does not fit"):
        read_agent(file)


def test_an_agent_file_states_a_strategy_by_name_or_as_a_table(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    for text, rule in (
        ('"keep-last-n"', ContextRule(strategy="keep-last-n")),
        ('{ strategy = "look-ahead", steps = 2 }', ContextRule(strategy="look-ahead", steps=2)),
    ):
        file.write_text(f'model = "local/smollm2-135m"\ncontext = {text}\n')
        known = read_agent(file)
        assert isinstance(known, LLMFile)
        assert known.context == rule


def test_of_the_default_tools_those_that_change_something_are_never_used_in_a_branch() -> None:
    reading = {one.spec.name for one in DEFAULT_TOOLS if getattr(one, "reads", False)}
    assert reading == {"read_file", "list_files", "search_files"}


async def test_when_it_has_looked_ahead_often_enough_it_does_what_it_chose_last() -> None:
    def begins_anew(request: Request) -> Reply | str:
        pages = [json.loads(one.arguments)["page"] for message in request.messages for one in message.tool_calls]
        noted = request.messages[1].content.rpartition("| seen up to ")[2].partition("\n")[0]
        lost = bool(pages) and pages[0] > 1 + (int(noted) if noted.isdigit() else 0)
        return call("look", page=1) if lost and not sums_up(request) else looking(request, pages=60)

    _, requests, _ = await performed(ContextRule(strategy="look-ahead", turns=2), Small(begins_anew))
    summaries = [request for request in requests if sums_up(request)]
    assert MOST_LOOKS < len(summaries) <= MOST_SUMMARIES
