"""The breaker as a state machine: when it opens, whom it lets through, how it closes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agora.models.breaker import FIRST_S, LEAST_CALLS, LONGEST_S, SHARE, SPAN_S, Breaker

outcomes = st.lists(st.booleans(), max_size=80)


def after(outcomes: Sequence[bool], *, now_s: float = 0.0) -> Breaker:
    """A breaker after calls that failed (True) or were answered (False)."""
    breaker = Breaker()
    for bad in outcomes:
        breaker = breaker.failed(now_s, 0, what="busy") if bad else breaker.answered(now_s, 0)
    return breaker


def ended(breaker: Breaker, how: str, now_s: float, *, age: int) -> Breaker:
    if how == "abandoned":
        return breaker.abandoned(age)
    return breaker.answered(now_s, age) if how == "answered" else breaker.failed(now_s, age)


def opened(now_s: float = 0.0) -> Breaker:
    return after([True] * LEAST_CALLS, now_s=now_s)


@given(outcomes)
def test_it_opens_at_the_first_failure_that_makes_half_of_at_least_twenty_calls(outcomes: list[bool]) -> None:
    failures = 0
    opens = False
    for count, bad in enumerate(outcomes, 1):
        failures += bad
        if bad and count >= LEAST_CALLS and failures >= SHARE * count:
            opens = True
            break
    assert (after(outcomes).open_until_s is not None) == opens


@given(st.lists(st.floats(0, 100), min_size=LEAST_CALLS, max_size=60))
def test_failures_further_apart_than_the_window_never_open_it(gaps: list[float]) -> None:
    breaker, now_s = Breaker(), 0.0
    for gap in gaps:
        now_s += gap + SPAN_S / (LEAST_CALLS - 2)
        breaker = breaker.failed(now_s, breaker.age)
    assert breaker.open_until_s is None


def test_an_open_breaker_lets_nobody_through_until_its_time_and_then_exactly_one() -> None:
    breaker = opened()
    assert breaker.blocked_s(0.0) == FIRST_S
    assert breaker.admit(FIRST_S - 0.001) is None
    assert breaker.blocked_s(FIRST_S) == 0
    probing = breaker.admit(FIRST_S)
    assert probing is not None
    assert probing.admit(FIRST_S) is None
    assert probing.admit(1e9) is None
    assert probing.blocked_s(FIRST_S) > 0


def test_a_probe_that_is_answered_closes_it_with_an_empty_window() -> None:
    probing = opened().admit(FIRST_S)
    assert probing is not None
    closed = probing.answered(FIRST_S, probing.age)
    assert (closed.open_until_s, closed.window.calls, closed.why) == (None, 0, "")


def test_a_probe_that_is_abandoned_is_due_again_at_once() -> None:
    probing = opened().admit(FIRST_S)
    assert probing is not None
    assert probing.abandoned(probing.age).admit(FIRST_S) == probing


def test_the_back_off_doubles_up_to_its_cap_and_begins_anew_after_a_recovery() -> None:
    breaker, now_s, pauses = opened(), 0.0, list[float]()
    for _ in range(8):
        pauses.append(breaker.blocked_s(now_s))
        now_s += pauses[-1]
        probing = breaker.admit(now_s)
        assert probing is not None
        breaker = probing.failed(now_s, probing.age, what="busy")
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]
    again = after([True] * LEAST_CALLS, now_s=now_s)
    assert again.blocked_s(now_s) == FIRST_S


@given(st.floats(min_value=0, max_value=1e6))
def test_what_the_provider_asked_for_is_waited_for_up_to_the_cap(wait_s: float) -> None:
    breaker = Breaker()
    for _ in range(LEAST_CALLS):
        breaker = breaker.failed(0.0, 0, wait_s=wait_s)
    assert breaker.blocked_s(0.0) == min(max(FIRST_S, wait_s), LONGEST_S)


@given(st.lists(st.tuples(st.sampled_from(["answered", "failed", "abandoned", "admit"]), st.floats(0, 9)), max_size=60))
def test_whatever_happens_only_a_probe_closes_it_and_never_are_two_under_way(steps: list[tuple[str, float]]) -> None:
    """Calls that began while it was closed may end at any time; they change nothing once it is open."""
    breaker, now_s = opened(), 0.0
    probe: int | None = None
    for step, gap in steps:
        now_s += gap
        before = breaker
        if step == "admit":
            admitted = breaker.admit(now_s)
            if admitted is not None and admitted.open_until_s is not None:
                assert probe is None
                assert now_s >= (breaker.open_until_s or 0)
                breaker, probe = admitted, admitted.age
            continue
        assert ended(breaker, step, now_s, age=0) == before, "a call of another age counted"
        if probe is not None:
            breaker = ended(breaker, step, now_s, age=probe)
            probe = None
            assert (breaker.open_until_s is None) == (step == "answered")
            if breaker.open_until_s is None:
                breaker = opened(now_s)._replace(age=breaker.age + 1)
