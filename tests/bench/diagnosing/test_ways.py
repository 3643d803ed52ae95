"""Simple ways are measured where they were not set up: what is there is found, and what is luck is not."""

from __future__ import annotations

import numpy as np
import pytest

from agora.bench.diagnosing.ways import CHEAP_TABLE, ERRING, LADDER, LEAST, TABLE, ways_of
from bench.diagnosing.matrices import matrix

N = 400


def _drawn(chances: dict[str, tuple[float, float]], *, seed: int = 0) -> dict[str, list[float]]:
    """Model -> outcomes, by its chances at queries of two kinds in turn."""
    chance = np.random.default_rng(seed)
    return {
        model: (chance.random(N) < np.where(np.arange(N) % 2 == 0, *rates)).astype(float).tolist()
        for model, rates in chances.items()
    }


TAGS = ["sums", "songs"] * (N // 2)


def test_a_table_finds_the_specialist_of_each_task() -> None:
    scores = _drawn({"adder": (0.95, 0.3), "singer": (0.3, 0.9), "both": (0.65, 0.65)})
    ways = {way.name: way for way in ways_of(matrix(scores, tags=TAGS))}
    assert list(ways) == [TABLE]
    assert ways[TABLE].score == pytest.approx(0.925, abs=0.03)
    assert ways[TABLE].gain.low > 0.15
    assert ways[TABLE].saving is None


def test_a_table_sends_the_easy_task_to_the_cheap_model() -> None:
    scores = _drawn({"cheap": (0.97, 0.1), "dear": (0.9, 0.9)})
    ways = {way.name: way for way in ways_of(matrix(scores, usd={"cheap": 0.01, "dear": 1.0}, tags=TAGS))}
    found = ways[CHEAP_TABLE]
    assert found.saving is not None
    assert found.saving.value == pytest.approx(0.495, abs=0.03)
    assert found.gain.value > -0.03


def test_twenty_equal_models_give_a_table_nothing() -> None:
    scores = _drawn({f"m{at:02}": (0.6, 0.6) for at in range(20)}, seed=3)
    (table,) = ways_of(matrix(scores, tags=TAGS))
    assert table.gain.low < 0.02


def test_nothing_is_measured_on_queries_that_it_was_set_up_on() -> None:
    scores = _drawn({"heads": (0.5, 0.5), "tails": (0.5, 0.5)}, seed=7)
    (table,) = ways_of(matrix(scores, tags=[f"a task of its own {at}" for at in range(N)]))
    assert (table.gain.low, table.gain.high) == (0.0, 0.0)


def test_the_ladder_is_the_reckoning_by_hand() -> None:
    scores = {"cheap": [1.0, 0.0] * 30, "dear": [1.0, 1.0, 0.0] * 20}
    ladder, erring = ways_of(matrix(scores, usd={"cheap": 1.0, "dear": 5.0}))
    either = [max(pair) for pair in zip(scores["cheap"], scores["dear"], strict=True)]
    spent = [1.0 if first else 6.0 for first in scores["cheap"]]
    assert ladder.name == LADDER
    assert ladder.score == pytest.approx(sum(either) / 60)
    assert ladder.usd == pytest.approx(sum(spent) / 60)
    kept = [0.9 if first else 0.1 for first in scores["cheap"]]
    handed_in = [
        keep * first + (1 - keep) * second
        for keep, first, second in zip(kept, scores["cheap"], scores["dear"], strict=True)
    ]
    assert erring.name == ERRING
    assert erring.score == pytest.approx(sum(handed_in) / 60)
    assert erring.usd == pytest.approx(1 + 5 * (60 - sum(kept)) / 60)
    assert ladder.saving is not None
    assert ladder.saving.value == pytest.approx(1 - sum(spent) / 60 / 5)


def test_of_few_queries_and_of_one_model_nothing_is_said() -> None:
    assert ways_of(matrix({"a": [1.0] * (LEAST - 1), "b": [0.0] * (LEAST - 1)})) == ()
    assert ways_of(matrix({"a": [1.0] * 100}, usd={"a": 1.0})) == ()


def test_models_that_cost_nothing_divide_by_nothing() -> None:
    ways = ways_of(matrix({"a": [1.0, 0.0] * 40, "b": [0.0, 1.0] * 40}, usd={"a": 0.0, "b": 0.0}, tags=["x", "y"] * 40))
    assert [way.saving for way in ways] == [None] * 4
