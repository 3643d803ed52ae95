"""Each decision is credited once, in the order of the log, to what was seen when it was made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.crediting import REMEMBERED, Book, Decision, Expiry, Feedback, reward

X = (1.0, 0.0)


def decision(number: int, *, due_us: int | None = None) -> Decision:
    return Decision(id=f"d{number}", number=number, arm="a", x=X, propensity=1.0, due_us=due_us)


def book(*decisions: Decision) -> Book:
    made = Book()
    for one in decisions:
        made, _ = made.decided(one)
    return made


feedbacks = st.builds(
    Feedback,
    decision=st.just("d1"),
    passed=st.none() | st.booleans(),
    failure=st.none() | st.sampled_from(["timeout", "transport", "format"]),
    cost_share=st.floats(min_value=0, max_value=3),
    step=st.none() | st.floats(min_value=0, max_value=1),
)


@given(feedback=feedbacks, weight=st.floats(min_value=0, max_value=2))
def test_rewards_are_shares_and_a_cheaper_pass_is_never_worth_less(feedback: Feedback, weight: float) -> None:
    worth = reward(feedback, cost_weight=weight)
    if worth is None:
        assert feedback.passed is None
        return
    assert 0.0 <= worth <= 1.0
    cheaper = reward(feedback.model_copy(update={"cost_share": feedback.cost_share / 2}), cost_weight=weight)
    assert cheaper is not None
    assert cheaper >= worth


def test_a_failure_is_worth_nothing_whatever_it_cost_and_hanging_no_more() -> None:
    failed, hung = Feedback(decision="d", passed=False, cost_share=1.0), Feedback(decision="d", failure="timeout")
    assert reward(failed, cost_weight=0.3) == reward(hung, cost_weight=0.3) == 0.0


def test_half_of_a_step_is_its_own_verifiers_where_it_has_one() -> None:
    assert reward(Feedback(decision="d", passed=True, step=0.0), cost_weight=0.3) == 0.5
    assert reward(Feedback(decision="d", passed=True), cost_weight=0.3) == 1.0


@given(feedback=feedbacks, other=feedbacks)
def test_a_second_outcome_changes_nothing(feedback: Feedback, other: Feedback) -> None:
    first, credit = book(decision(1)).credited(feedback, cost_weight=0.3)
    assert credit.decision == decision(1)
    assert credit.fate == ("unverified" if credit.reward is None else "credited")
    second, again = first.credited(other, cost_weight=0.3)
    assert second == first
    assert (again.fate, again.decision, again.reward) == ("repeated", None, None)


def test_a_decision_that_comes_twice_changes_nothing_before_and_after_its_outcome() -> None:
    made = book(decision(1))
    assert made.decided(decision(1))[0] == made
    closed, _ = made.credited(Feedback(decision="d1", passed=True), cost_weight=0.3)
    assert closed.decided(decision(1)) == (closed, ("repeated", None, None))


def test_a_decision_closed_long_ago_is_not_opened_again() -> None:
    made = Book()
    for number in range(1, REMEMBERED + 3):
        made, _ = made.decided(decision(number))
        made, _ = made.credited(Feedback(decision=f"d{number}", passed=True), cost_weight=0.3)
    assert len(made.closed) == REMEMBERED
    assert made.decided(decision(1))[0] == made
    assert made.credited(Feedback(decision="d1", passed=True), cost_weight=0.3)[1].fate == "unknown"


def test_an_outcome_of_an_unknown_decision_changes_nothing() -> None:
    made = book(decision(1))
    after, credit = made.credited(Feedback(decision="other", passed=True), cost_weight=0.3)
    assert after == made
    assert (credit.fate, credit.reward) == ("unknown", None)


def test_what_is_overdue_is_closed_with_reward_0_and_an_outcome_after_that_is_late() -> None:
    made = book(decision(1, due_us=10), decision(2, due_us=30), decision(3))
    assert made.expired(Expiry(now_us=10)) == (made, ())
    after, credits = made.expired(Expiry(now_us=20))
    assert [(one.fate, one.reward) for one in credits] == [("timeout", 0.0)]
    assert list(after.waiting) == ["d2", "d3"]
    late, credit = after.credited(Feedback(decision="d1", passed=True), cost_weight=0.3)
    assert (late, credit.fate) == (after, "late")
    assert [one.decision for one in after.expired(Expiry(now_us=10**18))[1]] == [decision(2, due_us=30)]


@pytest.mark.parametrize("taken", [Book(), book(decision(1, due_us=5), decision(2))])
def test_a_book_read_back_from_json_is_the_same(taken: Book) -> None:
    assert Book.model_validate_json(taken.model_dump_json()) == taken
