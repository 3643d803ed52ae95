"""A breaker counted in requests: opens on hard failures only, never for more than 100, and lets who came back in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.health import FIRST, LONGEST, Breaker


def opened() -> Breaker:
    """After three hard failures, at request 3."""
    breaker = Breaker()
    for request in (1, 2, 3):
        breaker = breaker.failed(request, age=breaker.age)
    return breaker


@given(answers=st.lists(st.booleans(), min_size=1, max_size=600), dead_after=st.integers(min_value=0, max_value=600))
def test_no_pause_is_longer_than_100_requests_and_whoever_answers_is_taken_up_again(
    answers: list[bool], dead_after: int
) -> None:
    breaker, last_call = Breaker(), 0
    for request, works in enumerate(answers, start=1):
        if not breaker.admits(request):
            assert request - last_call <= LONGEST
            continue
        age, last_call = breaker.age, request
        breaker = breaker.admit(request)
        if works and request <= dead_after:
            breaker = breaker.answered(age=age)
            assert breaker.state(request + 1) == "up"
        else:
            breaker = breaker.failed(request, age=age)
        assert Breaker.model_validate_json(breaker.model_dump_json()) == breaker
    later = next(request for request in range(len(answers) + 1, len(answers) + LONGEST + 2) if breaker.admits(request))
    probed = breaker.admit(later).answered(age=breaker.age)
    assert all(probed.admits(later + n) for n in range(1, 5))


def test_pauses_double_from_25_to_100() -> None:
    breaker, request, pauses = opened(), 3, list[int]()
    for _ in range(5):
        pauses.append(breaker.backoff)
        assert not breaker.admits(request + breaker.backoff)
        request += breaker.backoff + 1
        assert breaker.state(request) == "half_open"
        breaker = breaker.admit(request).failed(request, age=breaker.age)
    assert pauses == [25, 50, 100, 100, 100]


def test_an_answer_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker()
    for request in range(1, 20):
        failed = request % 3 > 0
        breaker = breaker.failed(request, age=breaker.age) if failed else breaker.answered(age=breaker.age)
        assert breaker.state(request) == "up"


def test_one_probe_at_a_time_and_another_when_it_never_ends() -> None:
    breaker = opened().admit(29)
    assert not breaker.admits(30)
    assert "probe is under way" in breaker.why(30)
    assert breaker.admits(29 + FIRST + 1)


def test_what_began_before_it_opened_changes_nothing() -> None:
    breaker = opened()
    assert breaker.answered(age=0) == breaker
    assert breaker.failed(9, age=0) == breaker


def test_a_closed_breaker_begins_again_with_the_first_pause() -> None:
    breaker = opened().admit(29)
    breaker = breaker.failed(29, age=breaker.age)
    breaker = breaker.admit(80).answered(age=breaker.age)
    for request in (81, 82, 83):
        breaker = breaker.failed(request, age=breaker.age)
    assert breaker.backoff == FIRST


def test_it_says_why_and_for_how_long() -> None:
    assert opened().why(10) == "failed hard 3 times in a row; tried again in 19 requests"
    assert opened().why(29) == ""
