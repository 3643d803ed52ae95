"""How likely it is that a node will be needed, from the conditions that are still to be asked before it is.

A node behind a condition is taken to be needed half of the time (a judgement, not measured): of two branches one. Of a
synthesis, which is written out with all its re-routes, each comparison that must fail halves what is kept for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agora.workflows.graph import order
from agora.workflows.nodes import Flow

MOST_CONDITIONS: Final = 10
"""More conditions than these count as these."""


class Chances:
    """Conditions that are still to be asked before each node; they become fewer as nodes are opened.

    Args:
        flow: One that was checked.

    >>> from agora.workflows.nodes import TaskNode, When
    >>> sort = TaskNode(id="sort", goal="s")
    >>> fix = TaskNode(id="fix", goal="f", after=("sort",), when=(When(of="sort", equals=1),))
    >>> chances = Chances(Flow(name="flow", nodes=(sort, fix)))
    >>> chances.conditions("fix"), dict(chances.opened("fix"))
    (1, {'fix': 0})
    """

    def __init__(self, flow: Flow) -> None:
        self._nodes = {node.id: node for node in flow.nodes}
        self._behind: dict[str, list[str]] = {name: [] for name in self._nodes}
        self._asked: set[str] = set()
        for node in flow.nodes:
            for name in node.after:
                self._behind[name].append(node.id)
        self._conditions: dict[str, int] = {}
        if any(node.when for node in flow.nodes):
            for name in order(flow):
                self._conditions[name] = self._counted(name)

    def conditions(self, node: str) -> int:
        """How many are still to be asked before a node is needed."""
        return self._conditions.get(node, 0)

    def opened(self, node: str) -> Iterator[tuple[str, int]]:
        """Take in that a node is needed; it, and all behind it for which fewer are to be asked now, with how many."""
        if not self._conditions.get(node):
            return
        self._asked.add(node)
        todo = [node]
        while todo:
            name = todo.pop()
            now = self._counted(name)
            if now < self._conditions[name]:
                self._conditions[name] = now
                yield name, now
                todo += self._behind[name]

    def _counted(self, name: str) -> int:
        if name in self._asked:
            return 0
        node = self._nodes[name]
        before = [self._conditions[other] for other in node.after]
        least = (min if node.needs == "any" else max)(before, default=0)
        return min(MOST_CONDITIONS, least + bool(node.when))
