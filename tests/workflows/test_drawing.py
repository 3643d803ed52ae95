"""Pictures of workflows show every node and edge, and obey nothing that stands in a goal."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from agora.workflows.drawing import Branch, mermaid, tree
from agora.workflows.flow import Workflow
from agora.workflows.nodes import Flow, When
from flow_graphs import nested_flows


def paths(branch: Branch) -> list[str]:
    return [path for inner in branch.branches for path in (*([inner.path] if inner.path else []), *paths(inner))]


@given(flow=nested_flows())
@settings(max_examples=40, deadline=None)
def test_every_node_and_edge_is_drawn_once(flow: Flow) -> None:
    lines = mermaid(flow).splitlines()
    edges = [line for line in lines if "-->" in line or "-. failed .->" in line]
    assert len(edges) == sum(len(node.after) + bool(node.fallback) for node in flow.nodes)
    assert len(lines) == 1 + len(flow.nodes) + len(edges)
    own = [path for path in paths(tree(flow)) if "/" not in path]
    assert sorted(own) == sorted(node.id for node in flow.nodes)


@given(goal=st.text(min_size=1).filter(str.strip))
def test_a_goal_can_not_leave_its_box(goal: str) -> None:
    flow = Workflow("x")
    flow.task("a", goal.replace("{", "(").replace("}", ")"))
    box = mermaid(flow.build()).splitlines()
    assert len(box) == 2
    inside = re.fullmatch(r'    n0\["a<br/>(.*)"\]', box[1])
    assert inside
    assert not set(inside[1]) & set('"[]{}()<>|')


def test_a_tree_stands_in_waves_with_what_joins_them() -> None:
    part = Workflow("part")
    part.task("go", "go")
    flow = Workflow("x")
    flow.task("a", "do  a\nnow", verify="true", repeat=3, fallback="f")
    flow.task("f", "mend {a}")
    flow.task("b", "b", after=["a"], each="a", when=When(of="a", contains="x"))
    flow.use("c", part, after=["b"])
    drawn = tree(flow.build())
    assert [[node.label for node in wave.branches] for wave in drawn.branches] == [["a"], ["f"], ["b"], ["c"]]
    first, stand, mapped, used = (wave.branches[0] for wave in drawn.branches)
    assert (first.about, first.notes) == ("do a now", ("until passed, at most 3 rounds",))
    assert stand.notes == ("if a fails",)
    assert mapped.notes == ("after a", "when a contains 'x'", "for each of a, at most 100")
    assert used.branches[0].branches[0].path == "c/go"
