"""What a node could be shown besides what its goal names: the outputs of those before it, the nearest first.

All of it comes from nodes that the node has in its `after`, near or far, so it carries their labels already
(`layout.py`): showing an output adds none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agora.workflows.context_routing import MOST_CANDIDATES, Candidate
from agora.workflows.instances import Settled
from agora.workflows.nodes import Node, TaskNode
from agora.workflows.references import SPECIAL, items_of, placeholders, referred

if TYPE_CHECKING:
    from agora.workflows.scope import Scope


def candidates_for(
    scope: Scope, node: TaskNode, *, position: int, known: Mapping[str, Settled]
) -> tuple[tuple[Candidate, ...], int]:
    """What the outputs before a node give to choose from, in the order of the definition, and how many were too many.

    What its goal names, and the list that it goes over, is left to the goal. A map's items are each on their own.

    Args:
        scope: Where it is started.
        node: It, or who stands in for another.
        position: Of the node that it is for.
        known: What only its slot knows, as what the node gave for which it stands in.
    """
    if node.context is None:
        return (), 0
    named = _named(node) | _named(scope.flow.nodes[position])  # the latter: the node that it may stand in for
    found: list[tuple[int, int, str, str, str]] = []  # distance, position, source, text, verdict
    for name, failed in known.items():
        if name not in SPECIAL and name not in named and failed.output.strip():
            found.append((1, scope.layout.position[name], name, failed.output, failed.verdict))
    for at, distance in _distances(scope, position, everyone=node.context.reach == "all").items():
        other, one = scope.flow.nodes[at], scope.settled[at]
        if one is None or one.gone or other.id in named:
            continue
        texts = [one.output] if other.each is None else items_of(one.output)
        for number, text in enumerate(texts):
            source = other.id if other.each is None else f"{other.id}.{number}"
            if text.strip():
                found.append((distance, at, source, text, one.verdict))
    nearest = sorted(found, key=lambda each: each[0])[:MOST_CANDIDATES]
    ordered = sorted(nearest, key=lambda each: each[1])
    return tuple(_candidate(node, *rest, distance=distance) for distance, _, *rest in ordered), len(found) - len(
        nearest
    )


def _candidate(node: TaskNode, source: str, text: str, verdict: str, *, distance: int) -> Candidate:
    checked = f" ({verdict})" if verdict in ("passed", "failed") else ""
    return Candidate(
        source=source,
        heading=f"From {source}{checked}:",
        text=text,
        distance=distance,
        age=distance - 1,
        prefer=node.context is not None and source.partition(".")[0] in node.context.prefer,
    )


def _named(node: Node) -> set[str]:
    """The nodes whose outputs, or parts of them, are in its text anyway."""
    texts = [*placeholders(node.goal if isinstance(node, TaskNode) else ""), *([node.each.of] if node.each else [])]
    return {one.name for text in texts if (one := referred(text)) is not None and not one.verdict}


def _distances(scope: Scope, position: int, *, everyone: bool) -> dict[int, int]:
    """Position -> the fewest edges to it, of those that a node waits for (`everyone`: and all before them)."""
    distances: dict[int, int] = {}
    wave: tuple[int, ...] = scope.layout.before[position]
    distance = 1
    while wave:
        for at in wave:
            distances.setdefault(at, distance)
        if not everyone:
            break
        further = [other for at in wave for other in scope.layout.before[at] if other not in distances]
        wave, distance = tuple(dict.fromkeys(further)), distance + 1
    return distances
