"""Whom agora asks in turn where a check follows, and what it hands in when nothing passed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agora.coordinator.routers.own.checking import OF_ITS_OWN, Checking
from agora.coordinator.routers.own.router import Own, OwnOptions
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query, Seen
from agora.coordinator.routers.sequences import sequence_of, value_of

ARMS = Arms(["cheap", "other", "dear"])
COST = np.array([0.01, 0.02, 0.5])


def world(n: int = 200, *, tag: str = "code") -> Log:
    """What the cheap one cannot do, the other one can; the dear one can do all."""
    rng = np.random.default_rng(0)
    cheap = rng.uniform(size=n) < 0.6
    scores = np.stack([cheap, ~cheap, np.ones(n, dtype=bool)], axis=1).astype(float)
    queries = [Query(np.ones(1), tag=tag)] * n
    return Log(queries, ARMS, scores, np.tile(COST, (n, 1)))


def asked(*, checked: bool = True, tag: str = "code") -> Query:
    return Query(np.ones(1), tag=tag, checked=checked)


def fitted(right: float = 1.0) -> Own:
    router = Own(OwnOptions(right=right))
    router.fit(world())
    return router


def test_the_list_that_was_worth_most_is_followed_until_one_passes() -> None:
    router = fitted()
    choice = router.choose(asked(), ARMS, dial=1.0, draw=0.0)
    assert list(choice.order[: choice.rungs]) == [0, 1]
    first = router.proceed(asked(), ARMS, [], dial=1.0, draw=0.0)
    assert first.ask == 0
    assert router.proceed(asked(), ARMS, [Seen(0, True)], dial=1.0, draw=0.0).hand_in == 0
    assert router.proceed(asked(), ARMS, [Seen(0, False)], dial=1.0, draw=0.0).ask == 1
    last = router.proceed(asked(), ARMS, [Seen(0, False), Seen(1, False)], dial=1.0, draw=0.0)
    assert (last.ask, last.hand_in) == (None, 1)


def test_where_the_check_errs_and_nothing_passed_the_likeliest_is_handed_in() -> None:
    known = Checking(0.9)
    known.fit(world())
    # The dear one is always right: that its answer failed is the check's own error.
    seen = [Seen(2, False), Seen(0, False), Seen(1, False)]
    assert known.move(asked(), ARMS, seen, [2, 0, 1]).hand_in == 0
    sure = Checking(1.0)
    sure.fit(world())
    assert sure.move(asked(), ARMS, seen, [2, 0, 1]).hand_in == 2


def test_little_known_leaves_the_order_to_the_belief() -> None:
    router = Own(OwnOptions())
    assert router.proceed(asked(), ARMS, [], dial=0.0, draw=0.0).ask is not None
    few = Checking(1.0)
    few.fit(world(10))
    assert few.found(asked(), ARMS, dial=1.0) is None


def test_a_tag_has_a_list_of_its_own_from_many_queries_on() -> None:
    known = Checking(1.0)
    known.fit(world(OF_ITS_OWN, tag="code"))
    reverse = world(OF_ITS_OWN // 2, tag="prose")
    known.fit(reverse._replace(scores=reverse.scores * [0.0, 0.0, 1.0]))
    own = known.found(asked(tag="code"), ARMS, dial=1.0)
    assert own is not None
    assert own.sequence == (0, 1)
    few = known.found(asked(tag="prose"), ARMS, dial=1.0)
    assert few is not None
    assert 2 in few.sequence


def test_what_is_kept_goes_on_bit_for_bit() -> None:
    one, other = fitted(0.9), Own(OwnOptions(right=0.9))
    other.restored(json.loads(json.dumps(one.saved())))
    for router in (one, other):
        router.learn(asked(), "cheap", Outcome(1.0, 0.01))
    assert json.dumps(one.saved()) == json.dumps(other.saved())
    choices = [router.choose(asked(), ARMS, dial=1.0, draw=0.0) for router in (one, other)]
    assert list(choices[0].order) == list(choices[1].order)


def test_the_worth_of_a_sequence_by_hand() -> None:
    scores = np.array([[1.0, 0.0], [0.0, 1.0]])
    # The first query: right at once, passes with .9; else the second answers wrongly, and is handed in all the same.
    # The second query: wrong, passes with .1; else the second answers rightly. Calls of the second: .1 and .9.
    expected = (0.9 + 0.9) / 2 - 1.0 * (0.1 + 0.2 * (0.1 + 0.9) / 2)
    assert value_of(scores, np.array([0.1, 0.2]), (0, 1), dial=1.0, right=0.9) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(8))
def test_no_change_of_one_place_makes_a_sequence_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.uniform(size=(80, 8)) < rng.uniform(0.2, 0.8, size=8)).astype(float)
    cost = rng.permutation(np.geomspace(0.01, 0.4, 8))
    found = sequence_of(scores, cost, dial=0.3, most=4, right=0.9)
    worth = value_of(scores, cost, found, dial=0.3, right=0.9)
    others = [arm for arm in range(8) if arm not in found]
    near = [(*found[:at], arm, *found[at + 1 :]) for at in range(len(found)) for arm in others]
    near += [(*found[:at], *found[at + 1 :]) for at in range(len(found)) if len(found) > 1]
    near += [(*found[:at], found[at + 1], found[at], *found[at + 2 :]) for at in range(len(found) - 1)]
    assert all(value_of(scores, cost, one, dial=0.3, right=0.9) <= worth + 1e-9 for one in near)
