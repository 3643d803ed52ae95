"""What a node can see when it starts: all that must have come to an end before it."""

from __future__ import annotations

from agora.workflows.graph import order
from agora.workflows.nodes import Flow, Node, TaskNode


class Sight:
    """Who can see whom in one workflow.

    Args:
        flow: Without cycles, with known names.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.ids = {node.id: node for node in flow.nodes}
        self._stands_in = {node.fallback: node for node in flow.nodes if node.fallback}
        self._place = {node.id: number for number, node in enumerate(flow.nodes)}
        self._above: dict[str, int] = {}  # node -> those before it, as a set of bits
        for name in order(flow):
            self._above[name] = self._before(self.ids[name])

    def sees(self, node: Node, name: str) -> bool:
        """Whether another node has come to an end when it starts."""
        return name in self._place and bool(self._above[node.id] >> self._place[name] & 1)

    def sees_any(self, node: Node) -> bool:
        """Whether any node has come to an end when it starts."""
        return bool(self._above[node.id])

    def seen(self, node: Node) -> list[str]:
        """All nodes that have come to an end when it starts."""
        return [name for name in self._place if self.sees(node, name)]

    def mapped(self, node: Node) -> bool:
        """Whether there is an item for each of its instances."""
        return self._first(node).each is not None

    def goes_on(self, node: Node) -> bool:
        """Whether the workflow goes on, with the verdict failed, where it and all who stand in for it fail."""
        while node.fallback:
            node = self.ids[node.fallback]
        return node.on_failure in ("continue", "skip")

    def unverified(self, node: Node) -> bool:
        """Whether it can never be passed, nor whoever stands in for it."""
        while isinstance(node, TaskNode) and node.verify is None:
            if not node.fallback:
                return node.each is None  # an empty list is passed
            node = self.ids[node.fallback]
        return False

    def _first(self, node: Node) -> Node:
        while node.id in self._stands_in:
            node = self._stands_in[node.id]
        return node

    def _before(self, node: Node) -> int:
        if node.id in self._stands_in:
            stood = self._stands_in[node.id]
            return self._above[stood.id] | 1 << self._place[stood.id]
        above = 0
        for name in node.waits_for:
            above |= self._above[name] | 1 << self._place[name]
        return above
