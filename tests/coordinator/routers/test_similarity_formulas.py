"""Routers that go by similar queries: each formula against a reckoning by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agora.coordinator.routers.clusters import Clusters
from agora.coordinator.routers.draws import uniforms
from agora.coordinator.routers.edges import Edges
from agora.coordinator.routers.lines import Line
from agora.coordinator.routers.packing import part, unpacked
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query, Router
from coordinator.routers.worlds import routed_policy

TWO = Arms(["weak", "strong"], cost=np.array([0.1, 1.0]))


def at(degrees: float, tag: str = "") -> Query:
    """A query in this direction of the plane."""
    turn = math.radians(degrees)
    return Query(np.array([math.cos(turn), math.sin(turn)]), tag=tag, size=100.0)


def fitted(name: str, asked: list[Query], scores: list[list[float]], **options: object) -> Router:
    router = routed_policy(name).router(**options)
    router.fit(Log(asked, TWO, np.array(scores), np.tile(np.array([0.1, 1.0]), (len(asked), 1))))
    return router


def success(router: Router, query: Query) -> list[float]:
    values: list[float] = router.choose(query, TWO, dial=0.0, draw=0.5).terms["success"].tolist()
    return values


def test_routellm_weighs_battles_by_similarity_beside_the_most_similar() -> None:
    router = fitted("routellm", [at(30), at(60), at(90)], [[1, 1], [0, 1], [0, 0]])
    weights = np.array([1.0, 10 ** (0.5 / math.cos(math.radians(30)) - 1.0), 10 ** (0.0 - 1.0)])
    won = 1.0 + np.array([weights[0], weights[0] + weights[1]])
    lost = 0.1 + np.array([weights[1] + weights[2], weights[2]])
    assert success(router, at(0)) == pytest.approx((won / (won + lost)).tolist())


def test_routellm_asks_the_strong_one_where_it_wins_with_the_threshold_or_more() -> None:
    asked, scores = [at(0)] * 10 + [at(90)] * 10, [[0.0, 1.0]] * 9 + [[1.0, 1.0]] * 11
    router = {
        threshold: fitted("routellm", asked, scores, threshold=threshold, base=1e6) for threshold in (0.5, 0.96, 1.0)
    }
    weak, strong = success(router[0.5], at(0))
    wins = strong * (1 - weak) / (strong * (1 - weak) + weak * (1 - strong))
    assert 0.96 < wins < 1.0
    first = {at_: one.choose(at(0), TWO, dial=0.0, draw=0.5).order[0] for at_, one in router.items()}
    assert first == {0.5: 1, 0.96: 1, 1.0: 0}
    assert router[0.96].choose(at(90), TWO, dial=0.0, draw=0.5).order[0] == 0


def test_tagrouter_averages_over_what_is_said_how_long_it_is_and_its_topic() -> None:
    asked = [at(0, "code"), at(90, "prose"), at(90, "code")]
    router = fitted("tagrouter", asked, [[1, 0], [0, 1], [0, 1]], topics=2, per_query=1, shrink=1.0)
    overall = np.array([2.0, 3.0]) / 4.0
    said = (np.array([1.0, 1.0]) + overall) / 3.0  # two were said to be code
    length = (np.array([1.0, 2.0]) + overall) / 4.0  # all are as long
    topic = (np.array([1.0, 0.0]) + overall) / 2.0  # one lies near
    assert success(router, at(0, "code")) == pytest.approx(((said + length + topic) / 3.0).tolist())


def test_graphrouter_hears_of_who_is_two_hops_away() -> None:
    asked, scores = [at(0), at(40), at(180)], [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    options = {"k": 1, "task": 1.0, "shrink": 1.0}
    near = fitted("graphrouter", asked, scores, onward=0, **options)
    far = fitted("graphrouter", asked, scores, onward=1, fade=0.5, **options)
    overall = np.array([2.0, 2.0]) / 4.0
    assert success(near, at(0)) == pytest.approx((overall / 2.0).tolist())
    assert success(far, at(0)) == pytest.approx(((np.array([0.5, 0.0]) + overall) / 2.5).tolist())


def test_graphrouter_goes_on_when_its_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agora.coordinator.routers.memory.MOST", 60)
    router, pool = routed_policy("graphrouter").router(), Arms(["ada"])
    for number in range(150):
        router.learn(at(number % 60), "ada", Outcome(float(number >= 90)))
    kept = routed_policy("graphrouter").router()
    kept.restored(router.saved())
    choices = [one.choose(at(30), pool, dial=0.0, draw=0.5) for one in (router, kept)]
    assert choices[0].terms["success"].tolist() == choices[1].terms["success"].tolist()
    assert choices[0].terms["success"][0] > 0.7  # what failed there is forgotten


def test_an_edge_to_a_place_that_is_taken_anew_is_gone() -> None:
    edges, x = Edges(1), np.array([at(turn).x for turn in (0, 10, 90)])
    edges.fit(0, 2, x)
    assert edges.of(np.array([0, 1, 2]))[0].tolist() == [[1], [0], [1]]
    x[0] = at(80).x
    edges.learn(0, x)
    assert edges.of(np.array([0, 1, 2]))[0].tolist() == [[2], [-1], [1]]


def test_a_query_that_is_asked_of_another_arm_keeps_its_edges() -> None:
    edges, x = Edges(1), np.array([at(turn).x for turn in (0, 90, 10)])
    edges.fit(0, 2, x)
    edges.learn(2, x)
    assert edges.of(np.array([0, 1, 2]))[0].tolist() == [[2], [2], [0]]


def test_uniroute_takes_as_many_clusters_as_predict_best() -> None:
    turns = [number % 7 for number in range(210)]
    asked = [at(51 * turn) for turn in turns]
    kinds = fitted("uniroute", asked, [[turn % 2, 1 - turn % 2] for turn in turns], shrink=1.0)
    alike = fitted("uniroute", asked, [[number // 7 % 2, 1 - number // 7 % 2] for number in range(210)], shrink=1.0)
    assert unpacked(part(part(kinds.saved(), "clusters"), "centres")).shape == (7, 2)
    assert unpacked(part(part(alike.saved(), "clusters"), "centres")).shape == (3, 2)


def test_histories_hear_of_a_single_outcome_at_once() -> None:
    router = fitted("histories", [at(0), at(90)] * 30, [[1, 0], [0, 1]] * 30)
    before = success(router, at(45))
    for _ in range(20):
        router.learn(at(45), "weak", Outcome(0.0))
    after = success(router, at(45))
    assert after[0] < before[0] - 0.1


def test_histories_weigh_with_each_single_outcome_what_predicted_it() -> None:
    router = fitted("histories", [at(0), at(90)] * 10, [[1, 0], [0, 1]] * 10)
    before = unpacked(part(router.saved(), "theta"))
    router.learn(at(0), "weak", Outcome(0.0))
    router.learn(at(0), "weak", Outcome(0.0))
    after = unpacked(part(router.saved(), "theta"))
    assert after[0] < before[0]  # less is expected of everyone
    assert after[3] < before[3]  # the nearest queries had said that it would pass


def test_histories_leave_a_querys_own_outcomes_out_of_its_profile() -> None:
    asked = [at(number * 1.7, tag=f"tag {number // 2}") for number in range(200)]
    coins = (uniforms(0.7, 400).reshape(200, 2) < 0.5).astype(float)
    coins[1::2] = 1.0 - coins[::2]  # who passes a query fails the other one of its tag, which is its neighbour
    theta = unpacked(part(fitted("histories", asked, coins.tolist()).saved(), "theta"))
    assert theta[2] < 0.0  # of the tag


def test_histories_do_not_count_a_query_among_its_neighbours() -> None:
    asked = [at(number * 1.7, tag="all") for number in range(200)]
    coins = (uniforms(0.7, 400).reshape(200, 2) < 0.5).astype(float)
    theta = unpacked(part(fitted("histories", asked, coins.tolist(), doubt=10.0).saved(), "theta"))
    assert theta[3] < 0.5  # of the nearest, where mere chance decides
    assert theta[4] < 0.5  # of those that are near


def test_cscr_learns_where_in_a_cluster_a_fingerprint_fits() -> None:
    asked = [*[at(0)] * 4, *[at(90)] * 3] * 15
    router = fitted("cscr", asked, [*[[1.0, 0.0]] * 4, *[[0.0, 1.0]] * 3] * 15, clusters=1)
    first = [router.choose(at(turn), TWO, dial=0.0, draw=0.99).order[0] for turn in (0, 90)]
    assert first == [0, 1]


@pytest.mark.parametrize("name", ["uniroute", "routellm", "graphrouter", "histories"])
def test_little_is_left_to_chance_after_a_log(name: str) -> None:
    router = fitted(name, [at(0), at(90)] * 100, [[1, 0], [0, 1]] * 100)
    chances = router.choose(at(0), TWO, dial=0.0, draw=0.5).chances
    assert chances[0] == pytest.approx(1.0 - 0.5 / (1.0 + 400 / 2) / 2)
    assert routed_policy(name).router().choose(at(0), TWO, dial=0.0, draw=0.5).chances[0] == pytest.approx(0.75)


def test_routerdc_moves_an_arm_towards_the_queries_that_it_passes() -> None:
    router = routed_policy("routerdc").router()
    for _ in range(60):
        for query, passed in ((at(0), 1.0), (at(90), 0.0)):
            router.learn(query, "weak", Outcome(passed))
            router.learn(query, "strong", Outcome(1.0 - passed))
    assert success(router, at(0))[0] > success(router, at(0))[1] + 0.2
    assert success(router, at(90))[0] < success(router, at(90))[1] - 0.2


def test_cscr_has_the_fingerprint_of_a_newcomer_after_a_few_outcomes() -> None:
    router = fitted("cscr", [at(0), at(90)] * 40, [[0, 1], [1, 0]] * 40, clusters=2, shrink=2.0)
    pool = Arms([*TWO.keys, "late"], cost=np.array([0.1, 1.0, 0.1]))
    for _ in range(8):
        router.learn(at(0), "late", Outcome(1.0, 0.1))
        router.learn(at(90), "late", Outcome(0.0, 0.1))
    first = [router.choose(at(turn), pool, dial=0.3, draw=0.99).order[0] for turn in (0, 90)]
    assert first == [2, 0]


def test_clusters_of_a_log_are_found_and_single_queries_move_them() -> None:
    clusters = Clusters(2)
    x = np.array([at(turn).x for turn in (0, 10, 80, 90)])
    found = clusters.fit(x)
    assert found[0] == found[1] != found[2] == found[3]
    assert np.allclose(clusters.centres[found[0]], x[:2].mean(axis=0))
    assert clusters.learn(at(20).x) == found[0]
    assert np.allclose(clusters.centres[found[0]], (x[:2].sum(axis=0) + at(20).x) / 3.0)


def test_without_a_log_the_first_different_queries_are_the_centres() -> None:
    clusters = Clusters(2)
    assert clusters.of(at(0).x) == -1
    assert [clusters.learn(at(turn).x) for turn in (0, 0, 90, 80)] == [0, 0, 1, 1]
    assert len(clusters) == 2


def test_fewer_different_queries_than_clusters_are_all_centres() -> None:
    clusters = Clusters(5)
    assert sorted(set(clusters.fit(np.array([at(turn).x for turn in (0, 90, 0, 90)])).tolist())) == [0, 1]
    assert len(clusters) == 2


def test_a_line_turns_similarity_into_score_by_least_squares_and_never_backwards() -> None:
    similar, overall = np.array([[0.8, 0.2], [0.2, 0.8]] * 50), np.array([0.5, 0.5])
    line, backwards = Line(), Line()
    for one, scores in ((line, similar), (backwards, 1.0 - similar)):
        one.usual(TWO.keys, similar, scores)
        one.fit(similar, scores)
    slope = 200 * 0.3**2 / (200 * 0.3**2 + 1.0)
    assert line.slope == pytest.approx(slope)
    expected = [0.5 + slope * 0.2, 0.5 - slope * 0.2]
    assert line.success(TWO, overall, np.array([0.9, 0.5])).tolist() == pytest.approx(expected)
    assert backwards.success(TWO, overall, np.array([0.9, 0.5])).tolist() == [0.5, 0.5]
