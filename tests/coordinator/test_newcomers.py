"""Newcomers have their share of decisions and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agora.coordinator.newcomers import GATE, Newcomers
from agora.coordinator.priors import Prior


@given(wishes=st.lists(st.booleans(), max_size=200), share=st.sampled_from([0.05, 0.2, 0.5]))
def test_throw_away_names_never_get_more_than_the_share(wishes: list[bool], share: float) -> None:
    state = Newcomers(tried={"old": GATE})
    for n, wish in enumerate(wishes):
        pool = ["old", f"new{n}"]
        held = state.held_back(pool, share=share)
        arm = f"new{n}" if wish and f"new{n}" not in held else "old"
        state = state.after(arm, pool=pool)
        assert state.given <= share * state.decisions


def test_a_share_of_newcomers_is_let_in_and_becomes_known() -> None:
    state = Newcomers(tried={"old": GATE})
    for _ in range(2000):
        arm = "old" if state.held_back(["old", "new"], share=0.05) else "new"
        state = state.after(arm, pool=["old", "new"]).verified(arm)
    assert state.tried["new"] == GATE
    assert state.given == GATE


def test_a_market_begins_with_whoever_is_there_and_they_stay() -> None:
    state = Newcomers().after("a", pool=["a", "b"])
    for _ in range(GATE):
        state = state.verified("a")
    assert state.held_back(["a", "b", "c"], share=0.05).keys() == {"c"}
    assert state.held_back(["c", "d"], share=0.05) == {}


def test_old_outcomes_count_for_less() -> None:
    prior = Prior()
    for passed in [False] * 20 + [True] * 20:
        prior = prior.after(passed=passed)
    assert prior.mean > 0.55
    assert prior.tried == 40
