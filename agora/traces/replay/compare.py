"""Two events side by side: whether their bodies are the same bytes, and else which fields differ, then and now."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

from agora.events import Event
from agora.ledger.canonical import encode
from agora.tasks import Usage
from agora.values import JsonValue

CLOSE: Final = 1e-9
"""Floats that differ by no more than this, as a share of the larger, are the same figure reckoned in another order or
by another library."""
_MISSING: Final = "(nothing)"


class Field(NamedTuple):
    """One field that differs."""

    path: str
    """Where it stands, as "clearing.ranking.0.total"."""
    then: JsonValue
    """As on record."""
    now: JsonValue
    """As it comes out now."""

    @property
    def close(self) -> bool:
        """Whether it is a float that differs in its last digits only."""
        return _close(self.then, self.now)


def same_bytes(body: bytes | None, then: Event, now: Event) -> bool:
    """Whether an event that was made again has the canonical bytes of the one on record.

    Args:
        body: The bytes on record, where they are at hand.
        then: The event on record.
        now: The event made again.
    """
    made = encode(now)
    return made == body or made == encode(then)


def close_usage(one: Usage, other: Usage) -> bool:
    """Whether the same was taken, but for the last digits of seconds."""
    exact = one.model_copy(update={"seconds": 0.0}) == other.model_copy(update={"seconds": 0.0})
    return exact and math.isclose(one.seconds, other.seconds, rel_tol=1e-6, abs_tol=1e-6)


def differences(then: Event, now: Event) -> tuple[Field, ...]:
    """The fields that differ, in the order of the one on record."""
    return fields_between(_plain(then), _plain(now))


def fields_between(then: JsonValue, now: JsonValue) -> tuple[Field, ...]:
    """The same of two bodies as JSON."""
    return tuple(_walk("", then, now))


def _plain(event: Event) -> JsonValue:
    return cast("JsonValue", json.loads(encode(event)))


def _walk(path: str, then: JsonValue, now: JsonValue) -> Iterator[Field]:
    if then == now and type(then) is type(now):
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*then, *now)):
            where = f"{path}.{name}" if path else name
            yield from _walk(where, then.get(name, _MISSING), now.get(name, _MISSING))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for place, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _walk(f"{path}.{place}" if path else str(place), one, other)
    else:
        yield Field(path, _shown(then), _shown(now))


def _shown(value: JsonValue) -> JsonValue:
    """A leaf as a reader knows it: what the ledger writes with a mark before it is a number."""
    if isinstance(value, str) and value[:1] == "~":
        try:
            return value[1:] if value[1:2] == "~" else float(value[1:])
        except ValueError:
            return value
    return value


def _close(then: JsonValue, now: JsonValue) -> bool:
    return isinstance(then, float) and isinstance(now, float) and math.isclose(then, now, rel_tol=CLOSE, abs_tol=1e-12)
