"""A workflow's order, waves and critical path."""

from __future__ import annotations

from hypothesis import given, settings

from agora.workflows.flow import Workflow
from agora.workflows.graph import critical_path, order, shown, subtasks, waves
from agora.workflows.nodes import Flow
from flow_graphs import nested_flows


@given(flow=nested_flows())
@settings(max_examples=60, deadline=None)
def test_the_order_and_the_waves_keep_precedence(flow: Flow) -> None:
    place = {name: at for at, name in enumerate(order(flow))}
    wave = {name: at for at, names in enumerate(waves(flow)) for name in names}
    assert set(place) == set(wave) == {node.id for node in flow.nodes}
    for node in flow.nodes:
        for name in node.after:
            assert place[name] < place[node.id]
            assert wave[name] < wave[node.id]
        if node.fallback:
            assert wave[node.id] < wave[node.fallback]


def brute(flow: Flow, name: str) -> float:
    node = next(node for node in flow.nodes if node.id == name)
    return node.tokens + max((brute(flow, other) for other in node.after), default=0.0)


@given(flow=nested_flows())
@settings(max_examples=60, deadline=None)
def test_the_critical_path_is_the_heaviest_of_all_paths(flow: Flow) -> None:
    nodes = tuple(node.model_copy(update={"tokens": 1 + len(node.id) * at % 7}) for at, node in enumerate(flow.nodes))
    weighed = flow.model_copy(update={"nodes": nodes})
    path = critical_path(weighed)
    tokens = {node.id: node.tokens for node in nodes}
    assert path.tokens == sum(tokens[name] for name in path.nodes)
    assert path.tokens == max(brute(weighed, node.id) for node in nodes if not node.id.startswith("f"))
    assert all(
        first in next(node for node in nodes if node.id == second).after
        for first, second in zip(path.nodes, path.nodes[1:], strict=False)
    )


def test_a_node_that_states_no_estimate_counts_as_the_mean_and_a_used_workflow_as_its_own_path() -> None:
    part = Workflow("part")
    part.task("a", "a", tokens=10)
    part.task("b", "b {a}", after=["a"], tokens=20)
    flow = Workflow("x")
    flow.use("first", part)
    flow.task("then", "t", after=["first"])
    assert critical_path(flow.build()) == (("first", "then"), 60.0)


def test_a_long_cycle_is_shown_by_its_ends() -> None:
    assert shown(tuple(f"n{at}" for at in range(100))).count("->") == 12


def test_a_planner_s_view_waits_for_whoever_stands_in_too() -> None:
    flow = Workflow("x")
    flow.task("a", "a", fallback="f", verify="true", skill="code", tokens=5, coupling="strong")
    flow.task("f", "f")
    flow.task("b", "b", after=["a"])
    first, _, last = subtasks(flow.build())
    assert (first.skills, first.verifier, first.estimated_tokens, first.coupling) == (("code",), "command", 5, "strong")
    assert set(last.depends_on) == {"a", "f"}
