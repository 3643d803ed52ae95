"""How each node of a workflow stands, from the story of its run: the tree that is shown while it runs and after."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from time import monotonic
from typing import Final

from rich.tree import Tree

from agora.cli.flow_fold import fitted
from agora.cli.flow_tree import flow_tree
from agora.cli.paint import usd
from agora.events import Compared, ContextItem, FlowBegan
from agora.traces.story import RunStory, TaskStory
from agora.workflows.drawing import Branch, tree
from agora.workflows.nodes import MOST_NODES, Flow

_PLACE: Final = re.compile(r"\[\d+\]|#\d+")
_IDLE: Final = 20
"""Drawing takes at most one part in so many of the time."""
MOST_SKIPPED: Final = 12
"""More nodes that were passed over than these are counted, not shown."""
_ORDER: Final = ("failed", "running", "waits", "unknown", "passed")


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


def marks_of(story: RunStory) -> dict[str, str]:
    """Node (its path) -> how it stands, as "passed, $0.0100", "2 passed, 1 running" or "skipped"."""
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    cost = cost_of(story)
    for name, task in list(story.tasks.items()):  # a copy: it grows while another thread draws
        states[path_of(name)][_state(task)] += 1
    for name, asked in list(story.steps.items()):
        states[path_of(name)][{None: "waits", True: "passed", False: "failed"}[asked.granted]] += 1
    marks = {
        path: _said(counts) + (f", {usd(cost[path])}" if cost.get(path) else "") for path, counts in states.items()
    }
    chosen: defaultdict[str, list[ContextItem]] = defaultdict(list)
    for name, event in list(story.routed.items()):
        chosen[path_of(name)] += event.items
    marks |= {path: f"{marks.get(path, 'waits')}, {_shown(items)}" for path, items in chosen.items()}
    marks |= {path_of(name): _agreed(found) for name, found in list(story.compared.items())}
    return {**dict.fromkeys((path_of(name) for name in list(story.skipped)), "skipped"), **marks}


def cost_of(story: RunStory) -> dict[str, Decimal]:
    """Node (its path) -> US dollars that its instances took, of those that have ended."""
    cost: defaultdict[str, Decimal] = defaultdict(Decimal)
    for name, task in list(story.tasks.items()):
        if task.done is not None:
            cost[path_of(name)] += task.done.usage.usd
    return cost


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


def path_of(instance: str) -> str:
    """The node of an instance, with those that use its workflow before it.

    >>> path_of("build[2]/fix#3")
    'build/fix'
    """
    return _PLACE.sub("", instance)


def _state(task: TaskStory) -> str:
    if task.done is not None:
        return task.done.verdict.value
    return "waits" if task.waiting else "running"


def _agreed(found: Compared) -> str:
    agree = "agree" if found.agree else "differ"
    return f"{agree}, consistency {found.consistency:.2f}, {found.votes} of {found.of} alike"


def _shown(items: Sequence[ContextItem]) -> str:
    """What a node was shown of what came before it."""
    taken = [item for item in items if item.taken != "left out"]
    shortened = sum(item.taken == "shortened" for item in taken)
    how = f", {shortened} shortened" if shortened else ""
    return f"{len(taken)} of {len(items)} shown{how} ({sum(item.tokens for item in taken):,} tokens)"


def _said(counts: Counter[str]) -> str:
    if counts.total() == 1:
        return next(iter(counts))
    return ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
