r"""The bytes of an event: RFC 8785 (JSON Canonicalization Scheme) for the part of JSON whose form is beyond doubt.

`canonical` takes objects with ASCII keys, arrays, strings, booleans, null and integers up to 2**53-1; for these,
sorted compact JSON *is* the RFC 8785 form. Everything else an event may hold is brought into that part by `encode`,
under one rule that `decode` undoes:

    float, finite              "~" + shortest repr, as "~0.25" (it has a point or an e)
    integer beyond 2**53-1     "~" + digits, as "~9007199254740993"
    string that begins with ~  one more "~" in front
    Decimal                    its digits as a string; the field's type reads it back
    bytes                      URL-safe base64; the field's type reads it back
    frozenset                  sorted array
    key with \ or beyond ASCII \\, \xe9, \u20ac, \U0001f600 (Python's backslash escapes)
    lone surrogate, NUL        U+FFFD

Where strings were cleaned or redacted, the body says how often under the key "~". NaN, infinities, integers of more
than 1,024 bits, more than 64 levels and more than 32 MB are refused. There is no fallback serialiser.
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from agora.errors import LedgerError
from agora.events import EVENT, Event
from agora.ledger.redact import NOTHING, Redactor
from agora.values import JsonValue, Value

MAX_BYTES: Final = 32 * 1024 * 1024
"""The largest body, in bytes."""
MAX_DEPTH: Final = 64
"""The deepest nesting of objects and arrays."""
MAX_INTEGER: Final = 2**53 - 1
"""The largest integer (and, negated, the smallest) that every JSON reader keeps exactly."""
_MAX_BITS: Final = 1024

Recordable: TypeAlias = (
    bool
    | int
    | float
    | str
    | bytes
    | Decimal
    | frozenset[str]
    | Value
    | Sequence["Recordable"]
    | Mapping[str, "Recordable"]
    | None
)
"""What an event may hold."""

_TEXT = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False, allow_nan=False
).encode
_DIRTY = re.compile("[\x00\ud800-\udfff]")
_MARKS: Final = "~"
"""The key under which a body says how many strings were changed; no event has a field of that name."""


def canonical(value: Recordable) -> bytes:
    r"""RFC 8785 bytes of an allowed value.

    >>> canonical({"b": [1, True, None], "a": "é"})
    b'{"a":"\xc3\xa9","b":[1,true,null]}'

    Raises:
        LedgerError: A float, an integer beyond 2**53-1, a key that is not ASCII, a lone surrogate, another type, more
            than 64 levels or more than 32 MB.
    """
    _check(value, 0)
    return _bytes(_TEXT(value))


def encode(event: Event, *, redactor: Redactor = NOTHING) -> bytes:
    """The body of an event: cleaned, redacted, canonical.

    Raises:
        LedgerError: It holds what the module's rule refuses.
    """
    return seal(event, redactor=redactor)[0]


def seal(event: Event, *, redactor: Redactor = NOTHING) -> tuple[bytes, bool]:
    """`encode`, and whether any text had to be changed (then the event read back differs from the one given).

    Raises:
        LedgerError: It holds what the module's rule refuses.
    """
    walk = _Walk(redactor)
    text = _TEXT(_fields(walk, event, 0))
    # Most events are clean: one look at the whole text is far cheaper than one at each string.
    if "\\u0000" not in text and not walk.redacted and not walk.odd_keys and not redactor.may_hit(text):
        try:
            return _bytes(text), False
        except _SurrogateError:
            pass
    walk = _CleaningWalk(redactor)
    body = _fields(walk, event, 0)
    body["kind"] = event.kind  # even if someone's secret is "bid_refused"
    marks: dict[str, JsonValue] = {}
    if walk.cleaned:
        marks["cleaned"] = walk.cleaned
    if walk.redacted:
        marks["redacted"] = walk.redacted
    if marks:
        body[_MARKS] = marks
    return _bytes(_TEXT(body)), bool(marks)


def decode(body: bytes) -> Event:
    """The event behind a body.

    Raises:
        LedgerError: The bytes are not the body of an event that this version knows.
    """
    try:
        if b'"~' not in body and b"\\" not in body:
            return EVENT.validate_json(body)
        tree: JsonValue = json.loads(body)
        if isinstance(tree, dict):
            tree.pop(_MARKS, None)
        return EVENT.validate_json(json.dumps(_restored(tree), allow_nan=False))
    except (ValueError, RecursionError) as problem:
        raise LedgerError(f"a ledger body cannot be read ({problem}): check the ledger or update Agora") from problem


class _SurrogateError(LedgerError):
    """A string holds a lone surrogate, so it has no UTF-8 form."""


def _bytes(text: str) -> bytes:
    if len(text) > MAX_BYTES:
        raise LedgerError(f"a ledger body of {len(text):,} characters is over the cap of {MAX_BYTES:,}: cap the text")
    try:
        body = text.encode()
    except UnicodeEncodeError as problem:
        raise _SurrogateError("a string holds a lone surrogate: replace it before it is recorded") from problem
    if len(body) > MAX_BYTES:
        raise LedgerError(f"a ledger body of {len(body):,} bytes is over the cap of {MAX_BYTES:,}: cap the text")
    return body


def _check(value: Recordable, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise LedgerError(f"JSON deeper than {MAX_DEPTH} levels cannot be recorded: flatten it")
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise LedgerError("an integer beyond 2**53-1 has no canonical form: write it as a string")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():  # pyright: ignore[reportUnnecessaryIsInstance] -- untyped callers
                raise LedgerError(f"key {key!r} has no canonical form: use an ASCII string")
            _check(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check(item, depth + 1)
    else:
        raise LedgerError(f"a {type(value).__name__} has no canonical form: write it as a string")


class _Walk:
    """One pass over an event that makes plain JSON values; it leaves texts alone, but for the tilde."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.cleaned = 0
        self.redacted = 0
        self.odd_keys = False
        """A key was escaped, which hides from a look at the whole text what is in it."""

    def text(self, text: str) -> str:
        return "~" + text if text[:1] == "~" else text

    def key(self, key: str) -> str:
        if key.isascii() and "\\" not in key:
            return key
        self.odd_keys = True
        return _escaped(key)

    def raw(self, data: bytes) -> str:
        clean, hits = self.redactor.raw(data)
        self.redacted += hits
        return urlsafe_b64encode(clean).decode("ascii")


class _CleaningWalk(_Walk):
    """The same, looking into every text: for the few events that need it."""

    def text(self, text: str) -> str:
        return super().text(self._clean(text))

    def key(self, key: str) -> str:
        return super().key(self._clean(key))

    def _clean(self, text: str) -> str:
        text, dirt = _DIRTY.subn("\ufffd", text)
        text, hits = self.redactor.text(text)
        self.cleaned += dirt
        self.redacted += hits
        return text


def _fields(walk: _Walk, value: Value, depth: int) -> dict[str, JsonValue]:
    _not_too_deep(depth)
    plain: dict[str, JsonValue] = {}
    text = walk.text
    for name, item in value.__dict__.items():  # the commonest leaves are taken here, to save a call for each
        if type(item) is str:
            plain[name] = text(item)
        elif item is None or item is True or item is False:
            plain[name] = item
        else:
            plain[name] = _plain(walk, item, depth + 1)
    return plain


def _plain(walk: _Walk, value: Recordable, depth: int) -> JsonValue:
    kind = type(value)
    rule = _RULES.get(kind)
    if rule is None:
        rule = _RULES[kind] = _rule_for(kind)
    return rule(walk, value, depth)


def _mapping(walk: _Walk, value: Mapping[str, Recordable], depth: int) -> JsonValue:
    _not_too_deep(depth)
    plain: dict[str, JsonValue] = {}
    for name, item in value.items():
        key = walk.key(name)
        while key in plain:  # cleaning made two keys equal: keep both
            key += "'"
        plain[key] = _plain(walk, item, depth + 1)
    return plain


def _sequence(walk: _Walk, value: Sequence[Recordable], depth: int) -> JsonValue:
    _not_too_deep(depth)
    return [_plain(walk, item, depth + 1) for item in value]


def _set(walk: _Walk, value: frozenset[str], _depth: int) -> JsonValue:
    return [walk.text(item) for item in sorted(value)]


def _text(walk: _Walk, value: str, _depth: int) -> JsonValue:
    return walk.text(value)


def _member(_walk: _Walk, value: str, _depth: int) -> JsonValue:
    return str(value)  # of an enum: a word of ours, never a text to clean


def _itself(_walk: _Walk, value: bool | None, _depth: int) -> JsonValue:
    return value


def _integer(_walk: _Walk, value: int, _depth: int) -> JsonValue:
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    if value.bit_length() > _MAX_BITS:
        raise LedgerError(f"an integer of {value.bit_length():,} bits cannot be recorded: the cap is {_MAX_BITS}")
    return f"~{value}"


def _float(_walk: _Walk, value: float, _depth: int) -> JsonValue:
    if not math.isfinite(value):
        raise LedgerError(f"{value} cannot be recorded: only finite numbers can")
    return f"~{value!r}"


def _decimal(_walk: _Walk, value: Decimal, _depth: int) -> JsonValue:
    if not value.is_finite():
        raise LedgerError(f"{value} cannot be recorded: only finite numbers can")
    return str(value)


def _raw(walk: _Walk, value: bytes, _depth: int) -> JsonValue:
    return walk.raw(value)


_RULES: Final[dict[type, Callable[..., JsonValue]]] = {
    str: _text,
    bool: _itself,
    type(None): _itself,
    int: _integer,
    float: _float,
    Decimal: _decimal,
    bytes: _raw,
    frozenset: _set,
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
}
_FAMILIES: Final[tuple[tuple[type, Callable[..., JsonValue]], ...]] = (
    (Value, _fields),
    (Mapping, _mapping),
    (str, _member),
    (int, _integer),
)


def _rule_for(kind: type) -> Callable[..., JsonValue]:
    for family, rule in _FAMILIES:
        if issubclass(kind, family):
            return rule
    raise LedgerError(f"a {kind.__name__} cannot be recorded: use JSON values")


def _not_too_deep(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise LedgerError(f"an event deeper than {MAX_DEPTH} levels cannot be recorded: flatten it")


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").encode("ascii", "backslashreplace").decode("ascii")


def _restored(tree: JsonValue) -> JsonValue:
    if isinstance(tree, str):
        return _untagged(tree) if tree[:1] == "~" else tree
    if isinstance(tree, dict):
        return {_unescaped(key): _restored(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [_restored(item) for item in tree]
    return tree


def _untagged(text: str) -> JsonValue:
    if text[:2] == "~~":
        return text[1:]
    return int(text[1:]) if text[1:].lstrip("-").isdigit() else float(text[1:])


def _unescaped(key: str) -> str:
    return key.encode("ascii").decode("unicode_escape") if "\\" in key else key
