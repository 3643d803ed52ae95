"""The retry budget, and the window that it counts in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.models.retry_budget import LEAST, SHARE, SPAN_S, RetryBudget
from agora.models.window import SLOTS, Window


def test_a_small_run_may_retry_three_times() -> None:
    budget, granted = RetryBudget(), list[bool]()
    for _ in range(5):
        budget, again = budget.called(0.0).grant(0.0)
        granted.append(again)
    assert granted == [True, True, True, False, False]


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_calls_with_their_retries_are_at_most_a_tenth_more_or_three_more(fails: list[bool]) -> None:
    """Each call that fails is tried again as often as the budget allows, up to three attempts."""
    budget, upstream = RetryBudget(), 0
    for bad in fails:
        for _ in range(3):
            budget = budget.called(0.0)
            upstream += 1
            if not bad:
                break
            budget, again = budget.grant(0.0)
            if not again:
                break
    assert upstream - len(fails) <= max(LEAST, SHARE * len(fails))


def test_ten_minutes_later_the_budget_is_whole_again() -> None:
    budget = RetryBudget()
    for _ in range(4):
        budget, _ = budget.called(0.0).grant(0.0)
    assert not budget.grant(SPAN_S * 0.9)[1]
    assert budget.grant(SPAN_S)[1]


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 5), st.integers(0, 5)), max_size=80))
def test_a_window_counts_what_happened_in_its_span_give_or_take_one_slot(
    steps: list[tuple[float, int, int]],
) -> None:
    window, now_s, happened = Window(30.0), 0.0, list[tuple[float, int, int]]()
    slot_s = 30.0 / SLOTS
    for gap, calls, marked in steps:
        now_s += gap
        happened.append((now_s, calls, marked))
        window = window.add(now_s, calls=calls, marked=marked)
        least = sum(row[1] for row in happened if now_s - row[0] < 30.0 - slot_s)
        most = sum(row[1] for row in happened if now_s - row[0] <= 30.0)
        assert least <= window.calls <= most
        assert window.calls == sum(slot[1] for slot in window.slots)
        assert window.marked == sum(slot[2] for slot in window.slots)
        assert len(window.slots) <= SLOTS + 1
