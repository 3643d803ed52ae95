"""What the market measures of a plan: the model's own words, at one temperature, on the bidder's own scale."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agora.agents.function import FunctionAgent
from agora.agents.llm import BID_TEMPERATURE, BID_TOP_LOGPROBS, LLMAgent
from agora.auctions import SALE
from agora.bids import Bid, Plan, Price
from agora.events import BidPlaced
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Reply, Request, TokenLogprob
from agora.protocols import Desk
from agora.tasks import Check, Task
from agora.testing import FakeClock, RuleModel, say

TASK = Task(id="t", goal="what is 6 x 7?", verify=Check(kind="exact", options={"answer": "42"}))
SURE, EVEN = (-0.01, -5.0), (-0.7, -0.7)


def rows(*tokens: tuple[str, tuple[float, ...]]) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(token=text, logprob=top[0] if top else -0.7, top=top) for text, top in tokens)


def model(name: str, *tokens: tuple[str, tuple[float, ...]], then: str = "42") -> RuleModel:
    """It writes these tokens as its plan, with their log-probabilities."""

    def reply(request: Request) -> Reply | str:
        if "Do not solve it yet" not in request.messages[0].content:
            return then
        return say("".join(text for text, _ in tokens)).model_copy(update={"logprobs": rows(*tokens)})

    return RuleModel(name, reply, price=Price(output_per_mtok=Decimal(1)))


async def bid_of(chat: RuleModel, *, store: MemoryStore | None = None, times: int = 1) -> Bid:
    """The bid of the last of so many tasks."""
    store = store or MemoryStore(clock=FakeClock())
    market = Market([LLMAgent("a", chat, tools=())], store=store, seed=1, mechanism=SALE(jury=[]))
    for number in range(times):
        assert (await market.run(TASK.model_copy(update={"id": f"t{number}"}))).passed
    return [item.event.bid for item in store.events() if isinstance(item.event, BidPlaced)][-1]


async def test_the_stated_chance_is_no_part_of_the_plan_nor_of_its_entropy() -> None:
    plain = await bid_of(model("openai/gpt-5", ("multiply", EVEN)))
    stated = await bid_of(model("openai/gpt-5", ("multiply", EVEN), ("\nCHANCE: 70 %", SURE)))
    assert stated.plan.text == "multiply"
    assert (stated.plan.confidence, plain.plan.confidence) == (0.7, None)
    assert stated.entropy == plain.entropy
    assert (stated.entropy_form, stated.family) == ("top_k", "gpt")
    assert stated.content_hash == plain.content_hash, "what is stated moves no lot"


@pytest.mark.parametrize("line", ["CHANCE: 700 %", "chance: 5", "CHANCE: high"])
async def test_a_chance_that_is_none_is_none(line: str) -> None:
    assert (await bid_of(model("m", ("multiply\n", EVEN), (line, EVEN)))).plan.confidence is None


async def test_without_alternatives_the_written_tokens_are_measured_and_the_bid_says_so() -> None:
    bid = await bid_of(model("m", ("multi", ()), ("ply", ())))
    assert (bid.entropy_form, bid.surprisal_nats) == ("sampled", 0.7)
    assert bid.entropy == pytest.approx(0.7 / 1.791759, abs=1e-6)


@pytest.mark.parametrize(("temperature", "measured"), [(BID_TEMPERATURE, True), (1.3, False)])
async def test_what_was_written_at_another_temperature_has_no_entropy(temperature: float, measured: bool) -> None:
    chat = model("m", ("Do not solve it yet", EVEN))

    async def bid(desk: Desk) -> Plan:
        message = Message(role="user", content="Do not solve it yet")
        asked = Request(messages=(message,), max_tokens=20, temperature=temperature, top_logprobs=BID_TOP_LOGPROBS)
        return Plan(text=(await desk.ask(chat, asked)).text)

    async def perform(desk: Desk, plan: Plan) -> str:
        return "42"

    market = Market([FunctionAgent("a", perform, plan=bid)], seed=1)
    (found,) = (await market.run(TASK)).bids
    assert (found.entropy is not None) == measured


async def test_after_five_plans_there_is_a_scale_of_the_bidders_own() -> None:
    fifth = await bid_of(model("m", ("multiply", EVEN)), times=5)
    sixth = await bid_of(model("m", ("multiply", EVEN)), times=6)
    assert fifth.entropy_scaled is None
    assert sixth.entropy_scaled == pytest.approx(0.5), "a plan like all before"


async def test_an_agent_is_told_its_own_record_before_it_bids() -> None:
    asked: list[str] = []

    def reply(request: Request) -> str:
        asked.append(request.messages[0].content)
        return "1. multiply" if "Do not solve it yet" in asked[-1] else "42"

    store = MemoryStore(clock=FakeClock())
    market = Market([LLMAgent("a", RuleModel("m", reply), tools=())], store=store, seed=1)
    for number in range(2):
        await market.run(TASK.model_copy(update={"id": f"t{number}"}))
    first, second = [prompt for prompt in asked if "Do not solve it yet" in prompt]
    assert "Your own record" not in first
    assert "Passed: 1 of 1 attempts (100 %)" in second
