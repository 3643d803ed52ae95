"""The learned choice beside the rule."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.errors import ConfigError
from agora.workflows.choosing import (
    RULE,
    VERSION,
    Experience,
    Option,
    Outcome,
    Rule,
    Step,
    choose,
    fold,
    invoke,
    reward,
    score,
    skip,
)
from agora.workflows.features import checked, features
from agora.workflows.topology import Topology
from plans import chain, dense, fan

TOPOLOGIES = [Option(invoke(topology), lot=topology[::-1]) for topology in Topology]
ACTIONS = [*(invoke(topology) for topology in Topology), skip("arbiter")]

outcomes = st.builds(
    Outcome,
    decision=st.sampled_from([f"d{number}" for number in range(8)]),
    steps=st.lists(
        st.builds(Step, signature=st.sampled_from("st"), action=st.sampled_from(ACTIONS), failed=st.booleans()),
        max_size=4,
    ).map(tuple),
    quality=st.floats(0, 1),
    tokens=st.integers(0, 50_000),
    retries=st.integers(0, 5),
    confidence=st.floats(0, 1),
)


def outcome(number: int, action: str, *, quality: float, failed: bool = False) -> Outcome:
    return Outcome(decision=f"d{number}", steps=(Step(signature="s", action=action, failed=failed),), quality=quality)


def test_the_score_is_agensflows() -> None:
    told = [outcome(0, "invoke:a", quality=1.0), outcome(1, "invoke:a", quality=0.5), outcome(2, "invoke:b", quality=0)]
    experience = Experience.restored([*told, outcome(3, "invoke:a", quality=0.0, failed=True)])
    width = 1.4 * 2 ** (-4 / 50)
    expected = 1.5 / 3 + width * math.sqrt(math.log(5) / 3) - 0.5 / 3
    assert score(experience, "s", "invoke:a") == pytest.approx(expected, abs=1e-12)
    assert score(experience, "s", "invoke:c") is None


def test_the_width_never_falls_under_its_least() -> None:
    many = Experience.restored(outcome(number, "invoke:a", quality=0.0) for number in range(1_000))
    assert score(many, "s", "invoke:a") == pytest.approx(0.5 * math.sqrt(math.log(1_001) / 1_000), abs=1e-12)


def test_the_reward_takes_off_tokens_and_retries() -> None:
    told = Outcome(decision="d", steps=(), quality=1.0, tokens=8_000, retries=2, confidence=0.5)
    assert reward(told) == pytest.approx(0.5 * (1.0 - 0.3 - 0.3))


def test_what_the_rule_suggests_is_tried_first_and_then_the_others() -> None:
    experience, tried = Experience(), list[str]()
    for number in range(4):
        chosen = choose(experience, "s", TOPOLOGIES, draw=0.0, suggested=invoke("hybrid"))
        tried.append(chosen.action)
        experience = experience.after(outcome(number, chosen.action, quality=0.5))
    assert tried[0] == invoke("hybrid")
    assert sorted(tried) == sorted(option.action for option in TOPOLOGIES)


def test_what_was_never_tried_stands_in_json_without_an_infinity() -> None:
    chosen = choose(Experience(), "s", TOPOLOGIES, draw=0.0)
    assert json.loads(json.dumps(chosen, allow_nan=False))[2][0][1] is None
    assert chosen.reason == "never tried under this signature"


def test_the_best_is_found_and_kept_to() -> None:
    worth = {invoke("hybrid"): 0.9, invoke("parallel"): 0.3, invoke("sequential"): 0.4, invoke("hierarchical"): 0.2}
    experience, chosen = Experience(), list[str]()
    for number in range(400):
        chosen.append(choose(experience, "s", TOPOLOGIES, draw=0.0).action)
        experience = experience.after(outcome(number, chosen[-1], quality=worth[chosen[-1]]))
    assert chosen[-200:].count(invoke("hybrid")) > 140


def test_skipping_a_useless_step_is_learned() -> None:
    options = [Option(invoke("arbiter")), Option(skip("arbiter"))]
    experience, chosen = Experience(), list[str]()
    for number in range(200):
        chosen.append(choose(experience, "s", options, draw=0.0).action)
        tokens = 8_000 if chosen[-1] == invoke("arbiter") else 0
        step = Step(signature="s", action=chosen[-1])
        told = Outcome(decision=f"d{number}", steps=(step,), quality=0.7, tokens=tokens)
        experience = experience.after(told)
    assert chosen[-100:].count(skip("arbiter")) > 70


def test_equals_are_decided_by_cost_then_by_lot_and_never_by_name() -> None:
    dear, cheap = Option("invoke:a", Decimal(2), "0"), Option("invoke:z", Decimal(1), "9")
    assert choose(Experience(), "s", [dear, cheap], draw=0.0).action == "invoke:z"
    late, early = Option("invoke:a", lot="9"), Option("invoke:z", lot="0")
    assert choose(Experience(), "s", [late, early], draw=0.0).action == "invoke:z"


@given(told=st.lists(outcomes), draw=st.floats(0, 1, exclude_max=True), data=st.data())
def test_the_order_of_options_moves_nothing(told: list[Outcome], draw: float, data: st.DataObject) -> None:
    experience, rule = Experience.restored(told), Rule(even_share=0.3)
    mixed = data.draw(st.permutations(TOPOLOGIES))
    assert choose(experience, "s", mixed, draw=draw, rule=rule) == choose(
        experience, "s", TOPOLOGIES, draw=draw, rule=rule
    )


@given(draw=st.floats(0, 1, exclude_max=True), share=st.floats(0, 1), told=st.lists(outcomes))
def test_propensities_are_a_distribution_and_the_chosen_ones_is_told(
    draw: float, share: float, told: list[Outcome]
) -> None:
    chosen = choose(Experience.restored(told), "s", TOPOLOGIES, draw=draw, rule=Rule(even_share=share))
    chances = {one.action: one.propensity for one in chosen.options}
    assert sum(chances.values()) == pytest.approx(1.0)
    assert chances[chosen.action] == chosen.propensity
    assert chosen.propensity > 0 or share < 1e-300


def test_draws_fall_as_often_as_the_propensities_say() -> None:
    rule, draws = Rule(even_share=0.4), 2_000
    chosen = [choose(Experience(), "s", TOPOLOGIES, draw=n / draws, rule=rule) for n in range(draws)]
    for option in chosen[0].options:
        share = sum(one.action == option.action for one in chosen) / draws
        assert share == pytest.approx(option.propensity, abs=2 / draws)


@given(told=st.lists(outcomes))
def test_each_decision_is_counted_once_and_state_is_the_same_bit_by_bit_however_it_was_made(
    told: list[Outcome],
) -> None:
    stepwise = Experience()
    for one in [*told, *told]:
        stepwise = stepwise.after(one)
    whole = Experience.restored(told)
    assert stepwise.to_json() == whole.to_json()
    assert Experience.from_json(whole.to_json()).to_json() == whole.to_json()
    again = Experience.from_json(whole.to_json()).after(outcome(99, "invoke:a", quality=0.1))
    assert again.to_json() == whole.after(outcome(99, "invoke:a", quality=0.1)).to_json()


def test_an_outcome_changes_no_state_that_was_handed_out() -> None:
    before = Experience()
    before.after(outcome(1, "invoke:a", quality=1.0))
    assert before.visits("s") == 0


def test_an_action_twice_on_one_trajectory_is_credited_once_and_failed_if_it_ever_did() -> None:
    steps = (Step(signature="s", action="invoke:a", failed=True), Step(signature="s", action="invoke:a"))
    cell = Experience().after(Outcome(decision="d", steps=steps, quality=0.5)).cell("s", "invoke:a")
    assert (cell.visits, cell.reward, cell.failures) == (1, 0.5, 1)


def test_state_of_another_version_is_refused_with_the_mend() -> None:
    text = Experience().to_json().replace(f'"version": {VERSION}', '"version": 99')
    with pytest.raises(ConfigError, match=r"version 99.*learn anew"):
        Experience.from_json(text)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 1}', '{"version": 1, "cells": {"s": {"a": ["x", 1, 0]}}, "seen": []}']
)
def test_damaged_state_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ConfigError, match="learn anew"):
        Experience.from_json(text)


def test_senseless_calls_are_refused() -> None:
    with pytest.raises(ConfigError, match="one or more actions"):
        choose(Experience(), "s", [], draw=0.0)
    with pytest.raises(ConfigError, match="each once"):
        choose(Experience(), "s", [Option("invoke:a"), Option("invoke:a")], draw=0.0)
    with pytest.raises(ConfigError, match="draw"):
        choose(Experience(), "s", TOPOLOGIES, draw=1.0)


def test_alike_plans_fold_to_one_signature_and_others_do_not() -> None:
    def of(subtasks: int) -> str:
        return fold(features(checked(fan(subtasks))), regime="straightforward")

    assert of(6) == of(7)
    assert of(6) != of(60)
    chained = fold(features(checked(chain(7))), regime="straightforward")
    coupled = fold(features(checked(dense(7))), regime="straightforward")
    assert len({of(6), chained, coupled}) == 3
    assert RULE.even_share == 0.0
