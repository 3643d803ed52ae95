"""Step policies are pure: they go by trouble, counts and price, and the budget stands before all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.agents.steps import (
    CONTEXTS_VERSION,
    STEP_POLICIES,
    Advantage,
    Bandit,
    Escalate,
    Size,
    StepChoice,
    StepCounts,
    StepPolicy,
    StepSight,
    Trail,
    context_of,
    decide,
    step_policy,
)
from agora.errors import ConfigError, UnknownNameError
from agora.values import JsonValue

NOTHING = StepCounts()
shares = st.floats(0, 1)
counted = st.integers(0, 20)
sights = st.builds(
    StepSight,
    number=st.integers(1, 50),
    last=st.sampled_from([None, "small", "large"]),
    strong=counted,
    in_vain=counted,
    trouble=counted,
    clean=counted,
    left=shares,
    small=shares,
    large=shares,
    small_worst=shares,
    large_worst=shares,
    large_fits=st.booleans(),
)
policies = st.sampled_from(sorted(STEP_POLICIES)).map(step_policy)


def lesson(id: str, *steps: tuple[str, str, int], passed: bool = True, cost: float = 0.01) -> dict[str, JsonValue]:
    """One attempt: context, model, trouble before it."""
    taken: list[JsonValue] = [
        {"context": context, "model": model, "propensity": 0.5, "trouble": trouble, "cost": cost}
        for context, model, trouble in steps
    ]
    return {"id": id, "version": CONTEXTS_VERSION, "passed": passed, "taken": taken}


def choose(policy: StepPolicy, sight: StepSight, *, counts: StepCounts = NOTHING, draw: float = 0.5) -> str:
    return policy.choose(sight, counts=counts, draw=draw).model


@given(policy=policies, sight=sights, draw=st.floats(0, 1, exclude_max=True))
def test_no_policy_gets_a_strong_call_that_does_not_fit(policy: StepPolicy, sight: StepSight, draw: float) -> None:
    choice = decide(policy, sight, counts=NOTHING, draw=draw)
    assert choice == decide(policy, sight, counts=NOTHING, draw=draw)
    assert 0 < choice.propensity <= 1
    assert choice.reason
    if not sight.large_fits:
        assert (choice.model, choice.propensity, choice.forced) == ("small", 1.0, True)
        assert f"{sight.left:.1%} is left" in choice.reason


def test_what_the_budget_does_not_decide_the_policy_does() -> None:
    assert decide(step_policy("always-large"), StepSight(), counts=NOTHING, draw=0.0).model == "large"
    assert decide(step_policy("always-small"), StepSight(), counts=NOTHING, draw=0.0).model == "small"


def test_escalation_outlasts_one_clean_step_and_ends_after_the_second() -> None:
    rule, trail, went = Escalate(), Trail(), list[str]()
    for tool_error in (False, True, False, False, False):
        choice = rule.choose(trail.sight(), counts=NOTHING, draw=0.0)
        went.append(choice.model)
        trail = trail.after(choice.model, tool_error=tool_error)
    assert went == ["small", "small", "large", "large", "small"]


@given(cap=st.integers(0, 6), errors=st.lists(st.booleans(), max_size=30))
def test_no_attempt_has_more_strong_calls_than_the_cap(cap: int, errors: list[bool]) -> None:
    rule, trail = Escalate(cap=cap, give_up=99), Trail()
    for error in errors:
        trail = trail.after(choose_at(rule, trail), tool_error=error)
    assert trail.strong <= cap


def choose_at(rule: StepPolicy, trail: Trail) -> Size:
    return rule.choose(trail.sight(), counts=NOTHING, draw=0.0).model


def test_what_the_strong_model_cannot_mend_stays_with_the_cheap_one_to_the_end() -> None:
    rule, trail, went = Escalate(give_up=2), Trail(), list[str]()
    for tool_error in (True, True, True, True, False, True, True):
        went.append(choose_at(rule, trail))
        trail = trail.after(choose_at(rule, trail), tool_error=tool_error)
    assert went == ["small", "large", "large", "small", "small", "small", "small"]


def test_a_strong_call_leaves_enough_for_a_cheap_one() -> None:
    tight = StepSight(trouble=1, left=0.5, large_worst=0.45, small_worst=0.06)
    assert choose(Escalate(), tight) == "small"
    assert choose(Escalate(keep=0), tight) == "large"


def test_the_advantage_is_weighed_against_what_is_left() -> None:
    rich, poor = StepSight(trouble=1, large=0.1, left=1.0), StepSight(trouble=1, large=0.1, left=0.1)
    assert (choose(Advantage(), rich), choose(Advantage(), poor)) == ("large", "small")


def test_counts_turn_the_advantage() -> None:
    sight, counts = StepSight(trouble=1, large=0.05), StepCounts()
    assert choose(Advantage(), sight) == "large"
    context = context_of(sight)
    for number in range(40):  # here the cheap model mends everything, and the strong one nothing
        counts.learn(lesson(f"a{number}", (context, "small", 1), ("c", "small", 0)))
        counts.learn(lesson(f"b{number}", (context, "large", 1), ("c", "small", 2)))
    assert choose(Advantage(), sight, counts=counts) == "small"


def test_the_bandit_follows_what_attempts_were_worth_and_still_explores() -> None:
    sight, counts = StepSight(), StepCounts()
    context = context_of(sight)
    for number in range(60):
        counts.learn(lesson(f"a{number}", (context, "small", 0), passed=False))
        counts.learn(lesson(f"b{number}", (context, "large", 0), passed=True))
    large = Bandit(explore=0.02).choose(sight, counts=counts, draw=0.5)
    assert (large.model, large.propensity) == ("large", 0.98)
    small = Bandit(explore=0.02).choose(sight, counts=counts, draw=0.99)
    assert (small.model, small.propensity) == ("small", 0.02)


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=5), worth=st.integers(0, 9))
def test_the_propensity_is_the_share_of_draws_that_choose_so(draws: list[float], worth: int) -> None:
    counts = StepCounts()
    for number in range(10):
        counts.learn(lesson(str(number), (context_of(StepSight()), "large", 0), passed=number < worth))
    chance = next(
        choice.propensity
        for choice in [Bandit().choose(StepSight(), counts=counts, draw=0.0)]
        if choice.model == "large"
    )
    for draw in draws:
        choice = Bandit().choose(StepSight(), counts=counts, draw=draw)
        assert (choice.model == "large") == (draw < chance)
        assert choice.propensity == pytest.approx(chance if choice.model == "large" else 1 - chance)


def test_a_setting_out_of_range_is_named() -> None:
    for make, said in (
        (lambda: Escalate(calm=0), "escalate: calm: 0 is too small"),
        (lambda: Escalate(cap=-1), "escalate: cap"),
        (lambda: Advantage(threshold=-1), "advantage: threshold"),
        (lambda: Advantage(threshold=float("nan")), "advantage: threshold"),
        (lambda: Bandit(explore=0.0), "bandit: explore"),
        (lambda: Bandit(explore=0.6), "bandit: explore"),
    ):
        with pytest.raises(ConfigError, match=said):
            make()


def test_a_near_name_is_offered() -> None:
    with pytest.raises(UnknownNameError, match="no step policy named 'escalade'; did you mean 'escalate'"):
        step_policy("escalade")
    assert all(step_policy(name).name == name for name in STEP_POLICIES)


@pytest.mark.parametrize(
    ("model", "propensity", "said"),
    [
        ("medium", 1.0, "step policy 'mine': chose 'medium': choose 'small' or 'large'"),
        ("small", 0.0, "step policy 'mine': gave its choice the chance 0.0"),
        ("large", 1.5, "step policy 'mine': gave its choice the chance 1.5"),
        ("large", float("nan"), "step policy 'mine': gave its choice the chance nan"),
    ],
)
def test_what_a_policy_of_ones_own_may_not_say_is_named(model: Size, propensity: float, said: str) -> None:
    class Mine:
        name = "mine"
        learns = False

        def choose(self, sight: StepSight, *, counts: StepCounts, draw: float) -> StepChoice:
            return StepChoice(model, propensity, "because")

    with pytest.raises(ConfigError, match=said):
        decide(Mine(), StepSight(), counts=NOTHING, draw=0.5)
