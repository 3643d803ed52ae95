"""Merge, arbiter, re-route, and the cap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.workflows.features import Subtask, checked, features
from agora.workflows.synthesis import Move, Step, Synthesis, advance, begin, most_reroutes
from agora.workflows.topology import Topology, decide
from plans import chain, dense, diamond, fan, graphs


def start(subtasks: list[Subtask]) -> Synthesis:
    return begin(features(checked(subtasks)))


def all_steps(state: Synthesis, consistency: float) -> list[Step]:
    """Until it is finished, with outputs that never agree any better."""
    steps = [advance(state, consistency)]
    while not steps[-1].state.finished:
        steps.append(advance(steps[-1].state, consistency))
    return steps


def test_outputs_that_agree_are_merged() -> None:
    step = advance(start(fan(3)), 0.7)
    assert step.move is Move.MERGE
    assert step.state.finished
    assert not step.state.consistency_unresolved


def test_the_last_output_of_a_sequence_is_the_result() -> None:
    step = advance(start(chain(3)), 0.0)
    assert step.move is Move.DONE
    assert not step.state.consistency_unresolved


def test_an_arbiter_comes_before_a_re_route_and_what_workers_answer_it_is_compared() -> None:
    ruled = advance(start(fan(3)), 0.2)
    assert ruled.move is Move.ARBITER
    assert advance(ruled.state, 0.9).move is Move.MERGE
    again = advance(ruled.state, 0.2)
    assert again.move is Move.REROUTE
    assert again.state.coupling == pytest.approx(0.5)
    assert not again.state.arbitrated


@pytest.mark.parametrize("subtasks", [diamond(), fan(3), fan(4), dense(5, coupling="weak"), dense(5)])
def test_four_and_five_subtasks_reach_the_cap_are_led_and_said_to_be_unresolved(subtasks: list[Subtask]) -> None:
    found = features(checked(subtasks))
    assert found.nodes in {4, 5}
    assert decide(found, coupling=1.0).topology is not Topology.HIERARCHICAL  # the rule alone never gets there
    steps = all_steps(begin(found), 0.1)
    reroutes = [step for step in steps if step.move is Move.REROUTE]
    assert len(reroutes) == most_reroutes(found.coupling) > 0
    assert reroutes[-1].state.topology is Topology.HIERARCHICAL
    assert Topology.HIERARCHICAL not in {step.state.topology for step in reroutes[:-1]}
    assert steps[-1].move is Move.DONE
    assert steps[-1].state.consistency_unresolved
    assert f"after {len(reroutes)} of at most {len(reroutes)} re-routes" in steps[-1].reason


@pytest.mark.parametrize(("gamma", "cap"), [(0, 5), (0.1, 5), (0.2, 4), (0.3, 4), (0.4, 3), (0.6, 2), (0.8, 1), (1, 0)])
def test_the_cap_is_the_papers(gamma: float, cap: int) -> None:
    assert most_reroutes(gamma) == cap


def test_a_plan_that_is_critical_throughout_is_not_re_routed() -> None:
    steps = all_steps(start(diamond(coupling="critical")), 0.1)
    assert [step.move for step in steps] == [Move.ARBITER, Move.DONE]
    assert steps[-1].state.consistency_unresolved


@given(subtasks=graphs(), told=st.lists(st.floats(-1, 1), min_size=12, max_size=12))
def test_every_synthesis_ends_within_its_cap_and_hides_nothing(subtasks: list[Subtask], told: list[float]) -> None:
    state, steps = start(subtasks), list[Step]()
    for consistency in told:
        steps.append(advance(state, consistency))
        state = steps[-1].state
        if state.finished:
            break
    assert state.finished
    assert state.reroutes == sum(step.move is Move.REROUTE for step in steps) <= state.cap <= 5
    agreed = told[len(steps) - 1] >= 0.7
    assert state.consistency_unresolved == (not agreed and state.topology is not Topology.SEQUENTIAL)
    assert Synthesis.model_validate_json(state.model_dump_json()) == state


def test_a_finished_synthesis_and_a_figure_that_is_none_are_refused() -> None:
    done = advance(start(fan(3)), 1.0).state
    with pytest.raises(ConfigError, match="is finished"):
        advance(done, 1.0)
    with pytest.raises(ConfigError, match="must be in"):
        advance(start(fan(3)), float("nan"))
