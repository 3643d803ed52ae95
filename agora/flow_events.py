"""What a workflow puts on the ledger besides its tasks: its graph, the nodes that were passed over, its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from agora.desk_events import Happening
from agora.tasks import Task, Verdict
from agora.values import JsonValue, Value


class PlanningBegan(Happening):
    """A goal is to become a graph before it is done; once a run, before anything else of it."""

    kind: Literal["planning_began"] = "planning_began"
    spec: Task
    """The goal, with what whoever gave it demands."""
    most: int = Field(ge=1)
    """How many subtasks a plan may have."""


class PlanningEnded(Happening):
    """What came of planning; the graph that is followed stands beside it (`FlowBegan`)."""

    kind: Literal["planning_ended"] = "planning_ended"
    came_to: Literal["graph", "one task", "refused"]
    """A graph that is followed, the goal as one task, or nothing, since a person said no."""
    agent: str = ""
    """Who wrote the plan."""
    errors: tuple[str, ...] = ()
    """What was wrong with the first plan."""
    repair: tuple[str, ...] | None = None
    """What was wrong with the plan that was written with those errors; None: nobody had to, or could."""
    edited: bool = False
    """Whether a person changed it before it ran."""


class FlowBegan(Happening):
    """A run follows a graph of tasks; once a run."""

    kind: Literal["flow_began"] = "flow_began"
    flow: str
    """Its name."""
    graph: Mapping[str, JsonValue]
    """The whole definition: enough to go on without the file that it came from."""
    inputs: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What it was given."""


class ActionChosen(Value):
    """One thing that was done or left out, and how all that could be done stood."""

    signature: str
    """What the choice is remembered under."""
    action: str
    """What was chosen: "invoke:hybrid", "skip:review"."""
    propensity: float = Field(gt=0, le=1)
    """With which chance it was to be chosen."""
    scores: Mapping[str, float | None] = Field(default_factory=dict)
    """Action -> its score; None: never tried under this signature."""
    reason: str = ""
    """In a sentence."""


class TopologyChosen(Happening):
    """In which topology a workflow (`task` is its name) runs, decided before its graph is put on record."""

    kind: Literal["topology_chosen"] = "topology_chosen"
    decision: str
    """Unique; what is learned from it is learned once."""
    topology: Literal["parallel", "sequential", "hybrid", "hierarchical"]
    """The choice; of a synthesis, that of the first run of the plan."""
    by: Literal["stated", "rule", "learned"]
    """Who chose: the workflow itself, AdaptOrch's rule, or what came of earlier runs."""
    reason: str
    """In a sentence."""
    features: Mapping[str, JsonValue] = Field(default_factory=dict)
    """The figures of the graph."""
    version: int = 0
    """Of the signatures and the reward that were learned by; 0: nothing was."""
    regime: str = ""
    """What kind of work it is taken for: straightforward, evidence_heavy or ambiguous."""
    choices: tuple[ActionChosen, ...] = ()
    """Of what was learned: the topology, then each node that may be left out."""
    left_out: tuple[str, ...] = ()
    """Nodes that are left out."""
    reroutes: tuple[str, ...] = ()
    """Of a synthesis: the topologies in which the plan runs again, as long as its outputs differ."""
    stated: Mapping[str, JsonValue] = Field(default_factory=dict)
    """The workflow as it was before, without those that it uses; empty: not on record."""


class NodeSkipped(Happening):
    """A node (`task`) is passed over: nothing was spent on it."""

    kind: Literal["node_skipped"] = "node_skipped"
    reason: str
    """Why: a condition that does not hold, a predecessor that failed, a person who said no."""


class Compared(Happening):
    """How far the outputs agree that a node (`task`) compares; worked out from them alone, for nothing."""

    kind: Literal["compared"] = "compared"
    consistency: float = Field(ge=-1, le=1)
    """The mean similarity of every two; 1 of a single one, 0 where nobody said anything."""
    agree: bool
    """Whether that reaches the node's threshold."""
    majority: str = ""
    """The answer that is given most often, as whoever came first wrote it."""
    votes: int = Field(ge=0)
    """How many gave it."""
    of: int = Field(ge=0)
    """How many were compared."""
    distinct: int = Field(ge=0)
    """How many different answers there are, but for case and marks; blank ones are none."""
    method: Literal["exact", "cosine", "words", "none"]
    """Short answers are compared as they are, longer ones by the words that they share; none: by nothing."""


class ContextItem(Value):
    """What became of one thing that a node could have been shown."""

    source: str
    """Where it comes from: "find", "find.2" (an item of a map), "memory:RUN/TASK"."""
    taken: Literal["whole", "shortened", "left out"]
    """How it is shown."""
    tokens: int = Field(ge=0)
    """What is shown of it, with its heading, at four bytes a token."""
    whole_tokens: int = Field(ge=0)
    """What all of it would take."""
    score: float
    """By role, goal, stage and recency."""
    why: str = ""
    """Why it was left out."""


class Remembered(Value):
    """Something that was recalled from the shared memory."""

    source: str
    """As in `ContextItem`."""
    text: str
    """Its text then."""


class ContextRouted(Happening):
    """What a node (`task`) is shown besides its goal; the texts of outputs stand with those who gave them."""

    kind: Literal["context_routed"] = "context_routed"
    role: str = ""
    """What the node is, in words."""
    tokens: int = Field(ge=0)
    """The budget."""
    items: tuple[ContextItem, ...] = ()
    """What could be shown, in the order in which it is."""
    remembered: tuple[Remembered, ...] = ()
    """What was recalled."""
    too_many: int = Field(default=0, ge=0)
    """How many outputs before it were not looked at, since there were too many."""


class FlowEnded(Happening):
    """What came of the graph; once a run."""

    kind: Literal["flow_ended"] = "flow_ended"
    verdict: Verdict
    """passed where all that had to be done was; failed where the graph was stopped."""
    outputs: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Node -> what it gave, of those that nobody follows."""
    reason: str = ""
    """Why it was stopped."""
