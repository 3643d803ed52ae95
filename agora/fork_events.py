"""Where a run that was forked from another one comes from."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from agora.tasks import Usage
from agora.values import Value


class Fork(Value):
    """What of another run stands as a run's own past: named, never copied, so that nothing is paid or learned twice."""

    run: str
    """The other run's id."""
    at: int = Field(ge=1)
    """The position on the ledger of the first of its events that does not count any more."""
    changes: Mapping[str, str] = Field(default_factory=dict)
    """What is otherwise from there on, in words."""
    usage: Usage = Usage()
    """What was spent before: it counts against this run's budget, and is not paid again."""
