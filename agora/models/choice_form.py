"""Tool calls for models that know none: one JSON schema that is either a tool with its arguments, or an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from agora.errors import BadReplyError, ReplyCutError
from agora.messages import Message, Request, ToolCall, ToolSpec
from agora.models.replies import Raw
from agora.values import JsonValue

ANSWER_CHARS = 400
"""The longest answer in words: a grammar guarantees the beginning of an answer, not its end."""


def as_choice(request: Request) -> Request:
    """The same request without tools: they are described in words, and the answer is a choice under a schema.

    Tool calls and results of earlier turns become plain turns, since a small model's template has no place for them.
    A request that never had tools comes back as it is.
    """
    plain = tuple(_plain(message) for message in request.messages)
    if not request.tools:
        return request if plain == request.messages else request.model_copy(update={"messages": plain})
    told = Message(role="system", content=_instructions(request.tools))
    if plain and plain[0].role == "system":
        told = Message(role="system", content=f"{plain[0].content}\n\n{told.content}")
        plain = plain[1:]
    return request.model_copy(update={"messages": (told, *plain), "tools": (), "output_schema": _schema(request)})


def from_choice(name: str, request: Request, raw: Raw) -> Raw:
    """The choice as a tool call or an answer.

    Args:
        name: The model as the user wrote it.
        request: What was asked, with its tools.
        raw: What came back to `as_choice(request)`.

    Raises:
        ReplyCutError: The output cap ended the choice.
        BadReplyError: It is not one of the choices.
    """
    if not request.tools:
        return raw
    if raw.finish == "length":
        raise ReplyCutError(name, f"the output cap of {request.max_tokens} tokens ended a choice; raise `max_tokens`")
    try:
        choice: object = json.loads(raw.text or "")
    except ValueError as error:
        raise BadReplyError(name, f"the choice is not JSON: {error}") from error
    chosen: Mapping[str, object] = cast("Mapping[str, object]", choice) if isinstance(choice, Mapping) else {}
    tool, arguments = chosen.get("tool"), chosen.get("arguments", {})
    if isinstance(tool, str):
        wish = ToolCall(id=f"call_{len(request.messages)}", name=tool, arguments=json.dumps(arguments))
        return raw._replace(text="", tool_calls=(wish,), finish="tool_calls" if raw.finish == "stop" else raw.finish)
    if "answer" not in chosen:
        raise BadReplyError(name, "the choice is neither a tool nor an answer")
    answer = chosen["answer"]
    return raw._replace(text=answer if isinstance(answer, str) else json.dumps(answer))


def _instructions(tools: tuple[ToolSpec, ...]) -> str:
    lines = [f"- {tool.name}({', '.join(_arguments(tool))}): {tool.description}" for tool in tools]
    return (
        'Answer with JSON: {"tool": NAME, "arguments": {...}} to use a tool, or {"answer": TEXT} when you are done.\n'
        "Tools:\n" + "\n".join(lines)
    )


def _arguments(tool: ToolSpec) -> Iterator[str]:
    properties = tool.parameters.get("properties")
    return iter(properties) if isinstance(properties, dict) else iter(())


def _schema(request: Request) -> dict[str, JsonValue]:
    definitions: dict[str, JsonValue] = {}
    choices: list[JsonValue] = [
        _object({"tool": {"const": tool.name}, "arguments": _hoisted(tool.parameters, definitions)})
        for tool in request.tools
    ]
    words: JsonValue = {"type": "string", "minLength": 1, "maxLength": ANSWER_CHARS}
    answer = words if request.output_schema is None else _hoisted(request.output_schema, definitions)
    schema: dict[str, JsonValue] = {"anyOf": [*choices, _object({"answer": answer})]}
    return {**schema, "$defs": definitions} if definitions else schema


def _object(properties: dict[str, JsonValue]) -> JsonValue:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _hoisted(schema: Mapping[str, JsonValue], definitions: dict[str, JsonValue]) -> JsonValue:
    """The schema without its definitions, which move to the root, where its references look for them."""
    inner = schema.get("$defs")
    if isinstance(inner, dict):
        definitions.update(inner)
    return {key: value for key, value in schema.items() if key != "$defs"}


def _plain(message: Message) -> Message:
    if message.role == "tool":
        return Message(role="user", content=f"Result: {message.content}")
    if message.tool_calls:
        wishes = [f'{{"tool": {json.dumps(call.name)}, "arguments": {call.arguments}}}' for call in message.tool_calls]
        return Message(role="assistant", content="\n".join([*filter(None, [message.content]), *wishes]))
    return message
