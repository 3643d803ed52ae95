"""What a task leaves on the records: what was asked, stated and taken, whose bids fitted, and which calls ran."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import LLMAgent
from agora.agents.tools import tool
from agora.bids import Plan, Price
from agora.errors import AgentError, ModelError
from agora.events import BidRefused, Learned
from agora.lots import Lot
from agora.market import Market
from agora.memory.learned import read_update
from agora.messages import Request, ToolCall
from agora.protocols import Agent, Desk
from agora.records import AgentRecord
from agora.settling import lessons
from agora.tasks import Check, Task, Verdict
from agora.testing import RuleModel
from agora.values import JsonValue
from attempted import lot_of

SAYS_42 = Check(kind="exact", options={"answer": "42"})


@tool
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


async def with_tools(desk: Desk, plan: Plan) -> str:
    for arguments in ('{"number": 21}', '{"number": "many"}', "no JSON", '{"number": 1}'):
        await desk.use(double, ToolCall(id=arguments, name="double", arguments=arguments))
    return "42"


async def wrong(desk: Desk, plan: Plan) -> str:
    return "41"


def agent(name: str, perform: object = wrong, *, price: Price, stated: float | None = None) -> Agent:
    plan = Plan(text=f"answer as {name}", tokens=0, steps=3, confidence=stated)
    return FunctionAgent(name, cast("type", perform), plan=plan, price=price)


async def records_of(*agents: Agent, skill: str = "") -> dict[str, AgentRecord]:
    market = Market(list(agents), seed=1)
    await market.run(Task(id="t", goal="what is 6 x 7?", skill=skill, verify=SAYS_42))
    return {record.agent: record for record in market.store.records()}


async def test_what_was_asked_stated_and_used_stands_on_the_record_of_who_was_tried() -> None:
    cheap = agent("cheap", price=Price(per_task=Decimal("0.01")), stated=0.95)
    dear = agent("dear", with_tools, price=Price(per_task=Decimal("0.5")), stated=0.6)
    records = await records_of(cheap, dear)
    failed, passed = records["cheap"], records["dear"]
    assert [(one.tried, one.passed) for one in (failed, passed)] == [(1, 0), (1, 1)]
    assert (Decimal(failed.promised_usd), Decimal(passed.promised_usd)) == (Decimal("0.01"), Decimal("0.5"))
    assert (failed.confidence[9], passed.confidence[6]) == ((1, 0, 0.95), (1, 1, 0.6))
    assert failed.squared_error == pytest.approx(0.95**2)
    assert passed.squared_error == pytest.approx(0.4**2)
    assert (failed.tool_calls, passed.tool_calls, passed.tool_calls_ok) == (0, 4, 2)
    assert (passed.promised_steps, passed.delivered_steps) == (3, 4)


async def test_who_asks_seconds_is_held_against_seconds() -> None:
    records = await records_of(agent("local", with_tools, price=Price(unit="s", per_task=Decimal(7))))
    record = records["local"]
    assert (record.promised_seconds, record.promised_usd, record.delivered_usd) == (7.0, "0", "0")
    assert record.delivered_seconds == record.seconds


async def test_a_bid_that_is_no_plan_is_counted_and_one_that_was_never_made_is_not() -> None:
    def bidding(name: str, made: object) -> Agent:
        async def plan(desk: Desk) -> Plan | None:
            if isinstance(made, Exception):
                raise made
            return cast("Plan | None", made() if callable(made) else made)

        return FunctionAgent(name, wrong, plan=plan, price=Price(per_task=Decimal("0.1")))

    nested: JsonValue = "deep"
    for _ in range(100):
        nested = [nested]
    agents = [
        agent("good", with_tools, price=Price(per_task=Decimal("0.01"))),
        bidding("text", "just words"),
        bidding("empty", lambda: Plan(text="")),
        bidding("deep", lambda: Plan(text="terms", terms={"a": nested})),
        bidding("breach", AgentError("breach", "wrote an empty plan")),
        bidding("crash", RuntimeError("a bug of its own")),
        bidding("offline", ModelError("m", "cannot be reached", paid=False)),
        bidding("idle", None),
    ]
    records = await records_of(*agents)
    counted = {name: (record.bids, record.malformed_bids, record.tried) for name, record in records.items()}
    malformed = dict.fromkeys(["text", "empty", "deep", "breach"], (1, 1, 0))
    assert counted == {"good": (1, 0, 1), **malformed}


async def test_a_malformed_bid_is_marked_on_the_ledger() -> None:
    async def words(desk: Desk) -> Plan | None:
        return cast("Plan", "just words")

    async def nothing(desk: Desk) -> Plan | None:
        return None

    market = Market([FunctionAgent("a", wrong, plan=words), FunctionAgent("b", wrong, plan=nothing)])
    await market.run(Task(id="t", goal="what is 6 x 7?", verify=SAYS_42))
    refused = [entry.event for entry in market.store.events() if isinstance(entry.event, BidRefused)]
    assert {event.agent: event.malformed for event in refused} == {"a": True, "b": False}
    assert market.store.records() == ()


def learned(lot: Lot) -> list[tuple[str, Mapping[str, JsonValue]]]:
    operators = dict.fromkeys("abc", "acme")
    events = [event for event in lessons(lot, operators) if isinstance(event, Learned)]
    assert all(read_update(event) is not None for event in events)
    return [(event.what, event.update) for event in events]


def test_judged_and_grounded_outcomes_stay_apart_and_bids_go_with_the_weaker() -> None:
    found = learned(lot_of(("a", Verdict.FAILED, True), ("b", Verdict.PASSED, False)))
    assert [(what, update["grounded"]) for what, update in found if what != "memory"] == [
        ("record", True),
        ("record", False),
        ("bids", False),
    ]


def test_of_work_that_nobody_could_judge_nothing_is_learned_not_even_of_bids() -> None:
    assert learned(lot_of(("a", Verdict.UNKNOWN, True), malformed=("c",))) == []
    found = learned(lot_of(("a", Verdict.FAILED), ("b", Verdict.UNKNOWN)))
    assert [(what, update.get("agent")) for what, update in found] == [("record", "a"), ("bids", None), ("memory", "a")]


def test_a_second_attempt_of_one_agent_is_another_line_on_its_record() -> None:
    found = learned(lot_of(("a", Verdict.FAILED), ("a", Verdict.PASSED)))
    assert [(update["attempt"], update["passed"]) for what, update in found if what == "record"] == [(1, 0), (2, 1)]
    kept = [(update["auction"], update["won"], update["passed"]) for what, update in found if what == "memory"]
    assert kept == [(0, True, False), (1, True, True)]


def test_whose_bid_did_not_fit_is_named_beside_those_whose_did() -> None:
    found = dict(learned(lot_of(("a", Verdict.PASSED, True), malformed=("c",))))
    bidders = cast("list[dict[str, JsonValue]]", found["bids"]["bidders"])
    assert [(one["operator"], one["agent"], one["malformed"]) for one in bidders] == [
        ("acme", "a", False),
        ("acme", "c", True),
    ]


async def test_what_bidding_took_stands_on_the_record_of_who_bid() -> None:
    def reply(request: Request) -> str:
        prompt = request.messages[0].content
        if "one of the judges" in prompt:
            return '{"A": 3, "B": 3}'
        return "1. multiply" if "Do not solve" in prompt else "42"

    price = Price(output_per_mtok=Decimal(1_000_000))  # a dollar a token
    agents = [LLMAgent(name, RuleModel(name, reply, price=price), tools=()) for name in ("a", "b")]
    market = Market(agents, budget_usd="100000", seed=1)
    result = await market.run(Task(id="t", goal="what is 6 x 7?", verify=SAYS_42))
    records = market.store.records()
    assert sum(Decimal(record.bidding_usd) for record in records) == result.overhead.usd > 0
    assert all(record.bids == 1 for record in records)
