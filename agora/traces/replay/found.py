"""What a replay finds, as values: decisions made again, those that cannot be, and the first that differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from agora.traces.replay.compare import Field

DECISIONS: Final = frozenset(
    {
        *("routed", "screened", "opened", "closed", "scored", "awarded", "settled", "credited", "learned"),
        *("task_done", "resumed", "done", "topology_chosen", "context_routed", "compared", "node_skipped"),
        *("paced", "flow_ended"),
    }
)
"""The kinds of events that the market decides; of the others it is looked at whether they were called for."""


class Lack(NamedTuple):
    """A decision that cannot be made again."""

    seq: int
    kind: str
    task: str
    why: str
    """What is not there."""


class Diverged(NamedTuple):
    """The first event that is not what comes out now, or that nobody called for."""

    seq: int
    kind: str
    task: str
    why: str = ""
    """Why it should not be there, or what should be; empty: its fields differ."""
    fields: tuple[Field, ...] = ()
    """Then and now."""


class Drift(NamedTuple):
    """Floats that came out otherwise in their last digits."""

    seq: int
    kind: str
    task: str
    fields: tuple[Field, ...]


class Replayed(NamedTuple):
    """What a replay found."""

    run: str
    events: int
    """Events that were read."""
    decisions: Mapping[str, int]
    """Kind -> how many decisions were made again, and came out as they are on record."""
    lacking: tuple[Lack, ...]
    """Those that could not be made again."""
    drifts: tuple[Drift, ...]
    """Floats that differ in their last digits: on another platform, or where sums were taken in another order."""
    diverged: Diverged | None
    """Where the replay ended early, since the record is not what comes out."""
    notes: tuple[str, ...]
    """What else to know."""

    @property
    def made_again(self) -> int:
        """How many decisions."""
        return sum(self.decisions.values())
