"""Routers that everybody compares with: static, random, round robin, the table by tag."""

from __future__ import annotations

from collections import Counter

import numpy as np

from agora.coordinator.routers.cells import EVERYTHING, Cells
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query
from coordinator.routers.worlds import KEYS, arms, log, queries, routed_policy

ASKED = Query(np.array([1.0]), tag="code")


def test_static_asks_who_is_named_whatever_was_learned() -> None:
    router = routed_policy("static").router(arm="wri")
    router.fit(log())
    choice = router.choose(queries(1)[0], arms(), dial=0.0, draw=0.9)
    assert KEYS[choice.order[0]] == "writer"
    assert choice.chances.tolist() == [0.0, 0.0, 1.0, 0.0]


def test_static_without_a_name_is_the_best_single_one_at_each_dial() -> None:
    router = routed_policy("static").router()
    router.fit(log())
    first = [router.choose(query, arms(), dial=dial, draw=0.5).order[0] for dial in (0.0, 5.0) for query in queries(4)]
    assert first == [3, 3, 3, 3, 0, 0, 0, 0]


def test_static_says_that_nobody_has_the_name() -> None:
    choice = routed_policy("static").router(arm="gone").choose(ASKED, arms(), dial=0.0, draw=0.5)
    assert "'gone'" in choice.note


def test_random_draws_each_as_often_and_says_so() -> None:
    router = routed_policy("random").router()
    choices = [router.choose(ASKED, arms(), dial=1.0, draw=(n + 0.5) / 400) for n in range(400)]
    assert set(Counter(choice.order[0] for choice in choices).values()) == {100}
    assert len({tuple(choice.order) for choice in choices}) == 24
    assert choices[0].chances.tolist() == [0.25] * 4


def test_round_robin_gives_everyone_a_turn_before_anyone_has_two() -> None:
    router = routed_policy("round_robin").router()
    asked: list[str] = []
    for number in range(12):
        chosen = KEYS[router.choose(ASKED, arms(), dial=0.0, draw=(number * 0.37) % 1).order[0]]
        router.learn(ASKED, chosen, Outcome(1.0))
        asked.append(chosen)
    assert [sorted(asked[n : n + 4]) for n in (0, 4, 8)] == [sorted(KEYS)] * 3


def test_round_robin_does_not_give_a_newcomer_all_the_turns_that_it_missed() -> None:
    router = routed_policy("round_robin").router()
    for _ in range(10):
        router.learn(ASKED, "old", Outcome(1.0))
    pool = Arms(["old", "new"])
    asked: list[str] = []
    for _ in range(6):
        chosen = pool.keys[router.choose(ASKED, pool, dial=0.0, draw=0.9).order[0]]
        router.learn(ASKED, chosen, Outcome(1.0))
        asked.append(chosen)
    assert asked.count("new") == 4


def test_the_table_finds_the_specialist_of_each_tag_and_the_dial_takes_the_dear_one_away() -> None:
    router = routed_policy("tag_table").router()
    router.fit(log())
    code, prose = queries(2)
    assert router.choose(code, arms(), dial=1.0, draw=0.5).order[0] == KEYS.index("coder")
    assert router.choose(prose, arms(), dial=1.0, draw=0.5).order[0] == KEYS.index("writer")
    assert router.choose(prose, arms(), dial=50.0, draw=0.5).order[0] == KEYS.index("cheap")


def test_the_table_learns_from_single_outcomes_what_it_learns_from_a_log() -> None:
    fitted, told, given = routed_policy("tag_table").router(), routed_policy("tag_table").router(), log(20, holes=0.3)
    fitted.fit(given)
    for number, query in enumerate(given.queries):
        for place, key in enumerate(KEYS):
            if np.isfinite(given.scores[number, place]):
                told.learn(query, key, Outcome(given.scores[number, place], given.costs[number, place]))
    for query in queries(2):
        one, other = (router.choose(query, arms(), dial=0.4, draw=0.1) for router in (fitted, told))
        assert one.order == other.order
        for name in ("success", "cost"):
            assert np.allclose(one.terms[name], other.terms[name])


def test_a_cell_is_shrunk_to_the_arms_mean_and_an_unknown_arm_is_hoped_of() -> None:
    cells = Cells(2.0)
    for score in (1.0, 0.0, 0.0):
        cells.learn("code", "ada", Outcome(score, 0.5))
    cells.learn("prose", "ada", Outcome(1.0, 0.1))
    pool = Arms(["ada", "new"], cost=np.array([np.nan, 0.2]))
    overall = (2.0 + 1.0) / (4.0 + 1.0)
    success, cost = cells.of([EVERYTHING, "code", "never met"], pool)
    assert np.allclose(success[0], [overall, 1.0])
    assert np.allclose(success[1], [(1.0 + 2.0 * overall) / 5.0, 1.0])
    assert np.allclose(success[2], [overall, 1.0])
    assert np.allclose(cost[1], [(1.5 + 2.0 * 0.4) / 5.0, 0.2])
    assert cells.seen(["prose", "never met"], pool).tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_a_query_without_a_tag_counts_once() -> None:
    cells = Cells(1.0)
    cells.learn(EVERYTHING, "ada", Outcome(1.0))
    cells.fit([EVERYTHING], Log([ASKED], Arms(["ada"]), np.array([[1.0]]), np.array([[np.nan]])))
    assert cells.seen([EVERYTHING], Arms(["ada"])).tolist() == [[2.0]]
    assert cells.outcomes == 2


def test_only_who_is_worth_its_cost_is_worth_asking_after_a_failure() -> None:
    router = routed_policy("tag_table").router()
    scores = np.array([[1.0, 1.0, 0.0]] * 50)
    pool = Arms(["a", "b", "c"])
    router.fit(Log([ASKED] * 50, pool, scores, np.array([[0.1, 0.2, 0.3]] * 50)))
    assert [router.choose(ASKED, pool, dial=dial, draw=0.0).rungs for dial in (0.0, 1.0, 7.0, 50.0)] == [3, 2, 1, 1]
