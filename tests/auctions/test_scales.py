"""Entropy on each agent's own scale: bounded, rising, and never half of an auction."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.auctions import one_scale
from agora.auctions.scales import LEAST_PAST, standardised

entropies = st.floats(min_value=0, max_value=1)
agents = st.sampled_from("abcd")
pasts = st.lists(entropies, min_size=LEAST_PAST, max_size=30)


@given(value=entropies, past=st.lists(st.floats(), max_size=30))
def test_a_scaled_entropy_is_between_zero_and_one_or_there_is_none(value: float, past: list[float]) -> None:
    past = [one if not math.isfinite(one) else min(1.0, max(0.0, one)) for one in past]
    scaled = standardised(value, past)
    usable = [one for one in past if math.isfinite(one)]
    assert (scaled is None) == (len(usable) < LEAST_PAST)
    assert scaled is None or 0 <= scaled <= 1


@given(low=entropies, high=entropies, past=pasts)
def test_more_entropy_is_never_less_on_the_own_scale(low: float, high: float, past: list[float]) -> None:
    low, high = sorted((low, high))
    one, other = standardised(low, past), standardised(high, past)
    assert one is not None
    assert other is not None
    assert one <= other


@given(past=st.lists(st.integers(min_value=0, max_value=100), min_size=LEAST_PAST, max_size=20), data=st.data())
def test_a_family_that_reads_lower_throughout_is_no_worse_for_it(past: list[int], data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(past))
    shifted = standardised((value + 100) / 400, [(one + 100) / 400 for one in past])
    assert standardised(value / 400, [one / 400 for one in past]) == pytest.approx(shifted, abs=1e-9)


def test_a_plan_like_all_before_is_in_the_middle() -> None:
    assert standardised(0.3, [0.3] * 5) == 0.5
    assert standardised(0.31, [0.3] * 5) == pytest.approx(0.8413447)
    assert standardised(0.9, [0.3] * 5) == 1.0


@given(
    values=st.dictionaries(agents, st.none() | entropies),
    past=st.dictionaries(agents, st.lists(entropies, max_size=8)),
)
def test_an_auction_is_on_own_scales_for_all_or_for_nobody(
    values: dict[str, float | None], past: dict[str, list[float]]
) -> None:
    scaled = one_scale(values, past)
    lacking = sorted(
        agent for agent, value in values.items() if value is not None and len(past.get(agent, [])) < LEAST_PAST
    )
    assert list(scaled.without_past) == lacking
    assert scaled.standardised == (not lacking)
    if lacking:
        assert scaled.values == values
    else:
        assert scaled.values == {
            agent: None if value is None else standardised(value, past[agent]) for agent, value in values.items()
        }


def test_one_past_plan_is_no_scale_even_if_asked_for() -> None:
    assert standardised(0.5, [0.4], least=1) is None
    assert standardised(0.5, [0.4, 0.6], least=1) == 0.5
