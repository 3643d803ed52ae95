"""When agreement of cheap models is accepted, and what a small induction comes to by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agora.coordinator.routers.own.agreement import Agreement
from agora.coordinator.routers.own.patterns import Patterns, agreement, code_of
from agora.coordinator.routers.own.pool import Pool, chosen_of, pool_of
from agora.coordinator.routers.own.router import Own, OwnOptions
from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.seam import Answers, Arms, Log, Matrix, Outcome, Query, Seen
from agora.values import JsonValue

KEYS = ("one", "two", "dear")
COST = np.array([0.01, 0.01, 0.5])
ARMS = Arms(KEYS)


def world(n: int = 600, *, seed: int = 0, telling: bool) -> Log:
    """Two cheap models right in 7 of 10, a dear one nearly always; telling: the cheap ones never err alike."""
    rng = np.random.default_rng(seed)
    right = rng.uniform(size=(n, 3)) < (0.7, 0.7, 0.98)
    if not telling:
        right[:, 1] = right[:, 0]
    answers = np.where(right, "A", np.array(["B", "C" if telling else "B", "D"])).astype(object)
    queries = [Query(np.ones(1), tag=("maths", "law")[at % 2]) for at in range(n)]
    return Log(queries, ARMS, right.astype(float), np.tile(COST, (n, 1)), answers)


def fitted(log: Log) -> Agreement:
    known = Agreement()
    known.fit(log)
    return known


def saved_of(pool: Pool) -> JsonValue:
    """As a router keeps it."""
    held = {name: packed(getattr(pool, name).astype(float)) for name in Pool._fields[3:]}
    return {"arms": list(pool.arms), "fitted": list(pool.fitted), "tags": list(pool.tags), **held}


def asked(known: Agreement, answers: tuple[str, str, str], *, dial: float, tag: str = "maths") -> tuple[list[int], int]:
    """Who is asked in turn, and whose answer is handed in, by position."""
    seen: list[Seen] = []
    while True:
        move = known.move(tag, ARMS, seen, dial=dial)
        assert move is not None
        if move.ask is None:
            assert move.hand_in is not None
            return [one.place for one in seen], seen[move.hand_in].place
        seen.append(Seen(move.ask, None, answers[move.ask]))


def test_agreement_is_accepted_where_it_is_right_and_not_where_it_tells_nothing() -> None:
    told, handed = asked(fitted(world(telling=True)), ("A", "A", "A"), dial=0.5)
    assert sorted(told) == [0, 1]
    assert handed in (0, 1)
    told, handed = asked(fitted(world(telling=False)), ("A", "A", "A"), dial=0.5)
    assert told[-1] == handed == 2


def test_a_third_is_asked_where_two_differ() -> None:
    told, handed = asked(fitted(world(telling=True)), ("B", "A", "A"), dial=0.5)
    assert sorted(told) == [0, 1, 2]
    assert handed in (1, 2)


def test_the_dial_turns_without_another_fit() -> None:
    known = fitted(world(telling=True))
    saved = json.dumps(known.saved())
    calls = [len(asked(known, ("B", "A", "A"), dial=dial)[0]) for dial in (0.3, 100.0)]
    assert calls == [3, 1]
    assert json.dumps(known.saved()) == saved


def test_what_is_kept_goes_on_bit_for_bit() -> None:
    one, other = fitted(world(telling=True)), Agreement()
    other.restored(json.loads(json.dumps(one.saved())))
    assert json.dumps(other.saved()) == json.dumps(one.saved())
    assert other.value("law", ARMS, dial=0.7) == one.value("law", ARMS, dial=0.7)
    other.restored(None)
    assert other.value("law", ARMS, dial=0.7) is None


def test_who_is_away_is_not_asked_and_a_tag_nobody_met_is_as_everything() -> None:
    known = fitted(world(telling=True))
    move = known.move("poetry", Arms(["dear", "two"]), [], dial=0.1)
    assert move is not None
    assert move.ask in (0, 1)
    assert known.move("maths", Arms(["stranger"]), [], dial=0.0) is None
    assert known.move("maths", Arms([*KEYS, "stranger"]), [Seen(3, None, "A")], dial=0.0) is None


@pytest.mark.parametrize("answers", [("Z", "Q", "Z"), (None, None, None)])
def test_answers_that_were_never_met_still_end(answers: tuple[str, str, str]) -> None:
    told, handed = asked(fitted(world(telling=True)), answers, dial=0.1)
    assert handed in told


def test_nothing_is_known_without_answers_or_with_few_queries_or_holes() -> None:
    log = world(telling=True)
    holed = log.scores.copy()
    holed[:, 2] = np.nan
    for poor in (log._replace(answers=None), world(60, telling=True), log._replace(scores=holed)):
        assert fitted(poor).move("maths", ARMS, [], dial=0.1) is None
    free = fitted(log._replace(costs=np.full_like(log.costs, np.nan)))
    assert free.move("maths", ARMS, [], dial=0.1) is not None


def test_a_small_induction_by_hand() -> None:
    """Two models, one tag, kinds that tell nothing; right half of the time and always; they agree half of the time."""
    n = 200
    right = np.ones((n, 2))
    right[: n // 2, 0] = 0.0
    answer = np.zeros((n, 2), dtype=np.intp)
    answer[: n // 2, 1] = 1
    credible = np.zeros((2, 2, 5))
    credible[:, 0], credible[:, 1] = 0.5, 0.99
    group, kind = np.zeros(n, dtype=np.intp), np.zeros((n, 2), dtype=np.intp)
    pool = Pool(("a", "b"), ("a", "b"), ("t",), group, answer, kind, right, credible, np.array([[0.1, 0.3]] * 2))
    states = Patterns(pool).of((0,))
    assert states.stop[0, 0, 0] == pytest.approx((100 + 40 * 0.5) / (n + 40)) == 0.5
    both = Patterns(pool).of((0, 1))
    agreed, differ = (both.place(code_of(two, [0, 0])) for two in (["x", "x"], ["x", "y"]))
    # Over all tags a is right 100 times of 100 where they agree: (100 + 3 / 2) / 103; log odds 4.21 over 0.
    told = np.log((100 + 1.5) / 103 / (1 - (100 + 1.5) / 103))
    prior = 1 / (1 + np.exp(-0.7 * told))
    assert both.stop[0, agreed, 0] == pytest.approx((100 + 40 * prior) / (100 + 40))
    assert both.stop[0, differ].argmax() == 1
    step = Patterns(pool).step((0,), 1)
    assert step.share[0].tolist() == pytest.approx([(100 + 20 * 0.5) / (200 + 20)] * 2)
    expected = 0.5 * both.stop[0, agreed].max() + 0.5 * both.stop[0, differ].max() - 0.3 - 0.1
    known = Agreement()
    known.restored(saved_of(pool))
    alone = Patterns(pool).of((1,)).stop[0, 0, 0] - 0.3
    assert known.value("t", Arms(["a", "b"]), dial=1.0) == pytest.approx(max(expected, alone, 0.4))


def test_the_number_of_a_state_is_the_same_from_strings_and_from_a_log() -> None:
    rows = np.array([[0, 0, 2], [0, 1, 1], [0, 1, 2]])
    told: list[list[str | None]] = [["x", "x", "y"], ["x", "y", "y"], ["x", None, "z"]]
    for row, answers in zip(agreement(rows), told, strict=True):
        assert code_of(answers, []) == int(row)


def test_the_cheapest_is_looked_at_and_then_who_lifts_most() -> None:
    success = np.array([[0.5, 0.9, 0.9, 0.2], [0.5, 0.2, 0.9, 0.95]])
    cost = np.array([[0.01, 0.1, 2.0, 0.1]] * 2)
    found = chosen_of(success, cost, np.array([0.5, 0.5]))
    assert found == [0, 1, 2, 3]
    assert len(chosen_of(np.full((1, 30), 0.5), np.full((1, 30), 0.1), np.ones(1))) == 7


def test_kinds_settle_what_the_letters_cannot() -> None:
    """Who writes prose is wrong, who makes a call is right: one call is enough to know."""
    n = 400
    right = np.random.default_rng(1).uniform(size=(n, 2)) < 0.6
    answers: Answers = np.where(right, "call:f(x=1)", "").astype(object)
    answers[~right] = None
    costs = np.tile([0.01, 0.05], (n, 1))
    log = Log([Query(np.ones(1), tag="tools")] * n, Arms(["a", "b"]), right.astype(float), costs, answers)
    known, pair = fitted(log), Arms(["a", "b"])
    taken = known.move("tools", pair, [Seen(0, None, "call:f(x=1)")], dial=0.5)
    assert taken is not None
    assert taken.hand_in == 0
    more = known.move("tools", pair, [Seen(0, None, None)], dial=0.5)
    assert more is not None
    assert more.ask == 1


def test_the_policy_asks_on_until_answers_agree_and_asks_who_is_new_alone() -> None:
    router, log = Own(OwnOptions()), world(telling=True)
    router.fit(log)
    query = Query(np.ones(1), tag="maths")
    first = router.proceed(query, ARMS, [], dial=0.5, draw=0.0)
    assert first.ask in (0, 1)
    seen = [Seen(0, None, "A"), Seen(1, None, "A")]
    assert router.proceed(query, ARMS, seen, dial=0.5, draw=0.0).ask is None
    cold = Own(OwnOptions())
    assert cold.proceed(query, ARMS, [], dial=0.5, draw=0.0).ask is not None
    assert cold.proceed(query, ARMS, [Seen(1)], dial=0.5, draw=0.0).hand_in == 0


def test_who_came_since_and_promises_more_is_asked_alone() -> None:
    router, query = Own(OwnOptions(explore=0.0)), Query(np.ones(1), tag="maths")
    router.fit(world(telling=True))
    for _ in range(40):
        router.learn(query, "newer", Outcome(1.0, 0.0001))
        router.learn(query, "worse", Outcome(0.0, 0.0001))
    pool = Arms([*KEYS, "newer", "worse"])
    assert router.proceed(query, pool, [], dial=0.5, draw=0.0).ask == 3
    assert router.proceed(query, pool, [Seen(3, None, "A")], dial=0.5, draw=0.0).hand_in == 0
    assert router.proceed(query, Arms([*KEYS, "worse"]), [], dial=0.5, draw=0.0).ask in (0, 1)


def test_a_log_gives_whom_to_look_at_and_what_it_costs() -> None:
    pool = pool_of(world(telling=True))
    assert pool is not None
    assert pool.arms == KEYS
    assert pool.tags == ("law", "maths")
    costs: Matrix = pool.cost
    assert costs.shape == (3, 3)
    assert costs[0].tolist() == pytest.approx(COST.tolist())
