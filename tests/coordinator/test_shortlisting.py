"""Stage 1 keeps the best by a stated score, whatever their order and names, and one place an operator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.features import Sight
from agora.coordinator.shortlisting import Candidate, shortlist
from agora.errors import ConfigError
from coordinator.contexts import pool, seeds, sights


def by_hand(sight: Sight) -> float:
    """The score of the source."""

    def known(value: float | None) -> float:
        return 0.5 if value is None else min(max(value, 0.0), 1.0)

    latency = None if sight.latency_s is None else sight.latency_s / 2.0
    stability = 0.4 * (1 - known(sight.load)) + 0.4 * (1 - known(latency)) + 0.2 * sight.available
    return 0.5 * known(sight.similarity) + 0.35 * known(sight.prior_success) + 0.15 * stability


@given(seen=st.lists(sights, min_size=1, max_size=9), length=st.integers(min_value=1, max_value=4), seed=seeds)
def test_the_best_by_the_formula_are_kept_best_first(seen: list[Sight], length: int, seed: int) -> None:
    places = shortlist(pool(len(seen), seed), seen, length=length)
    assert len(places) == len(set(places)) == min(length, len(seen))
    scores = [by_hand(sight) for sight in seen]
    kept = [scores[place] for place in places]
    np.testing.assert_allclose(kept, sorted(scores, reverse=True)[: len(places)], atol=1e-11)


@given(seen=st.lists(sights, min_size=1, max_size=9), seed=seeds)
def test_neither_order_nor_names_move_it(seen: list[Sight], seed: int) -> None:
    candidates, chance = pool(len(seen), seed), np.random.default_rng(seed)
    order: list[int] = chance.permutation(len(seen)).tolist()
    renamed = [candidates[place]._replace(arm=f"other{n}") for n, place in enumerate(order)]
    places = shortlist(renamed, [seen[place] for place in order])
    assert [order[place] for place in places] == shortlist(candidates, seen)


def test_equals_are_decided_by_cost_then_lot() -> None:
    candidates = [Candidate("a", 1.0, "0"), Candidate("b", 0.5, "9"), Candidate("c", 0.5, "1")]
    assert shortlist(candidates, [Sight()] * 3) == [2, 1, 0]


def test_many_names_of_one_operator_get_one_place() -> None:
    names = [Candidate("sybil", 0.0, str(n)) for n in range(5)]
    tempting, plain = Sight(similarity=1.0), Sight(similarity=0.3)
    places = shortlist([*names, Candidate("honest")], [*[tempting] * 5, plain])
    assert places == [0, 5]


def test_a_shortlist_of_nobody_and_figures_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="length"):
        shortlist([Candidate("a")], [Sight()], length=0)
    with pytest.raises(ConfigError, match="sights"):
        shortlist([Candidate("a")], [])
