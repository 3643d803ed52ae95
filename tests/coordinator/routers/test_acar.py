"""ACAR: how far cheap answers disagree says whether somebody stronger is asked."""

from __future__ import annotations

import pytest

from agora.coordinator.routers.acar import ACAR, ACAROptions
from agora.coordinator.routers.seam import Move, Outcome, Query, Seen
from coordinator.routers.worlds import arms, queries

QUERY = queries(1)[0]
ARMS = arms()
CHEAP = (0, 1, 2)


def router() -> ACAR:
    made = ACAR(ACAROptions())
    for query in queries(40):
        for key, score in (("cheap", 0.4), ("coder", 0.6), ("writer", 0.6), ("strong", 0.95)):
            made.learn(query, key, Outcome(score, float(ARMS.cost[ARMS.keys.index(key)])))
    return made


def move(*answers: str | None, dial: float = 0.1, query: Query = QUERY) -> Move:
    places = (*CHEAP, 3)
    seen = [Seen(places[number], answer=answer) for number, answer in enumerate(answers)]
    return router().proceed(query, ARMS, seen, dial=dial, draw=0.5)


def test_the_cheapest_are_asked_first() -> None:
    assert [move(*["A"] * n).ask for n in range(3)] == [0, 1, 2]


def test_where_they_agree_their_answer_is_handed_in() -> None:
    assert move("A", "A", "A") == Move(hand_in=0)


@pytest.mark.parametrize("answers", [("A", "B", "A"), ("A", "B", "C"), ("A", None, "A")])
def test_where_they_do_not_somebody_stronger_is_asked(answers: tuple[str | None, ...]) -> None:
    assert move(*answers) == Move(ask=3)


def test_a_stronger_one_that_agrees_with_most_confirms_them_and_else_stands_for_itself() -> None:
    assert move("A", "B", "B", "B") == Move(hand_in=1)
    assert move("A", "B", "B", "A") == Move(hand_in=3)


def test_a_stronger_one_that_is_not_worth_its_cost_is_not_asked() -> None:
    assert move("A", "B", "B", dial=50.0) == Move(hand_in=1)


def test_an_answer_that_passed_a_check_is_handed_in_at_once() -> None:
    seen = [Seen(0, passed=False, answer="A"), Seen(1, passed=True, answer="B")]
    assert router().proceed(QUERY, ARMS, seen, dial=0.1, draw=0.5) == Move(hand_in=1)
