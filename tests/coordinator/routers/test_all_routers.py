"""What every router promises, whatever it does."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest

from agora.coordinator.routers.pacers import Pace
from agora.coordinator.routers.seam import Arms, Choice, Escalating, Outcome, Query, Router
from agora.errors import LedgerError
from coordinator.routers.mutations import mutations
from coordinator.routers.worlds import KEYS, arms, log, queries, routed_policy, router_names

WRAPPED: dict[str, dict[str, object]] = {
    **{f"knn, {pace}": {"pace": pace, "pace_share": 0.05} for pace in get_args(Pace) if pace != "none"},
    "knn, dual, horizon": {"pace": "dual", "pace_share": 0.05, "pace_tasks": 50},
    "tag_table, switching": {"switch_cost": 0.2},
}
NAMES = [*router_names(), *WRAPPED]


def made(name: str) -> Router:
    return routed_policy(name.split(",")[0]).router(**WRAPPED.get(name, {}))


def taught(name: str, *, n: int = 60) -> Router:
    """Fitted on a log with holes, then told of single outcomes."""
    router, given = made(name), log(n, holes=0.2)
    router.fit(given)
    teach(router, queries(10, seed=7))
    return router


def teach(router: Router, asked: list[Query]) -> None:
    for number, query in enumerate(asked):
        place = number % len(KEYS)
        router.learn(query, KEYS[place], Outcome(float(number % 3 == 0), 0.02 * (place + 1)))


def check(choice: Choice, m: int) -> None:
    assert sorted(choice.order) == list(range(m))
    assert choice.chances.shape == (m,)
    assert abs(float(choice.chances.sum()) - 1.0) < 1e-9
    assert (choice.chances >= 0).all()
    assert choice.chances[choice.order[0]] > 0
    assert 1 <= choice.rungs <= m
    for values in choice.terms.values():
        assert values.shape == (m,)
        assert np.isfinite(values).all()


def same(one: Choice, other: Choice) -> bool:
    return (
        list(one.order) == list(other.order)
        and (one.chances == other.chances).all()
        and one.rungs == other.rungs
        and one.terms.keys() == other.terms.keys()
        and all((one.terms[name] == other.terms[name]).all() for name in one.terms)
    )


@pytest.mark.parametrize("name", NAMES)
def test_everyone_is_ranked_once_with_chances_that_sum_to_one(name: str) -> None:
    for router in (made(name), taught(name)):
        for query in queries(6, seed=3):
            for draw in (0.0, 0.31, 0.999999):
                for dial in (0.0, 1.0, 100.0):
                    check(router.choose(query, arms(), dial=dial, draw=draw), 4)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_known_of_a_query_or_of_its_arms_is_borne(name: str) -> None:
    nothing = Query(np.zeros(8))
    strangers = Arms(["new", "cheap", "newer"])
    for router in (made(name), taught(name)):
        for pool in (strangers, Arms(["alone"]), Arms(["strong"], cost=np.zeros(1))):
            check(router.choose(nothing, pool, dial=0.3, draw=0.4), len(pool))


@pytest.mark.parametrize("name", NAMES)
def test_choosing_changes_nothing_and_is_the_same_again(name: str) -> None:
    router, asked = taught(name), queries(5, seed=4)
    before = json.dumps(router.saved())
    first = [router.choose(query, arms(), dial=0.5, draw=0.37) for query in asked]
    again = [router.choose(query, arms(), dial=0.5, draw=0.37) for query in reversed(asked)]
    assert all(same(one, other) for one, other in zip(first, reversed(again), strict=True))
    assert json.dumps(router.saved()) == before


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_goes_on_bit_for_bit(name: str) -> None:
    router = taught(name)
    kept = json.loads(json.dumps(router.saved()))
    other = made(name)
    other.restored(kept)
    for one in (router, other):
        teach(one, queries(8, seed=11))
    assert json.dumps(router.saved()) == json.dumps(other.saved())
    for query in queries(6, seed=5):
        choices = [each.choose(query, arms(), dial=0.5, draw=0.2) for each in (router, other)]
        assert same(*choices)


@pytest.mark.parametrize("name", NAMES)
def test_who_comes_later_is_learned_of_and_who_is_away_stays_known(name: str) -> None:
    router = taught(name)
    pool = Arms(["late", *KEYS], cost=np.array([0.02, 0.01, 0.05, 0.05, 0.4]))
    for query in queries(6, seed=6):
        router.learn(query, "late", Outcome(1.0, 0.02, 1.0))
        check(router.choose(query, pool, dial=0.3, draw=0.6), 5)
    check(router.choose(queries(1)[0], arms(), dial=0.3, draw=0.6), 4)


@pytest.mark.parametrize("name", NAMES)
def test_outcomes_without_a_cost_and_logs_full_of_holes_are_borne(name: str) -> None:
    router = made(name)
    router.learn(queries(1)[0], "cheap", Outcome(1.0))
    holed = log(30, holes=0.9)
    router.fit(holed)
    router.fit(holed._replace(costs=np.full_like(holed.costs, np.nan)))
    check(router.choose(queries(1)[0], arms(), dial=0.3, draw=0.1), 4)


def goes_on(router: Router) -> None:
    for _ in range(2):
        for query in queries(3, seed=5):
            check(router.choose(query, arms(), dial=0.5, draw=0.2), 4)
        teach(router, queries(8, seed=11))


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_state_is_refused_with_nothing_changed_or_goes_on(name: str) -> None:
    kept = json.loads(json.dumps(taught(name).saved()))
    router = made(name)
    teach(router, queries(4, seed=2))
    before, refused = json.dumps(router.saved()), 0
    for what, damaged in mutations(kept):
        try:
            router.restored(damaged)
        except LedgerError:
            assert json.dumps(router.saved()) == before, what
            refused += 1
        else:  # another state that there can be, of somebody else or of fewer outcomes
            goes_on(router)
            router = made(name)
            teach(router, queries(4, seed=2))
    assert refused >= 15
    router.restored(kept)
    assert json.dumps(router.saved()) == json.dumps(kept)


def test_a_damaged_record_of_answers_is_refused_or_goes_on() -> None:
    given = log(200)
    router, answers = made("agora"), np.where(given.scores > 0.5, "yes", "no").astype(object)
    router.fit(given._replace(answers=answers))
    kept = json.loads(json.dumps(router.saved()))
    assert kept["agreement"] is not None
    for _, damaged in mutations({"agreement": kept["agreement"]}):
        other = made("agora")
        try:
            other.restored({**kept, **(damaged if isinstance(damaged, dict) else {"agreement": damaged})})
        except LedgerError:
            continue
        goes_on(other)
        assert isinstance(other, Escalating)
        assert other.proceed(queries(1)[0]._replace(checked=False), arms(), [], dial=0.1, draw=0.0).ask is not None
