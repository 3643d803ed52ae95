"""What is tried again, and after what pause: the rules of the one retry loop, which stands in the desk.

Policy (Google SRE book, chapters 21 and 22): full jitter, few attempts, only what may heal is tried again, and what a
provider's Retry-After asks for is the least pause.
"""

from __future__ import annotations

from typing import NamedTuple

from agora.errors import ModelError
from agora.models.replies import LostConnectionError

RETRIED = frozenset({408, 409, 429})
"""Statuses below 500 that may heal by themselves."""


class Retries(NamedTuple):
    """How often, and after what pause, a failed attempt is made again."""

    attempts: int = 3
    """At most so many attempts, the first included."""
    base_s: float = 0.5
    """The first pause lies in [0, base_s); it doubles from one attempt to the next."""
    cap_s: float = 30.0
    """No pause of our own is longer."""


def may_heal(error: ModelError) -> bool:
    """Whether the same request may succeed a moment later (408, 409, 429, 5xx, or a lost connection) and may be made.

    The provider's retry budget has the last word: `error.again`.
    """
    return error.again and heals(error)


def heals(error: ModelError) -> bool:
    """Whether it is the kind of failure that passes by itself, whatever the retry budget says."""
    if error.status is None:
        return isinstance(error, LostConnectionError)
    return error.status in RETRIED or error.status >= 500


def pause_s(retries: Retries, attempt: int, error: ModelError, chance_uniform: float) -> float:
    """Seconds to wait after a failed attempt: full jitter, and never less than Retry-After.

    Args:
        retries: The bounds.
        attempt: Which attempt failed, from 1.
        error: How.
        chance_uniform: A draw in [0, 1).

    >>> pause_s(Retries(base_s=0.5), 2, ModelError("m", "busy", status=503), 0.5)
    0.5
    """
    most_s: float = min(retries.cap_s, retries.base_s * 2.0 ** (attempt - 1))
    return max(most_s * chance_uniform, error.retry_after_s or 0.0)


def attempt_id(call: str, attempt: int) -> str:
    """The id of one attempt at a call: the first has the call's own.

    Args:
        call: Id of the call; its last part is a number.
        attempt: From 1.

    >>> attempt_id("t1/bid/scout/3", 1), attempt_id("t1/bid/scout/3", 2)
    ('t1/bid/scout/3', 't1/bid/scout/3+1')
    """
    return call if attempt == 1 else f"{call}+{attempt - 1}"


def call_of(attempt: str) -> str:
    """The call that an attempt's id belongs to.

    >>> call_of("t1/bid/c++/3+1"), call_of("t1/bid/c++/3")
    ('t1/bid/c++/3', 't1/bid/c++/3')
    """
    front, slash, last = attempt.rpartition("/")
    return front + slash + last.partition("+")[0]
