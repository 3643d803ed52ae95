"""A coordinator decides by its state alone, learns each event once, and goes on from JSON bit for bit."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.coordinator.coordinating import Coordinator, Rule, State
from agora.coordinator.crediting import Decision, Expiry, Feedback
from agora.coordinator.features import Sight
from agora.coordinator.linucb import LinUCBState, Settings
from agora.coordinator.shortlisting import Candidate
from agora.errors import ConfigError, NoBidsError
from coordinator.contexts import seeds

Event = Decision | Feedback | Expiry
KINDS = ("search", "code")
options = st.builds(
    State,
    rule=st.builds(Rule, length=st.sampled_from([1, 3]), breaker=st.booleans()),
    policy=st.builds(
        LinUCBState, settings=st.builds(Settings, gamma=st.sampled_from([1.0, 0.99]), per_arm=st.booleans())
    ),
)


def pool_at(seed: int, request: int) -> list[tuple[Candidate, Sight]]:
    """Five agents of three operators, as they look at one request."""
    chance = np.random.default_rng([seed, request])
    figures: list[list[float]] = chance.random((5, 4)).round(1).tolist()
    return [
        (Candidate(f"op{n % 3}", row[3], f"{n:03d}"), Sight(row[0], row[1], load=row[2], cost_share=row[3]))
        for n, row in enumerate(figures)
    ]


def lived(state: State, seed: int, requests: int) -> tuple[Coordinator, list[Event]]:
    """A coordinator that made decisions, and the log of them: outcomes late, twice, of nobody, or never."""
    coordinator, log = Coordinator(state), list[Event]()
    chance = np.random.default_rng(seed)
    for request in range(1, requests + 1):
        events: list[Event] = []
        try:
            kind = KINDS[request % 2]
            due_us = request + 3 if chance.random() < 0.5 else None
            ruling = coordinator.decide(pool_at(seed, request), id=f"d{request}", kind=kind, due_us=due_us)
            events.append(ruling.decision)
        except NoBidsError:
            pass
        old = int(chance.integers(max(1, request - 4), request + 2))
        hung = bool(chance.random() < 0.5)
        passed = None if hung else bool(chance.random() < 0.7)
        events.append(Feedback(decision=f"d{old}", passed=passed, failure="timeout" if hung else None))
        if chance.random() < 0.2:
            events.append(Expiry(now_us=request))
        for event in events:
            coordinator.learn(event)
        log += events
    return coordinator, log


@settings(deadline=None)
@given(state=options, seed=seeds, requests=st.integers(min_value=0, max_value=25))
def test_the_log_alone_gives_the_state_back_and_events_seen_twice_change_nothing(
    state: State, seed: int, requests: int
) -> None:
    coordinator, log = lived(state, seed, requests)
    again = Coordinator(state)
    for event in log:
        again.learn(event)
        before = again.state()
        again.learn(event)
        assert again.state() == before
    assert again.state().model_dump_json() == coordinator.state().model_dump_json()


@settings(deadline=None)
@given(state=options, seed=seeds, requests=st.integers(min_value=0, max_value=25))
def test_a_state_read_back_from_json_decides_the_same(state: State, seed: int, requests: int) -> None:
    coordinator, _ = lived(state, seed, requests)
    written = coordinator.state().model_dump_json()
    again = Coordinator(State.model_validate_json(written))
    assert again.state().model_dump_json() == written
    for request in range(requests + 1, requests + 5):
        pool = pool_at(seed, request)
        try:
            ruling = coordinator.decide(pool, id=f"d{request}", kind="code")
        except NoBidsError as error:
            with pytest.raises(NoBidsError, match=re.escape(str(error))):
                again.decide(pool, id=f"d{request}", kind="code")
            continue
        assert again.decide(pool, id=f"d{request}", kind="code") == ruling
        for event in (ruling.decision, Feedback(decision=f"d{request}", passed=True)):
            coordinator.learn(event)
            again.learn(event)


@settings(deadline=None)
@given(state=options, seed=seeds, requests=st.integers(min_value=0, max_value=20))
def test_the_order_of_the_pool_moves_nothing_and_deciding_changes_nothing(
    state: State, seed: int, requests: int
) -> None:
    coordinator, _ = lived(state, seed, requests)
    pool, before = pool_at(seed, requests + 1), coordinator.state()
    order: list[int] = np.random.default_rng(seed).permutation(len(pool)).tolist()
    try:
        first = coordinator.decide(pool, id="next", kind="code")
    except NoBidsError:
        return
    second = coordinator.decide([pool[place] for place in order], id="next", kind="code")
    assert (second.decision, order[second.place]) == (first.decision, first.place)
    assert coordinator.state() == before


def test_whoever_hangs_is_left_alone_after_three_times_and_taken_up_again() -> None:
    pool = [(Candidate("best"), Sight(similarity=1.0)), (Candidate("rest"), Sight(similarity=0.0))]
    coordinator, calls = Coordinator(State(rule=Rule(length=1))), list[int]()
    for request in range(1, 200):
        ruling = coordinator.decide(pool, id=f"d{request}")
        coordinator.learn(ruling.decision)
        hangs = ruling.decision.arm == "best" and request < 80
        if ruling.decision.arm == "best":
            calls.append(request)
        else:
            assert "tried again" in ruling.kept_out["best"]
        failure = "timeout" if hangs else None
        coordinator.learn(Feedback(decision=f"d{request}", passed=None if hangs else True, failure=failure))
    assert calls[:5] == [1, 2, 3, 29, 80]
    assert calls[5:] == list(range(81, 200))


def test_a_wrong_answer_opens_no_breaker() -> None:
    coordinator = Coordinator()
    for request in range(1, 30):
        coordinator.learn(coordinator.decide([(Candidate("only"), Sight())], id=f"d{request}").decision)
        coordinator.learn(Feedback(decision=f"d{request}", passed=False))
    assert coordinator.state().breakers == {}


def test_nobody_left_is_said_with_the_reasons() -> None:
    with pytest.raises(NoBidsError, match="pool is empty"):
        Coordinator().decide([], id="d1")
    coordinator = Coordinator()
    for request in (1, 2, 3):
        coordinator.learn(coordinator.decide([(Candidate("only"), Sight())], id=f"d{request}").decision)
        coordinator.learn(Feedback(decision=f"d{request}", failure="transport"))
    with pytest.raises(NoBidsError, match="only: failed hard 3 times in a row; tried again in 25 requests"):
        coordinator.decide([(Candidate("only"), Sight())], id="d4")


def test_a_decision_or_a_state_of_other_features_is_refused() -> None:
    coordinator = Coordinator()
    decision = coordinator.decide([(Candidate("only"), Sight())], id="d1").decision
    with pytest.raises(ConfigError, match="learn anew"):
        coordinator.learn(decision.model_copy(update={"features_version": "features-0"}))
    coordinator.learn(decision)
    old = json.loads(coordinator.state().model_dump_json().replace("features-1", "features-0"))
    with pytest.raises(ConfigError, match="learn anew"):
        Coordinator(State.model_validate(old))
    with pytest.raises(ConfigError, match="8 features"):
        Coordinator(State(policy=LinUCBState(settings=Settings(dimension=6))))
