"""Copies of nodes under other names, and graphs without some of their nodes: workflows made from workflows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from agora.workflows.nodes import ApproveNode, CompareNode, Flow, Node, TaskNode, TextNode, UseNode
from agora.workflows.references import referred, rewritten

_MOST_ID: Final = 64


def fresh(name: str, taken: Collection[str]) -> str:
    """A name that nobody has: the one that is wished for, or it with a number.

    >>> fresh("brief", {"brief", "brief-2"})
    'brief-3'
    """
    number, one = 1, name[:_MOST_ID]
    while one in taken:
        number += 1
        end = f"-{number}"
        one = name[: _MOST_ID - len(end)] + end
    return one


def renamed(node: Node, names: Mapping[str, str]) -> Node:
    """A node that calls itself and others by new names, wherever it names them.

    Args:
        node: Of a workflow that was checked.
        names: Old -> new; whoever is not in it keeps its name.
    """

    def new(text: str) -> str:
        found = referred(text)
        return text if found is None else names.get(found.name, found.name) + text[len(found.name) :]

    changed: dict[str, object] = {
        "id": new(node.id),
        "after": tuple(map(new, node.after)),
        "follows": tuple(map(new, node.follows)),
        "fallback": new(node.fallback),
        "when": tuple(when.model_copy(update={"of": new(when.of)}) for when in node.when),
    }
    if node.each:
        changed["each"] = node.each.model_copy(update={"of": new(node.each.of)})
    if node.repeat:
        until = tuple(when.model_copy(update={"of": new(when.of)}) for when in node.repeat.until)
        changed["repeat"] = node.repeat.model_copy(update={"until": until})
    if isinstance(node, CompareNode):
        changed["compare"] = tuple(map(new, node.compare))
    if isinstance(node, TaskNode) and node.context:
        prefer = tuple(map(new, node.context.prefer))
        changed["context"] = node.context.model_copy(update={"prefer": prefer})
    return reworded(node.model_copy(update=changed), lambda text: rewritten(text, lambda name: f"{{{new(name)}}}"))


def reworded(node: Node, change: Callable[[str], str]) -> Node:
    """A node with other texts."""
    if isinstance(node, TaskNode):
        return node.model_copy(update={"goal": change(node.goal)})
    if isinstance(node, ApproveNode):
        return node.model_copy(update={"approve": change(node.approve)})
    if isinstance(node, TextNode):
        return node.model_copy(update={"text": change(node.text)})
    if isinstance(node, UseNode):
        return node.model_copy(update={"inputs": {name: change(text) for name, text in node.inputs.items()}})
    return node


def without(flow: Flow, left_out: Collection[str]) -> Flow:
    """A workflow without some of its nodes: who came after them comes after what they came after, without their output.

    Args:
        flow: One that was checked.
        left_out: Nodes that are `optional`; whoever stands in for them goes, too.
    """
    by_id = {node.id: node for node in flow.nodes}
    gone: set[str] = set()
    for name in left_out:
        while name in by_id and name not in gone:
            gone.add(name)
            name = by_id[name].fallback

    def past(names: tuple[str, ...], field: str) -> tuple[str, ...]:
        kept: dict[str, None] = {}
        todo = list(reversed(names))
        while todo:
            name = todo.pop()
            if name in gone:
                todo += reversed(by_id[name].after if field == "after" else by_id[name].waits_for)
            else:
                kept[name] = None
        return tuple(kept)

    def shown(name: str) -> str:
        found = referred(name)
        return "" if found and found.name in gone else f"{{{name}}}"

    nodes: list[Node] = []
    for node in flow.nodes:
        if node.id in gone:
            continue
        changed: dict[str, object] = {"after": past(node.after, "after"), "follows": past(node.follows, "follows")}
        if isinstance(node, CompareNode):
            changed["compare"] = tuple(one for one in node.compare if (f := referred(one)) and f.name not in gone)
        nodes.append(reworded(node.model_copy(update=changed), lambda text: rewritten(text, shown)))
    return flow.model_copy(update={"nodes": tuple(nodes)})
