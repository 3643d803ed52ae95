"""Streams: the text is handed over as it comes, and a reply is only what is known to be whole."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.abilities import StreamingModel
from agora.bids import Price
from agora.errors import BadReplyError, ContextOverflowError, ModelError, ModelTimeoutError, ReplyCutError
from agora.messages import Message, Reply, Request, ToolCall, ToolSpec
from agora.models.limits import Guarded
from agora.models.litellm_model import LiteLLMModel
from agora.models.local import LocalModel
from agora.models.replies import MAX_REPLY_BYTES, Raw
from agora.models.sse import Tap
from agora.testing import RuleModel, ScriptedModel
from agora.testing.endpoint import FaultyEndpoint
from agora.testing.exchange import Behaviour, Exchange
from agora.testing.streams import DONE, STREAM_FAULTS, STREAMS, begin, bill, event, push, spoken, streamed, wire
from agora.values import JsonValue

PRICE = Price(input_per_mtok=Decimal(1), output_per_mtok=Decimal(10))
STOP = event(finish="stop")


def ask(**changes: object) -> Request:
    plain = Request(messages=(Message(role="user", content="hi there"),), deadline_s=20.0)
    return plain.model_copy(update=changes)


def model(endpoint: FaultyEndpoint, name: str = "openai/test") -> LiteLLMModel:
    base = endpoint.root if name.startswith(("anthropic/", "gemini/")) else endpoint.url
    return LiteLLMModel(name, api_base=base, api_key="none", price=PRICE)


async def streams(behaviour: str | Behaviour, request: Request) -> tuple[Reply, list[str]]:
    with FaultyEndpoint(STREAMS[behaviour] if isinstance(behaviour, str) else behaviour) as endpoint:
        pieces: list[str] = []
        return await model(endpoint).stream(request, write=pieces.append), pieces


async def test_the_text_comes_in_pieces_and_the_reply_is_that_of_a_whole_answer() -> None:
    with FaultyEndpoint("ok", STREAMS["ok"]) as endpoint:
        pieces: list[str] = []
        whole = await model(endpoint).complete(ask())
        reply = await model(endpoint).stream(ask(), write=pieces.append)
        assert pieces == ["hello ", "brave ", "new ", "world"]
        assert reply.text == "hello brave new world"
        assert (reply.finish, reply.model, reply.logprobs) == (whole.finish, whole.model, ())
        assert reply.usage.usd == (9 * 1 + 4 * 10) / Decimal(1_000_000)
        told = endpoint.requests[1]
        assert (told["stream"], told["stream_options"], told["max_tokens"]) == (True, {"include_usage": True}, 1024)
        assert "stream" not in endpoint.requests[0]


async def test_pieces_arrive_before_the_answer_is_whole() -> None:
    read = threading.Event()

    def slow(exchange: Exchange) -> None:
        begin(exchange)
        push(exchange, wire(event("first ")))
        if read.wait(10):  # the rest is only sent when the first piece was handed over
            for part in (event("second"), STOP, bill()):
                push(exchange, wire(part))
            push(exchange, DONE)
            exchange.write(b"0\r\n\r\n")
        exchange.close()

    with FaultyEndpoint(slow) as endpoint:
        reply = await model(endpoint).stream(ask(), write=lambda _: read.set())
        assert reply.text == "first second"


async def test_tool_calls_and_log_probabilities_are_put_together() -> None:
    spec = ToolSpec(name="read_file", description="Read.", parameters={"type": "object", "properties": {}})
    reply, pieces = await streams("tool", ask(tools=(spec,)))
    assert reply.tool_calls == (ToolCall(id="call_1", name="read_file", arguments='{"path": "x"}'),)
    assert (reply.finish, pieces) == ("tool_calls", [])
    reply, pieces = await streams("logprobs", ask(top_logprobs=1))
    assert [(row.token, row.top) for row in reply.logprobs] == [("hel", (-0.1,)), ("lo", (-0.1,))]


@pytest.mark.parametrize("fault", STREAM_FAULTS)
async def test_what_is_not_known_to_be_whole_is_an_error_in_time_and_asked_for_once(fault: str) -> None:
    with FaultyEndpoint("ok", STREAM_FAULTS[fault]) as endpoint:
        await model(endpoint).complete(ask())  # imports and connects
        written: list[str] = []
        started_s = time.monotonic()
        with pytest.raises(ModelError) as caught:
            await model(endpoint).stream(ask(deadline_s=1.0), write=written.append)
        assert time.monotonic() - started_s < 2.0
        assert caught.value.paid
        assert endpoint.count == 2
        assert sum(map(len, written)) <= MAX_REPLY_BYTES


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("no end", ReplyCutError, "without a finish reason"),
        ("no finish", ReplyCutError, "without a finish reason"),
        ("no done", ReplyCutError, "without its end mark"),
        ("cut", ReplyCutError, "middle of the answer"),
        ("cut in an event", ReplyCutError, "without a finish reason"),
        ("odd finish", ReplyCutError, "'moonshine'"),
        ("error", ModelError, "mid-answer: status 503: the engine fell over$"),
        ("stall", ModelTimeoutError, "in time|no whole answer"),
        ("drip", ModelTimeoutError, "no whole answer within 1 s"),
        ("only comments", ModelTimeoutError, "no whole answer within 1 s"),
        ("endless", BadReplyError, "past the cap"),
        ("two finishes", BadReplyError, "ends twice"),
        ("text after the end", BadReplyError, "goes on after its end"),
        ("garbage", BadReplyError, "not JSON"),
        ("no text", BadReplyError, "empty"),
    ],
)
async def test_the_error_says_what_is_wrong_with_the_stream(fault: str, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        await streams(STREAM_FAULTS[fault], ask(deadline_s=1.0))


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("overflow", ContextOverflowError, "does not fit"),
        ("401", ModelError, "check the API key"),
        ("reset", ModelError, "connection"),
    ],
)
async def test_a_call_that_fails_before_its_stream_begins_fails_as_any_other(
    fault: str, kind: type, words: str
) -> None:
    with FaultyEndpoint(fault) as endpoint:
        with pytest.raises(kind, match=words):
            await model(endpoint).stream(ask(), write=lambda _: None)
        assert endpoint.count == 1


@pytest.mark.parametrize("name", ["without transfer coding", "same finish twice", "comments between"])
async def test_streams_that_are_whole_in_other_ways_are_whole(name: str) -> None:
    reply, _ = await streams(name, ask())
    assert (reply.text, reply.finish, reply.usage.input_tokens) == ("hello brave new world", "stop", 9)


@pytest.mark.parametrize("name", ["no usage", "negative usage"])
async def test_a_missing_or_negative_bill_of_a_stream_is_booked_at_the_worst_case(name: str) -> None:
    with FaultyEndpoint(STREAMS[name]) as endpoint:
        guarded, request = model(endpoint), ask(max_tokens=50)
        usage = (await guarded.stream(request, write=lambda _: None)).usage
        assert (usage.input_tokens, usage.output_tokens) == (guarded.bound_tokens(request), 50)
        assert usage.usd == PRICE.of(usage.input_tokens, 50)


async def test_a_bill_of_a_stream_that_is_too_low_is_lifted_to_the_floor() -> None:
    usage = (await streams("low usage", ask()))[0].usage
    assert (usage.input_tokens, usage.output_tokens) == (2, 4)


async def test_pieces_are_cleaned_as_the_reply_is_and_another_model_is_recorded() -> None:
    reply, pieces = await streams("surrogate", ask())
    assert (reply.text, "".join(pieces)) == ("a�b�c", "a�b�c")
    assert (await streams("other model", ask()))[0].model == "cheaper-model"


async def test_the_same_words_a_hundred_times_are_an_answer() -> None:
    assert (await streams("repeating", ask()))[0].text == "0, 0" * 150


def raw(text: str) -> Behaviour:
    return streamed(text.encode(), chunked=False)


def claude(*, end: bool) -> Behaviour:
    usage = {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 3}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "usage": usage}
    events: list[Mapping[str, object]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
    ]
    if end:
        stop = {"stop_reason": "end_turn", "stop_sequence": None}
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        ]
    return raw("".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events))


def gemini(*, end: bool) -> Behaviour:
    def part(text: str, **more: object) -> dict[str, object]:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
        usage = {"promptTokenCount": 8, "candidatesTokenCount": 5, "thoughtsTokenCount": 2, "totalTokenCount": 15}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g"}

    return streamed(part("hel"), part("lo", finishReason="STOP") if end else part("lo"))


def compatible(*, end: bool) -> Behaviour:
    used = bill({"prompt_tokens": 8, "completion_tokens": 7, "total_tokens": 15})
    return streamed(*spoken("hel", "lo"), STOP, used, DONE) if end else streamed(*spoken("hel", "lo"))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("anthropic/claude-opus-4-8", claude),
        ("gemini/gemini-2.5-flash", gemini),
        ("xai/grok-4", compatible),
        ("groq/llama-3.3-70b-versatile", compatible),
        ("openrouter/openai/gpt-5-mini", compatible),
        ("deepseek/deepseek-chat", compatible),
        ("mistral/mistral-small-latest", compatible),
    ],
)
async def test_the_end_of_a_stream_is_the_providers_own(name: str, form: Callable[..., Behaviour]) -> None:
    with FaultyEndpoint(form(end=True), form(end=False)) as endpoint:
        pieces: list[str] = []
        reply = await model(endpoint, name).stream(ask(), write=pieces.append)
        assert (reply.text, "".join(pieces), reply.finish) == ("hello", "hello", "stop")
        assert (reply.usage.input_tokens, reply.usage.output_tokens) == (8, 7)
        with pytest.raises(ReplyCutError):
            await model(endpoint, name).stream(ask(), write=pieces.append)
        assert endpoint.count == 2


async def test_a_provider_that_is_not_reached_over_our_own_client_answers_in_one_piece() -> None:
    with FaultyEndpoint("ok") as endpoint:
        pieces: list[str] = []
        other = LiteLLMModel("hosted_vllm/test", api_base=endpoint.url, api_key="none", price=PRICE)
        assert (await other.stream(ask(), write=pieces.append)).text == "hello"
        assert pieces == ["hello"]


async def test_a_transport_that_cannot_stream_answers_in_one_piece() -> None:
    class Plain:
        name = "plain"

        def price(self) -> None:
            return None

        async def send(self, request: Request) -> Raw:
            return Raw("hello", "stop", 1, 1, "m")

    pieces: list[str] = []
    reply = await Guarded(Plain()).stream(ask(), write=pieces.append)
    assert (reply.text, pieces) == ("hello", ["hello"])


async def test_the_local_model_streams_its_answer_and_its_tool_calls_are_no_text() -> None:
    local, pieces = LocalModel(), list[str]()
    reply = await local.stream(ask(max_tokens=12, top_logprobs=2, deadline_s=60.0), write=pieces.append)
    assert "".join(pieces) == reply.text
    assert len(pieces) > 3
    assert 1 <= reply.usage.output_tokens <= 12
    assert len(reply.logprobs) >= 3
    word: JsonValue = {"type": "string", "maxLength": 9}
    grep = ToolSpec(
        name="grep",
        description="Find a word.",
        parameters={"type": "object", "properties": {"word": word}, "required": ["word"]},
    )
    told: list[str] = []
    reply = await local.stream(ask(tools=(grep,), max_tokens=64, deadline_s=60.0), write=told.append)
    assert "".join(told) == reply.text


async def test_scripted_models_speak_word_by_word() -> None:
    for speaker in (ScriptedModel("m", ["one  two\nthree"]), RuleModel("m", lambda _: "one  two\nthree")):
        assert isinstance(speaker, StreamingModel)
        pieces: list[str] = []
        reply = await speaker.stream(ask(), write=pieces.append)
        assert (pieces, reply.text) == (["one  ", "two\n", "three"], "one  two\nthree")


@given(data=st.data())
def test_how_bytes_are_cut_changes_nothing(data: st.DataObject) -> None:
    stream = b"".join(map(wire, [*spoken(), STOP, bill()])).replace(b"\n", b"\r\n") + DONE
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    tap = Tap()
    for start, stop in pairwise([0, *places, len(stream)]):
        tap.feed(stream[start:stop])
    assert (tap.finish, tap.ended, tap.odd, tap.input_tokens, tap.output_tokens) == ("stop", True, "", 9, 4)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_no_bytes_break_the_tap(parts: list[bytes]) -> None:
    tap = Tap()
    for part in parts:
        tap.feed(b"data: " + part + b"\n")
    assert tap.finish is None


KEYS = ["choices", "candidates", "usage", "usageMetadata", "delta", "message", "error", "finish_reason", "logprobs"]
MORE = ["content", "model", "code", "prompt_tokens", "top_logprobs", "tool_calls", "type"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS + MORE), inner, max_size=4),
        max_leaves=20,
    )
)
def test_no_event_breaks_the_tap(event: object) -> None:
    tap = Tap()
    tap.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert isinstance(tap.input_tokens, int | None)
