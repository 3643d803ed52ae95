"""A workflow's tree in a terminal with few rows: what is under way is never lost, and everything is counted."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agora.cli.flow_fold import fitted, height
from agora.cli.flow_tree import flow_tree
from agora.cli.paint import THEME
from agora.workflows.drawing import Branch, tree
from agora.workflows.flow import Workflow

WIDTHS = [4, 8, 8, 6, 4]
MARKS = ["passed, $0.01", "running", "waits", "failed", "unknown", "skipped", "2 passed, 1 running", ""]


def layers(widths: list[int]) -> Branch:
    flow = Workflow("many")
    before: list[str] = []
    for wave, width in enumerate(widths):
        names = [f"n{wave}_{number}" for number in range(width)]
        for name in names:
            flow.task(name, "read what stands in a part of the long report", after=before[:2])
        before = names
    return tree(flow.build())


def nodes(branch: Branch) -> list[Branch]:
    return [one for wave in branch.branches for one in (wave, *wave.branches) if one.path]


def counted(branch: Branch) -> int:
    """Nodes that are drawn, and those that are only counted."""
    lines = [one for wave in branch.branches for one in (wave, *wave.branches) if not one.path]
    numbers = [int(number) for one in lines for number in re.findall(r"(\d+) (?!to \d)[a-z]", one.label)]
    return len(nodes(branch)) + sum(numbers)


@given(
    widths=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    rows=st.integers(3, 40),
    chosen=st.lists(st.sampled_from(MARKS), min_size=72, max_size=72),
)
@settings(deadline=None)
def test_it_fits_shows_what_is_under_way_and_counts_every_node(widths: list[int], rows: int, chosen: list[str]) -> None:
    whole = layers(widths)
    marks = {node.path: mark for node, mark in zip(nodes(whole), chosen, strict=False) if mark}
    drawn = fitted(whole, marks, rows=rows)
    assert height(drawn) <= rows
    assert counted(drawn) == len(nodes(whole)), [one.label for one in drawn.branches]
    under_way = {path for path, mark in marks.items() if "running" in mark or "waits" in mark}
    seen = {node.path for node in nodes(drawn)}
    assert under_way <= seen or len(seen & under_way) == rows - 2


def test_waves_that_have_ended_are_a_line_each_and_what_is_to_come_is_one() -> None:
    whole = layers(WIDTHS)
    marks = {f"n0_{n}": "passed, $0.01" for n in range(4)} | {f"n1_{n}": "running" for n in range(8)}
    cost = {f"n0_{n}": Decimal("0.01") for n in range(4)}
    assert fitted(whole, marks, rows=36) == whole
    labels = [wave.label for wave in fitted(whole, marks, rows=15, cost=cost).branches]
    assert labels == [
        "wave 1: 4 passed, $0.04",
        "wave 2",
        "wave 3: 8 to come",
        "wave 4: 6 to come",
        "wave 5: 4 to come",
    ]
    labels = [wave.label for wave in fitted(whole, marks, rows=12, cost=cost).branches]
    assert labels == ["wave 1: 4 passed, $0.04", "wave 2", "waves 3 to 5: 18 to come"]
    few = fitted(whole, marks, rows=5, cost=cost)
    assert [one.label for one in few.branches] == [
        "n1_0",
        "n1_1",
        "n1_2",
        "and 5 running, 4 passed, 18 to come, $0.04",
    ]


def test_each_branch_takes_one_row_however_narrow_the_terminal_is() -> None:
    whole = layers(WIDTHS)
    console = Console(theme=THEME, width=40, record=True, emoji=False)
    with console.capture() as shown:
        console.print(flow_tree(whole, marks={}, cut=True))
    assert len(shown.get().splitlines()) == height(whole)
