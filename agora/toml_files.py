"""What a TOML file says as a value; what does not fit becomes a single line: file, field, mend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from agora.errors import ConfigError
from agora.settings import unknown
from agora.tasks import Tier

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


def tier_named(name: str, *, where: str) -> Tier:
    """A sandbox tier by its name in small letters.

    Raises:
        ConfigError: There is none of that name.
    """
    tiers = {tier.name.lower(): tier for tier in Tier}
    if name not in tiers:
        raise ConfigError(f"{where}: tier", f"{name!r} is no sandbox tier; there are: {', '.join(tiers)}")
    return tiers[name]


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
