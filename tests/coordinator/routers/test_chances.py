"""The chance of being first that a router states is how often it happens over all draws, whatever is around it."""

from __future__ import annotations

import numpy as np
import pytest

from agora.coordinator.routers.choosing import BY_CHANCE, by_index, later, mixed
from agora.coordinator.routers.sampling import ROWS, Noise
from agora.coordinator.routers.seam import Choice, Outcome, Query, Router
from coordinator.routers.worlds import COSTS, KEYS, arms, log, queries, routed_policy, router_names

DRAWS = ROWS
THOMPSON: dict[str, object] = {"rules": [{"selector": "thompson"}]}
DRAWING: dict[str, dict[str, object]] = {
    **{
        name: {} for name in ("random", "round_robin", "greenserv_epsilon", "greenserv_thompson", "colony", "tagrouter")
    },
    "signals": THOMPSON,
    "signals, cheaper": {"rules": [{"selector": "thompson", "candidates": "cheaper"}]},
}
AROUND: tuple[dict[str, object], ...] = (
    {"pace": "even", "pace_share": 0.1235},
    {"pace": "replenishing", "pace_share": 0.1235},
    {"pace": "knapsack", "pace_share": 0.1235, "pace_tasks": 31},
    {"switch_cost": 0.3},
)
"""After what was learned below, the paces keep out the dearest arm alone."""


def met(name: str, options: dict[str, object], *, n: int = 30) -> Router:
    """Who has seen some of the outcomes."""
    router = routed_policy(name.split(",")[0]).router(**options)
    rng = np.random.default_rng(3)
    for number, query in enumerate(queries(n, seed=9)):
        place = number % 4
        router.learn(query, KEYS[place], Outcome(float(rng.uniform() < 0.5), float(COSTS[place])))
    return router


def check(router: Router, query: Query) -> None:
    choices = [router.choose(query, arms(), dial=0.3, draw=(n + 0.5) / DRAWS) for n in range(DRAWS)]
    happened = np.bincount([choice.order[0] for choice in choices], minlength=4) / DRAWS
    for choice in choices:
        assert np.abs(choice.chances - choices[0].chances).max() < 1e-9, "what is stated does not depend on the draw"
    assert np.abs(happened - choices[0].chances).max() < 4 / DRAWS


@pytest.mark.parametrize("name", router_names())
def test_a_router_alone_states_its_chances(name: str) -> None:
    check(met(name, {}), queries(1, seed=4)[0])


@pytest.mark.parametrize("around", AROUND, ids=str)
@pytest.mark.parametrize("name", DRAWING)
def test_with_a_pace_or_a_switching_cost_around_it_they_stay_true(name: str, around: dict[str, object]) -> None:
    router = met(name, {**DRAWING[name], **around})
    check(router, queries(1, seed=4)[0])
    chances = router.choose(queries(1, seed=4)[0], arms(), dial=0.3, draw=0.5).chances
    assert "pace" not in around or (chances[3] == 0.0 and (chances[:3] > 0.0).sum() >= 1)


def test_what_the_late_ones_had_goes_to_the_others_in_proportion() -> None:
    terms = {"success": np.array([0.9, 0.8, 0.1, 0.2])}
    best = by_index(terms["success"], COSTS, terms=terms)
    out = np.array([True, False, False, False])
    for draw in (0.05, 0.35, 0.95):
        moved = later(mixed(best, 0.4, draw), out, draw=draw, note="too dear")
        assert moved.chances == pytest.approx([0.0, 1 / 3, 1 / 3, 1 / 3])
        assert moved.order[-1] == 0
        assert "too dear" in moved.note


def test_where_nothing_is_left_to_chance_the_next_in_order_is_first() -> None:
    moved = later(by_index(np.array([3.0, 1.0, 2.0]), np.zeros(3), terms={}), np.array([True, False, False]), draw=0.1)
    assert list(moved.order) == [2, 1, 0]
    assert moved.chances.tolist() == [0.0, 0.0, 1.0]


def test_a_note_of_chance_goes_with_whom_it_was_made_for() -> None:
    best = by_index(np.array([3.0, 1.0, 2.0]), np.zeros(3), terms={})
    tried = mixed(best, 0.5, 0.2)
    assert (tried.order[0], tried.note) == (1, BY_CHANCE)
    assert later(tried, np.array([False, True, False]), draw=0.2, note="why").note == "why"


def test_signals_draw_among_the_candidates_only_and_say_with_what_chance() -> None:
    router = met("signals, cheaper", DRAWING["signals, cheaper"], n=8)
    choice = router.choose(queries(1, seed=4)[0], arms(), dial=0.0, draw=0.3)
    assert choice.chances[3] == 0.0
    assert choice.order[-1] == 3
    assert 0.0 < choice.chances[0] < 1.0
    assert choice.note == "rule rule"


def test_behind_the_one_that_was_drawn_the_order_is_the_same_for_every_draw() -> None:
    value, width = np.array([0.5, 0.4, 0.3, 0.2]), np.full(4, 0.2)
    choices = [Noise().sampled(value, width, draw, terms={}) for draw in (0.0, 0.2, 0.4, 0.6, 0.8)]
    rest = [[place for place in choice.order if place not in (0, 1)] for choice in choices if choice.order[0] < 2]
    assert all(one == [2, 3] for one in rest)


def switched(name: str) -> tuple[Choice, Choice]:
    """Without and with a cost of switching from the agent that did the latest task."""
    fitted = [routed_policy(name).router(**options) for options in ({}, {"switch_cost": 0.5})]
    for router in fitted:
        router.fit(log(60))
        router.learn(queries(1)[0], "strong", Outcome(1.0, 0.4))
    bare, around = (router.choose(queries(1)[0], arms(), dial=1.0, draw=0.99) for router in fitted)
    return bare, around


def test_a_switching_cost_moves_what_was_chosen_and_keeps_the_share_of_chance() -> None:
    bare, around = switched("greenserv_epsilon")
    share = float(bare.chances.min())
    assert around.order[0] == 3
    assert bare.order[0] != 3
    assert 0.0 < share < 0.25
    assert sorted(around.chances) == pytest.approx(sorted(bare.chances))
    assert around.chances[bare.order[0]] == pytest.approx(share)


def test_with_a_switching_cost_somebody_is_still_tried_and_the_note_says_so() -> None:
    router = met("lookahead", {"switch_cost": 0.5})
    choices = [router.choose(queries(1)[0], arms(), dial=0.1, draw=(n + 0.5) / 100) for n in range(100)]
    usual = int(choices[0].chances.argmax())
    noted = [choice for choice in choices if BY_CHANCE in choice.note]
    assert noted
    assert {choice.order[0] for choice in choices} == {0, 1, 2, 3}
    assert len([choice for choice in noted if choice.order[0] == usual]) < len(choices) / 10
