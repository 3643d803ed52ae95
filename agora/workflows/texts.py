"""The texts of a node that are filled in when an instance of it starts."""

from __future__ import annotations

from agora.workflows.nodes import ApproveNode, CompareNode, Node, TaskNode, TextNode


def texts_of(node: Node) -> tuple[tuple[str, str], ...]:
    """Field -> text, in which predecessors' outputs may be named."""
    if isinstance(node, TaskNode):
        return (("goal", node.goal),)
    if isinstance(node, ApproveNode):
        return (("approve", node.approve),)
    if isinstance(node, TextNode):
        return (("text", node.text),)
    if isinstance(node, CompareNode):
        return ()
    return tuple((f"inputs.{name}", text) for name, text in node.inputs.items())
