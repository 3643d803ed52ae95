"""The sentence says what the figures say: nothing to gain, gain by a table, gain by a check, too little to tell."""

from __future__ import annotations

import numpy as np

from agora.bench.diagnosing.attempts import Attempt, Log
from agora.bench.diagnosing.diagnosis import diagnose_log, diagnose_outcomes
from agora.bench.routing.matrix import Recorded
from bench.diagnosing.matrices import matrix

N = 400


def _two_kinds(first: tuple[float, float], second: tuple[float, float]) -> dict[str, list[float]]:
    chance = np.random.default_rng(1)
    even = np.arange(N) % 2 == 0
    return {
        name: (chance.random(N) < np.where(even, *rates)).astype(float).tolist()
        for name, rates in (("first", first), ("second", second))
    }


def _said(recorded: Recorded) -> str:
    return diagnose_outcomes(recorded).conclusion


def test_where_the_best_one_solves_whatever_anybody_does_there_is_nothing_to_gain() -> None:
    best = [1.0, 1.0, 1.0, 0.0] * 25
    worse = [1.0, 0.0, 0.0, 0.0] * 25
    assert _said(matrix({"best": best, "worse": worse}, usd={"best": 1.0, "worse": 2.0})).startswith(
        "There is next to nothing to gain: best alone scores 75.0 %"
    )


def test_a_gain_by_task_is_said_to_be_one() -> None:
    said = _said(matrix(_two_kinds((0.95, 0.2), (0.2, 0.95)), tags=["a", "b"] * (N // 2)))
    assert said.startswith("There is something to gain")
    assert "a table by task alone already scores" in said


def test_a_gain_that_takes_a_check_is_said_to_take_one() -> None:
    said = _said(matrix(_two_kinds((0.6, 0.6), (0.8, 0.8)), usd={"first": 0.1, "second": 1.0}))
    assert "where a check that is right 9 times in 10 follows, asking cheap models first costs" in said
    assert "a table by task does not surely get any of it" in said


def test_a_gain_that_no_simple_way_reaches_is_left_to_a_router() -> None:
    said = _said(matrix(_two_kinds((0.6, 0.6), (0.6, 0.6))))
    assert "it takes a router that reads the query" in said


def test_few_queries_and_one_model_are_said_to_be_that() -> None:
    assert _said(matrix({"a": [1, 0], "b": [0, 1]})).startswith("Too little is on record: 2 queries")
    assert _said(matrix({"a": [1, 0]})) == "There is nothing to choose: only a is on record."


def test_a_log_without_scores_says_what_it_can() -> None:
    log = Log(
        name="log",
        reader="a log",
        unit="calls",
        attempts=[
            Attempt("big", usd=3.0),
            Attempt("small", usd=1.0, failed="timeout"),
        ],
        missing=("scores",),
    )
    found = diagnose_log(log)
    assert found.pool is None
    assert found.missing == ("scores",)
    assert "cannot be said from this log" in found.conclusion
    assert "big took 75.0 % of $4, 1 of 2 calls came to nothing and took $1." in found.conclusion
    assert found.spending is not None
    assert found.spending.failures == {"timeout": 1}
