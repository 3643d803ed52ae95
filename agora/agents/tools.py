"""Tools: a typed function and its Google-style docstring, as something that a model can call.

The schema is pydantic's, made from the signature on first use; the descriptions are the docstring's.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    ParamSpec,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic import ValidationError as Misfit
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, from_json, to_json

from agora.agents.docstrings import split_docstring
from agora.errors import ConfigError
from agora.messages import ToolSpec
from agora.protocols import Tool, Workspace
from agora.values import JsonValue

P = ParamSpec("P")
R = TypeVar("R")

MAX_ARGUMENT_CHARS: Final = 4_000_000
"""Longer arguments are refused unread."""
_SHOWN_ERRORS: Final = 3
_SHOWN_CHARS: Final = 80


class FunctionTool(Generic[P, R]):
    """A function that a model can call, and that stays callable as the plain function.

    Args:
        function: Sync or async; every parameter is annotated. One annotated `Workspace` is filled in by the market
            and hidden from the model.
        name: What the model calls it; the function's own name where empty.
        thread: Whether a sync function may block, and so runs in a worker thread.
        reads: Whether it changes nothing anywhere, so that a look-ahead may use it for a branch that is not kept.

    Raises:
        ConfigError: A parameter has no annotation, or is one that a model cannot fill (`*args`, positional only).

    >>> @tool
    ... def add(a: int, b: int = 1) -> int:
    ...     \"\"\"Add two numbers.\"\"\"
    ...     return a + b
    >>> add(2), add.spec.parameters["required"]
    (3, ['a'])
    """

    def __init__(self, function: Callable[P, R], *, name: str = "", thread: bool = False, reads: bool = False) -> None:
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self.__name__ = name or getattr(function, "__name__", "")
        self.__module__ = function.__module__
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", self.__name__):
            raise ConfigError(f"tool {self.__name__!r}", "needs a name of letters, digits, _ and -; pass name=")
        self._function = function
        self._thread = thread
        self.reads = reads
        self._signature = _checked_signature(self.__name__, function)
        self._is_async = inspect.iscoroutinefunction(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the plain function."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.__name__}>"

    @property
    def spec(self) -> ToolSpec:
        """Name, description and JSON schema of the arguments.

        Raises:
            ConfigError: An annotation cannot be resolved, or has no JSON schema.
        """
        return self._spec

    @property
    def again(self) -> bool:
        """Whether a resumed attempt calls it again on its fresh copy: a function that takes the workspace."""
        return bool(self._injected)

    async def call(self, arguments: Mapping[str, JsonValue], workspace: Workspace | None) -> str:
        """Call the function with JSON arguments; text comes back as it is, all else as JSON.

        Raises:
            ConfigError: The arguments do not fit, the workspace is missing, or the result is not JSON.
        """
        values = self._arguments(arguments, workspace)
        function = cast(Callable[..., object], self._function)
        if self._thread and not self._is_async:
            result = await anyio.to_thread.run_sync(functools.partial(function, **values), abandon_on_cancel=True)
        else:
            result = function(**values)
            if inspect.isawaitable(result):
                result = await result
        return result if isinstance(result, str) else _as_json(self.__name__, result)

    def check(self, arguments: Mapping[str, JsonValue]) -> None:
        """Refuse arguments that do not fit.

        Raises:
            ConfigError: In words that a model can use.
        """
        self._validated(arguments)

    def _arguments(self, arguments: Mapping[str, JsonValue], workspace: Workspace | None) -> dict[str, object]:
        validated = self._validated(arguments)
        fields, given = validated.__dict__, validated.__pydantic_fields_set__
        values: dict[str, object] = {name: fields[field] for field, name in self._names.items() if field in given}
        for name, optional in self._injected.items():
            if workspace is None and not optional:
                raise ConfigError(f"tool {self.__name__!r}", "needs a workspace, and this task has none")
            values[name] = workspace
        return values

    def _validated(self, arguments: Mapping[str, JsonValue]) -> BaseModel:
        try:
            return self._model.model_validate(arguments)
        except Misfit as error:
            raise ConfigError(f"arguments of {self.__name__!r}", _in_words(error)) from None
        except RecursionError:
            raise ConfigError(f"arguments of {self.__name__!r}", "nested too deeply") from None

    @functools.cached_property
    def _spec(self) -> ToolSpec:
        try:
            schema = self._model.model_json_schema()
        except PydanticUserError as error:
            raise ConfigError(f"tool {self.__name__!r}", f"an argument has no JSON schema: {error.message}") from error
        schema.setdefault("properties", {})
        description, _ = split_docstring(inspect.getdoc(self._function) or "")
        return ToolSpec(name=self.__name__, description=description, parameters=_without_titles(schema))

    @functools.cached_property
    def _hints(self) -> dict[str, object]:
        return _resolved_hints(self.__name__, self._function)

    @functools.cached_property
    def _injected(self) -> dict[str, bool]:
        """Parameter -> whether None will do."""
        found = {name: _workspace_kind(hint) for name, hint in self._hints.items()}
        return {name: kind == "optional" for name, kind in found.items() if kind}

    @functools.cached_property
    def _names(self) -> dict[str, str]:
        """Field of the model -> parameter: fields are numbered, so that no argument's name can clash with pydantic."""
        shown = [name for name in self._signature.parameters if name not in self._injected]
        return {f"argument{number}": name for number, name in enumerate(shown)}

    @functools.cached_property
    def _model(self) -> type[BaseModel]:
        _, docs = split_docstring(inspect.getdoc(self._function) or "")
        fields: dict[str, Any] = {}  # create_model's own type for its fields is Any
        for field, name in self._names.items():
            default = self._signature.parameters[name].default
            required = default is inspect.Parameter.empty
            info = Field(default=... if required else default, alias=name, description=docs.get(name))
            fields[field] = (self._hints[name], info)
        config = ConfigDict(extra="forbid", allow_inf_nan=False)
        try:
            return create_model(self.__name__, __config__=config, **fields)
        except PydanticUserError as error:
            raise ConfigError(
                f"tool {self.__name__!r}", f"an argument's type cannot be used: {error.message}"
            ) from error


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...


@overload
def tool(
    *, name: str = "", thread: bool = False, reads: bool = False
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None, /, *, name: str = "", thread: bool = False, reads: bool = False
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Turn a typed function into a tool, as `@tool` or `@tool(name=..., thread=True)`.

    Raises:
        ConfigError: A parameter has no annotation.
    """
    if function is not None:
        return FunctionTool(function)
    return lambda wrapped: FunctionTool(wrapped, name=name, thread=thread, reads=reads)


def parse_arguments(target: Tool | ToolSpec, text: str) -> dict[str, JsonValue]:
    """Read the arguments that a model wrote; nothing but ConfigError ever comes out of it.

    Args:
        target: The tool, or its spec (checked with jsonschema, which is slower).
        text: JSON text, not trusted; empty means no arguments.

    Raises:
        ConfigError: In words that the model can use to mend its call.
    """
    spec = target if isinstance(target, ToolSpec) else target.spec
    where = f"arguments of {spec.name!r}"
    arguments = _parsed_object(where, text)
    if isinstance(target, FunctionTool):
        target.check(arguments)
    else:
        _check_schema(where, spec.parameters, arguments)
    return arguments


def _checked_signature(name: str, function: Callable[..., object]) -> inspect.Signature:
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        where = f"tool {name!r}, parameter {parameter.name!r}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ConfigError(where, "a model passes arguments by name: write plain named parameters")
        if parameter.annotation is inspect.Parameter.empty:
            raise ConfigError(where, f"has no type annotation: write {parameter.name}: str (or its real type)")
    return signature


def _resolved_hints(name: str, function: Callable[..., object]) -> dict[str, object]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        missing = f"annotation {error.name!r} cannot be resolved: import it at run time, at the top of the module"
        raise ConfigError(f"tool {name!r}", missing) from error
    except TypeError as error:
        raise ConfigError(f"tool {name!r}", f"an annotation is not a type: {error}") from error
    hints.pop("return", None)
    return hints


def _workspace_kind(hint: object) -> str:
    """Return "needed", "optional", or nothing where the hint is not a workspace."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if hint is Workspace:
        return "needed"
    if get_origin(hint) in (Union, types.UnionType) and Workspace in get_args(hint):
        return "optional"
    return ""


def _without_titles(schema: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Drop pydantic's titles, which cost tokens and say nothing; properties of that name stay."""
    kept: dict[str, JsonValue] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            kept[key] = {name: _untitled(inner) for name, inner in value.items()}
        elif key in ("default", "const", "enum", "examples"):
            kept[key] = value
        elif key != "title":
            kept[key] = _untitled(value)
    return kept


def _untitled(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return _without_titles(value)
    return [_untitled(inner) for inner in value] if isinstance(value, list) else value


def _as_json(name: str, result: object) -> str:
    try:
        return to_json(result).decode()
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        what = f"returned a {type(result).__name__} that is not JSON: return text or plain data ({error})"
        raise ConfigError(f"tool {name!r}", what) from error


def _parsed_object(where: str, text: str) -> dict[str, JsonValue]:
    if len(text) > MAX_ARGUMENT_CHARS:
        raise ConfigError(where, f"{len(text)} characters, and {MAX_ARGUMENT_CHARS} is the most: send less")
    if not text.strip():
        return {}
    try:
        value = from_json(text.encode(), allow_inf_nan=False, cache_strings="keys")
    except UnicodeEncodeError:
        raise ConfigError(
            where, "the text holds half a surrogate pair, which no file can store: leave it out"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(where, f"not valid JSON ({error}): send one complete JSON object") from None
    if not isinstance(value, dict):
        raise ConfigError(where, f"a JSON object is needed, not {json.dumps(value)[:_SHOWN_CHARS]}")
    return cast(dict[str, JsonValue], value)


def _in_words(error: Misfit) -> str:
    """The first few faults, each with its place and what was given."""
    lines: list[str] = []
    for fault in error.errors(include_url=False, include_context=False)[:_SHOWN_ERRORS]:
        place = ".".join(str(part) for part in fault["loc"]) or "arguments"
        if fault["type"] == "extra_forbidden":
            lines.append(f"{place!r} is not an argument of this tool: leave it out")
        elif fault["type"] == "missing":
            lines.append(f"{place!r} is missing")
        else:
            given = textwrap.shorten(repr(fault["input"])[:400], _SHOWN_CHARS, placeholder=" ...")
            lines.append(f"{place!r}: {fault['msg']}, not {given}")
    more = error.error_count() - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _check_schema(where: str, schema: Mapping[str, JsonValue], arguments: dict[str, JsonValue]) -> None:
    from jsonschema import Draft202012Validator, ValidationError  # only tools that are not functions need it
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator(dict(schema)).validate(arguments)  # pyright: ignore[reportUnknownMemberType]  # stub's own
    except ValidationError as fault:
        place = fault.json_path.removeprefix("$.")
        raise ConfigError(where, f"{place}: {fault.message[: _SHOWN_CHARS * 3]}") from None
    except RecursionError:
        raise ConfigError(where, "nested too deeply") from None
    except Unresolvable as error:
        raise ConfigError(where, f"the tool's schema has a reference that cannot be followed: {error}") from None
