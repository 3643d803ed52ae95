"""A workflow as a picture: mermaid text, and a tree as data, which the command line renders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agora.values import Value
from agora.workflows.graph import wanted, waves
from agora.workflows.instances import said
from agora.workflows.nodes import ApproveNode, CompareNode, Flow, Node, TextNode, UseNode

_SHOWN_CHARS: Final = 60
_SHOWN_NODES: Final = 200
"""More nodes than these in one wave are counted, not drawn."""
_SHAPES: Final = {
    "task": ('["', '"]'),
    "approve": ('{{"', '"}}'),
    "use": ('[["', '"]]'),
    "compare": ('{"', '"}'),
    "text": ('(["', '"])'),
}


class Branch(Value):
    """One line of a tree, with what hangs on it."""

    label: str
    """A workflow's name, a wave, or a node's id."""
    path: str = ""
    """Of a node: as an instance's id begins, without items and rounds. Empty: it is no node."""
    about: str = ""
    """What the node is about, in a line."""
    notes: tuple[str, ...] = ()
    """What it waits for, its conditions, its map, its loop, what follows when it fails."""
    branches: tuple[Branch, ...] = ()
    """In order."""


def tree(flow: Flow, *, most: int = _SHOWN_NODES) -> Branch:
    """The workflow by waves: what can run at the same time stands together, what it uses hangs below it.

    Args:
        flow: One that was checked.
        most: Of a wave with more nodes than these, the others are counted.
    """
    return _tree(flow, {other.name: other for other in flow.flows}, flow.name, "", most)


def mermaid(flow: Flow) -> str:
    """The workflow as a mermaid flowchart.

    Tasks are boxes, questions to a person are hexagons, used workflows are double boxes, comparisons are diamonds,
    texts are round. A dotted edge goes to whoever stands in after a failure, or only waits.
    """
    number = {node.id: at for at, node in enumerate(flow.nodes)}
    lines = ["flowchart TD"]
    for node in flow.nodes:
        left, right = _SHAPES[node.kind]
        text = "<br/>".join(_escaped(part) for part in (node.id, _line(wanted(node)), *_own_notes(node)))
        lines.append(f"    n{number[node.id]}{left}{text}{right}")
    for node in flow.nodes:
        lines += [f"    n{number[name]} --> n{number[node.id]}" for name in node.after]
        lines += [f"    n{number[name]} -.-> n{number[node.id]}" for name in node.follows if name not in node.after]
        if node.fallback:
            lines.append(f"    n{number[node.id]} -. failed .-> n{number[node.fallback]}")
    return "\n".join(lines) + "\n"


def _tree(flow: Flow, library: Mapping[str, Flow], label: str, prefix: str, most: int) -> Branch:
    nodes = {node.id: node for node in flow.nodes}
    stood = {node.fallback: node.id for node in flow.nodes if node.fallback}
    branches: list[Branch] = []
    for turn, wave in enumerate(waves(flow), 1):
        drawn = [_node(nodes[name], library, prefix, stood.get(name, ""), most) for name in wave[:most]]
        if len(wave) > most:
            drawn.append(Branch(label=f"and {len(wave) - most:,} more"))
        branches.append(Branch(label=f"wave {turn}", branches=tuple(drawn)))
    return Branch(label=label, branches=tuple(branches))


def _node(node: Node, library: Mapping[str, Flow], prefix: str, stood: str, most: int) -> Branch:
    path = prefix + node.id
    first = [f"after {', '.join(node.after)}"] if node.after else []
    if later := [name for name in node.follows if name not in node.after]:
        first.append(f"follows {', '.join(later)}")
    if stood:
        first = [f"if {stood} fails"]
    inside: tuple[Branch, ...] = ()
    if isinstance(node, UseNode):
        inside = _tree(library[node.use], library, node.use, f"{path}/", most).branches
    return Branch(
        label=node.id, path=path, about=_line(wanted(node)), notes=(*first, *_own_notes(node)), branches=inside
    )


def _own_notes(node: Node) -> list[str]:
    notes = [f"when {said(when)}" for when in node.when]
    if node.each:
        notes.append(f"for each of {node.each.of}, at most {node.each.most}")
    if node.repeat:
        until = " and ".join(map(said, node.repeat.until)) or "passed"
        notes.append(f"until {until}, at most {node.repeat.most} rounds")
    if node.on_failure not in ("stop", "fallback"):
        notes.append(f"on failure: {node.on_failure}")
    if isinstance(node, ApproveNode):
        notes.append("asks a person")
    if isinstance(node, TextNode):
        notes.append("put together by nobody")
    if isinstance(node, CompareNode):
        notes.append(f"agree from consistency {node.threshold:g}")
    return notes


def _line(text: str) -> str:
    first = next((part for part in text.split("\n\n") if part.strip()), "")
    line = " ".join(first.split())
    return line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1] + "…"


def _escaped(text: str) -> str:
    """Text that means nothing in mermaid: every sign but letters, digits and the plainest is written as its number."""
    return "".join(sign if sign.isalnum() or sign in " .,_-/" else f"#{ord(sign)};" for sign in text)
