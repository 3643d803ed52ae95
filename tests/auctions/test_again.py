"""After a failure: the same agent first, another one second, and always an end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions.again import Next, Park, Patience, Reassign, Replan, Stop, Tried, after_attempt
from agora.errors import ConfigError
from agora.tasks import Limits, Verdict

PLENTY = Limits(usd=Decimal(1), tokens=1000, steps=10, seconds=60.0)
ENDLESS = Patience(attempts=10**6)

patiences = st.builds(
    Patience,
    replans=st.integers(min_value=0, max_value=3),
    failures=st.integers(min_value=1, max_value=6),
    agents=st.integers(min_value=1, max_value=4),
    retries=st.integers(min_value=0, max_value=3),
    attempts=st.integers(min_value=1, max_value=12) | st.just(10**6),
)


def failed(agent: str) -> Tried:
    return Tried(agent=agent, verdict=Verdict.FAILED)


def could_not(agent: str, verdict: Verdict = Verdict.UNKNOWN) -> Tried:
    return Tried(agent=agent, verdict=verdict, blameless=True)


def then(*attempts: Tried, bidders: int = 3, left: Limits = PLENTY, patience: Patience = ENDLESS) -> Next:
    return after_attempt(attempts, left=left, bidders=bidders, patience=patience)


def test_the_same_agent_replans_then_another_takes_over_then_the_task_is_parked() -> None:
    first = then(failed("a"))
    assert isinstance(first, Replan)
    assert first.agent == "a"
    second = then(failed("a"), failed("a"))
    assert isinstance(second, Reassign)
    assert second.excluding == ("a",)
    assert then(failed("a"), failed("a"), failed("b")) == Park(reason="failed 3 times on 2 agents")


def test_three_failures_of_one_agent_do_not_park_a_task_that_another_can_take() -> None:
    patient = Patience(replans=2)
    assert isinstance(then(failed("a"), failed("a"), failed("a"), patience=patient), Reassign)


def test_a_task_that_nobody_else_bid_for_is_parked_when_its_bidder_is_through() -> None:
    assert then(failed("a"), failed("a"), bidders=1) == Park(reason="failed 2 times on 1 agent; no bidder is left")


def test_a_lack_of_sandbox_is_no_failure_of_the_agent() -> None:
    again = then(could_not("a"))
    assert isinstance(again, Replan)
    assert "by no doing of its own" in again.reason
    assert isinstance(then(could_not("a"), failed("a")), Replan)  # its first failure, as if nothing had been
    others = then(could_not("a"), could_not("a"))
    assert isinstance(others, Reassign)
    assert others.excluding == ("a",)
    parked = then(could_not("a"), could_not("a"), bidders=1)
    assert parked == Park(reason="a could not work, by no doing of its own; no bidder is left")


@pytest.mark.parametrize("name", ["tokens", "steps", "seconds"])
def test_an_empty_limit_stops_before_anything_else_is_tried(name: str) -> None:
    stopped = then(failed("a"), left=PLENTY.model_copy(update={name: 0}))
    assert isinstance(stopped, Stop)
    assert name in stopped.reason


def test_dollars_stop_only_a_task_that_needs_them() -> None:
    empty = PLENTY.model_copy(update={"usd": Decimal(0)})
    assert isinstance(then(failed("a"), left=empty), Replan)
    needs = Patience(least=Limits(usd=Decimal("0.01")))
    assert isinstance(then(failed("a"), left=empty, patience=needs), Stop)


def test_the_most_attempts_stop_it() -> None:
    assert isinstance(then(failed("a"), could_not("a"), patience=Patience(attempts=2)), Stop)


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.UNKNOWN])
def test_what_passed_or_cannot_be_told_is_not_tried_again(verdict: Verdict) -> None:
    assert isinstance(then(Tried(agent="a", verdict=verdict)), Stop)


def test_attempts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="attempts"):
        then()
    with pytest.raises(ConfigError, match="attempts"):
        then(failed("a"), failed("b"), bidders=1)


@given(patience=patiences, bidders=st.integers(min_value=1, max_value=5), data=st.data())
def test_it_always_ends_whatever_happens(patience: Patience, bidders: int, data: st.DataObject) -> None:
    names = [f"agent{number}" for number in range(bidders)]
    agent = data.draw(st.sampled_from(names))
    attempts: list[Tried] = []
    for _ in range(bidders * (patience.replans + patience.retries + 1)):
        attempts.append(data.draw(st.sampled_from([failed, could_not]))(agent))
        step = after_attempt(attempts, left=PLENTY, bidders=bidders, patience=patience)
        assert step.reason
        if isinstance(step, (Park, Stop)):
            break
        if isinstance(step, Replan):
            assert step.agent == agent
        else:
            assert agent in step.excluding
            agent = data.draw(st.sampled_from([name for name in names if name not in step.excluding]))
    else:
        pytest.fail("it did not end")
    assert len(attempts) <= patience.attempts
    failures = [attempt.agent for attempt in attempts if not attempt.blameless]
    assert all(failures.count(name) <= patience.replans + 1 for name in names)


@given(
    agents=st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3),
    place=st.integers(0, 2),
    verdict=st.sampled_from([Verdict.UNKNOWN, Verdict.FAILED]),
)
def test_an_attempt_that_could_not_start_changes_nothing_of_what_its_agent_is_held_to(
    agents: list[str], place: int, verdict: Verdict
) -> None:
    attempts = [failed(agent) for agent in agents]
    place = min(place, len(attempts) - 1)
    disturbed = [*attempts[:place], could_not("a", verdict), *attempts[place:]]
    plain, after = then(*attempts), then(*disturbed)
    assert plain.kind == after.kind
    assert getattr(plain, "excluding", ()) == getattr(after, "excluding", ())
