"""Mechanisms and policies from their names and their options, as both stand on record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, cast

from agora import registry
from agora.errors import AgoraError, ConfigError
from agora.protocols import Mechanism, Policy
from agora.values import JsonValue


def mechanism_from(name: str, settings: str) -> Mechanism:
    """The mechanism of a name, with the options that stand on record; without any, as its name makes it.

    Raises:
        ConfigError: It refuses the options, or is no mechanism.
        UnknownNameError: Nothing has that name.

    >>> mechanism_from("posted", '{"share":0.25}').settings
    '{"share":0.25}'
    """
    return cast("Mechanism", _made("mechanisms", name, settings))


def policy_from(name: str, settings: str) -> Policy:
    """The policy of a name, knowing nothing, with the options that stand on record.

    Raises:
        ConfigError: It refuses the options, or is no policy.
        UnknownNameError: Nothing has that name.
    """
    return cast("Policy", _made("policies", name, settings))


def built_in(group: Literal["mechanisms", "policies"], name: str) -> bool:
    """Whether a name is that of a rule that Agora brings along."""
    return name in registry.BUILT_IN[group]


def options_in(settings: str, *, where: str) -> dict[str, JsonValue]:
    """Options as they stand on record, as values; none of an empty text.

    Raises:
        ConfigError: They are no JSON object.
    """
    try:
        found = cast("JsonValue", json.loads(settings or "{}"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(where, f"its options on record are no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(where, f"its options on record are no object: {settings[:60]!r}")
    return found


def _made(group: Literal["mechanisms", "policies"], name: str, settings: str) -> object:
    where = f"{'mechanism' if group == 'mechanisms' else 'policy'} {name!r}"
    found = registry.find(group, name)
    if not callable(found):
        return found
    options = {key: _value(value) for key, value in options_in(settings, where=where).items()}
    try:
        return found(**options)
    except AgoraError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigError(where, f"refuses its options on record: {error}") from None


def _value(value: JsonValue) -> object:
    """An option; a mechanism among them is made from its own."""
    if isinstance(value, Mapping) and set(value) == {"mechanism", "options"}:
        return mechanism_from(str(value["mechanism"]), json.dumps(value["options"]))
    return value
