"""A budget spread over a graph's nodes by their estimates and by the critical path; what is not spent flows on.

A node's weight is its estimated cost, raised by up to `premium` where it lies on the heaviest path: there a failure for
want of money delays everything. What a node may spend is fixed when it starts: its share, by weight, of all that is
neither spent nor held by nodes that run. So money that a node leaves goes to all that have not started, and the sum of
what is spent and held never exceeds the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final, Literal, NamedTuple

from agora.errors import BudgetExceededError, ConfigError, LedgerError
from agora.workflows.features import PlanGraph, Subtask, checked, heaviest_after, heaviest_before

PREMIUM: Final = Decimal("0.5")
"""A judgement, not measured: a node on the heaviest path gets half as much again for the same estimate."""

STEP_USD: Final = Decimal("0.000001")
"""Allotments are rounded down to a millionth of a dollar."""


class Started(NamedTuple):
    """An event: a node started and holds so much."""

    node: str
    held_usd: Decimal
    kind: Literal["started"] = "started"


class Finished(NamedTuple):
    """An event: a node ended, whether it passed or not, or was skipped (0), and spent so much."""

    node: str
    spent_usd: Decimal
    kind: Literal["finished"] = "finished"


def weights(subtasks: Sequence[Subtask], *, premium: Decimal = PREMIUM) -> dict[str, Decimal]:
    """The weight of each node, in estimated tokens; who states no estimate is taken for the mean of those who do.

    Raises:
        ConfigError: The graph is broken or the premium is negative.

    >>> plan = [Subtask(id="a", estimated_tokens=10), Subtask(id="b", estimated_tokens=40)]
    >>> weights(plan)
    {'a': Decimal('11.250'), 'b': Decimal('60.0')}
    """
    if premium < 0:
        raise ConfigError("premium", f"{premium} must be zero or more")
    graph = checked(subtasks)
    estimates = _estimates(graph)
    ahead, behind = heaviest_after(graph, estimates), heaviest_before(graph, estimates)
    longest = max(ahead)
    through = [one + other - own for one, other, own in zip(ahead, behind, estimates, strict=True)]
    raised = [
        Decimal(own) * (1 + premium * Decimal(way) / longest) for own, way in zip(estimates, through, strict=True)
    ]
    return {one.id: weight for one, weight in zip(graph.subtasks, raised, strict=True)}


def _estimates(graph: PlanGraph) -> list[int]:
    stated = [one.estimated_tokens for one in graph.subtasks if one.estimated_tokens]
    usual = max(1, sum(stated) // len(stated)) if stated else 1
    return [one.estimated_tokens or usual for one in graph.subtasks]


class Spread:
    """Who may spend what of a graph's budget; one writer owns it, and its events restore it.

    Args:
        budget_usd: For all nodes together.
        subtasks: The graph.
        premium: How much more a node on the heaviest path gets for the same estimate.

    >>> spread = Spread(Decimal(1), [Subtask(id="a"), Subtask(id="b", depends_on=("a",))])
    >>> spread.start("a")
    Decimal('0.500000')
    >>> spread.finish("a", Decimal("0.1"))
    >>> spread.start("b")
    Decimal('0.900000')
    """

    def __init__(self, budget_usd: Decimal, subtasks: Sequence[Subtask], *, premium: Decimal = PREMIUM) -> None:
        if not (budget_usd.is_finite() and budget_usd >= 0):
            raise ConfigError("budget", f"{budget_usd} must be zero dollars or more")
        self.budget_usd = budget_usd
        self._weights = weights(subtasks, premium=premium)
        self._to_come = sum(self._weights.values(), Decimal(0))
        self._held: dict[str, Decimal] = {}
        self._spent: dict[str, Decimal] = {}
        self._given = Decimal(0)  # held and spent

    @property
    def spent_usd(self) -> Decimal:
        """By nodes that ended."""
        return sum(self._spent.values(), Decimal(0))

    @property
    def left_usd(self) -> Decimal:
        """Neither spent nor held."""
        return self.budget_usd - self._given

    def share(self, node: str) -> Decimal:
        """What a node would get if it started now; what it holds or spent where it already did.

        Raises:
            ConfigError: There is no such node.
        """
        if node not in self._weights:
            raise ConfigError("node", f"{node!r} is not in the graph: nodes are fixed when the budget is spread")
        if node in self._held or node in self._spent:
            return self._held.get(node, self._spent.get(node, Decimal(0)))
        with localcontext(prec=60):
            share = self.left_usd * self._weights[node] / self._to_come
            return min(self.left_usd, share.quantize(STEP_USD, rounding=ROUND_DOWN))

    def start(self, node: str) -> Decimal:
        """Set a node's share aside, and say how much it is; a node that started already holds what it held."""
        share = self.share(node)
        self._take(Started(node, share))
        return share

    def finish(self, node: str, spent_usd: Decimal) -> None:
        """Book what a node spent and let the rest flow on; a node that never started is passed over, and spent 0.

        The first end counts: told again, nothing changes.

        Raises:
            BudgetExceededError: It spent more than it held.
            ConfigError: There is no such node, or a negative amount.
        """
        self.share(node)
        if not (spent_usd.is_finite() and spent_usd >= 0):
            raise ConfigError("spent", f"{spent_usd} must be zero dollars or more")
        held = self._held.get(node, Decimal(0))
        if node not in self._spent and spent_usd > held:
            raise BudgetExceededError(f"node {node!r}", "usd", spent_usd, held)
        self._take(Finished(node, spent_usd))

    def _take(self, event: Started | Finished) -> None:
        node = event.node
        if node in self._spent or (event.kind == "started" and node in self._held):
            return
        if node not in self._held:
            self._to_come -= self._weights[node]
        if event.kind == "started":
            self._held[node] = event.held_usd
            self._given += event.held_usd
        else:
            self._given += event.spent_usd - self._held.pop(node, Decimal(0))
            self._spent[node] = event.spent_usd

    def restore(self, events: Iterable[Started | Finished]) -> None:
        """Take up what is on record, in the order of the log; what is told twice counts once.

        Raises:
            LedgerError: A node was given more than was left.
        """
        for event in events:
            if event.kind == "finished":
                self.finish(event.node, event.spent_usd)
                continue
            self.share(event.node)
            if event.node not in self._held and event.node not in self._spent and event.held_usd > self.left_usd:
                raise LedgerError(f"node {event.node!r} holds {event.held_usd} dollars of {self.left_usd} on record")
            self._take(event)
