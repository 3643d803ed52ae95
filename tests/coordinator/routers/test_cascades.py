"""Cascades: which arms are asked in turn where a check follows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from agora.coordinator.routers import memory, sequences
from agora.coordinator.routers.seam import Arms, Log, Matrix, Outcome, Query, Vector
from agora.coordinator.routers.sequences import sequence_of
from coordinator.routers.worlds import routed_policy


def value(
    sequence: tuple[int, ...], scores: Matrix, cost: Vector, *, dial: float, right: float
) -> float:  # reckoned query by query
    total = 0.0
    for row in scores:
        reached, earned = 1.0, 0.0
        for number, arm in enumerate(sequence):
            last = number == len(sequence) - 1
            earned += reached * row[arm] * (1.0 if last else right) - dial * reached * cost[arm]
            reached *= 1.0 - (row[arm] * right + (1 - row[arm]) * (1 - right))
        total += earned
    return total / len(scores)


@pytest.mark.parametrize("right", [1.0, 0.9, 0.7])
@pytest.mark.parametrize("dial", [0.0, 0.5, 3.0])
def test_the_greedy_sequence_is_worth_nearly_as_much_as_the_best_of_all(right: float, dial: float) -> None:
    rng = np.random.default_rng(int(dial * 10 + right * 100))
    cost = np.array([0.01, 0.03, 0.1, 0.3])
    scores = (rng.uniform(size=(80, 4)) < [0.5, 0.55, 0.7, 0.8]).astype(float)
    every = [one for n in (1, 2, 3) for one in permutations(range(4), n)]
    best = max(value(one, scores, cost, dial=dial, right=right) for one in every)
    found = sequence_of(scores, cost, dial=dial, most=3, right=right)
    assert value(found, scores, cost, dial=dial, right=right) >= best - 0.01
    assert value(found, scores, cost, dial=dial, right=right) > best - 0.1 * abs(best)


def given(n: int = 100) -> Log:
    """The small one is right on every second query, the large one on all, the middle one where the small one is."""
    scores = np.array([[float(k % 2), float(k % 2), 1.0] for k in range(n)])
    arms = Arms(["small", "middle", "large"])
    queries = [Query(np.ones(1), tag="code", checked=True)] * n
    return Log(queries, arms, scores, np.tile([0.01, 0.1, 1.0], (n, 1)))


@pytest.mark.parametrize("name", ["frugalgpt", "automix"])
def test_after_the_small_one_comes_who_is_right_where_it_fails(name: str) -> None:
    log = given()
    router = routed_policy(name).router()
    router.fit(log)
    choice = router.choose(log.queries[0], log.arms, dial=0.2, draw=0.0)
    assert list(choice.order[: choice.rungs]) == [0, 2]
    dear = router.choose(log.queries[0], log.arms, dial=2.0, draw=0.0)
    assert list(dear.order[: dear.rungs]) == [0], "the large one is not worth it"


@pytest.mark.parametrize("name", ["frugalgpt", "automix"])
def test_without_a_check_nobody_is_asked_after_the_first(name: str) -> None:
    log = given()
    router = routed_policy(name).router()
    router.fit(log)
    choice = router.choose(log.queries[0]._replace(checked=False), log.arms, dial=0.1, draw=0.0)
    assert choice.rungs == 1
    assert choice.order[0] == 2


def test_a_cascade_learns_from_the_chosen_arm_alone() -> None:
    router, arms = routed_policy("frugalgpt").router(), Arms(["weak", "good"], cost=np.array([0.1, 0.2]))
    query = Query(np.ones(1), tag="code", checked=True)
    for _ in range(50):
        router.learn(query, "weak", Outcome(0.0, 0.1))
        router.learn(query, "good", Outcome(1.0, 0.2))
    assert list(router.choose(query, arms, dial=0.5, draw=0.0).order) == [1, 0]


def test_a_cascade_looks_at_the_latest_queries_after_its_memory_has_gone_round(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory, sequences):
        monkeypatch.setattr(module, "MOST", 100)
    monkeypatch.setattr(sequences, "LATELY", 40)
    router, arms = routed_policy("frugalgpt").router(), Arms(["a", "b"], cost=np.array([0.1, 0.1]))
    asked = [Query(x, tag="code") for x in np.random.default_rng(1).normal(size=(325, 4))]
    for number, query in enumerate(asked):
        good = "a" if number < 250 else "b"
        for key in arms.keys:
            router.learn(query, key, Outcome(float(key == good), 0.1))
    assert router.choose(asked[0], arms, dial=0.1, draw=0.0).order[0] == 1
    other = routed_policy("frugalgpt").router()
    other.restored(router.saved())
    assert other.choose(asked[0], arms, dial=0.1, draw=0.0).order[0] == 1


def test_automix_sees_that_the_larger_one_fails_where_the_small_one_does() -> None:
    both = np.array([[1.0, 1.0] if n % 4 else [0.0, 0.0] for n in range(80)])
    arms = Arms(["small", "large"])
    asked = [Query(np.ones(1), tag="code", checked=True)] * 80
    router = routed_policy("automix").router(right=0.99)
    router.fit(Log(asked, arms, both, np.tile([0.01, 0.05], (80, 1))))
    choice = router.choose(asked[0], arms, dial=0.1, draw=0.0)
    assert list(choice.order[: choice.rungs]) == [0]
