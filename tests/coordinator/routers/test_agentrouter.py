"""AgentRouter: weights from related queries, and a vote that costs no more than it could gain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agora.coordinator.routers.agentrouter import AgentRouter, AgentRouterOptions
from agora.coordinator.routers.seam import Arms, Log, Move, Query, Seen

POOL = Arms(["a", "b", "c", "d"], cost=np.array([0.1, 0.1, 0.1, 0.1]))
ASKED = Query(np.array([1.0, 0.0]), tag="maths")


def router(scores: tuple[float, ...] = (0.7, 0.6, 0.5, 0.0), **options: float) -> AgentRouter:
    made = AgentRouter(AgentRouterOptions.model_validate({"k": 100, **options}))
    rows = np.array([[float(number < 100 * share) for share in scores] for number in range(100)])
    made.fit(Log([ASKED] * 100, POOL, rows, np.full((100, 4), 0.1)))
    return made


def proceed(made: AgentRouter, *seen: Seen, dial: float = 0.0) -> Move:
    return made.proceed(ASKED, POOL, seen, dial=dial, draw=0.99)


def test_related_queries_are_so_by_text_and_by_tag() -> None:
    made = AgentRouter(AgentRouterOptions(k=2, shrink=1.0))
    other = Query(np.array([0.0, 1.0]), tag="maths")
    far = Query(np.array([0.0, 1.0]), tag="prose")
    scores = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    pool = Arms(["a", "b"])
    made.fit(Log([far, ASKED, other], pool, scores, np.full((3, 2), np.nan)))
    overall = np.array([3.0, 2.0]) / 4.0
    expected = (np.array([1.0, 0.3]) + overall) / (1.3 + 1.0)  # .7 + .3 by both, .3 by the tag alone; far is not near
    choice = made.choose(ASKED, pool, dial=0.0, draw=0.99)
    assert choice.terms["success"].tolist() == pytest.approx(expected.tolist())
    raised = [math.exp(value / 0.1) for value in expected]
    assert choice.terms["weight"].tolist() == pytest.approx([value / sum(raised) for value in raised])


def test_three_are_asked_and_two_that_agree_outvote_the_best() -> None:
    made = router(temperature=10.0)
    assert proceed(made) == Move(ask=0)
    assert proceed(made, Seen(0, answer="4")) == Move(ask=1)
    assert proceed(made, Seen(0, answer="4"), Seen(1, answer="5")) == Move(ask=2)
    seen = (Seen(0, answer="4"), Seen(1, answer="5"), Seen(2, answer="5"))
    assert proceed(made, *seen) == Move(hand_in=1)


def test_nobody_is_asked_who_cannot_turn_the_vote() -> None:
    made = router(temperature=10.0)
    assert proceed(made, Seen(0, answer="4"), Seen(1, answer="4")) == Move(hand_in=0)


def test_a_vote_is_not_bought_for_more_than_it_could_gain() -> None:
    made = router(temperature=10.0)
    assert proceed(made, Seen(0, answer="4"), dial=1.0) == Move(ask=1)
    assert proceed(made, Seen(0, answer="4"), dial=3.0) == Move(hand_in=0)


def test_answers_that_nobody_can_compare_are_not_voted_on() -> None:
    assert proceed(router(), Seen(0)) == Move(hand_in=0)


def test_the_first_answer_that_passes_is_handed_in_and_after_a_failure_the_next_is_asked() -> None:
    made = router()
    assert proceed(made, Seen(0, passed=False)) == Move(ask=1)
    assert proceed(made, Seen(0, passed=False), Seen(1, passed=True)) == Move(hand_in=1)


def test_who_is_not_worth_its_cost_is_not_asked_after_a_failure() -> None:
    assert proceed(router(), Seen(0, passed=False), dial=6.5) == Move(hand_in=0)
