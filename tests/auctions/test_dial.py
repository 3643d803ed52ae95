"""The cost-quality dial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions.comparing import choice
from agora.auctions.dial import turn_dial
from agora.auctions.fitting import Example
from agora.errors import ConfigError
from auctions.past_tasks import past_tasks

FOUR = ("cost", "entropy", "jury", "latency")
dials = st.integers(min_value=0, max_value=40).map(lambda step: step / 40)
weights = st.fixed_dictionaries({term: st.integers(min_value=0, max_value=20).map(lambda n: n / 20) for term in FOUR})


@given(examples=past_tasks(FOUR), weights=weights, dial=dials, further=dials)
def test_turning_the_dial_to_cost_never_raises_the_share_that_the_winner_asks(
    examples: list[Example], weights: dict[str, float], dial: float, further: float
) -> None:
    low, high = sorted([dial, further])
    for example in examples:
        before = choice(example.bids, turn_dial(weights, low))
        after = choice(example.bids, turn_dial(weights, high))
        assert after.figures["cost"] <= before.figures["cost"]


@given(weights=weights, dial=dials)
def test_the_dial_keeps_the_sum_of_the_weights_and_the_proportions_of_all_but_cost(
    weights: dict[str, float], dial: float
) -> None:
    moved = turn_dial(weights, dial)
    assert list(moved) == list(weights)
    assert sum(moved.values()) == pytest.approx(sum(weights.values()))
    assert min(moved.values()) >= 0
    assert moved["entropy"] * weights["jury"] == pytest.approx(moved["jury"] * weights["entropy"])


@given(weights=weights)
def test_the_middle_of_the_dial_changes_nothing(weights: dict[str, float]) -> None:
    assert turn_dial(weights, 0.5) == weights


def test_the_ends_of_the_dial_are_cost_alone_and_value_alone() -> None:
    weights = {"cost": 0.4, "jury": 0.6}
    assert turn_dial(weights, 1.0) == pytest.approx({"cost": 1.0, "jury": 0.0})
    assert turn_dial(weights, 0.0) == pytest.approx({"cost": 0.0, "jury": 1.0})


def test_an_end_that_has_no_weight_changes_nothing() -> None:
    assert turn_dial({"cost": 1.0, "jury": 0.0}, 0.0) == {"cost": 1.0, "jury": 0.0}
    assert turn_dial({"cost": 0.0, "jury": 1.0}, 1.0) == {"cost": 0.0, "jury": 1.0}


@pytest.mark.parametrize("dial", [-0.1, 1.1, float("nan")])
def test_a_dial_beyond_its_ends_is_refused(dial: float) -> None:
    with pytest.raises(ConfigError, match=r"dial.*must be in \[0, 1\]"):
        turn_dial({"cost": 1.0}, dial)
