"""Arrays as JSON, and back bit for bit: little-endian float64 in base64, with their shape."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agora.errors import LedgerError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix


def packed(array: Matrix) -> JsonValue:
    """An array of float64 of any shape."""
    import numpy as np

    raw = np.ascontiguousarray(array, dtype="<f8").tobytes()
    return {"shape": list(array.shape), "f8": base64.b64encode(raw).decode("ascii")}


def part(saved: JsonValue, name: str) -> JsonValue:
    """One part of what a router was kept to know.

    Raises:
        LedgerError: There is none.
    """
    if not isinstance(saved, Mapping) or name not in saved:
        raise LedgerError(f"learned state of a router has no {name!r}: learn anew from the log")
    return saved[name]


def texts(saved: JsonValue, name: str) -> list[str]:
    """A part that is a list of texts.

    Raises:
        LedgerError: It is none.
    """
    found = part(saved, name)
    if not isinstance(found, list):
        raise LedgerError(f"learned state of a router has no list {name!r}: learn anew from the log")
    if not all(isinstance(one, str) for one in found):
        raise LedgerError(f"learned state of a router has {name!r} that are no texts: learn anew from the log")
    return [str(one) for one in found]


def unpacked(saved: JsonValue) -> Matrix:
    """What `packed` was given.

    Raises:
        LedgerError: It is none.
    """
    import numpy as np

    try:
        if not isinstance(saved, Mapping):
            raise TypeError
        raw = base64.b64decode(str(saved["f8"]), validate=True)
        shape = saved["shape"]
        if not isinstance(shape, list):
            raise TypeError
        sizes = [int(str(one)) for one in shape]
        if any(isinstance(one, str) for one in shape) or min(sizes, default=0) < 0:
            raise ValueError
        return np.frombuffer(raw, dtype="<f8").reshape(sizes).astype(np.float64)
    except (KeyError, TypeError, ValueError):
        raise LedgerError("learned state of a router cannot be read: learn anew from the log") from None
