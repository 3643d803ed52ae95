"""Routers that count or remember: AgensFlow, HierRouter, MoMA, Lookahead, PORT and the ants."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agora.coordinator.ants.choosing import Candidate, decide
from agora.coordinator.ants.learning import Gate, Ignored, applied, joining, weigh
from agora.coordinator.ants.state import ColonyState
from agora.coordinator.routers.colony import TYPES
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query
from coordinator.routers.worlds import KEYS, arms, log, queries, routed_policy

CODE = Query(np.array([1.0, 0.0]), tag="code", size=100.0, checked=True)


def test_agensflow_is_the_published_score() -> None:
    router = routed_policy("agensflow").router()
    for key, outcome in (
        *[("a", Outcome(1.0, 0.1)), ("a", Outcome(0.0, 0.3))],
        *[("b", Outcome(1.0, 0.2))] * 3,
        ("b", Outcome(0.0)),
    ):
        router.learn(CODE, key, outcome)
    choice = router.choose(CODE, Arms(["a", "b"]), dial=1.0, draw=0.0)
    c = max(0.5, 1.4 * 2 ** (-6 / 50))
    expected = {
        "success": (0.5, 0.75),
        "cost": (0.2, 0.2),
        "bonus": (c * math.sqrt(math.log(7) / 2), c * math.sqrt(math.log(7) / 4)),
        "failures": (0.0, 0.25),
    }
    for name, values in expected.items():
        assert choice.terms[name].tolist() == pytest.approx(list(values)), name
    assert choice.order[0] == 0


def test_agensflow_tries_everyone_once_and_trusts_a_signature_after_five() -> None:
    router, pool, tried = routed_policy("agensflow").router(), Arms(["a", "b", "c"]), list[int]()
    for _ in range(3):
        tried.append(router.choose(CODE, pool, dial=1.0, draw=0.0).order[0])
        router.learn(CODE, pool.keys[tried[-1]], Outcome(1.0, 0.1))
    assert sorted(tried) == [0, 1, 2]
    other = CODE._replace(tag="prose")
    for outcomes, everything in ((4, True), (1, False)):
        for _ in range(outcomes):
            router.learn(other, "a", Outcome(0.0, 0.1))
        success = router.choose(other, Arms(["a"]), dial=0.0, draw=0.0).terms["success"][0]
        assert bool(success > 0.0) is everything


def complementary(n: int = 200) -> Log:
    """B solves exactly what a does not; c solves most of what a does, and a little more often than b."""
    rng = np.random.default_rng(0)
    solved = rng.uniform(size=n) < 0.6
    scores = np.stack([solved, ~solved, np.where(rng.uniform(size=n) < 0.9, solved, False)], axis=1).astype(float)
    pool = Arms(["a", "b", "c"], cost=np.array([0.1, 0.1, 0.1]))
    return Log([CODE] * n, pool, scores, np.full((n, 3), 0.1))


def test_hierrouter_asks_after_a_failure_who_solves_what_failed() -> None:
    router, given = routed_policy("hierrouter").router(), complementary()
    router.fit(given)
    choice = router.choose(CODE, given.arms, dial=0.3, draw=0.0)
    assert list(choice.order) == [0, 1, 2]
    assert choice.terms["success"][2] > choice.terms["success"][1]  # alone, c is better than b
    assert choice.rungs == 2


def test_hierrouter_has_one_stage_where_nothing_is_checked() -> None:
    router, given = routed_policy("hierrouter").router(), complementary()
    router.fit(given)
    choice = router.choose(CODE._replace(checked=False), given.arms, dial=0.3, draw=0.0)
    assert list(choice.order) == [0, 2, 1]
    assert choice.rungs == 1


def test_hierrouter_begins_cheap_where_a_check_follows() -> None:
    router = routed_policy("hierrouter").router()
    router.fit(log(300))
    code = queries(1, seed=5)[0]
    checked, unchecked = (
        router.choose(code._replace(checked=is_checked), arms(), dial=5.0, draw=0.0) for is_checked in (True, False)
    )
    assert [KEYS[place] for place in checked.order[:2]] == ["cheap", "coder"]
    assert KEYS[unchecked.order[0]] == "coder"


def test_moma_orders_the_front_by_nearness_to_the_ideal_and_then_the_beaten() -> None:
    router, pool = routed_policy("moma").router(explore=0.0, penalty=1e-9), Arms(["a", "b", "c", "d"])
    for key, score, cost in (("a", 0.9, 0.5), ("b", 0.8, 0.1), ("c", 0.3, 0.05), ("d", 0.75, 0.2)):
        for _ in range(20):
            router.learn(CODE, key, Outcome(score, cost))
    choice = router.choose(CODE, pool, dial=1.0, draw=0.5)
    success, price = np.array([0.9, 0.8, 0.3, 0.75]), np.array([0.5, 0.1, 0.05, 0.2])
    best, worst = np.hypot(success - 0.9, price - 0.05), np.hypot(success - 0.3, price - 0.5)
    near = worst / (best + worst)
    assert list(choice.order) == [*sorted((0, 1, 2), key=lambda place: -near[place]), 3]
    assert near[3] > near[0]  # beaten by b all the same


def test_moma_prefers_who_says_that_it_fits() -> None:
    router = routed_policy("moma").router(explore=0.0)
    router.fit(log(300))
    pool = Arms(KEYS, cost=arms().cost, similarity=np.array([0.9, 0.2, np.nan, 0.8]))
    choice = router.choose(queries(1)[0], pool, dial=1.0, draw=0.5)
    assert {KEYS[place] for place in choice.order[:2]} == {"cheap", "strong"}


def test_lookahead_finds_queries_that_are_answered_alike_however_they_are_worded() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 12))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    hard = x[:, 0] > 0  # one direction of twelve decides who is right
    scores = np.stack([hard, ~hard], axis=1).astype(float)
    pool, asked = Arms(["a", "b"]), [Query(row) for row in x]
    found: dict[str, float] = {}
    for name in ("lookahead", "knn"):
        router = routed_policy(name).router(k=21, prior=0.1)
        router.fit(Log(asked[:300], pool, scores[:300], np.full((300, 2), 0.1)))
        right = [scores[n, router.choose(asked[n], pool, dial=0.0, draw=0.9).order[0]] for n in range(300, 400)]
        found[name] = float(np.mean(right))
    assert found["lookahead"] > 0.9
    assert found["lookahead"] > found["knn"] + 0.05


def test_port_routes_the_first_by_chance_and_then_by_neighbours() -> None:
    router, asked = routed_policy("port").router(first=8), queries(40)
    for number, query in enumerate(asked[:8]):
        assert router.choose(query, arms(), dial=1.0, draw=0.3).chances.tolist() == [0.25] * 4
        router.learn(query, KEYS[number % 4], Outcome(1.0, 0.1))
    assert float(router.choose(asked[8], arms(), dial=1.0, draw=0.3).chances.max()) == 1.0


def test_port_expects_the_cost_of_neighbours_and_not_of_everything() -> None:
    router, near, far = routed_policy("port").router(k=10, first=0), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for _ in range(10):
        router.learn(Query(near), "a", Outcome(1.0, 0.9))
        router.learn(Query(far), "a", Outcome(1.0, 0.1))
    costs = [float(router.choose(Query(x), Arms(["a"]), dial=1.0, draw=0.0).terms["cost"][0]) for x in (near, far)]
    mean = 0.5  # of all, counted as two neighbours
    assert costs == pytest.approx([(9 + 2 * mean) / 12, (1 + 2 * mean) / 12])


def test_the_colony_is_that_of_the_ants() -> None:
    router, state = routed_policy("colony").router(), ColonyState(types=TYPES, window=1)
    for key in ("a", "b"):
        event = joining(state, key)
        assert event is not None
        state = applied(state, event)
    for number, (key, score) in enumerate([("a", 1.0), ("b", 0.0), ("b", 1.0), ("a", 1.0), ("a", 0.0)]):
        candidates = [Candidate(agent=one, lot=one) for one in ("a", "b")]
        step = decide(
            state, decision=str(number), weights={TYPES[0]: 1.0}, layer=0, candidates=candidates, draw=0.0
        ).model_copy(update={"chosen": key})
        learned = weigh(state, step, Gate(decision=str(number), passed=score > 0.5, cost=1.0))
        assert not isinstance(learned, Ignored)
        state = applied(state, learned)
        router.learn(CODE, key, Outcome(score, 0.1))
    terms = router.choose(CODE, Arms(["a", "b"]), dial=0.0, draw=0.0).terms
    assert terms["tau"][0] == pytest.approx(state.tau(0, "", "a", TYPES[0], start=1.0), rel=1e-12)


def test_the_dial_of_the_colony_makes_the_cheap_likelier() -> None:
    router, code = routed_policy("colony").router(), queries(1)[0]
    router.fit(log(300))
    chances = [
        float(router.choose(code, arms(), dial=dial, draw=0.5).chances[KEYS.index("cheap")])
        for dial in (0.0, 1.0, 10.0)
    ]
    assert chances == sorted(chances)
    assert chances[2] > 0.9


def test_a_tag_of_the_colony_has_pheromone_of_its_own() -> None:
    router = routed_policy("colony").router()
    router.fit(log(600))
    code, prose = queries(2, seed=3)
    likeliest = [KEYS[int(router.choose(one, arms(), dial=0.0, draw=0.5).chances.argmax())] for one in (code, prose)]
    assert likeliest[0] in ("coder", "strong")
    assert likeliest[1] in ("writer", "strong")
    chance = [router.choose(one, arms(), dial=0.0, draw=0.5).chances for one in (code, prose)]
    assert chance[0][1] > chance[1][1]
