"""Matrices with holes."""

import numpy as np
import pytest

from agora.bench.routing.made import recorded
from agora.bench.routing.slices import dense
from agora.errors import ConfigError


def test_a_full_matrix_is_left_as_it_is() -> None:
    whole = recorded(queries=30)
    found = dense(whole)
    assert found.ids == whole.ids
    assert found.oddities == ()


def test_of_a_matrix_with_holes_the_largest_full_part_is_taken() -> None:
    whole = recorded(queries=30)
    scores = whole.scores.copy()
    scores[:20, 0] = np.nan
    found = dense(whole._replace(scores=scores))
    assert found.models == whole.models[1:]
    assert len(found.ids) == 30
    kept = f"{len(whole.models) - 1} of {len(whole.models)} models"
    assert found.oddities == (f"holes: measured on 30 of 30 queries and {kept}, where everything is recorded",)


def test_blocks_of_models_that_did_different_tasks_are_not_mixed() -> None:
    whole = recorded(queries=30)
    scores = np.full_like(whole.scores, np.nan)
    scores[:20, :2], scores[20:, 2:] = 1.0, 1.0
    found = dense(whole._replace(scores=scores))
    assert not np.isnan(found.scores).any()
    assert found.scores.size == max(20 * 2, 10 * (len(whole.models) - 2))


def test_models_without_dollars_are_left_out_with_a_word_and_single_costs_are_filled() -> None:
    whole = recorded(queries=30)
    costs = whole.costs.copy()
    costs[:, 1], costs[4, 0] = np.nan, np.nan
    found = dense(whole._replace(costs=costs))
    assert whole.models[1] not in found.models
    assert found.costs[4, 0] == pytest.approx(np.nanmean(costs[:, 0]))
    assert found.oddities == (
        "1 models without dollars left out",
        "1 unknown costs taken as the model's mean cost",
    )


def test_a_matrix_of_holes_is_refused() -> None:
    whole = recorded(queries=5)
    with pytest.raises(ConfigError, match="no model answered any query"):
        dense(whole._replace(scores=np.full_like(whole.scores, np.nan)))
