"""A workflow's tree as the terminal shows it."""

from __future__ import annotations

from rich.console import Console

from agora.cli.flow_tree import flow_tree
from agora.cli.paint import THEME
from agora.workflows.drawing import tree
from agora.workflows.flow import Workflow


def test_the_tree_shows_waves_nodes_and_how_they_stand_and_obeys_no_markup() -> None:
    flow = Workflow("x")
    flow.task("a", "[red]do[/] it")
    flow.task("b", "b {a}", after=["a"], on_failure="skip")
    console = Console(theme=THEME, width=100, record=True, emoji=False)
    with console.capture() as shown:
        console.print(flow_tree(tree(flow.build()), marks={"a": "passed, $0.01", "b": "running"}))
    text = shown.get()
    assert "a  passed, $0.01  [red]do[/] it" in text
    assert "b  running  b {a}  (after a; on failure: skip)" in text
    assert text.index("wave 1") < text.index("wave 2")
