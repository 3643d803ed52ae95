"""What a node may take of what is left: its share by weight of all that has still to begin.

Weights are estimates, raised on the critical path (`spreading.py`). Items of a map weigh what they are stated to take
each, and share their node's weight where nothing is stated. Behind conditions that are still to be asked a node weighs
less (`chances.py`). What a node leaves is there for all that begin after it. A later round of a loop, a later node of a
workflow that is used, and whoever stands in for a node that failed weigh as much again when they are opened: nobody
knew before whether they would be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from agora.tasks import Limits
from agora.workflows.chances import Chances
from agora.workflows.features import Subtask
from agora.workflows.instances import Instance
from agora.workflows.nodes import CompareNode, Flow, TextNode
from agora.workflows.spreading import STEP_USD, weights

_ZERO: Final = Decimal(0)
_DIGITS: Final = 100
"""With so many, sums of weights are exact: what is added and taken away again leaves nothing behind."""


class Allotment:
    """Shares of one run; owned by whoever follows the workflow.

    Args:
        flow: One that was checked.
    """

    def __init__(self, flow: Flow) -> None:
        nodes = [
            Subtask(id=node.id, depends_on=node.waits_for, coupling=node.coupling, estimated_tokens=node.tokens)
            for node in flow.nodes
        ]
        self._weights = weights(nodes)
        idle = {node.fallback for node in flow.nodes} | {
            node.id for node in flow.nodes if isinstance(node, (CompareNode, TextNode))
        }
        self._chances = Chances(flow)
        self._to_come = {  # not opened
            name: weight / 2 ** self._chances.conditions(name)
            for name, weight in self._weights.items()
            if name not in idle
        }
        self._each = {node.id for node in flow.nodes if node.each and node.tokens}
        self._opened: dict[str, Decimal] = {}  # instances that have not begun
        with localcontext(prec=_DIGITS):
            self._ahead = sum(self._to_come.values(), Decimal(0))  # the sum of both

    def opened(self, instances: Sequence[Instance]) -> None:
        """Take in what became ready together."""
        alike = Counter(instance.path for instance in instances)
        for instance in instances:
            node = instance.path[0]
            self.passed_over(node)
            self._needed(node)
            many = 1 if instance.path == (node,) and node in self._each else alike[instance.path]
            own = self._opened[instance.id] = self._weights[node] / many
            with localcontext(prec=_DIGITS):
                self._ahead += own

    def passed_over(self, node: str) -> None:
        """Take in that a node is skipped: its share is for the others."""
        with localcontext(prec=_DIGITS):
            self._ahead -= self._to_come.pop(node, _ZERO)

    def _needed(self, node: str) -> None:
        """Whatever is behind a node that begins is more likely to be needed than it was."""
        for name, conditions in self._chances.opened(node):
            if name in self._to_come:
                weight = self._weights[name] / 2**conditions
                with localcontext(prec=_DIGITS):
                    self._ahead += weight - self._to_come[name]
                self._to_come[name] = weight

    def limits(self, instance: Instance, left: Limits) -> Limits:
        """What an instance that begins now may take; time is not shared out, since it passes for all at once.

        Args:
            instance: One that was opened, and has not begun.
            left: What the run has left, less what those that are being worked on hold.
        """
        own, ahead = self._opened.pop(instance.id), self._ahead
        with localcontext(prec=_DIGITS):
            self._ahead = ahead - own
            share = own / ahead
            usd = None if left.usd is None else (left.usd * share).quantize(STEP_USD, rounding=ROUND_DOWN)
            return Limits(
                usd=left.usd if share == 1 else usd,
                tokens=None if left.tokens is None else int(left.tokens * share),
                steps=None if left.steps is None else int(left.steps * share),
            )
