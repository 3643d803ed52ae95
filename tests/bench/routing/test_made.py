"""The generated set: the same each time, in the form of recorded ones, with a world in it that is known."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np

from agora.bench.routing import made
from agora.bench.routing.made_world import MODELS, TOPICS


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    files = [made.write(made.rows(queries=20, seed=seed), tmp_path / str(at)) for at, seed in enumerate((0, 0, 1))]
    first, again, other = [(folder / "outcomes.csv.gz").read_bytes() for folder in files]
    assert first == again
    assert first != other


def test_its_files_have_a_row_for_each_query_model_and_trial(tmp_path: Path) -> None:
    drawn = made.rows(queries=12, trials=2)
    folder = made.write(drawn, tmp_path)
    with gzip.open(folder / "queries.jsonl.gz", "rt") as lines:
        queries = [json.loads(line) for line in lines]
    with gzip.open(folder / "outcomes.csv.gz", "rt") as lines:
        outcomes = list(csv.DictReader(lines))
    with (tmp_path / "models.csv").open() as lines:
        models = [row["model"] for row in csv.DictReader(lines)]
    assert [one["query_id"] for one in queries] == [f"made/{at:05}" for at in range(12)]
    assert {one["task"] for one in queries} <= {topic.task for topic in TOPICS.values()}
    assert set(models) == set(MODELS)
    assert len({(row["query_id"], row["model"], row["trial"]) for row in outcomes}) == 12 * len(MODELS) * 2
    assert {row["score"] for row in outcomes} == {"0", "1"}


def test_the_matrix_says_what_the_rows_say() -> None:
    drawn, matrix = made.rows(queries=30, seed=3, trials=3), made.recorded(queries=30, seed=3, trials=3)
    row = next(one for one in drawn.outcomes if one["model"] == "made/coder")
    same = [one for one in drawn.outcomes if (one["query_id"], one["model"]) == (row["query_id"], row["model"])]
    at = matrix.ids.index(str(row["query_id"])), matrix.models.index("made/coder")
    assert matrix.scores[at] == sum(float(one["score"] or 0) for one in same) / 3
    assert np.isclose(matrix.costs[at], sum(float(one["cost_usd"] or 0) for one in same) / 3)
    assert matrix.texts == tuple(one["prompt"] for one in drawn.queries)
    assert matrix.dates == tuple(sorted(matrix.dates))


def test_a_specialist_is_best_where_it_is_one_and_failures_go_together() -> None:
    matrix = made.recorded(queries=1500)
    programming = np.array([tag == "programming" for tag in matrix.tags])
    mean = dict(zip(matrix.models, matrix.scores[programming].mean(axis=0), strict=True))
    overall = dict(zip(matrix.models, matrix.scores.mean(axis=0), strict=True))
    assert max(mean, key=lambda model: mean[model]) == "made/coder"
    assert max(overall, key=lambda model: overall[model]) == "made/giant"
    together = np.corrcoef(matrix.scores, rowvar=False)
    assert together.min() > 0.1
