"""The vector that a policy sees: bounded, in a fixed order, neutral where nothing is known, and of one version."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.features import (
    DIMENSION,
    FEATURES_VERSION,
    NAMES,
    Sight,
    check_version,
    figures,
    vector,
    vectors,
)
from agora.errors import ConfigError
from coordinator.contexts import sights


@given(seen=st.lists(sights, max_size=8))
def test_a_context_is_of_length_1_at_most_and_does_not_depend_on_who_else_is_there(seen: list[Sight]) -> None:
    rows = vectors(seen)
    assert rows.shape == (len(seen), DIMENSION)
    assert np.linalg.norm(rows, axis=1).max(initial=0.0) <= 1.0 + 1e-12
    for row, sight in zip(rows, seen, strict=True):
        assert np.array_equal(row, vector(sight))


@given(sight=sights)
def test_all_figures_are_shares(sight: Sight) -> None:
    rows = figures([sight])
    assert rows.min() >= 0.0
    assert rows.max() <= 1.0


def test_what_is_not_known_is_neutral() -> None:
    assert figures([Sight()])[0].tolist() == [0.5, 0.5, 0.5, 0.0, 0.5, 0.5, 1.0]


def test_seconds_count_against_what_the_task_allows() -> None:
    assert figures([Sight(latency_s=30.0)], slow_s=120.0)[0, 4] == 0.25


def test_the_version_stands_for_this_order_of_features() -> None:
    assert (FEATURES_VERSION, NAMES) == (
        "features-1",
        ("one", "similarity", "difficulty", "prior_success", "load", "latency_norm", "cost_norm", "available"),
    )


def test_infinite_figures_and_a_scale_of_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="infinite"):
        vector(Sight(latency_s=float("inf")))
    with pytest.raises(ConfigError, match="slow_s"):
        vectors([Sight()], slow_s=0.0)


def test_another_version_or_length_is_refused_with_the_mend() -> None:
    check_version(FEATURES_VERSION, length=DIMENSION)
    with pytest.raises(ConfigError, match=r"features-0.*learn anew"):
        check_version("features-0")
    with pytest.raises(ConfigError, match="of 6 features"):
        check_version(FEATURES_VERSION, length=6)
