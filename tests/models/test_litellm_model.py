"""litellm behind the guard, against a real endpoint that misbehaves."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from decimal import Decimal

import pytest

from agora.bids import Price
from agora.errors import (
    BadReplyError,
    ContextOverflowError,
    MissingKeyError,
    ModelError,
    ModelTimeoutError,
    ReplyCutError,
)
from agora.messages import Message, Request, ToolCall, ToolSpec
from agora.models.litellm_model import LiteLLMModel, known_price
from agora.models.replies import MAX_REPLY_BYTES, LostConnectionError
from agora.testing import check_chat_model
from agora.testing.endpoint import Behaviour, FaultyEndpoint, answer, completion, refuse

PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(10))
SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}


def ask(text: str = "hi", **changes: object) -> Request:
    plain = Request(messages=(Message(role="user", content=text),), deadline_s=20.0)
    return plain.model_copy(update=changes)


def model(endpoint: FaultyEndpoint, name: str = "openai/test") -> LiteLLMModel:
    # litellm's clients for Anthropic take the root of a server, those for the OpenAI form its /v1.
    base = endpoint.root if name.startswith(("anthropic/", "gemini/")) else endpoint.url
    return LiteLLMModel(name, api_base=base, api_key="none", price=PRICE)


async def test_an_answer_arrives_with_the_bill_that_our_price_makes() -> None:
    with FaultyEndpoint("ok") as endpoint:
        reply = await check_chat_model(model(endpoint))
        assert (reply.text, reply.finish, reply.model, endpoint.count) == ("hello", "stop", "test", 1)
        assert reply.usage.usd == (9 * 1 + 3 * 10) / Decimal(1_000_000)
        assert endpoint.requests[0]["max_tokens"] == 16


async def test_tools_go_out_and_tool_calls_come_back_and_their_results_go_out_again() -> None:
    spec = ToolSpec(name="read_file", description="Read.", parameters={"type": "object", "properties": {}})
    with FaultyEndpoint("tool", "ok") as endpoint:
        first = await model(endpoint).complete(ask(tools=(spec,)))
        assert first.finish == "tool_calls"
        assert first.tool_calls == (ToolCall(id="call_1", name="read_file", arguments='{"path": "x"}'),)
        assert endpoint.requests[0]["tools"][0]["function"]["name"] == "read_file"
        asked = Message(role="assistant", tool_calls=first.tool_calls)
        told = Message(role="tool", content="text", tool_call_id="call_1")
        await model(endpoint).complete(ask().model_copy(update={"messages": (asked, told)}))
        sent = endpoint.requests[1]["messages"]
        assert sent[0]["tool_calls"][0]["function"]["arguments"] == '{"path": "x"}'
        assert (sent[1]["role"], sent[1]["tool_call_id"]) == ("tool", "call_1")


async def test_schema_seed_stop_and_log_probabilities_are_sent_only_when_asked_for() -> None:
    with FaultyEndpoint("json", "logprobs") as endpoint:
        await model(endpoint).complete(ask(output_schema=SCHEMA, seed=7, stop=("END",)))
        sent = endpoint.requests[0]
        assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
        assert (sent["seed"], sent["stop"], "logprobs" in sent) == (7, ["END"], False)
        reply = await model(endpoint).complete(ask(top_logprobs=1))
        assert endpoint.requests[1]["top_logprobs"] == 1
        assert [(row.token, row.logprob, row.top) for row in reply.logprobs] == [
            ("hel", -0.1, (-0.1,)),
            ("lo", -0.1, (-0.1,)),
        ]


@pytest.mark.parametrize(
    "name",
    [
        "openai/test",
        "anthropic/claude-opus-4-8",
        "deepseek/deepseek-chat",
        "gemini/gemini-2.5-flash",
        "groq/llama-3.3-70b-versatile",
        "mistral/mistral-small-latest",
        "openrouter/openai/gpt-5-mini",
        "xai/grok-4",
    ],
)
@pytest.mark.parametrize("fault", ["500", "reset"])
async def test_an_attempt_is_one_request_upstream(name: str, fault: str) -> None:
    with FaultyEndpoint(fault) as endpoint:
        with pytest.raises(ModelError):
            await model(endpoint, name).complete(ask())
        assert endpoint.count == 1


@pytest.mark.parametrize(
    ("status", "paid"), [(400, False), (408, True), (409, False), (418, False), (429, False), (500, True), (503, True)]
)
async def test_what_was_refused_is_free_and_what_failed_may_be_charged(status: int, paid: bool) -> None:
    with FaultyEndpoint(refuse(status, "no", retry_after_s=3600)) as endpoint:
        with pytest.raises(ModelError, match=f"status {status}: ") as caught:
            await model(endpoint).complete(ask())
        assert (endpoint.count, caught.value.status, caught.value.paid) == (1, status, paid)
        assert caught.value.retry_after_s == 3600.0


async def test_a_lost_connection_may_be_charged() -> None:
    with FaultyEndpoint("reset") as endpoint:
        with pytest.raises(LostConnectionError) as caught:
            await model(endpoint).complete(ask())
        assert caught.value.paid


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("401", ModelError, "check the API key"),
        ("404", ModelError, "no such model"),
        ("overflow", ContextOverflowError, "does not fit"),
        ("cut", ReplyCutError, "middle of the answer"),
        ("garbage", BadReplyError, "not JSON"),
        ("no choices", BadReplyError, "no choices"),
        ("null content", BadReplyError, "empty"),
        ("null finish", ReplyCutError, "no finish reason"),
        ("no finish", ReplyCutError, "no finish reason"),
        ("odd finish", ReplyCutError, "'moonshine'"),
        ("30 MB", BadReplyError, "past the cap"),
        ("gzip bomb", BadReplyError, "past the cap"),
        ("redirect", ModelError, "status 307"),
    ],
)
async def test_what_cannot_be_used_is_an_error(fault: str, kind: type, words: str) -> None:
    with FaultyEndpoint(fault, "ok") as endpoint:
        with pytest.raises(kind, match=words):
            await model(endpoint).complete(ask())
        assert endpoint.count == 1


@pytest.mark.parametrize("name", ["anthropic/claude-opus-4-8", "xai/grok-4", "mistral/mistral-small-latest"])
async def test_the_size_cap_and_the_cut_hold_for_other_providers_too(name: str) -> None:
    with FaultyEndpoint("30 MB", "cut") as endpoint:
        with pytest.raises(BadReplyError, match="past the cap"):
            await model(endpoint, name).complete(ask())
        with pytest.raises(ReplyCutError):
            await model(endpoint, name).complete(ask())


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_silence_and_slow_drip_end_at_the_deadline(fault: str) -> None:
    with FaultyEndpoint("ok", fault) as endpoint:
        await model(endpoint).complete(ask())  # imports and connects
        started_s = time.monotonic()
        with pytest.raises(ModelTimeoutError) as caught:
            await model(endpoint).complete(ask(deadline_s=0.3))
        assert time.monotonic() - started_s < 5
        assert caught.value.paid


async def test_the_output_cap_cuts_structured_answers_only() -> None:
    with FaultyEndpoint("length", "cut json") as endpoint:
        assert (await model(endpoint).complete(ask())).finish == "length"
        with pytest.raises(ReplyCutError, match="raise `max_tokens`"):
            await model(endpoint).complete(ask(output_schema=SCHEMA))


@pytest.mark.parametrize("fault", ["no usage", "negative usage"])
async def test_a_missing_or_negative_bill_is_booked_at_the_worst_case(fault: str) -> None:
    with FaultyEndpoint(fault) as endpoint:
        guarded, request = model(endpoint), ask(max_tokens=50)
        usage = (await guarded.complete(request)).usage
        assert (usage.input_tokens, usage.output_tokens) == (guarded.bound_tokens(request), 50)
        assert usage.usd == PRICE.of(usage.input_tokens, 50)


async def test_a_bill_that_is_too_low_is_lifted_to_the_floor() -> None:
    with FaultyEndpoint("low usage") as endpoint:
        usage = (await model(endpoint).complete(ask("five words are in here"))).usage
        assert (usage.input_tokens, usage.output_tokens) == (5, 4)


async def test_text_is_cleaned_and_another_model_is_recorded() -> None:
    with FaultyEndpoint("surrogate", "other model") as endpoint:
        assert (await model(endpoint).complete(ask())).text == "a�b�c"
        assert (await model(endpoint).complete(ask())).model == "cheaper-model"


async def test_a_smaller_cap_on_the_text_holds() -> None:
    long = answer(completion("x" * (MAX_REPLY_BYTES + 1)))
    with FaultyEndpoint(long) as endpoint, pytest.raises(BadReplyError, match="1000001 bytes"):
        await model(endpoint).complete(ask())


def claude(stop_reason: str | None) -> Behaviour:
    body = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": stop_reason,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    return lambda exchange: exchange.json(body)


def gemini(finish: str | None) -> Behaviour:
    candidate = {"content": {"parts": [{"text": "hello"}], "role": "model"}, "finishReason": finish, "index": 0}
    usage = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
    return lambda exchange: exchange.json({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g"})


@pytest.mark.parametrize(
    ("name", "ended", "cut"),
    [
        ("anthropic/claude-opus-4-8", claude("end_turn"), claude(None)),
        ("gemini/gemini-2.5-flash", gemini("STOP"), gemini(None)),
        ("xai/grok-4", "ok", "null finish"),
        ("groq/llama-3.3-70b-versatile", "ok", "null finish"),
        ("openrouter/openai/gpt-5-mini", "ok", "null finish"),
        ("deepseek/deepseek-chat", "ok", "null finish"),
        ("mistral/mistral-small-latest", "ok", "null finish"),
    ],
)
async def test_the_finish_reason_is_the_providers_own(name: str, ended: str | Behaviour, cut: str | Behaviour) -> None:
    script: Sequence[str | Behaviour] = (ended, cut)
    with FaultyEndpoint(*script) as endpoint:
        reply = await model(endpoint, name).complete(ask())
        assert (reply.text, reply.finish) == ("hello", "stop")
        assert reply.usage.input_tokens in (4, 5, 9)
        with pytest.raises(ReplyCutError):
            await model(endpoint, name).complete(ask())


async def test_a_missing_key_is_named_before_any_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(MissingKeyError, match="set ANTHROPIC_API_KEY"):
        await LiteLLMModel("anthropic/claude-opus-4-8").complete(ask())


def test_a_price_is_in_dollars_for_a_million_tokens() -> None:
    assert known_price("openai/gpt-5-mini") == Price(input_per_mtok=Decimal("0.25"), output_per_mtok=Decimal(2))


def test_a_model_that_nobody_lists_and_one_behind_an_own_endpoint_have_no_price() -> None:
    assert LiteLLMModel("openai/no-such-model").price() is None
    assert LiteLLMModel("openai/gpt-5-mini", api_base="http://127.0.0.1:9/v1").price() is None
    assert LiteLLMModel("openai/gpt-5-mini", api_base="http://127.0.0.1:9/v1", price=PRICE).price() == PRICE


async def test_nobody_listening_is_not_paid() -> None:
    with FaultyEndpoint() as endpoint:
        gone = endpoint.url
    with pytest.raises(ModelError, match="cannot connect") as caught:
        await LiteLLMModel("openai/test", api_base=gone).complete(ask())
    assert not caught.value.paid


async def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(json.dumps({**completion("hello"), "model": "test"}).encode())
    with FaultyEndpoint(lambda exchange: exchange.send(body, headers={"Content-Encoding": "gzip"})) as endpoint:
        assert (await model(endpoint).complete(ask())).text == "hello"
