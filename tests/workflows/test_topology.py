"""The rule that chooses a topology, and what each topology means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.workflows.features import Coupling, Subtask, checked, features
from agora.workflows.topology import Dispatch, Topology, choose, decide
from plans import LABELS, chain, dense, diamond, fan, graphs, plan


def test_a_single_subtask_is_sequential() -> None:
    assert choose([Subtask(id="a", coupling="critical")]).topology is Topology.SEQUENTIAL


@pytest.mark.parametrize("coupling", LABELS)
def test_a_chain_is_sequential_however_coupled(coupling: Coupling) -> None:
    assert choose(chain(8, coupling=coupling)).topology is Topology.SEQUENTIAL


def test_independent_subtasks_are_parallel() -> None:
    assert choose([Subtask(id=name, coupling="critical") for name in "abcdefg"]).topology is Topology.PARALLEL


def test_a_weak_fan_is_parallel_and_its_leaves_still_see_the_root() -> None:
    assert choose(fan(5)).topology is Topology.PARALLEL
    dispatch = Dispatch(fan(5), topology=Topology.PARALLEL)
    assert dispatch.sees("leaf3") == dispatch.waits_for("leaf3") == ("root",)


@pytest.mark.parametrize("coupling", ["weak", "critical"])
def test_a_diamond_is_hybrid(coupling: Coupling) -> None:
    assert choose(diamond(coupling=coupling)).topology is Topology.HYBRID


def test_a_coupled_graph_of_six_or_more_is_led() -> None:
    assert choose(dense(6)).topology is Topology.HIERARCHICAL
    assert choose(dense(5)).topology is Topology.HYBRID
    assert choose(dense(7, coupling="weak", layers=4)).topology is Topology.HYBRID


def test_a_re_routes_coupling_moves_the_choice() -> None:
    found = features(checked(dense(7, coupling="weak")))
    assert decide(found).topology is Topology.PARALLEL
    assert decide(found, coupling=0.7).topology is Topology.HIERARCHICAL


def test_the_reason_has_the_figures_that_decided() -> None:
    assert "mean coupling 0.70 is over 0.6 among 6 subtasks" in choose(dense(6)).reason


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ConfigError, match="wait for each other"):
        choose(plan({"a": "b", "b": "a"}))


@given(subtasks=graphs(), topology=st.sampled_from(Topology))
def test_precedence_holds_in_every_topology(subtasks: list[Subtask], topology: Topology) -> None:
    dispatch = Dispatch(subtasks, topology=topology)
    finished: set[str] = set()
    while len(finished) < len(subtasks):  # everything that may start does, and ends before the next look
        ready = [one for one in subtasks if one.id not in finished and dispatch.may_start(one.id, finished)]
        assert ready
        for one in ready:
            assert finished.issuperset(one.depends_on)
            assert finished.issuperset(dispatch.sees(one.id))
            assert set(dispatch.sees(one.id)) >= set(one.depends_on)
        finished.update(one.id for one in ready)


@given(subtasks=graphs())
def test_the_chosen_topology_is_the_same_whatever_the_names(subtasks: list[Subtask]) -> None:
    renamed = [
        one.model_copy(update={"id": f"x{one.id}", "depends_on": tuple(f"x{name}" for name in one.depends_on)})
        for one in reversed(subtasks)
    ]
    assert choose(renamed) == choose(subtasks)


@given(subtasks=graphs())
def test_what_runs_at_once_is_one_in_a_sequence_and_a_layer_in_a_hybrid(subtasks: list[Subtask]) -> None:
    sequence = Dispatch(subtasks, topology=Topology.SEQUENTIAL)
    for turn, name in enumerate(sequence.order):
        assert sequence.sees(name) == sequence.order[:turn]
    hybrid = Dispatch(subtasks, topology=Topology.HYBRID)
    before: tuple[str, ...] = ()
    for layer in hybrid.layers:
        assert all(hybrid.sees(name) == before for name in layer)
        before += layer
    assert before == hybrid.order


@given(subtasks=graphs())
def test_only_a_hierarchy_is_led_and_by_one_of_its_subtasks(subtasks: list[Subtask]) -> None:
    leads = {topology: Dispatch(subtasks, topology=topology).lead for topology in Topology}
    assert leads.pop(Topology.HIERARCHICAL) in {one.id for one in subtasks}
    assert set(leads.values()) == {None}


def test_the_lead_has_the_most_ties_and_ends_are_what_nobody_waits_for() -> None:
    dispatch = Dispatch(plan({"a": "", "b": "a", "c": "a", "d": "ab"}), topology=Topology.HIERARCHICAL)
    assert dispatch.lead == "a"
    assert set(dispatch.ends) == {"c", "d"}


def test_within_a_layer_the_heaviest_path_ahead_comes_first() -> None:
    subtasks = [
        Subtask(id="light", estimated_tokens=50),
        Subtask(id="heavy", estimated_tokens=10),
        Subtask(id="tail", depends_on=("heavy",), estimated_tokens=100),
    ]
    assert Dispatch(subtasks, topology=Topology.SEQUENTIAL).order == ("heavy", "light", "tail")
