"""A topology only adds to a graph: every edge stays, and nobody is skipped because of what was added."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.tasks import Tier, Verdict
from agora.workflows.arranging import arranged, ends_of, features_of, plan_of
from agora.workflows.checking import checked
from agora.workflows.expanding import Progress
from agora.workflows.features import Subtask
from agora.workflows.flow import Workflow
from agora.workflows.graph import order
from agora.workflows.instances import Ending
from agora.workflows.nodes import Flow, TaskNode, When
from agora.workflows.topology import Dispatch, Topology, choose
from flow_graphs import driven, ending_of, nested_flows, seeds
from plans import chain, dense, diamond, fan, graphs, plan

SHAPES = {
    "single": plan({"a": ""}),
    "chain": chain(5),
    "fan": fan(5),
    "diamond": diamond(),
    "dense": dense(8),
    "independent": plan({"a": "", "b": "", "c": ""}),
}
topologies = st.sampled_from(list(Topology))


def flow_of(subtasks: list[Subtask], **more: object) -> Flow:
    nodes = [TaskNode(id=one.id, goal=f"do {one.id}", after=one.depends_on, coupling=one.coupling) for one in subtasks]
    return Flow.model_validate({"name": "plan", "nodes": nodes, **more})


def starts(flow: Flow) -> list[str]:
    """The nodes in the order in which they start, when each ends before another is looked at."""
    progress, seen = Progress(flow, {}), list[str]()
    ready = list(progress.ready.start)
    while ready:
        one = ready.pop(0)
        seen.append(one.id)
        ready += progress.finish(one.id, Ending(verdict=Verdict.UNKNOWN, output=f"made by {one.id}"))
    return seen


@given(subtasks=graphs(), topology=topologies)
@settings(deadline=None, max_examples=60)
def test_every_edge_stays_in_every_topology(subtasks: list[Subtask], topology: Topology) -> None:
    flow = flow_of(subtasks)
    made = checked(arranged(flow, topology))
    after = {node.id: set(node.after) for node in made.nodes}
    for node in flow.nodes:
        assert set(node.after) <= after[node.id]
    ran = starts(made)
    assert all(ran.index(name) < ran.index(node.id) for node in flow.nodes for name in node.after)
    assert {node.id for node in flow.nodes} <= set(ran), "all of them are done"


@pytest.mark.parametrize("topology", list(Topology))
@pytest.mark.parametrize("shape", SHAPES)
def test_known_shapes_wait_as_the_topology_says(shape: str, topology: Topology) -> None:
    subtasks = SHAPES[shape]
    made = arranged(flow_of(subtasks), topology)
    waits = {node.id: set(node.waits_for) - {"brief"} for node in made.nodes if node.id not in ("brief", "merge")}
    rule = Dispatch(subtasks, topology=topology)
    for one in subtasks:
        assert waits[one.id] == set(rule.waits_for(one.id)) | set(one.depends_on)
    assert made.topology == "parallel", "nothing is left to be changed"
    if topology is Topology.PARALLEL or shape == "single":
        assert made.nodes == flow_of(subtasks).nodes


@given(flow=nested_flows(), topology=topologies, seed=seeds)
@settings(deadline=None, max_examples=80)
def test_any_workflow_can_be_run_in_any_topology_and_only_the_lead_changes_what_it_gives(
    flow: Flow, topology: Topology, seed: int
) -> None:
    """With maps, loops, conditions, fallbacks and workflows inside: what ends the same gives the same."""
    made = checked(arranged(flow, topology))
    assert Flow.model_validate_json(made.model_dump_json()) == made

    before, _ = driven(flow, lambda one: ending_of(one, seed))
    after, _ = driven(made, lambda one: ending_of(one, seed))
    assert after.ready.over
    if not before.ready.stopped and topology is not Topology.HIERARCHICAL:
        assert after.ready.outputs == before.ready.outputs
        assert after.ready.verdict == before.ready.verdict


def test_sequence_goes_one_by_one_and_each_is_shown_what_all_before_gave() -> None:
    made = arranged(flow_of(fan(3)), Topology.SEQUENTIAL)
    progress, ran = Progress(made, {}), list[str]()
    while start := progress.ready.start:
        assert len(start) == 1
        ran.append(start[0].id)
        assert {one.source for one in start[0].before} == set(ran[:-1])
        progress.finish(start[0].id, Ending(verdict=Verdict.UNKNOWN, output=f"made by {start[0].id}"))
    assert ran == ["root", "leaf0", "leaf1", "leaf2"]


def test_hybrid_goes_layer_by_layer() -> None:
    made = arranged(flow_of(plan({"a": "", "b": "", "c": "a", "d": "c"})), Topology.HYBRID)
    waits = {node.id: set(node.waits_for) for node in made.nodes}
    assert waits == {"a": set(), "b": set(), "c": {"a", "b"}, "d": {"c"}}


def test_the_lead_briefs_all_and_makes_the_ends_one() -> None:
    flow = Workflow("w", inputs=["topic"])
    flow.task("hub", "Plan {topic}", agents=["ada"], skill="", tier="bare")
    for name in "abcde":
        flow.task(name, f"Write {name} by {{hub}}", after=["hub"], labels=["private"] if name == "e" else [])
    made = checked(arranged(flow.build(), Topology.HIERARCHICAL))
    brief, merge = made.nodes[0], made.nodes[-1]
    assert isinstance(brief, TaskNode)
    assert isinstance(merge, TaskNode)
    assert (brief.id, brief.agents, brief.tier, merge.agents) == ("brief", ("ada",), Tier.BARE, ("ada",))
    assert "Write a by <hub>" in brief.goal
    assert "Plan {topic}" in brief.goal
    assert "Write e" not in brief.goal, "the brief is shown to everybody"
    assert (made.output, set(merge.after)) == ("merge", set("abcde"))
    progress = Progress(made, {"topic": "bees"})
    (first,) = progress.ready.start
    assert first.id == "brief"
    (second,) = progress.finish("brief", Ending(verdict=Verdict.FAILED, output="Say bee, not wasp"))
    assert second.id == "hub"
    assert second.text.endswith("| Say bee, not wasp")


def test_a_branch_that_is_not_taken_skips_nobody_who_only_follows_it() -> None:
    flow = Workflow("w")
    flow.task("sort", "sort")
    flow.task("fix", "fix", after=["sort"], when=When(of="sort", equals="bug"))
    flow.task("thank", "thank", after=["sort"], when=When(of="sort", equals="praise"))
    flow.compare("cmp", "sort")
    for topology in Topology:
        progress = Progress(arranged(flow.build(), topology), {})
        ran: list[str] = []
        while start := progress.ready.start:
            ran.append(start[0].id)
            output = "praise" if start[0].id == "sort" else ""
            progress.finish(start[0].id, Ending(verdict=Verdict.UNKNOWN, output=output))
        assert [name for name in ran if name not in ("brief", "merge")] == ["sort", "thank"]


def test_comparisons_count_nothing_where_a_topology_is_chosen() -> None:
    flow = Workflow("w")
    for name in "abc":
        flow.task(name, name)
    flow.compare("cmp", "a", "b", "c")
    flow.task("end", "end", after=["cmp"], coupling="strong")
    found = features_of(flow.build())
    assert (found.nodes, found.edges, found.depth) == (4, 3, 2)
    assert found.coupling == pytest.approx(0.7)
    assert ends_of(flow.build()) == ("end",)
    assert choose(plan_of(flow.build())[:3]).topology is Topology.PARALLEL


def test_a_graph_too_dense_for_layers_is_refused_with_the_mend() -> None:
    wide = [Subtask(id=f"a{n}") for n in range(600)]
    wide += [Subtask(id=f"b{n}", depends_on=("a0",)) for n in range(600)]
    with pytest.raises(ConfigError, match="let it be parallel"):
        arranged(flow_of(wide), Topology.HYBRID)
    assert len(order(arranged(flow_of(wide), Topology.SEQUENTIAL))) == 1200
