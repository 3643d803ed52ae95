"""What ants learn: within bounds, from each outcome once, and rebuilt from its events bit by bit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.ants import (
    RULES,
    AntRules,
    AntsLearned,
    ColonyState,
    Gate,
    Ignored,
    applied,
    goes_to_gate,
    joining,
    leaving,
    replayed,
    restored,
    weigh,
)
from agora.coordinator.ants.learning import COLONY_EVENT
from agora.errors import ConfigError, LedgerError
from coordinator.ant_walks import AGENTS, TYPES, Walk, plain, walks


@given(walk=walks(most=12))
def test_pheromone_stays_within_its_bounds_and_counts_stay_finite(walk: Walk) -> None:
    for rows in walk.state.trails.values():
        for row in rows.values():
            for trail in row.values():
                assert all(walk.rules.tau_min <= tau <= walk.rules.tau_max for tau in trail.tau.values())
                assert len(trail.lately) <= 3
    for of_layer in walk.state.counts.values():
        for of_agent in of_layer.values():
            assert all(0 < one.ability() < 1 and math.isfinite(one.passed) for one in of_agent.values())


@pytest.mark.parametrize("passed", [True, False])
def test_the_bounds_are_reached_and_not_passed(passed: bool) -> None:
    walk = Walk()
    for _ in range(120):
        walk.learn(walk.step(field=plain(["ada"])), passed=passed)
    assert walk.state.tau(0, "", "ada", "code", start=1) == (20 if passed else 0.05)


@given(walk=walks())
def test_replay_of_the_events_rebuilds_the_state_bit_by_bit(walk: Walk) -> None:
    written = [COLONY_EVENT.dump_json(event) for event in walk.log]
    rebuilt = replayed(walk.start, [COLONY_EVENT.validate_json(one) for one in written])
    assert rebuilt == walk.state
    assert rebuilt.to_json() == walk.state.to_json()


@given(walk=walks())
def test_a_state_that_was_written_and_read_back_is_equal_bit_by_bit(walk: Walk) -> None:
    back = restored(walk.state.to_json(), types=TYPES)
    assert back == walk.state
    assert back.to_json() == walk.state.to_json()


@given(walk=walks(), data=st.data())
def test_a_state_that_was_read_back_goes_on_as_if_it_never_stopped(walk: Walk, data: st.DataObject) -> None:
    cut = data.draw(st.integers(len(AGENTS), len(walk.log)))
    halfway = restored(replayed(walk.start, walk.log[:cut]).to_json(), types=TYPES)
    assert replayed(halfway, walk.log[cut:]).to_json() == walk.state.to_json()


@given(walk=walks(), data=st.data())
def test_an_outcome_twice_changes_nothing(walk: Walk, data: st.DataObject) -> None:
    for step, gate in zip(walk.steps, walk.gates, strict=True):
        other = gate.model_copy(update={"passed": data.draw(st.booleans())})
        assert weigh(walk.state, step, other, rules=walk.rules) == Ignored(gate.decision, "twice")
    for event in walk.log:
        assert applied(walk.state, event) is walk.state


def test_no_outcome_counts_twice_however_late_its_copy_comes() -> None:
    walk = Walk(window=8)
    first = walk.step()
    walk.learn(first, passed=True)
    seen: list[str] = []
    for _ in range(40):
        walk.learn(walk.step(), passed=True)
        again = weigh(walk.state, first, Gate(decision=first.decision, passed=True))
        assert isinstance(again, Ignored)
        seen.append(again.reason)
    assert seen == sorted(seen, reverse=True)
    assert set(seen) == {"twice", "late"}
    assert len(walk.state.settled) <= 16


def test_an_outcome_that_comes_too_late_is_ignored() -> None:
    walk = Walk(window=4)
    waiting = walk.step()
    for _ in range(4):
        walk.learn(walk.step(), passed=True)
    assert isinstance(weigh(walk.state, waiting, Gate(decision=waiting.decision, passed=True)), AntsLearned)
    walk.learn(walk.step(), passed=True)
    assert weigh(walk.state, waiting, Gate(decision=waiting.decision, passed=True)) == Ignored("d0", "late")


def test_only_types_with_weight_learn_and_only_what_was_offered_evaporates() -> None:
    walk = Walk()
    step = walk.step(weights={"code": 0.96, "maths": 0.04}, field=plain(["ada", "bea"]))
    walk.learn(step, passed=True, cost=0.9)
    other = next(one for one in ("ada", "bea") if one != step.chosen)
    assert walk.state.tau(0, "", step.chosen, "code", start=1) == pytest.approx(1 - 0.096 + 0.96)
    assert walk.state.tau(0, "", other, "code", start=1) == pytest.approx(1 - 0.096)
    assert set(walk.state.trails[0][""]) == {"ada", "bea"}
    assert all(set(trail.tau) == {"code"} for trail in walk.state.trails[0][""].values())


def test_a_failure_evaporates_the_walked_edge_alone() -> None:
    walk = Walk()
    step = walk.step()
    event = walk.learn(step, passed=False)
    assert [(one.agent, one.effect) for one in event.edges] == [(step.chosen, "failed")]
    assert walk.state.tau(0, "", step.chosen, "code", start=1) == pytest.approx(0.9)


def test_a_cheap_path_gets_more_pheromone_than_a_dear_one() -> None:
    cheap, dear = Walk(), Walk()
    for walk, cost in ((cheap, 0.0), (dear, 1.0)):
        walk.learn(walk.step(field=plain(["ada"])), passed=True, cost=cost)
    assert cheap.state.tau(0, "", "ada", "code", start=1) > dear.state.tau(0, "", "ada", "code", start=1)


def test_declared_abilities_fade_into_measured_ones() -> None:
    state = ColonyState(types=TYPES)
    event = joining(state, "ada", declared={"code": 1.0})
    assert event is not None
    walk = Walk()
    walk.state = applied(state, event)
    for _ in range(400):
        walk.learn(walk.step(field=plain(["ada"])), passed=False)
    assert walk.state.counted(0, "ada", "code", rules=RULES).ability() < 0.02


def test_who_leaves_is_forgotten_at_once_and_comes_back_as_new() -> None:
    walk = Walk()
    for layer, sources in ((0, ()), (1, ("ada",))):
        walk.learn(walk.step(field=plain(["ada"]), layer=layer, sources=sources), passed=True)
    before = walk.step(field=plain(["ada", "bea"]), layer=1, sources=["ada"], draw=0.0)
    left = leaving(walk.state, "ada")
    assert left is not None
    gone = applied(walk.state, left)
    assert leaving(gone, "ada") is None
    assert "ada" not in gone.to_json().replace('"decision":"ada"', "")
    assert before.chosen == "ada"
    assert weigh(gone, before, Gate(decision=before.decision, passed=True)) == Ignored(before.decision, "left")
    back = joining(gone, "ada")
    assert back is not None
    again = applied(gone, back)
    assert weigh(again, before, Gate(decision=before.decision, passed=True)) == Ignored(before.decision, "left")
    assert joining(again, "ada") is None


def test_what_a_source_that_left_did_is_not_learned_and_the_rest_is() -> None:
    walk = Walk()
    step = walk.step(layer=1, sources=["ada", "bea"], draw=0.0)
    who = next(one for one in ("ada", "bea") if one != step.chosen)
    left = leaving(walk.state, who)
    assert left is not None
    event = weigh(applied(walk.state, left), step, Gate(decision=step.decision, passed=True))
    assert isinstance(event, AntsLearned)
    assert {one.source for one in event.edges} == {"ada", "bea"} - {who}
    assert who not in {one.agent for one in event.edges}


def test_learning_goes_on_under_other_rules() -> None:
    walk = Walk()
    for _ in range(60):
        walk.learn(walk.step(field=plain(["ada"])), passed=True)
    walk.rules = AntRules(tau_max=5)
    assert walk.step(field=plain(["ada"])).considered[0].tau == 5
    walk.learn(walk.step(field=plain(["ada"])), passed=False)
    assert walk.state.tau(0, "", "ada", "code", start=1) == 4.5
    assert replayed(walk.start, walk.log) == walk.state


def test_a_log_with_a_gap_or_of_another_state_is_refused() -> None:
    walk = Walk()
    first = walk.learn(walk.step(field=plain(["ada"])), passed=True)
    second = walk.learn(walk.step(field=plain(["ada"])), passed=True)
    base = replayed(walk.start, walk.log[: len(AGENTS)])
    with pytest.raises(LedgerError, match="replay from the first"):
        applied(base, second)
    with pytest.raises(LedgerError, match="another state"):
        applied(applied(base, first), second.model_copy(update={"edges": first.edges}))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("no json", LedgerError, "learn anew"),
        ("[]", LedgerError, "version None"),
        ('{"version":"ants/0","types":["code"]}', LedgerError, "'ants/0'"),
        ('{"version":"ants/1","types":["code"]}', ConfigError, "learned for code"),
        ('{"version":"ants/1","types":["code","general","maths"],"number":-1}', LedgerError, "learn anew"),
    ],
)
def test_a_state_of_another_version_or_other_types_is_refused(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        restored(text, types=TYPES)


def test_outcomes_and_declarations_that_fit_nothing_are_refused() -> None:
    walk = Walk()
    step = walk.step()
    with pytest.raises(ConfigError, match="'other'"):
        weigh(walk.state, step, Gate(decision="other", passed=True))
    with pytest.raises(ConfigError, match="other types"):
        weigh(ColonyState(types=("poetry",)), step, Gate(decision=step.decision, passed=True))
    with pytest.raises(ConfigError, match="'poetry'"):
        joining(walk.state, "new", declared={"poetry": 1.0})
    with pytest.raises(ValueError, match="tau_start"):
        AntRules(tau_start=30)


def test_what_costs_to_judge_is_judged_in_a_fifth_of_the_cases() -> None:
    assert [goes_to_gate(draw, free=False) for draw in (0.0, 0.19, 0.2, 0.99)] == [True, True, False, False]
    assert goes_to_gate(0.99, free=True)
