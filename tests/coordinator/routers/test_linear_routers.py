"""What is particular to each of the linear routers: priors, load, figures that are shared, preferences."""

from __future__ import annotations

import numpy as np
import pytest

from agora.coordinator.routers.contexts import TEXT
from agora.coordinator.routers.seam import Arms, Outcome, Query
from coordinator.routers.learning import right_ones, stream
from coordinator.routers.worlds import KEYS, arms, log, queries, routed_policy


def test_pilot_begins_at_what_the_log_prefers_and_is_overruled_by_as_many_outcomes_as_the_prior_counts_for() -> None:
    code = [query for query in queries(40, seed=2) if query.tag == "code"]
    for strength, outcomes, still in ((1.0, 2, False), (500.0, 2, True), (500.0, 2000, False)):
        router = routed_policy("pilot").router(strength=strength)
        router.fit(log(300))
        assert KEYS[router.choose(code[0], arms(), dial=1.0, draw=0.0).order[0]] == "coder"
        for number in range(outcomes):
            router.learn(code[number % len(code)], "coder", Outcome(0.0, 0.05))
        assert (KEYS[router.choose(code[0], arms(), dial=1.0, draw=0.0).order[0]] == "coder") is still


def test_pilot_learns_as_a_ridge_regression_with_its_prior() -> None:
    router, strength = routed_policy("pilot").router(strength=3.0), 3.0
    router.fit(log(100))
    asked, pool = queries(1, seed=8)[0], Arms(["coder"])
    before = float(router.choose(asked, pool, dial=0.0, draw=0.0).terms["success"][0])
    router.learn(asked, "coder", Outcome(0.0, 0.05))
    after = float(router.choose(asked, pool, dial=0.0, draw=0.0).terms["success"][0])
    square = 1.0 + 1.0 + TEXT**2  # of a one, a tag and a text
    assert after == pytest.approx(before * (1.0 - square / (strength + square)), rel=1e-9)


def test_mixllm_goes_round_who_has_no_free_place() -> None:
    router = routed_policy("mixllm").router(crowded=1.0)
    router.fit(log(300))
    code = queries(1, seed=3)[0]
    cost = arms().cost
    free, full = (Arms(KEYS, cost=cost, load=np.array([0.0, load, 0.0, 0.0])) for load in (0.0, 1.0))
    assert KEYS[router.choose(code, free, dial=1.0, draw=0.0).order[0]] == "coder"
    assert KEYS[router.choose(code, full, dial=1.0, draw=0.0).order[0]] != "coder"


def test_mixllm_expects_what_such_queries_cost() -> None:
    router = routed_policy("mixllm").router()
    for query in queries(60):
        router.learn(query, "coder", Outcome(1.0, 0.3 if query.tag == "code" else 0.1))
    code, prose = queries(2, seed=5)
    costs = [float(router.choose(one, Arms(["coder"]), dial=0.0, draw=0.0).terms["cost"][0]) for one in (code, prose)]
    assert costs == pytest.approx([0.3, 0.1], abs=0.02)


def test_global_linucb_takes_two_with_the_same_record_for_one() -> None:
    router = routed_policy("global_linucb").router()
    for query in queries(40):
        for key in ("twin", "other twin"):
            router.learn(query, key, Outcome(float(query.tag == "code"), 0.05, 2.0))
    terms = router.choose(queries(1, seed=4)[0], Arms(["twin", "other twin"]), dial=0.3, draw=0.0).terms
    for values in terms.values():
        assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_global_linucb_judges_a_newcomer_by_what_it_learned_of_others() -> None:
    router, pool = routed_policy("global_linucb").router(alpha=0.0), Arms(["coder", "late"])
    router.fit(log(300))
    code = [query for query in queries(20, seed=6) if query.tag == "code"]
    for query in code[:5]:
        router.learn(query, "late", Outcome(0.0, 0.05, 1.0))
    success = router.choose(code[6], pool, dial=0.0, draw=0.0).terms["success"]
    assert success[0] > success[1] + 0.3


def test_global_linucb_knows_the_record_at_the_tag_where_the_text_says_nothing() -> None:
    router, pool, nothing = routed_policy("global_linucb").router(alpha=0.0), Arms(["a", "b"]), np.zeros(3)
    for number in range(80):
        tag, key = ("code", "prose")[number % 2], pool.keys[number // 2 % 2]
        router.learn(Query(nothing, tag), key, Outcome(float((tag == "code") == (key == "a")), 0.1, 1.0))
    firsts = [router.choose(Query(nothing, tag), pool, dial=0.0, draw=0.0).order[0] for tag in ("code", "prose")]
    assert firsts == [0, 1]


def test_barp_is_told_what_money_is_worth() -> None:
    router = routed_policy("barp").router(rounds=200)
    router.fit(log(300))
    code = [query for query in queries(20, seed=6) if query.tag == "code"]
    firsts = [
        [KEYS[router.choose(query, arms(), dial=dial, draw=0.5).order[0]] for query in code]
        for dial in (0.0, 1.0, 1000.0)
    ]
    assert set(firsts[0]) <= {"coder", "strong"}
    assert set(firsts[1]) == {"coder"}
    assert set(firsts[2]) == {"cheap"}


def test_barp_draws_until_it_was_fitted() -> None:
    router = routed_policy("barp").router()
    stream(router, 200)
    chances = router.choose(queries(1)[0], arms(), dial=1.0, draw=0.5).chances
    assert 0.0 < float(chances.min()) < 0.2
    router.fit(log(50))
    assert float(router.choose(queries(1)[0], arms(), dial=1.0, draw=0.5).chances.max()) == 1.0


def test_llm_bandit_asks_a_newcomer_its_quiz_and_no_more() -> None:
    router = routed_policy("llm_bandit").router(quiz=20, share=0.25)
    router.fit(log(300))
    pool = Arms([*KEYS, "late"], cost=np.array([0.01, 0.05, 0.05, 0.4, 0.05]))
    for query in queries(20, seed=4):
        choice = router.choose(query, pool, dial=1.0, draw=0.1)
        assert choice.order[0] == 4
        assert float(choice.chances[4]) >= 0.25
        router.learn(query, "late", Outcome(0.0, 0.05))
    assert float(router.choose(queries(1)[0], pool, dial=1.0, draw=0.1).chances[4]) == 0.0


def test_llm_bandit_places_a_newcomer_by_a_quiz_of_one_kind_only() -> None:
    router, pool = routed_policy("llm_bandit").router(), Arms(["coder", "writer", "late"])
    router.fit(log(400))
    asked = queries(60, seed=4)
    for query in [one for one in asked if one.tag == "code"][:20]:
        router.learn(query, "late", Outcome(1.0, 0.05))
    prose = next(one for one in asked if one.tag == "prose")
    success = router.choose(prose, pool, dial=0.0, draw=0.9).terms["success"]
    assert success[2] < success[1] - 0.2  # good at code and so, as everyone here, not at prose


def test_a_newcomer_of_llm_bandit_is_an_average_one_at_first() -> None:
    router = routed_policy("llm_bandit").router()
    router.fit(log(400))
    pool = Arms([*KEYS, "late"])
    success = router.choose(queries(1)[0], pool, dial=0.0, draw=0.9).terms["success"]
    assert success[4] == pytest.approx(float(success[:4].mean()), abs=0.05)


def test_lookahead_and_moma_explore_less_with_every_outcome() -> None:
    for name in ("lookahead", "moma"):
        router = routed_policy(name).router()
        before = float(router.choose(queries(1)[0], arms(), dial=1.0, draw=0.9).chances.min())
        stream(router, 150)
        after = float(router.choose(queries(1)[0], arms(), dial=1.0, draw=0.9).chances.min())
        assert before == pytest.approx(0.05)
        assert after == pytest.approx(0.05 / 4)
        assert right_ones(router) > 0.0
