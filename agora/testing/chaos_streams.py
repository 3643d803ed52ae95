"""Every fault of an answer that was asked for as a stream, with what must come of it."""

from __future__ import annotations

from collections.abc import Mapping

from agora.testing.chaos import FAULTS, Fault
from agora.testing.streams import STREAM_FAULTS, STREAMS

BEFORE_ANY_EVENT = ("401", "429", "503", "overflow", "redirect", "reset", "hang", "wrong type", "error in 200")
"""Faults that leave no stream to look at."""
HANGING = frozenset({"stall", "drip", "only comments"})
"""Broken streams that nothing but the deadline ends."""

STREAMED: Mapping[str, Fault] = {
    **{f"stream: {name}": Fault(play, "reply", name) for name, play in STREAMS.items()},
    **{f"stream: {name}": Fault(play, "error", name, hangs=name in HANGING) for name, play in STREAM_FAULTS.items()},
    **{f"for a stream: {name}": FAULTS[name] for name in BEFORE_ANY_EVENT},
}
"""Whole streams (whose bills need not be right), broken ones, and no stream at all, by name."""
