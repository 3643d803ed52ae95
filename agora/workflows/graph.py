"""A workflow as a graph: its cycle, order, waves and critical path. networkx is imported here only, and late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from agora.workflows.features import Subtask
from agora.workflows.nodes import ApproveNode, CompareNode, Flow, Node, TaskNode, TextNode, UseNode

if TYPE_CHECKING:
    import networkx as nx

_SHOWN: Final = 12


class CriticalPath(NamedTuple):
    """The chain of nodes that takes longest: with unlimited workers the whole takes no less."""

    nodes: tuple[str, ...]
    """In order."""
    tokens: float
    """What they are expected to take together; nodes that state nothing count as the mean of those that do, or as 1."""


def digraph(flow: Flow) -> nx.DiGraph[str]:
    """The graph, with an edge from each node to those that wait for it, in the order in which they were written.

    A node that stands in for another comes after it and before all that wait for that one. Names that are not known
    are left out: `checking` refuses them.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    by_id = {node.id: node for node in flow.nodes}
    graph.add_nodes_from(by_id)
    for node in flow.nodes:
        if node.fallback in by_id:
            graph.add_edge(node.id, node.fallback)
        for name in node.waits_for:
            for stand in _line(name, by_id):
                graph.add_edge(stand, node.id)
    return graph


def cycle_of(graph: nx.DiGraph[str]) -> tuple[str, ...]:
    """A cycle, its first node twice; empty where there is none."""
    import networkx as nx

    if nx.is_directed_acyclic_graph(graph):  # the search for a cycle takes far longer
        return ()
    try:
        find = cast(
            "Callable[[nx.DiGraph[str]], Iterable[tuple[str, str]]]",
            nx.find_cycle,  # pyright: ignore[reportUnknownMemberType] - its stub has holes
        )
        edges = list(find(graph))
    except nx.NetworkXNoCycle:
        return ()
    names = [edge[0] for edge in edges]
    place = {name: number for number, name in enumerate(graph)}
    first = min(range(len(names)), key=lambda at: place[names[at]])
    return (*names[first:], *names[:first], names[first])


def shown(path: tuple[str, ...]) -> str:
    """A path as a person reads it.

    >>> shown(("a", "b", "a"))
    'a -> b -> a'
    """
    if len(path) > _SHOWN:
        path = (*path[: _SHOWN // 2], f"... {len(path) - _SHOWN} more ...", *path[-_SHOWN // 2 :])
    return " -> ".join(path)


def order(flow: Flow) -> tuple[str, ...]:
    """All nodes, each after those that it waits for; among those that could be next, as they were written."""
    import networkx as nx

    place = {node.id: number for number, node in enumerate(flow.nodes)}
    return tuple(nx.lexicographical_topological_sort(digraph(flow), key=place.__getitem__))


def waves(flow: Flow) -> tuple[tuple[str, ...], ...]:
    """The nodes by how many others come before them on the longest way to them."""
    import networkx as nx

    place = {node.id: number for number, node in enumerate(flow.nodes)}
    return tuple(tuple(sorted(wave, key=place.__getitem__)) for wave in nx.topological_generations(digraph(flow)))


def critical_path(flow: Flow) -> CriticalPath:
    """The heaviest path by expected tokens; a used workflow weighs what its own does.

    Nodes that only stand in for others are not expected to run, and loops are expected to run once.
    """
    return _critical(flow, {other.name: other for other in flow.flows})


def subtasks(flow: Flow) -> tuple[Subtask, ...]:
    """The nodes as a planner would state them: what a topology is chosen from."""
    graph = digraph(flow)
    return tuple(
        Subtask(
            id=node.id,
            description=wanted(node),
            depends_on=tuple(name for name in graph.predecessors(node.id)),
            coupling=node.coupling,
            estimated_tokens=node.tokens,
            skills=(node.skill,) if isinstance(node, TaskNode) and node.skill else (),
            verifier=node.verify.kind if isinstance(node, TaskNode) and node.verify else "",
        )
        for node in flow.nodes
    )


def wanted(node: Node) -> str:
    """What a node is about, in its own words."""
    if isinstance(node, TaskNode):
        return node.goal
    if isinstance(node, TextNode):
        return node.text
    if isinstance(node, CompareNode):
        return f"do {', '.join(node.compare)} agree?"
    return node.approve if isinstance(node, ApproveNode) else f"workflow {node.use}"


def _critical(flow: Flow, library: Mapping[str, Flow]) -> CriticalPath:
    weights = _weights(flow, library)
    by_id = {node.id: node for node in flow.nodes}
    best: dict[str, float] = {}
    came: dict[str, str] = {}
    for name in order(flow):
        before = max(by_id[name].waits_for, key=best.__getitem__, default="")
        best[name] = weights[name] + (best[before] if before else 0.0)
        came[name] = before
    idle = {node.fallback for node in flow.nodes}
    last = max((name for name in by_id if name not in idle), key=best.__getitem__)
    path = [last]
    while came[path[-1]]:
        path.append(came[path[-1]])
    return CriticalPath(tuple(reversed(path)), best[last])


def _weights(flow: Flow, library: Mapping[str, Flow]) -> dict[str, float]:
    stated: dict[str, float] = {}
    free = {node.id: 0.0 for node in flow.nodes if isinstance(node, (CompareNode, TextNode))}
    for node in flow.nodes:
        if node.tokens:
            stated[node.id] = float(node.tokens)
        elif isinstance(node, UseNode):
            stated[node.id] = _critical(library[node.use], library).tokens
    usual = sum(stated.values()) / len(stated) if stated else 1.0
    return {node.id: stated.get(node.id, usual) for node in flow.nodes} | free


def _line(name: str, by_id: Mapping[str, Node]) -> list[str]:
    """A node and those that stand in for it, as far as they are known and do not come round again."""
    line: list[str] = []
    while name in by_id and name not in line:
        line.append(name)
        name = by_id[name].fallback
    return line
