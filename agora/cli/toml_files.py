"""TOML files read into values; whatever is wrong with one becomes a single line: file, field, mend."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from agora.errors import ConfigError

_T = TypeVar("_T", bound=BaseModel)
_SHOWN_CHARS = 60
_MENDS = {
    "string_type": "write text in quotes",
    "tuple_type": 'write a list, as ["a", "b"]',
    "list_type": 'write a list, as ["a", "b"]',
    "frozen_set_type": 'write a list, as ["a", "b"]',
    "set_type": 'write a list, as ["a", "b"]',
    "dict_type": "write a table",
    "model_type": "write a table",
    "mapping_type": "write a table",
    "model_attributes_type": "write a table",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "decimal_type": "write a number",
    "decimal_parsing": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
}


def short(path: Path) -> str:
    """A path as a person would write it: relative to where they stand, if it is below."""
    try:
        return str(path.relative_to(Path.cwd())) or "."
    except ValueError:
        return str(path)


def read_toml(file: Path) -> dict[str, object]:
    """The content of a TOML file.

    Raises:
        ConfigError: It is not there, cannot be read, or is not TOML.
    """
    try:
        content: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(short(file), "is not there: check the path") from None
    except IsADirectoryError:
        raise ConfigError(short(file), "is a folder: name a .toml file in it") from None
    except UnicodeDecodeError:
        raise ConfigError(short(file), "is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(short(file), f"cannot be read: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(short(file), f"is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from None
    except RecursionError:
        raise ConfigError(short(file), "is nested too deeply: flatten it") from None
    return content


def fit(model: type[_T], content: Mapping[str, object], *, where: str) -> _T:
    """Content as a value of a model.

    Args:
        model: What it has to be.
        content: As read.
        where: The file, for messages.

    Raises:
        ConfigError: Naming the first field that does not fit, and the mend.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {field}" if field else where, _mend(model, first["type"], first)) from None


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say about a key that nobody knows.

    >>> unknown("modle", ["model", "tools"])
    "unknown key; did you mean 'model'?"
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"unknown key; did you mean {near[0]!r}?" if near else f"unknown key; known: {', '.join(names)}"


def _mend(model: type[BaseModel], kind: str, error: Mapping[str, object]) -> str:
    loc = cast("tuple[int | str, ...]", error["loc"])
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return unknown(str(loc[0]), model.model_fields) if len(loc) == 1 else "unknown key"
    value = repr(error.get("input"))
    value = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "..."
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{value} does not fit: {_MENDS.get(kind, message[:1].lower() + message[1:])}"
