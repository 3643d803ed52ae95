"""What is to be otherwise, from words to a rule: `mechanism=second_score`, `weights.cost=.4`, `agents=-NAME`.

Everything is checked before anything is computed: a name that nobody knows is answered with the nearest one.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from pydantic import BaseModel

from agora import registry
from agora.auctions.sale import DEFAULT_WEIGHTS
from agora.errors import ConfigError, UnknownNameError
from agora.protocols import Mechanism, Policy
from agora.rules import Rules
from agora.toml_files import fit
from agora.traces.replay.making import mechanism_from, policy_from
from agora.values import JsonValue

_TABLES: Final[Mapping[str, tuple[str, ...]]] = {"weights": tuple(DEFAULT_WEIGHTS), "rules": tuple(Rules.model_fields)}
_LISTS: Final = frozenset({"jury"})
_FIXED: Final = ("agents", "mechanism", "policy")
_LIVE: Final = ("budget", "attempts", "seed", "mark")
"""What only a run that goes on live can have otherwise."""
_MOST_CHARS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be otherwise, taken apart and not yet checked against the rules."""

    mechanism: str | None = None
    """Another mechanism, by name; None: that of the run."""
    policy: str | None = None
    """Another policy, by name; None: that of the run."""
    without: tuple[str, ...] = ()
    """Who is thought away."""
    options: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Option of the mechanism, with a point in it where it is a table's -> value."""
    policy_options: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Option of the policy -> value."""


def wanted(changes: Mapping[str, str]) -> Wanted:
    """Changes taken apart.

    Args:
        changes: As they were written, name -> value.

    Raises:
        ConfigError: There is none, or one has no value that can be meant.

    >>> wanted({"weights.cost": ".4", "agents": "-ada"}).options, wanted({"agents": "-ada, -bob"}).without
    ({'weights.cost': 0.4}, ('ada', 'bob'))
    """
    if not changes:
        raise ConfigError("--with", "says nothing: name what is to be otherwise, as mechanism=second_score")
    options, policy_options = dict[str, JsonValue](), dict[str, JsonValue]()
    for name, text in changes.items():
        if name.partition(".")[0] in _LIVE:
            said = "cannot be decided again from the record: go on live, with --from EVENT --change"
            raise ConfigError(f"--with {name}", f"{said} {name}={text}")
        if name in _FIXED:
            if not text.strip():
                raise ConfigError(f"--with {name}", "has no value: write a name")
        elif name.startswith("policy."):
            policy_options[name.removeprefix("policy.")] = _value(name, text)
        else:
            options[name] = _value(name, text)
    return Wanted(
        mechanism=changes.get("mechanism"),
        policy=changes.get("policy"),
        without=_without(changes.get("agents", "")),
        options=options,
        policy_options=policy_options,
    )


def checked_names(names: Sequence[str], members: Sequence[str], *, run: str) -> frozenset[str]:
    """Those who are thought away, where they took part.

    Raises:
        UnknownNameError: Nobody of that name took part in the run.
        ConfigError: Nobody would be left.
    """
    for name in names:
        if name not in members:
            raise UnknownNameError(f"agent of run {run}", name, members)
    if names and set(members) <= set(names):
        raise ConfigError("--with agents", "leaves nobody: keep at least one agent")
    return frozenset(names)


def changed_mechanism(name: str, base: Mapping[str, JsonValue], options: Mapping[str, JsonValue]) -> Mechanism:
    """A mechanism with some options otherwise.

    Args:
        name: The mechanism's.
        base: The options that it has besides.
        options: What is otherwise; what belongs to its scorer is given to that.

    Raises:
        UnknownNameError: Nothing has that name, or it has no such option.
        ConfigError: It refuses a value.
    """
    known = _options_of(name, base)
    merged: dict[str, JsonValue] = {key: _copied(value) for key, value in base.items()}
    for key, value in options.items():
        if key not in known:
            raise UnknownNameError(f"option of mechanism {name!r}", key, {*known, *_FIXED})
        _put(merged, known[key], value)
    return mechanism_from(name, json.dumps(merged))


def changed_policy(name: str, base: Mapping[str, JsonValue], options: Mapping[str, JsonValue]) -> Policy:
    """A policy with some options otherwise; raises as `changed_mechanism`."""
    found = registry.find("policies", name)
    form = getattr(found, "Options", None)
    known: Sequence[str] = ()
    if isinstance(form, type) and issubclass(form, BaseModel):
        known = tuple(form.model_fields)
    for key in options:
        if key not in known:
            raise UnknownNameError(f"option of policy {name!r}", f"policy.{key}", {f"policy.{one}" for one in known})
    merged = {**base, **options}
    if isinstance(form, type) and issubclass(form, BaseModel):
        fit(form, merged, where=f"policy {name!r}")
    return policy_from(name, json.dumps(merged) if known else "")


def _options_of(name: str, base: Mapping[str, JsonValue]) -> dict[str, tuple[str, ...]]:
    """Option, with a point where it is a table's -> where it goes."""
    found = registry.find("mechanisms", name)
    takes = tuple(inspect.signature(cast("type[object]", found)).parameters) if callable(found) else ()
    places: dict[str, tuple[str, ...]] = {}
    for parameter in takes:
        if parameter in _TABLES:
            places |= {f"{parameter}.{key}": (parameter, key) for key in _TABLES[parameter]}
        elif parameter != "scorer":
            places[parameter] = (parameter,)
    scorer = base.get("scorer")
    if isinstance(scorer, dict) and isinstance(inside := scorer.get("options"), dict):
        of_scorer = _options_of(str(scorer.get("mechanism")), inside)
        places |= {key: ("scorer", "options", *place) for key, place in of_scorer.items()}
    return places


def _put(options: dict[str, JsonValue], place: Sequence[str], value: JsonValue) -> None:
    *tables, last = place
    inner = options
    for table in tables:
        found = inner.get(table)
        if not isinstance(found, dict):
            found = inner[table] = {}
        inner = found
    inner[last] = value


def _copied(value: JsonValue) -> JsonValue:
    return cast("JsonValue", json.loads(json.dumps(value)))


def _value(name: str, text: str) -> JsonValue:
    """A value as it is meant: a number, yes or no, a list of names, or a word."""
    text = text.strip()
    if len(text) > _MOST_CHARS:
        raise ConfigError(f"--with {name}", f"has {len(text)} characters: no option takes so many")
    if name in _LISTS:
        return None if text == "all" else [part.strip() for part in text.split(",") if part.strip() not in ("", "none")]
    words: Mapping[str, JsonValue] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for reads in (int, float):
        try:
            number = reads(text)
        except ValueError:
            continue
        if not math.isfinite(number):
            break
        return number
    if not text:
        raise ConfigError(f"--with {name}", "has no value: write one, as weights.cost=.4")
    return text


def _without(text: str) -> tuple[str, ...]:
    names: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if not part.startswith("-") or part == "-":
            raise ConfigError(
                "--with agents", f"{part!r} cannot be added, since it made no bid then: write -NAME to leave one out"
            )
        names.append(part[1:])
    return tuple(dict.fromkeys(names))
