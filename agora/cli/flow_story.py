"""How each node of a workflow stands, from the story of its run: the tree that is shown while it runs and after."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Final

from rich.tree import Tree

from agora.cli.flow_fold import fitted
from agora.cli.flow_tree import flow_tree
from agora.events import FlowBegan
from agora.traces.told.marks import cost_of, marks_of
from agora.traces.told.story import RunStory
from agora.workflows.drawing import Branch, tree
from agora.workflows.nodes import MOST_NODES, Flow

_IDLE: Final = 20
"""Drawing takes at most one part in so many of the time."""
MOST_SKIPPED: Final = 12
"""More nodes that were passed over than these are counted, not shown."""


def story_tree(story: RunStory, began: FlowBegan) -> Tree:
    """The workflow by waves, each node with its verdict and what it cost so far.

    Args:
        story: Of the run.
        began: The workflow that it follows.
    """
    marks = marks_of(story)
    drawn = tree(Flow.model_validate(began.graph))
    many = sum(mark == "skipped" for mark in marks.values()) > MOST_SKIPPED
    return flow_tree(_without_skipped(drawn, marks) if many else drawn, marks=marks)


def _without_skipped(drawn: Branch, marks: Mapping[str, str]) -> Branch:
    """The tree without the nodes that were passed over, as most of a synthesis is, and how many these are."""
    waves: list[Branch] = []
    left_out = 0
    for wave in drawn.branches:
        kept = [node for node in wave.branches if marks.get(node.path) != "skipped"]
        left_out += len(wave.branches) - len(kept)
        if kept:
            waves.append(wave.model_copy(update={"branches": tuple(kept)}))
    if left_out:
        waves.append(Branch(label=f"{left_out:,} passed over"))
    return drawn.model_copy(update={"branches": tuple(waves)})


class LiveTree:
    """The tree while the run goes on: in the rows that there are, and drawn anew only as often as that costs little.

    Args:
        began: The workflow that is followed.
    """

    def __init__(self, began: FlowBegan) -> None:
        self._whole = tree(Flow.model_validate(began.graph), most=MOST_NODES)
        self._drawn: Tree | None = None
        self._rows = 0
        self._again_s = 0.0

    def drawn(self, story: RunStory, *, rows: int) -> Tree:
        """How it stands, or stood a moment ago."""
        began_s = monotonic()
        if self._drawn is None or rows != self._rows or began_s >= self._again_s:
            marks = marks_of(story)
            self._drawn = flow_tree(fitted(self._whole, marks, rows=rows, cost=cost_of(story)), marks=marks, cut=True)
            self._rows, self._again_s = rows, monotonic() + _IDLE * (monotonic() - began_s)
        return self._drawn
