"""Routers that go by rules: thresholds, promises, flags, preferences, signals, votes."""

from __future__ import annotations

import numpy as np
import pytest

from agora.coordinator.routers.seam import Arms, Choice, Outcome, Query, Router
from coordinator.routers.worlds import COSTS, KEYS, arms, log, queries, routed_policy

CODE, PROSE = queries(2)


def fitted(name: str, **options: object) -> Router:
    router = routed_policy(name).router(**options)
    router.fit(log(400))
    return router


def first(choice: Choice, among: Arms | None = None) -> str:
    return (among or arms()).keys[choice.order[0]]


def chosen(router: Router, query: Query, *, dial: float = 0.1, among: Arms | None = None) -> str:
    return first(router.choose(query, among or arms(), dial=dial, draw=0.5), among)


def test_avr_takes_the_cheapest_that_reaches_the_threshold() -> None:
    assert chosen(fitted("avr", threshold=0.3), CODE) == "cheap"
    assert chosen(fitted("avr", threshold=0.8), CODE) == "coder"
    assert chosen(fitted("avr", threshold=0.8), PROSE) == "writer"
    assert chosen(fitted("avr", threshold=1.0), CODE) == "coder", "nobody reaches it: the most successful one"


def test_avr_lowers_its_threshold_as_the_dial_rises() -> None:
    router = fitted("avr")
    assert [chosen(router, CODE, dial=dial) for dial in (0.0, 100.0)] == ["coder", "cheap"]


def test_routebalance_keeps_out_who_is_too_slow_for_what_was_promised() -> None:
    slow = Arms(KEYS, cost=COSTS, latency_s=np.array([1.0, 60.0, 60.0, 2.0]))
    assert chosen(fitted("routebalance"), CODE, among=slow) == "coder"
    assert chosen(fitted("routebalance", slo_s=10.0), CODE, among=slow) == "strong"


def test_routebalance_relaxes_a_promise_that_nobody_can_keep() -> None:
    slow = Arms(KEYS, cost=COSTS, latency_s=np.array([12.0, 12.0, 60.0, 60.0]))
    choice = fitted("routebalance", slo_s=10.0).choose(CODE, slow, dial=0.1, draw=0.5)
    assert first(choice, slow) == "coder"
    assert "0.5" in choice.note


def test_routebalance_prefers_the_idle_among_equals() -> None:
    router = routed_policy("routebalance").router()
    busy = Arms(["a", "b"], cost=np.array([0.1, 0.1]), load=np.array([0.9, 0.1]))
    assert router.choose(CODE, busy, dial=0.1, draw=0.5).order[0] == 1


@pytest.mark.parametrize(("flag", "who"), [("", "coder"), ("[flag: cheap]", "cheap"), ("[Flag: best]", "coder")])
def test_tryage_reads_flags_in_the_task(flag: str, who: str) -> None:
    assert chosen(fitted("tryage"), CODE._replace(text=f"mend it {flag}"), dial=2.0) == who


def test_a_stranger_is_not_taken_for_the_fastest() -> None:
    some = Arms(["known", "new"], cost=np.array([0.1, 0.1]), latency_s=np.array([5.0, np.nan]))
    choice = routed_policy("tryage").router().choose(CODE._replace(text="[flag: fast]"), some, dial=0.1, draw=0.5)
    assert choice.terms["index"][0] == choice.terms["index"][1]


def test_avr_takes_nobody_for_reliable_who_has_no_record() -> None:
    router = routed_policy("avr").router(threshold=0.9)
    for query in queries(60):
        router.learn(query, "strong", Outcome(1.0, 0.4))
    assert chosen(router, CODE) == "strong"


def test_a_flag_that_nobody_knows_changes_nothing() -> None:
    router = fitted("tryage")
    plain, odd = (
        router.choose(CODE._replace(text=text), arms(), dial=1.0, draw=0.5) for text in ("x", "x [flag: free]")
    )
    assert plain.order == odd.order
    assert odd.note == ""


def test_the_nearest_preference_says_who_is_preferred() -> None:
    router = fitted("arch")
    bug = CODE._replace(text="fix a bug in the code: make the failing test pass")
    assert chosen(router, bug, dial=100.0) == "coder", "the strongest, whatever the dial"
    assert chosen(router, CODE._replace(text="translate or summarise a short text"), dial=0.0) == "cheap"
    assert chosen(router, CODE._replace(text="weather in Oslo"), dial=0.1) == "coder", "near to none: by value"


def test_the_first_rule_that_holds_decides() -> None:
    rules = (
        {"name": "secret", "words": ["secret"], "selector": "strongest"},
        {"name": "short", "shorter": 50, "selector": "cheapest"},
        {"name": "dear", "tag": "prose", "candidates": "dearer"},
    )
    router = fitted("signals", rules=rules)
    secret = router.choose(CODE._replace(text="a SECRET thing", size=10), arms(), dial=9.0, draw=0.5)
    assert first(secret) == "coder"
    assert "secret" in secret.note
    assert chosen(router, CODE._replace(text="no secrets", size=10)) == "cheap"
    assert chosen(router, PROSE, dial=0.0) == "writer"
    assert chosen(router, CODE, dial=0.1) == "coder", "no rule holds"


def test_who_is_no_candidate_is_asked_after_the_others() -> None:
    router = fitted("signals", rules=({"candidates": "cheaper", "selector": "strongest"},))
    order = [arms().keys[place] for place in router.choose(CODE, arms(), dial=0.0, draw=0.5).order]
    assert "strong" in order[-2:]
    assert order[0] == "coder"


def test_opinions_that_were_right_weigh_more() -> None:
    router = fitted("acrouter")
    before = router.choose(CODE, arms(), dial=0.1, draw=0.5).terms["success"]
    for query in queries(200, seed=9):
        router.learn(query, "coder" if query.tag == "code" else "writer", Outcome(1.0, 0.05))
        router.learn(query, "strong", Outcome(0.0, 0.4))
    after = router.choose(CODE, arms(), dial=0.1, draw=0.5).terms["success"]
    assert after[1] > before[1]
    assert after[3] < before[3]
