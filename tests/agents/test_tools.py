"""Typed functions become tools, and no text that a model writes escapes as anything but a clear message."""

from __future__ import annotations

import contextlib
import threading
from enum import Enum
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agora.agents.tools import MAX_ARGUMENT_CHARS, FunctionTool, parse_arguments, tool
from agora.errors import ConfigError
from agora.messages import ToolSpec
from agora.protocols import Tool, Workspace
from agora.values import JsonValue


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    title: str = "here"


@tool
def paint(where: Point, colour: Colour, tags: list[str], size: Literal["s", "m"] = "s", note: str | None = None) -> str:
    """Paint a point.

    It stays painted.

    Args:
        where: The point
            to paint.
        colour (Colour): Which colour: red or blue.
        tags: Words.
        size: How big.
        note: A word.

    Returns:
        What was done.
    """
    return f"{where.x} {colour.name} {tags} {size} {note}"


@tool
async def add(json: int, model_config: int = 2) -> dict[str, int]:
    """Add; the names are ones that pydantic keeps for itself."""
    return {"sum": json + model_config}


@tool
def peek(workspace: Workspace, path: str) -> str:
    """Look."""
    return f"{workspace.tier} {path}"


@tool
def peek_if(path: str, workspace: Workspace | None = None) -> str:
    """Look where there is something."""
    return f"{workspace is not None} {path}"


@tool(name="where_am_i", thread=True)
def thread_name() -> str:
    """Say which thread runs this."""
    return threading.current_thread().name


def schema_of(made: Tool) -> JsonValue:
    return dict(made.spec.parameters)


def test_the_schema_follows_the_signature_and_the_docstring() -> None:
    properties = paint.spec.parameters["properties"]
    assert isinstance(properties, dict)
    assert paint.spec.name == "paint"
    assert paint.spec.description == "Paint a point.\n\nIt stays painted."
    assert properties["where"] == {"$ref": "#/$defs/Point", "description": "The point to paint."}
    assert properties["size"] == {"default": "s", "description": "How big.", "enum": ["s", "m"], "type": "string"}
    assert paint.spec.parameters["required"] == ["where", "colour", "tags"]
    assert paint.spec.parameters["additionalProperties"] is False
    point = paint.spec.parameters["$defs"]
    assert isinstance(point, dict)
    assert isinstance(point["Point"], dict)
    assert point["Point"]["properties"] == {"x": {"type": "integer"}, "title": {"default": "here", "type": "string"}}


async def test_arguments_become_the_types_of_the_function() -> None:
    arguments = parse_arguments(paint, '{"where": {"x": "3"}, "colour": "blue", "tags": ["a"]}')
    assert await paint.call(arguments, None) == "3 BLUE ['a'] s None"


async def test_an_async_tool_gives_json_and_may_use_any_argument_name() -> None:
    assert await add.call({"json": 1}, None) == '{"sum":3}'
    assert await add.call({"json": 1, "model_config": 5}, None) == '{"sum":6}'


async def test_a_tool_stays_callable_as_the_function() -> None:
    assert await add(1, model_config=1) == {"sum": 2}
    assert thread_name() == threading.current_thread().name
    assert isinstance(add, Tool)


async def test_only_marked_tools_run_in_a_thread() -> None:
    assert thread_name.spec.name == "where_am_i"
    assert await thread_name.call({}, None) != threading.current_thread().name


async def test_a_workspace_is_injected_and_hidden() -> None:
    assert list(peek.spec.parameters["properties"] or []) == ["path"]  # type: ignore[arg-type]  # JSON
    assert list(peek_if.spec.parameters["properties"] or []) == ["path"]  # type: ignore[arg-type]  # JSON
    assert await peek_if.call({"path": "a"}, None) == "False a"
    with pytest.raises(ConfigError, match="needs a workspace"):
        await peek.call({"path": "a"}, None)


def test_a_parameter_without_annotation_is_refused_by_name() -> None:
    def bare(path, count: int = 1) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001  # what is tested
        return f"{path}{count}"  # pyright: ignore[reportUnknownVariableType]  # what is tested

    with pytest.raises(ConfigError, match="parameter 'path': has no type annotation"):
        FunctionTool(bare)  # pyright: ignore[reportUnknownArgumentType]  # what is tested


def test_open_ended_parameters_are_refused() -> None:
    def many(*paths: str) -> str:
        return "".join(paths)

    with pytest.raises(ConfigError, match="by name"):
        tool(many)


async def test_a_result_that_is_not_json_is_a_clear_error() -> None:
    @tool
    def odd() -> object:
        """Return something odd."""
        return threading.Lock()

    with pytest.raises(ConfigError, match="'odd': returned a lock that is not JSON"):
        await odd.call({}, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"where": {"x": 1}, "colo', "not valid JSON"),
        ("[1]", "a JSON object is needed"),
        ('"word"', "a JSON object is needed"),
        (
            '{"where": {"x": 1}, "colour": "green", "tags": []}',
            "'colour': Input should be 'red' or 'blue', not 'green'",
        ),
        ('{"where": {"x": 1}, "colour": "red"}', "'tags' is missing"),
        ('{"where": {"x": 1}, "colour": "red", "tags": [], "more": 1}', "'more' is not an argument of this tool"),
        ('{"where": {"x": "one"}, "colour": "red", "tags": []}', "'where.x': Input should be a valid integer"),
        ('{"where": {"x": NaN}}', "not valid JSON"),
        ('{"note": "\\ud800"}', "hex escape"),
        ('{"note": "\ud800"}', "surrogate"),
        ('{"note":' + "[" * 100_000 + "]" * 100_000 + "}", "recursion"),
        ('{"note":' + "[" * 190 + "]" * 190 + "}", "missing"),
        ('{"note": "' + "x" * 30_000_000 + '"}', str(MAX_ARGUMENT_CHARS)),
        ('{"where": {"x": ' + "9" * 100_000 + "}}", "out of range"),
        ("\x00", "not valid JSON"),
    ],
    ids=range(15),
)
def test_bad_arguments_become_messages(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_arguments(paint, text)
    assert message in str(caught.value)
    assert "'paint'" in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_no_text_means_no_arguments() -> None:
    assert parse_arguments(thread_name, "  ") == {}


def test_a_plug_in_tool_is_checked_against_its_schema() -> None:
    spec = ToolSpec(name="plug", description="", parameters={"type": "object", "required": ["n"]})
    assert parse_arguments(spec, '{"n": 1}') == {"n": 1}
    with pytest.raises(ConfigError, match="'n' is a required property"):
        parse_arguments(spec, "{}")


@given(st.text() | st.sampled_from(['{"where":' * n for n in range(50)]))
def test_no_text_escapes_as_another_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse_arguments(paint, text)
