"""What an ant chooses by: probabilities that nothing but their reasons can move."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.ants import (
    AntRules,
    Candidate,
    ColonyState,
    Gate,
    Step,
    applied,
    decide,
    joining,
    replayed,
)
from agora.coordinator.ants.learning import COLONY_EVENT
from agora.errors import ConfigError, NoAgentsError
from coordinator.ant_walks import AGENTS, TYPES, Walk, colony_of, draws, fields, intents, plain, renamed, walks


@given(
    walk=walks(), weights=intents(), field=fields(), draw=draws, sources=st.lists(st.sampled_from(AGENTS), max_size=3)
)
def test_probabilities_sum_to_one_and_none_is_below_the_floor(
    walk: Walk, weights: dict[str, float], field: list[Candidate], draw: float, sources: list[str]
) -> None:
    step = walk.step(weights=weights, field=field, draw=draw, sources=sources)
    assert math.isclose(math.fsum(one.p for one in step.considered), 1, abs_tol=1e-12)
    floor = walk.rules.floor / len(field)
    assert all(one.p >= floor * (1 - 1e-12) for one in step.considered)
    assert all(0 <= one.eta <= 1 + 1e-12 and walk.rules.tau_min <= one.tau * (1 + 1e-12) for one in step.considered)
    assert step.propensity > 0 or walk.rules.floor == 0


@given(walk=walks(), weights=intents(), field=fields(), draw=draws, data=st.data())
def test_neither_the_order_of_candidates_nor_that_of_sources_moves_a_choice(
    walk: Walk, weights: dict[str, float], field: list[Candidate], draw: float, data: st.DataObject
) -> None:
    sources = data.draw(st.lists(st.sampled_from(AGENTS), max_size=4))
    shown = walk.step(weights=weights, field=field, draw=draw, sources=sources)
    again = decide(
        walk.state,
        decision=shown.decision,
        weights=dict(reversed(weights.items())),
        layer=0,
        candidates=data.draw(st.permutations(field)),
        draw=draw,
        sources=data.draw(st.permutations(sources)),
        rules=walk.rules,
    )
    assert again == shown


@given(walk=walks(), weights=intents(), field=fields(), draw=draws, names=st.permutations(AGENTS))
def test_names_move_no_probability(
    walk: Walk, weights: dict[str, float], field: list[Candidate], draw: float, names: list[str]
) -> None:
    to: dict[str, str] = dict(zip(AGENTS, names, strict=True))
    other = ColonyState(types=TYPES)
    for event in walk.log:
        other = applied(other, COLONY_EVENT.validate_json(json.dumps(_named(json.loads(event.model_dump_json()), to))))
    one, two = (
        decide(
            state, decision="x", weights=weights, layer=1, candidates=who, draw=draw, sources=(by,), rules=walk.rules
        )
        for state, who, by in ((walk.state, field, "ada"), (other, renamed(field, to), to["ada"]))
    )
    assert [to[seen.agent] for seen in one.considered] == [seen.agent for seen in two.considered]
    assert [seen.p for seen in one.considered] == [seen.p for seen in two.considered]
    assert to[one.chosen] == two.chosen


def _named(value: object, to: Mapping[str, str]) -> object:
    """What was written of an event, with other names in it."""
    if isinstance(value, dict):
        return {key: _named(one, to) for key, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_named(one, to) for one in cast("list[object]", value)]
    return to.get(value, value) if isinstance(value, str) else value


def test_a_choice_is_the_formula_of_the_paper() -> None:
    walk = Walk()
    first = walk.step(draw=0.0, weights={"code": 0.8, "maths": 0.2})
    walk.learn(first, passed=True, cost=0.4)
    field = [
        Candidate(agent=first.chosen, lot="1", load=0.5, latency_s=2.0, cost_usd=Decimal(2)),
        Candidate(
            agent=next(one for one in AGENTS if one != first.chosen), lot="2", latency_s=1.0, cost_usd=Decimal(1)
        ),
    ]
    rules = AntRules(cost_power=1)
    weights = {"code": 0.6, "general": 0.4}
    step = decide(walk.state, decision="x", weights=weights, layer=0, candidates=field, draw=0.0, rules=rules)
    tau = [0.6 * (1 - 0.1 * 0.8 + 0.8 / 0.5) + 0.4, 0.6 * (1 - 0.1 * 0.8) + 0.4]
    kept = 1 - 0.005 * 0.8
    code = [(5 * kept + 0.8 + 1) / (10 * kept + 0.8 + 2), 0.5]
    ability = [0.6 * code[0] + 0.4 * 0.5, 0.5]
    eta = [0.5 * (1.02 / 2.02) ** 0.5 * (1.02 / 2.02), (ability[1] / ability[0]) ** 4]
    pulls = [tau[0] * eta[0], tau[1] * eta[1]]
    seen = {one.agent: one for one in step.considered}
    for place, one in enumerate(field):
        found = seen[one.agent]
        assert found.tau == pytest.approx(tau[place])
        assert found.ability == pytest.approx(ability[place])
        assert found.eta == pytest.approx(eta[place])
        assert found.p == pytest.approx(0.99 * pulls[place] / sum(pulls) + 0.01 / 2)


def test_equal_candidates_are_drawn_by_their_lots_and_a_cheaper_one_stands_first() -> None:
    state, _ = colony_of()
    field = [
        Candidate(agent="ada", lot="b", cost_usd=Decimal(1)),
        Candidate(agent="bea", lot="a", cost_usd=Decimal(1)),
        Candidate(agent="cyd", lot="c", cost_usd=Decimal("0.5")),
        Candidate(agent="dan", lot="0"),
    ]
    step = decide(state, decision="x", weights={"code": 1}, layer=0, candidates=field, draw=0.0)
    assert [one.agent for one in step.considered] == ["cyd", "bea", "ada", "dan"]
    assert step.chosen == "cyd"
    last = decide(state, decision="x", weights={"code": 1}, layer=0, candidates=field, draw=math.nextafter(1, 0))
    assert last.chosen == "dan"


def test_a_free_candidate_does_not_shut_out_those_that_cost_little() -> None:
    state, _ = colony_of()
    field = [
        Candidate(agent="ada", lot="1", cost_usd=Decimal(0), latency_s=0),
        Candidate(agent="bea", lot="2", cost_usd=Decimal(1), latency_s=1),
    ]
    rules = AntRules(cost_power=1, floor=0)
    step = decide(state, decision="x", weights={"code": 1}, layer=0, candidates=field, draw=0.0, rules=rules)
    assert 0 < step.considered[1].p < step.considered[0].p


def test_where_everyone_is_fully_loaded_all_are_as_likely() -> None:
    state, _ = colony_of()
    field = [one.model_copy(update={"load": 1.0}) for one in plain()]
    step = decide(state, decision="x", weights={"code": 1}, layer=0, candidates=field, draw=0.5)
    assert {one.p for one in step.considered} == {1 / len(field)}


def test_a_step_after_several_others_has_an_edge_from_each() -> None:
    walk = Walk()
    for source, passed in (("ada", True), ("ada", True), ("bea", False)):
        step = walk.step(layer=1, draw=0.0, field=plain(["eve"]), sources=[source])
        walk.learn(step, passed=passed, cost=0.9)

    def tau(*sources: str) -> float:
        return walk.step(layer=1, draw=0.0, field=plain(["eve"]), sources=sources).considered[0].tau

    assert tau("ada", "bea") == pytest.approx((tau("ada") + tau("bea")) / 2)
    assert tau("ada", "ada", "bea") == pytest.approx((2 * tau("ada") + tau("bea")) / 3)
    assert tau("dan") == tau() == 1


def test_a_newcomer_starts_from_what_it_declares() -> None:
    state, _ = colony_of(["ada"])
    event = joining(state, "new", declared={"code": 0.9})
    assert event is not None
    state = applied(state, event)
    step = decide(state, decision="x", weights={"code": 1}, layer=3, candidates=plain(["ada", "new"]), draw=0.0)
    newcomer = next(one for one in step.considered if one.agent == "new")
    assert newcomer.tau == 1
    assert newcomer.ability == pytest.approx((9 + 1) / (10 + 2))


def test_a_step_names_the_last_three_events_that_changed_the_chosen_edge() -> None:
    walk = Walk()
    for passed in (True, False, True, True):
        walk.learn(walk.step(draw=0.0, field=plain(["ada", "bea"])), passed=passed)
    step = walk.step(draw=0.0, field=plain(["ada", "bea"]))
    told = step.lately[""]
    walked = {one.decision: one.chosen == step.chosen for one in walk.steps}
    expected = [
        (gate.decision, ("deposit" if gate.passed else "failed") if walked[gate.decision] else "evaporated")
        for gate in walk.gates
        if walked[gate.decision] or gate.passed
    ][-3:]
    assert [(one.decision, one.effect) for one in told] == expected
    assert told[-1].tau["code"][1] == step.considered[0].tau


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draw": 1.0}, "must be in"),
        ({"draw": math.nan}, "must be in"),
        ({"layer": -1}, "depth"),
        ({"weights": {"code": 0.5}}, "sum of 1"),
        ({"weights": {"code": 1.5, "maths": -0.5}}, "sum of 1"),
        ({"weights": {"poetry": 1.0}}, "poetry"),
        ({"weights": {}}, "sum of 1"),
        ({"candidates": plain(["ada", "ada"])}, "same name or lot"),
        ({"candidates": [Candidate(agent="zoe", lot="1")]}, "let it join first"),
    ],
)
def test_bad_input_is_refused_with_its_mend(change: dict[str, object], message: str) -> None:
    state, _ = colony_of()
    given: dict[str, object] = {"weights": {"code": 1.0}, "layer": 0, "candidates": plain(), "draw": 0.5} | change
    with pytest.raises(ConfigError, match=message):
        decide(state, decision="x", **given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # bad on purpose


def test_nobody_to_choose_from_is_an_error() -> None:
    state, _ = colony_of()
    with pytest.raises(NoAgentsError):
        decide(state, decision="x", weights={"code": 1}, layer=0, candidates=[], draw=0.5)


def test_two_replays_of_one_log_decide_alike() -> None:
    walk = Walk()
    for number in range(30):
        walk.learn(walk.step(draw=number / 30, layer=number % 2), passed=number % 3 > 0)
    state, taken = replayed(walk.start, walk.log[: len(AGENTS)]), list[Step]()
    for number, gate in enumerate(walk.gates):
        step = decide(
            state, decision=f"d{number}", weights={"code": 1}, layer=number % 2, candidates=plain(), draw=number / 30
        )
        taken.append(step)
        state = applied(state, walk.log[len(AGENTS) + number])
        assert gate == Gate(decision=step.decision, passed=number % 3 > 0)
    assert taken == walk.steps
