"""What a router was kept to know is taken back whole or not at all: sizes are checked, a refusal changes nothing.

Whoever is refused learns anew from the log, so that it is always safe to refuse.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

from typing_extensions import Protocol

from agora.coordinator.routers.packing import part, texts, unpacked
from agora.coordinator.routers.rows import Rows
from agora.errors import AgoraError, LedgerError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix


class _Kept(Protocol):
    def saved(self) -> JsonValue: ...


Restored_ = TypeVar("Restored_", bound=Callable[..., None])


def whole(restored: Restored_) -> Restored_:
    """Around a router's `restored`: it is tried on a copy, which must give back what it was given.

    The state is that of the router and of what it owns; the router keeps no method of its own among it.
    """

    @wraps(restored)
    def all_or_nothing(router: _Kept, saved: JsonValue) -> None:
        other = copy.deepcopy(router)
        try:
            restored(other, saved)
            again = other.saved()
        except (AgoraError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise LedgerError(f"learned state of a router cannot be read: learn anew from the log ({error})") from error
        if again != saved:
            raise LedgerError("learned state of a router is of another form: learn anew from the log")
        vars(router).update(vars(other))

    return cast("Restored_", all_or_nothing)


def array(saved: JsonValue, name: str, *sizes: int | None) -> Matrix:
    """A part that is an array of these sizes; None: any.

    Raises:
        LedgerError: It is none.
    """
    found = unpacked(part(saved, name))
    told = found.shape
    if len(told) != len(sizes) or any(size not in (None, own) for own, size in zip(told, sizes, strict=True)):
        raise LedgerError(f"learned state of a router has {name!r} of another size: learn anew from the log")
    return found


def named(saved: JsonValue, name: str) -> Rows:
    """A part that is a list of keys, none twice.

    Raises:
        LedgerError: It is none.
    """
    keys = texts(saved, name)
    if len(set(keys)) < len(keys):
        raise LedgerError(f"learned state of a router names somebody twice in {name!r}: learn anew from the log")
    return Rows(keys)


def integer(saved: JsonValue, name: str, *, least: int = 0, most: int | None = None) -> int:
    """A part that is a whole number within bounds.

    Raises:
        LedgerError: It is none.
    """
    found = part(saved, name)
    if not isinstance(found, int) or isinstance(found, bool) or found < least or (most is not None and found > most):
        raise LedgerError(f"learned state of a router has no number {name!r} that can be: learn anew from the log")
    return found


def real(saved: JsonValue, name: str) -> float:
    """A part that is a finite number.

    Raises:
        LedgerError: It is none.
    """
    found = part(saved, name)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not math.isfinite(found):
        raise LedgerError(f"learned state of a router has no finite {name!r}: learn anew from the log")
    return float(found)


def fits(condition: bool, what: str) -> None:
    """What must hold between the parts of a state.

    Raises:
        LedgerError: It does not.
    """
    if not condition:
        raise LedgerError(f"learned state of a router does not fit together ({what}): learn anew from the log")
