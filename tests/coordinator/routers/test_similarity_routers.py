"""Routers that go by similar queries: each finds out who is good at what, from a log and from single outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from agora.coordinator.routers.draws import uniforms
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query
from coordinator.routers.worlds import COSTS, GOOD, KEYS, arms, log, queries, routed_policy

SIMILAR = ("uniroute", "routellm", "tagrouter", "graphrouter", "agentrouter", "histories", "routerdc", "cscr")


def untagged(asked: list[Query]) -> list[Query]:
    return [query._replace(tag="") for query in asked]


@pytest.mark.parametrize("name", SIMILAR)
def test_the_specialist_of_each_kind_is_found_by_the_text_alone(name: str) -> None:
    router, given = routed_policy(name).router(), log(300)
    router.fit(given._replace(queries=untagged(list(given.queries))))
    for number, query in enumerate(untagged(queries(40, seed=9))):
        choice = router.choose(query, arms(), dial=1.0, draw=0.5)
        assert KEYS[choice.order[0]] == ("coder", "writer")[number % 2]


@pytest.mark.parametrize("name", SIMILAR)
def test_the_dial_takes_the_dear_one_away_without_another_fit(name: str) -> None:
    router = routed_policy(name).router()
    router.fit(log(300))
    spent = [
        sum(COSTS[router.choose(query, arms(), dial=dial, draw=0.5).order[0]] for query in queries(40, seed=9))
        for dial in (0.0, 1.0, 30.0)
    ]
    assert spent[0] >= spent[1] > spent[2]
    assert spent[2] == pytest.approx(40 * COSTS[0])


@pytest.mark.parametrize("name", SIMILAR)
def test_single_outcomes_of_what_was_chosen_lead_to_the_specialists(name: str) -> None:
    router, rng, right = routed_policy(name).router(), np.random.default_rng(5), 0
    asked, draws = queries(500, seed=12), uniforms(0.4, 500)
    for number, query in enumerate(asked):
        place = router.choose(query, arms(), dial=1.0, draw=float(draws[number])).order[0]
        passed = float(rng.uniform() < GOOD[query.tag][place])
        router.learn(query, KEYS[place], Outcome(passed, float(COSTS[place])))
        right += number >= 300 and KEYS[place] == ("coder", "writer")[number % 2]
    assert right >= 120  # of 200; by chance 50


@pytest.mark.parametrize("name", SIMILAR)
def test_a_newcomer_is_tried_and_stays_if_it_is_better(name: str) -> None:
    router = routed_policy(name).router()
    router.fit(log(200))
    pool = Arms([*KEYS, "late"], cost=np.append(COSTS, 0.005))
    asked = queries(40, seed=3)
    assert all(router.choose(query, pool, dial=1.0, draw=0.5).order[0] == 4 for query in asked[:2])
    for query in asked:
        router.learn(query, "late", Outcome(1.0, 0.005))
    assert all(router.choose(query, pool, dial=1.0, draw=0.5).order[0] == 4 for query in asked)


@pytest.mark.parametrize("name", SIMILAR)
def test_outcomes_that_are_mere_chance_are_not_taken_for_skill(name: str) -> None:
    asked, coins = queries(300, seed=21), uniforms(0.3, 1200).reshape(300, 4)
    router = routed_policy(name).router()
    router.fit(Log(asked, arms(), (coins < 0.5).astype(float), np.tile(COSTS, (300, 1))))
    expected = np.array([router.choose(query, arms(), dial=0.0, draw=0.5).terms["success"] for query in asked])
    assert np.abs(expected - 0.5).mean() < 0.13
