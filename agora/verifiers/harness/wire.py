# ruff: noqa: ANN401 - values of any type cross here
"""What crosses between judge and worker: plain data of exact built-in types as JSON, all else as references.

Only data crosses, so nothing that the work defines (`__eq__`, `__del__`, a subclass of str) can run in the judge.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import struct
import sys
import time
from typing import Any, Callable, cast  # noqa: UP035  # runs on the workspace's Python, too

MAX_FRAME = 64_000_000
"""Bytes of one message."""
MAX_DEPTH = 200
"""Nesting of plain data."""

Other = Callable[[Any], Any]
"""Turns what is not plain data into a tagged list, or back."""

_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_TEXTS = {"Decimal": "decimal", "Fraction": "fractions", "PosixPath": "pathlib"}
_MOMENTS = {"date": "datetime", "time": "datetime", "datetime": "datetime"}
_HOMES = {**_TEXTS, **_MOMENTS, "timedelta": "datetime"}
"""Class of the standard library -> its module, imported when the first value comes."""


class Closed(BaseException):
    """The other side is gone."""


class Late(BaseException):
    """The other side did not answer in time."""


def encode(value: Any, other: Other, depth: int = 0) -> Any:
    """Plain data as JSON; `other` is asked for the rest, and for what is nested too deeply."""
    kind = cast(Any, type(value))
    if value is None or kind in (bool, str, float):
        return value
    if kind is int:
        return value if abs(value) < 2**63 else ["int", hex(value)]
    if depth > MAX_DEPTH:
        return other(value)
    name = kind.__name__
    if kind is _SEQUENCES.get(name):
        return [name, [encode(item, other, depth + 1) for item in value]]
    if kind is dict:
        return ["dict", [[encode(k, other, depth + 1), encode(v, other, depth + 1)] for k, v in value.items()]]
    return _encode_rare(value, kind, name, other)


def _encode_rare(value: Any, kind: Any, name: str, other: Other) -> Any:
    if kind is bytes or kind is bytearray:
        return [name, bytes(value).hex()]
    if kind is complex:
        return [name, [value.real, value.imag]]
    if kind is range:
        return [name, [value.start, value.stop, value.step]]
    if kind is not getattr(sys.modules.get(_HOMES.get(name, "")), name, None):
        return other(value)
    if name in _TEXTS:
        return [name, str(value)]
    if name == "timedelta":
        return [name, [value.days, value.seconds, value.microseconds]]
    zone = getattr(value, "tzinfo", None)
    if zone is None or type(zone) is sys.modules["datetime"].timezone:
        return [name, value.isoformat()]
    return other(value)


def decode(value: Any, other: Other) -> Any:
    """Back from JSON; `other` is asked for tags that are not plain data."""
    if not isinstance(value, list):
        return value
    value = cast(Any, value)
    tag, content = cast(str, value[0]), value[1]
    if tag in _SEQUENCES:
        return _SEQUENCES[tag](decode(item, other) for item in content)
    if tag == "dict":
        return {decode(k, other): decode(v, other) for k, v in content}
    if tag in _TEXTS:
        return _class(tag)(content)
    if tag in _MOMENTS:
        return _class(tag).fromisoformat(content)
    return _decode_rare(tag, content, value, other)


def _decode_rare(tag: str, content: Any, value: Any, other: Other) -> Any:
    if tag == "int":
        return int(content, 16)
    if tag == "bytes":
        return bytes.fromhex(content)
    if tag == "bytearray":
        return bytearray.fromhex(content)
    if tag == "complex":
        return complex(*content)
    if tag == "range":
        return range(*content)
    if tag == "timedelta":
        return _class(tag)(*content)
    return other(value)


def _class(name: str) -> Any:
    return getattr(importlib.import_module(_HOMES[name]), name)


class Pipe:
    """Frames of JSON over two file descriptors.

    Args:
        reads: Where frames come from.
        writes: Where frames go.
        deadline: On the monotonic clock, in seconds; None waits for ever.
    """

    def __init__(self, reads: int, writes: int, deadline: float | None = None) -> None:
        self._reads, self._writes, self._deadline = reads, writes, deadline

    def send(self, frame: dict[str, Any]) -> None:
        """Write one frame."""
        data = json.dumps(frame).encode()
        rest = memoryview(struct.pack(">Q", len(data)) + data)
        try:
            while rest:
                rest = rest[os.write(self._writes, rest) :]
        except OSError:
            raise Closed from None

    def receive(self) -> dict[str, Any]:
        """Wait for one frame."""
        (size,) = struct.unpack(">Q", self._exactly(8))
        if size > MAX_FRAME:
            raise Closed
        frame = json.loads(self._exactly(size))
        if not isinstance(frame, dict):
            raise Closed
        return cast("dict[str, Any]", frame)

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            if self._deadline is not None:
                left = self._deadline - time.monotonic()
                if left <= 0 or not select.select([self._reads], [], [], left)[0]:
                    raise Late
            chunk = os.read(self._reads, min(count - len(data), 1 << 20))
            if not chunk:
                raise Closed
            data += chunk
        return bytes(data)
