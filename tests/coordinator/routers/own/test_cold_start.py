"""The policy from nothing: it tries what may be better, finds it, and stops trying."""

from __future__ import annotations

import json

import numpy as np

from agora.coordinator.routers.own.router import Own, OwnOptions
from agora.coordinator.routers.seam import Arms, Outcome, Query
from coordinator.routers.worlds import COSTS, GOOD, KEYS

NOWHERE = np.zeros(4)
TAGS = ("code", "prose")


def made(**options: float) -> Own:
    return Own(OwnOptions.model_validate(options))


def routed(router: Own, n: int, *, unit: float = 1.0, seed: int = 3, dead: int = -1) -> list[int]:
    """Each choice is learned from; costs and the dial are in the given unit."""
    rng, pool, chosen = np.random.default_rng(seed), Arms(KEYS, cost=COSTS * unit), list[int]()
    for place in range(n):
        query = Query(NOWHERE, tag=TAGS[place % 2])
        first = router.choose(query, pool, dial=1.0 / unit, draw=0.5).order[0]
        passed = first != dead and bool(rng.uniform() < GOOD[query.tag][first])
        router.learn(query, KEYS[first], Outcome(float(passed), float(COSTS[first] * rng.uniform(0.5, 2.0) * unit)))
        chosen.append(first)
    return chosen


def test_each_tag_s_specialist_is_found_from_nothing() -> None:
    chosen = routed(made(), 300)
    assert chosen[200::2].count(1) > 45
    assert chosen[201::2].count(2) > 45


def test_exploration_fades_while_nobody_knows_how_many_are_to_come() -> None:
    router = made()
    routed(router, 2000)
    chosen = routed(router, 200, seed=4)
    assert chosen[::2].count(1) >= 97
    assert chosen[1::2].count(2) >= 97


def test_exploration_ends_with_the_last_query_that_is_to_come() -> None:
    router, pool = made(horizon=200), Arms(KEYS, cost=COSTS)
    routed(router, 199)
    for tag in TAGS:
        terms = router.choose(Query(NOWHERE, tag=tag), pool, dial=1.0, draw=0.5).terms
        assert (terms["gain"] < 0.02).all()
        assert int(np.argmax(terms["index"])) == int(np.argmax(terms["success"] - terms["cost"]))


def test_without_a_share_of_the_gain_nothing_is_tried_for_the_sake_of_knowing() -> None:
    router, pool = made(explore=0.0), Arms(KEYS, cost=COSTS)
    terms = router.choose(Query(NOWHERE, tag="code"), pool, dial=1.0, draw=0.5).terms
    assert (terms["index"] == terms["success"] - terms["cost"]).all()


def test_with_one_query_to_come_less_is_tried_than_with_a_thousand() -> None:
    pool, query = Arms(KEYS, cost=COSTS), Query(NOWHERE, tag="code")
    short, long = (made(horizon=horizon).choose(query, pool, dial=1.0, draw=0.5).terms["gain"] for horizon in (1, 1000))
    assert (short < 0.2).all()
    assert (long > 10 * short).all()


def test_the_unit_of_money_changes_no_choice() -> None:
    assert routed(made(), 150) == routed(made(), 150, unit=2.0**-17)


def test_who_dies_is_left_for_the_next_best_and_the_others_go_on() -> None:
    router = made()
    routed(router, 300)
    after = routed(router, 100, seed=9, dead=1)
    assert after[40::2].count(1) <= 2
    assert after[41::2].count(2) >= 27


def test_choices_among_changing_arms_go_on_to_the_last_bit_from_what_was_kept() -> None:
    one, other = made(), made()
    routed(one, 41)
    other.restored(json.loads(json.dumps(one.saved())))
    pools = [Arms(KEYS, cost=COSTS), Arms(["new", *KEYS[1:]]), Arms(KEYS[:2])]
    for place in range(50):
        query, pool = Query(NOWHERE, tag=("code", "prose", "new")[place % 3]), pools[place % 7 % 3]
        first, second = (router.choose(query, pool, dial=0.5, draw=0.5) for router in (one, other))
        assert all((first.terms[name] == second.terms[name]).all() for name in first.terms)
        for router in (one, other):
            router.learn(query, pool.keys[first.order[0]], Outcome(float(place % 3 > 0), 0.1))
        one.choose(query, pools[0], dial=0.5, draw=0.5)  # only one of both is asked again
    assert json.dumps(one.saved()) == json.dumps(other.saved())
