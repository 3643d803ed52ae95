"""What a workflow puts on the ledger besides its tasks: its graph, the nodes that were passed over, its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from agora.desk_events import Happening
from agora.tasks import Verdict
from agora.values import JsonValue


class FlowBegan(Happening):
    """A run follows a graph of tasks; once a run."""

    kind: Literal["flow_began"] = "flow_began"
    flow: str
    """Its name."""
    graph: Mapping[str, JsonValue]
    """The whole definition: enough to go on without the file that it came from."""
    inputs: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What it was given."""


class NodeSkipped(Happening):
    """A node (`task`) is passed over: nothing was spent on it."""

    kind: Literal["node_skipped"] = "node_skipped"
    reason: str
    """Why: a condition that does not hold, a predecessor that failed, a person who said no."""


class FlowEnded(Happening):
    """What came of the graph; once a run."""

    kind: Literal["flow_ended"] = "flow_ended"
    verdict: Verdict
    """passed where all that had to be done was; failed where the graph was stopped."""
    outputs: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Node -> what it gave, of those that nobody follows."""
    reason: str = ""
    """Why it was stopped."""
