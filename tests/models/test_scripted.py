"""The scripted models."""

from __future__ import annotations

import anyio
import pytest

from agora.errors import ModelError
from agora.messages import Message, Request, ToolSpec
from agora.testing import RuleModel, ScriptedModel, ScriptError, call, check_chat_model, expecting, say


def ask(text: str, *tools: str) -> Request:
    return Request(
        messages=(Message(role="user", content=text),),
        tools=tuple(ToolSpec(name=name, description="", parameters={}) for name in tools),
    )


async def test_steps_are_taken_in_order_and_counted() -> None:
    model = ScriptedModel("fake/one", ["first", call("read_file", path="x"), lambda r: r.messages[0].content.upper()])
    assert (await model.complete(ask("a"))).text == "first"
    assert (await model.complete(ask("b"))).tool_calls[0].name == "read_file"
    assert (await model.complete(ask("loud"))).text == "LOUD"
    model.assert_consumed()


async def test_a_call_after_the_last_step_fails_and_is_remembered() -> None:
    model = ScriptedModel("fake/one", ["only"])
    await model.complete(ask("a"))
    with pytest.raises(ScriptError, match="has 1 steps and got call 2"):
        await model.complete(ask("b"))
    with pytest.raises(ScriptError, match="1 calls were not foreseen"):
        model.assert_consumed()


async def test_an_unused_step_is_an_error() -> None:
    model = ScriptedModel("fake/one", ["only"])
    with pytest.raises(ScriptError, match="1 of 1 steps were not used"):
        model.assert_consumed()


async def test_a_step_can_demand_a_text_or_a_tool_in_its_request() -> None:
    model = ScriptedModel("fake/one", [expecting("red", "yes"), expecting("grep", "yes"), expecting("blue", "no")])
    await model.complete(ask("a red door"))
    await model.complete(ask("a door", "grep"))
    with pytest.raises(ScriptError, match="expected 'blue'"):
        await model.complete(ask("a red door"))


async def test_a_scripted_error_is_raised_as_it_is() -> None:
    wrong = ModelError("fake/one", "overloaded", status=529)
    with pytest.raises(ModelError) as caught:
        await ScriptedModel("fake/one", [wrong]).complete(ask("a"))
    assert caught.value is wrong


async def test_a_scripted_reply_costs_its_price_and_carries_log_probabilities() -> None:
    reply = await ScriptedModel("fake/one", [say("abcdef", logprobs=[(-0.1, -2.0), (-0.3, -1.0)])]).complete(ask("a"))
    assert reply.usage.usd > 0
    assert [row.token for row in reply.logprobs] == ["abc", "def"]
    assert reply.logprobs[1].top == (-0.3, -1.0)


async def test_a_rule_answers_concurrent_calls_by_their_content() -> None:
    model = RuleModel("fake/rule", lambda request: request.messages[0].content[::-1])
    answers: dict[str, str] = {}

    async def one(text: str) -> None:
        answers[text] = (await model.complete(ask(text))).text

    async with anyio.create_task_group() as group:
        for text in ("abc", "xyz"):
            group.start_soon(one, text)
    assert answers == {"abc": "cba", "xyz": "zyx"}


async def test_scripted_models_keep_the_protocol() -> None:
    await check_chat_model(ScriptedModel("fake/one", ["hello"]))
    await check_chat_model(RuleModel("fake/rule", lambda _: call("wave", at="you")))


async def test_the_conformance_check_finds_a_lie() -> None:
    liar = ScriptedModel("fake/one", [say("", finish="stop")])
    with pytest.raises(AssertionError, match="answered nothing"):
        await check_chat_model(liar)
