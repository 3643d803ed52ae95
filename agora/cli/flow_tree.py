"""A workflow's tree in the terminal: its waves, and how far each node is where that is known."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from rich.tree import Tree

from agora.cli.paint import safe
from agora.workflows.drawing import Branch

_STYLES = {
    "failed": "failed",
    "waits": "unknown",
    "running": "head",
    "unknown": "unknown",
    "passed": "passed",
    "agree": "passed",
    "differ": "unknown",
    "skipped": "quiet",
}
"""How a mark is shown, by the first of these words that stands in it."""


def flow_tree(branch: Branch, *, marks: Mapping[str, str] | None = None, cut: bool = False) -> Tree:
    """The tree of a workflow.

    Args:
        branch: As `agora.workflows.drawing.tree` gives it.
        marks: Node (its path, as "build/fix") -> how it stands, as "passed", "running" or "skipped, $0.01".
        cut: Each branch in one row, cut where the terminal ends.
    """
    drawn = Tree(f"[head]{safe(branch.label)}[/]", guide_style="quiet")
    for inner in branch.branches:
        _hang(drawn, inner, marks or {}, cut=cut)
    return drawn


def _hang(under: Tree, branch: Branch, marks: Mapping[str, str], *, cut: bool) -> None:
    if branch.path:
        line = f"[name]{safe(branch.label)}[/]"
        mark = marks.get(branch.path, "")
        if mark.strip():
            style = next((style for state, style in _STYLES.items() if state in mark), "head")
            line += f"  [{style}]{safe(mark)}[/]"
        line += f"  {safe(branch.about)}"
        if branch.notes:
            line += f"  [quiet]({safe('; '.join(branch.notes))})[/]"
    else:
        line = f"[quiet]{safe(branch.label)}[/]"
    row = Text.from_markup(line)
    if cut:
        row.no_wrap, row.overflow = True, "ellipsis"
    drawn = under.add(row)
    for inner in branch.branches:
        _hang(drawn, inner, marks, cut=cut)
