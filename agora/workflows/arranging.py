"""A topology as a change of the graph: who waits for whom besides, what they see, and who leads (AdaptOrch).

Every edge stays, so precedence holds in all of them. What waits only because of the topology waits whatever becomes of
the other (`follows`): a branch that is not taken skips nobody else.

- parallel: as it is;
- sequential: one after the other, each shown what all before it gave;
- hybrid: layer by layer, each shown what all layers before gave;
- hierarchical: as it is, and the agents of the node with most ties brief all others first and make the ends one.

The topologies are those of arXiv 2602.16873, section 3; `topology.py` chooses one.

What is shown besides what goals name is chosen by the node's `context`, within its tokens (`context_routing.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from agora.errors import ConfigError
from agora.tasks import MOST_GOAL_CHARS
from agora.workflows.context_stated import MOST_TOKENS, Context
from agora.workflows.features import Features, Subtask, checked, features
from agora.workflows.nodes import MOST_NODES, CompareNode, Flow, Node, TaskNode, TextNode
from agora.workflows.references import referred, rewritten
from agora.workflows.renaming import fresh
from agora.workflows.topology import Dispatch, Topology

MOST_EDGES: Final = 200_000
"""The most edges that a topology may add."""

_QUOTED_CHARS: Final = 500
_QUOTED_NODES: Final = 100

BRIEF: Final = """\
You lead a piece of work that others will do, each a part of it. Write one brief for all: what must fit together, \
which names and forms all must use, what each must not forget. Do none of the parts yourself. The parts:
"""
BRIEFED: Final = "\n\nThe brief of whoever leads this work:\n"
RECONCILE: Final = """\
You led a piece of work of which others did the parts, which stand below. Make them one: keep what fits together, \
and where parts contradict each other decide, and say so. Hand in the whole result."""


def plan_of(flow: Flow) -> list[Subtask]:
    """All nodes but those that only stand in for others, as a plan."""
    stand_in = {node.fallback for node in flow.nodes if node.fallback}
    return [
        Subtask(id=node.id, depends_on=node.waits_for, coupling=node.coupling, estimated_tokens=node.tokens)
        for node in flow.nodes
        if node.id not in stand_in
    ]


def features_of(flow: Flow) -> Features:
    """The figures from which a topology is chosen: of the nodes that somebody works on, so comparisons count nothing.

    Raises:
        ConfigError: Nobody works on any.
    """
    free = {node.id for node in flow.nodes if isinstance(node, (CompareNode, TextNode))}
    plan = {one.id: one for one in plan_of(flow)}
    before: dict[str, tuple[str, ...]] = {}
    graph = checked(list(plan.values()))
    for at in graph.order:
        one = graph.subtasks[at]
        needed = [before[name] if name in free else (name,) for name in one.depends_on]
        before[one.id] = tuple(dict.fromkeys(name for names in needed for name in names))
    worked = [one.model_copy(update={"depends_on": before[name]}) for name, one in plan.items() if name not in free]
    return features(checked(worked))


def ends_of(flow: Flow) -> tuple[str, ...]:
    """The nodes whose outputs are the workflow's, as they are written."""
    if flow.output:
        return (flow.output,)
    taken = {name for node in flow.nodes for name in (*node.after, node.fallback)}
    return tuple(node.id for node in flow.nodes if node.id not in taken)


def arranged(flow: Flow, topology: Topology, *, reconcile: bool = True) -> Flow:
    """The workflow in a topology; its own key is "parallel" then, since nothing is left to be changed.

    Args:
        flow: One that was checked.
        topology: Any; one node, or none that an agent works on, stays as it is.
        reconcile: Whether whoever leads makes several ends one.

    Raises:
        ConfigError: More edges would be added than `MOST_EDGES`.
    """
    flow = flow.model_copy(update={"topology": "parallel"})
    plan = plan_of(flow)
    if topology is Topology.PARALLEL or len(plan) == 1:
        return flow
    if topology is Topology.HIERARCHICAL:
        return _led(flow, plan, reconcile=reconcile)
    return _in_order(flow, plan, topology)


def _in_order(flow: Flow, plan: Sequence[Subtask], topology: Topology) -> Flow:
    """Sequential or hybrid: more is waited for, and seen."""
    dispatch = Dispatch(plan, topology=topology)
    layers = [len(layer) for layer in dispatch.layers]
    edges = sum(one * other for one, other in pairwise(layers))
    if topology is Topology.HYBRID and edges > MOST_EDGES:
        what = f"would add {edges:,} edges to {len(plan):,} nodes, and {MOST_EDGES:,} is the most: let it be parallel"
        raise ConfigError(f"workflow {flow.name!r}: topology", f"{topology.value} {what}")
    planned = {one.id for one in plan}
    first = set(dispatch.layers[0]) if topology is Topology.HYBRID else set(dispatch.order[:1])
    nodes: list[Node] = []
    for node in flow.nodes:
        changed: dict[str, object] = {}
        if node.id in planned:
            waits = [name for name in dispatch.waits_for(node.id) if name not in node.after]
            changed["follows"] = tuple(dict.fromkeys((*node.follows, *waits)))
        if isinstance(node, TaskNode) and node.id not in first:
            changed["context"] = (node.context or Context()).model_copy(update={"reach": "all"})
        nodes.append(node.model_copy(update=changed))
    return flow.model_copy(update={"nodes": tuple(nodes)})


def lead_of(flow: Flow, plan: Sequence[Subtask]) -> TaskNode | None:
    """The node whose agents lead: that with the most ties of those that are tasks, of equals the first in order."""
    by_id = {node.id: node for node in flow.nodes}
    ties = {one.id: len(one.depends_on) for one in plan}
    for one in plan:
        for name in one.depends_on:
            ties[name] += 1
    order = Dispatch(plan, topology=Topology.HIERARCHICAL).order
    tasks = [node for name in order if isinstance(node := by_id[name], TaskNode)]
    return max(tasks, key=lambda node: ties[node.id], default=None)


def _led(flow: Flow, plan: Sequence[Subtask], *, reconcile: bool) -> Flow:
    lead = lead_of(flow, plan)
    if lead is None:
        return flow
    if len(flow.nodes) + 2 > MOST_NODES:
        what = f"hierarchical would add 2 nodes to {len(flow.nodes):,}, and {MOST_NODES:,} is the most: map over a list"
        raise ConfigError(f"workflow {flow.name!r}: topology", what)
    taken = {node.id for node in flow.nodes} | set(flow.inputs)
    brief = by_lead(lead, fresh("brief", taken), _parts(flow))
    planned = {one.id for one in plan}
    nodes: list[Node] = [brief]
    for node in flow.nodes:
        changed: dict[str, object] = {}
        if node.id in planned and not node.waits_for:
            changed["follows"] = (brief.id,)
        if isinstance(node, TaskNode):
            changed["goal"] = behind(node.goal, f"{BRIEFED}{{{brief.id}.quoted}}")
        nodes.append(node.model_copy(update=changed))
    ends = ends_of(flow)
    output = ends[0] if len(ends) == 1 else flow.output
    if reconcile and len(ends) > 1:
        merge = by_lead(lead, fresh("merge", {*taken, brief.id}), RECONCILE, after=ends)
        nodes.append(merge)
        output = merge.id
    return flow.model_copy(update={"nodes": tuple(nodes), "output": output})


def behind(goal: str, more: str) -> str:
    """A goal with more behind it, where there is room for it.

    >>> behind("Write.", " Briefly.")
    'Write. Briefly.'
    """
    return goal + more if len(goal) + len(more) <= MOST_GOAL_CHARS else goal


def by_lead(lead: TaskNode, id: str, goal: str, *, after: Iterable[str] = (), **more: object) -> TaskNode:
    """A task for the agents of the node that leads; it is shown all that it comes after, and its failure stops nothing.

    Args:
        lead: Whose agents, skill and sandbox are asked for.
        id: Of the task.
        goal: What is wanted.
        after: The nodes that it comes after; it is skipped where all of them came to nothing.
        more: Further fields of a `TaskNode`.
    """
    names = tuple(after)
    stated: dict[str, object] = {
        "id": id,
        "goal": goal,
        "after": names,
        "needs": "any",
        "context": Context(tokens=MOST_TOKENS, reach="after") if names else None,
        "agents": lead.agents,
        "skill": lead.skill,
        "tier": lead.tier,
        "strength": lead.strength,
        "on_failure": "continue",
    }
    return TaskNode.model_validate({**stated, **more})


def _parts(flow: Flow) -> str:
    """What the parts are about; not of those whose data is labelled: the brief is shown to everybody."""

    def shown(name: str) -> str:
        found = referred(name)
        return f"{{{name}}}" if found and found.name in flow.inputs else f"<{name}>"

    lines: list[str] = []
    tasks = [node for node in flow.nodes if isinstance(node, TaskNode)]
    for node in tasks[:_QUOTED_NODES]:
        goal = "not shown, since its data is labelled" if node.labels else rewritten(node.goal, shown)
        lines.append(f"- {node.id}: " + (goal if len(goal) <= _QUOTED_CHARS else goal[:_QUOTED_CHARS] + " ..."))
    if len(tasks) > _QUOTED_NODES:
        lines.append(f"- and {len(tasks) - _QUOTED_NODES:,} more")
    return BRIEF + "\n".join(lines)
