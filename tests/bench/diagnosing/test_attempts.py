"""What a log gives to compare: the same work scored at two models or more, and nothing else."""

from __future__ import annotations

import numpy as np

from agora.bench.diagnosing.attempts import Attempt, Log, compared
from agora.bench.diagnosing.sharing import shared
from bench.diagnosing.matrices import matrix


def _log(*attempts: Attempt) -> Log:
    return Log(name="log", reader="a log", unit="calls", attempts=attempts)


def test_tries_of_the_same_work_are_averaged_and_what_one_model_did_alone_is_counted() -> None:
    found = compared(
        _log(
            Attempt("a", "q", 1.0, usd=1.0),
            Attempt("a", "q", 0.0, usd=3.0),
            Attempt("b", "q", 1.0, tag="sums"),
            Attempt("b", "alone", 1.0),
            Attempt("b", "unscored"),
            Attempt("a", "", 1.0),
        )
    )
    assert found is not None
    assert (found.ids, found.models, found.tags) == (("q",), ("a", "b"), ("sums",))
    assert found.scores.tolist() == [[0.5, 1.0]]
    assert found.costs[0, 0] == 2.0
    assert np.isnan(found.costs[0, 1])
    assert found.oddities == ("1 of 2 scored queries were given to one model only: not compared",)


def test_a_log_without_any_work_done_twice_gives_nothing() -> None:
    assert compared(_log(Attempt("a", "q", 1.0), Attempt("b", "r", 1.0), Attempt("b", "q"))) is None


def test_where_nothing_took_a_dollar_dollars_are_unknown() -> None:
    found = compared(_log(Attempt("a", "q", 1.0, usd=0.0), Attempt("b", "q", 0.0, usd=0.0)))
    assert found is not None
    assert np.isnan(found.costs).all()


def test_with_holes_at_least_two_models_and_the_most_cells_are_kept() -> None:
    nan = float("nan")
    holes = matrix({"a": [1, 0, 1, nan, nan, 1], "b": [nan, nan, 0, 1, nan, 1], "c": [nan, nan, nan, nan, 1, nan]})
    found = shared(holes)
    assert (found.models, found.ids) == (("a", "b"), ("q0002", "q0005"))
    assert found.oddities == ("holes: compared on 2 of 6 queries and 2 of 3 models, where everything is recorded",)
    three = matrix({"a": [1, 0, 1], "b": [1, 0, 0], "c": [1, 1, 0], "d": [nan, nan, 1]})
    assert shared(three).models == ("a", "b", "c")
    whole = matrix({"a": [1, 0], "b": [0, 1]})
    assert shared(whole) is whole
