"""What is given on the command line as NAME=VALUE: inputs of a workflow, options of a pattern."""

from __future__ import annotations

import json
from collections.abc import Iterable

from agora.errors import ConfigError


def inputs_of(given: Iterable[str], *, flag: str = "--input") -> dict[str, str]:
    """Names and values as texts.

    Args:
        given: Each NAME=VALUE.
        flag: Behind which flag they stand.

    Raises:
        ConfigError: One is not written like that, or a name stands twice.
    """
    inputs: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise ConfigError(flag, f"{one!r} is not NAME=VALUE")
        if name.strip() in inputs:
            raise ConfigError(flag, f"{name.strip()!r} is given twice")
        inputs[name.strip()] = value
    return inputs


def options_of(given: Iterable[str]) -> dict[str, object]:
    """Names and values as what they say as JSON, else as text: rounds=2, judge=true, debaters=ann,bob.

    Raises:
        ConfigError: One is not NAME=VALUE, or a name stands twice.
    """
    return {name: _meant(text) for name, text in inputs_of(given, flag="--option").items()}


def _meant(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
