"""Who comes after whom in a workflow, by position: worked out once, then only looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agora.workflows.nodes import Flow, Node, TaskNode, UseNode


class Layout(NamedTuple):
    """A workflow's nodes by their position in it."""

    position: dict[str, int]
    """Node -> where it was written."""
    needed: tuple[tuple[int, ...], ...]
    """What each needs something of; nothing for nodes that stand in for others."""
    before: tuple[tuple[int, ...], ...]
    """What each waits for, whether it needs something of it or not."""
    behind: tuple[tuple[int, ...], ...]
    """Who waits for each."""
    stands_in: dict[int, int]
    """A node that stands in -> the one it stands in for."""
    ends: tuple[int, ...]
    """Those of which nobody needs anything, or the one whose output the workflow's is."""
    labels: tuple[frozenset[str], ...]
    """Labels of all that an instance of each may have seen, in this workflow and those that it uses."""

    def lineage(self, position: int) -> list[int]:
        """A node and those that stand in for it, one after the other."""
        follows = {stood: stand for stand, stood in self.stands_in.items()}
        line = [position]
        while line[-1] in follows and len(line) <= len(self.before):
            line.append(follows[line[-1]])
        return line


def laid_out(flow: Flow, library: dict[str, Flow]) -> Layout:
    """The layout of a workflow that was checked.

    Args:
        flow: One without cycles, in which all names are known.
        library: The workflows that it may use, by name.
    """
    position = {node.id: number for number, node in enumerate(flow.nodes)}
    needed = tuple(tuple(position[name] for name in node.after) for node in flow.nodes)
    before = tuple(tuple(position[name] for name in node.waits_for) for node in flow.nodes)
    behind: list[list[int]] = [[] for _ in flow.nodes]
    for number, names in enumerate(before):
        for other in names:
            behind[other].append(number)
    stands_in = {position[node.fallback]: number for number, node in enumerate(flow.nodes) if node.fallback}
    asked_for = {other for names in needed for other in names}
    last = [number for number in range(len(flow.nodes)) if number not in asked_for and number not in stands_in]
    return Layout(
        position=position,
        needed=needed,
        before=before,
        behind=tuple(tuple(after) for after in behind),
        stands_in=stands_in,
        ends=(position[flow.output],) if flow.output else tuple(last),
        labels=_labels(flow.nodes, before, behind, stands_in, library),
    )


def _labels(
    nodes: Sequence[Node],
    before: Sequence[Sequence[int]],
    behind: Sequence[Sequence[int]],
    stands_in: dict[int, int],
    library: dict[str, Flow],
) -> tuple[frozenset[str], ...]:
    """Each node's own labels and those of all before it; whoever stands in for a node passes its own on, too."""
    fallback = {stood: stand for stand, stood in stands_in.items()}
    labels: list[frozenset[str]] = [frozenset()] * len(nodes)
    waiting = [len(names) for names in before]
    todo = [number for number, count in enumerate(waiting) if not count and number not in stands_in]
    while todo:
        number = todo.pop()
        seen = frozenset[str]().union(*(_out(other, labels, fallback) for other in before[number]))
        member: int | None = number
        while member is not None:  # a node, then whoever stands in for it: each has seen what the one before has
            seen |= _own(nodes[member], library)
            labels[member] = seen
            member = fallback.get(member)
        for after in behind[number]:
            waiting[after] -= 1
            if not waiting[after]:
                todo.append(after)
    return tuple(labels)


def _out(number: int, labels: Sequence[frozenset[str]], fallback: dict[int, int]) -> frozenset[str]:
    while number in fallback:
        number = fallback[number]
    return labels[number]


def _own(node: Node, library: dict[str, Flow]) -> frozenset[str]:
    if isinstance(node, TaskNode):
        return node.labels
    if isinstance(node, UseNode):
        return frozenset[str]().union(*(_own(inner, library) for inner in library[node.use].nodes))
    return frozenset()
