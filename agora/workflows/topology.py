"""Which topology a plan runs in: AdaptOrch's rule (arXiv 2602.16873, Algorithm 1), with precedence kept in all of them.

The paper sends weakly coupled graphs with edges to "parallel with isolated contexts", where a subtask no longer sees
what it depends on. Here every topology starts a subtask after its predecessors and shows it their outputs; a topology
says what else it waits for and sees, and whether somebody leads.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from typing import Final, NamedTuple

from agora.workflows.features import Features, PlanGraph, Subtask, checked, features, heaviest_after

WIDE: Final = 0.5
"""Parallelism above which a weakly coupled graph is parallel."""
COUPLED: Final = 0.6
"""Mean coupling above which a lead is worth its tokens."""
LED_FROM: Final = 6
"""The fewest subtasks that are led."""


class Topology(StrEnum):
    """How the subtasks of a plan are run."""

    PARALLEL = "parallel"
    """Each as soon as its predecessors are finished, seeing their outputs only."""
    SEQUENTIAL = "sequential"
    """One after the other, each seeing all outputs before it."""
    HIERARCHICAL = "hierarchical"
    """As parallel, with a lead who briefs every subtask, sees every output and reconciles them."""
    HYBRID = "hybrid"
    """Layer by layer, at once within a layer, each seeing the outputs of all layers before."""


class Choice(NamedTuple):
    """The topology of a plan, and why."""

    topology: Topology
    reason: str
    """One sentence with the figures that decided."""
    features: Features


def choose(subtasks: Sequence[Subtask]) -> Choice:
    """Check a plan, measure its graph and choose its topology.

    Raises:
        ConfigError: The plan is empty or its graph is broken; a cycle is printed.

    >>> choose([Subtask(id="a"), Subtask(id="b", depends_on=("a",))])[:2]
    (<Topology.SEQUENTIAL: 'sequential'>, 'each of 2 subtasks waits for the one before: nothing can run at once')
    """
    return decide(features(checked(subtasks)))


def decide(found: Features, *, coupling: float | None = None) -> Choice:
    """Choose by figures alone.

    Args:
        found: Of the plan's graph.
        coupling: Taken for the mean coupling instead, in [0, 1]: a re-route raises it.
    """
    gamma = found.coupling if coupling is None else coupling
    nodes, share = found.nodes, found.parallelism
    wide = f"{found.width} of {nodes} subtasks can run at once"
    if nodes == 1:
        return Choice(Topology.SEQUENTIAL, "there is one subtask", found)
    if not found.edges:
        return Choice(Topology.PARALLEL, f"none of {nodes} subtasks waits for another", found)
    if found.width == 1:
        why = f"each of {nodes} subtasks waits for the one before: nothing can run at once"
        return Choice(Topology.SEQUENTIAL, why, found)
    if gamma > COUPLED and nodes >= LED_FROM:
        why = f"mean coupling {gamma:.2f} is over {COUPLED:g} among {nodes} subtasks, {LED_FROM} or more: one leads"
        return Choice(Topology.HIERARCHICAL, why, found)
    if share > WIDE and gamma <= COUPLED:
        why = f"{wide} ({share:.2f}, over {WIDE:g}) and mean coupling {gamma:.2f} is at most {COUPLED:g}"
        return Choice(Topology.PARALLEL, why, found)
    why = f"{wide} ({share:.2f}), mean coupling {gamma:.2f}: neither wide and weak, nor coupled and {LED_FROM} or more"
    return Choice(Topology.HYBRID, why, found)


class Dispatch:
    """What a topology means for each subtask of a plan: pure data, worked out where it is asked for.

    Args:
        subtasks: The plan.
        topology: Any: precedence holds in all.

    Raises:
        ConfigError: The plan is empty or its graph is broken; a cycle is printed.

    >>> plan = [Subtask(id="a"), Subtask(id="b"), Subtask(id="c", depends_on=("a",))]
    >>> parallel, hybrid = Dispatch(plan, topology=Topology.PARALLEL), Dispatch(plan, topology=Topology.HYBRID)
    >>> parallel.waits_for("c"), hybrid.waits_for("c")
    (('a',), ('a', 'b'))
    """

    def __init__(self, subtasks: Sequence[Subtask], *, topology: Topology) -> None:
        self.topology = topology
        self._graph: PlanGraph = checked(subtasks)
        self._place = {one.id: index for index, one in enumerate(self._graph.subtasks)}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All subtasks, none before its predecessors: by layer, within it the heaviest path ahead first.

        Equals stand as in the plan.
        """
        graph = self._graph
        ahead = heaviest_after(graph, [one.estimated_tokens for one in graph.subtasks])
        places = sorted(graph.order, key=lambda index: (graph.layer[index], -ahead[index]))
        return tuple(graph.subtasks[index].id for index in places)

    @cached_property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The subtasks by topological layer."""
        by_layer = groupby(self.order, key=lambda name: self._graph.layer[self._place[name]])
        return tuple(tuple(names) for _, names in by_layer)

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """Subtasks that nobody waits for: their outputs are the plan's, and what synthesis compares."""
        return tuple(name for name in self.order if not self._graph.after[self._place[name]])

    @cached_property
    def lead(self) -> str | None:
        """The subtask whose agent leads, in a hierarchical topology; None in others.

        It is the one with the most ties, predecessors and successors together; of equals the first in `order`. Its
        agent briefs the others before they start and reconciles what they made.
        """
        if self.topology is not Topology.HIERARCHICAL:
            return None
        graph = self._graph
        ties = {name: len(graph.before[at]) + len(graph.after[at]) for name, at in self._place.items()}
        return max(self.order, key=lambda name: ties[name])

    def needs(self, name: str) -> tuple[str, ...]:
        """The predecessors of a subtask, as in its plan."""
        return self._graph.subtasks[self._place[name]].depends_on

    def waits_for(self, name: str) -> tuple[str, ...]:
        """Subtasks that must be finished before this one may start; with theirs, all its predecessors."""
        if self.topology is Topology.SEQUENTIAL:
            at = self._turn[name]
            return self.order[at - 1 : at] if at else ()
        if self.topology is Topology.HYBRID:
            layer = self._graph.layer[self._place[name]]
            return self.layers[layer - 1] if layer else ()
        return self.needs(name)

    def sees(self, name: str) -> tuple[str, ...]:
        """Subtasks whose outputs this one is shown: always its predecessors' among them."""
        if self.topology is Topology.SEQUENTIAL:
            return self.order[: self._turn[name]]
        if self.topology is Topology.HYBRID:
            return self.order[: self._starts[self._graph.layer[self._place[name]]]]
        return self.needs(name)

    def may_start(self, name: str, finished: Set[str]) -> bool:
        """Whether all it waits for is finished."""
        return all(earlier in finished for earlier in self.waits_for(name))

    @cached_property
    def _turn(self) -> dict[str, int]:
        return {name: turn for turn, name in enumerate(self.order)}

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """Where in `order` each layer starts."""
        starts = [0]
        for layer in self.layers:
            starts.append(starts[-1] + len(layer))
        return tuple(starts)
