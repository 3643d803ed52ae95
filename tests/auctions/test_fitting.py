"""Fitted weights: what the published program gives, what the bounded one gives, and what outcomes give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from agora.auctions.fitting import (
    Delivered,
    Example,
    PastBid,
    fit_minmax,
    fit_regret,
    score_of,
    utility_of,
)
from agora.auctions.sale import VALUE_TERMS
from agora.errors import ConfigError
from auctions.past_tasks import TERMS, drawn_tasks, past_tasks, weights_above

FIVE = ("cost", "entropy", "jury", "latency", "energy")


class Published(NamedTuple):
    """What the mixed-integer program gives."""

    worst: float
    weights: dict[str, float]


def published(
    examples: Sequence[Example], *, big_m: float, floors: Sequence[float] = (0.0, 0.0, 0.0), total: float | None = None
) -> Published:
    """The program of SALE (Appendix D) as the public notes quote it, solved by HiGHS.

    Variables: w (k), Q, z (t), x (t, i). Minimise Q; z_t <= Q; |z_t - F_ti . w| <= M (1 - x_ti); sum_i x_ti = 1.

    Args:
        examples: With the same number of bids each.
        big_m: M.
        floors: Of the weights, in the order of TERMS; 0 is w >= 0.
        total: What the weights sum up to; None: anything.
    """
    tasks, bids, k = len(examples), len(examples[0].bids), len(floors)
    n = k + 1 + tasks + tasks * bids
    rows, low, high = list[np.ndarray](), list[float](), list[float]()

    def constrain(parts: dict[int, float], least: float, most: float) -> None:
        row = np.zeros(n)
        for place, value in parts.items():
            row[place] = value
        rows.append(row)
        low.append(least)
        high.append(most)

    for t, example in enumerate(examples):
        z, chosen = k + 1 + t, [k + 1 + tasks + t * bids + i for i in range(bids)]
        constrain({z: 1, k: -1}, -np.inf, 0)
        constrain(dict.fromkeys(chosen, 1), 1, 1)
        for i, bid in enumerate(example.bids):
            signed = [(-1 if term in VALUE_TERMS else 1) * bid.figures[term] for term in TERMS]
            score = {place: -figure for place, figure in enumerate(signed)}
            constrain({z: 1, **score, chosen[i]: -big_m}, -big_m, np.inf)
            constrain({z: 1, **score, chosen[i]: big_m}, -np.inf, big_m)
    if total is not None:
        constrain(dict.fromkeys(range(k), 1), total, total)
    whole = np.array([0] * (k + 1 + tasks) + [1] * (tasks * bids))
    solved = milp(
        np.eye(n)[k],
        integrality=whole,
        bounds=Bounds(
            np.array([*floors, *[-np.inf] * (1 + tasks), *[0.0] * (tasks * bids)]), np.where(whole == 1, 1.0, np.inf)
        ),
        constraints=LinearConstraint(np.array(rows), np.array(low), np.array(high)),
        options={"mip_rel_gap": 0.0},
    )
    assert solved.x is not None, solved.message
    return Published(float(solved.x[k]), dict(zip(TERMS, map(float, solved.x[:k]), strict=True)))


@pytest.mark.parametrize("floor", [0.0, -np.inf], ids=["no weight below 0", "any weights"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_but_big_m_bounds_the_published_program(seed: int, floor: float) -> None:
    examples = drawn_tasks(seed, tasks=8, bids=3)
    worst = [published(examples, big_m=big_m, floors=[floor] * 3).worst for big_m in (1e1, 1e2, 1e3)]
    assert worst[0] < -1
    assert worst[1] == pytest.approx(10 * worst[0], rel=1e-3)
    assert worst[2] == pytest.approx(100 * worst[0], rel=1e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_weights_that_sum_to_one_the_published_program_gives_cost_no_weight(seed: int) -> None:
    found = published(drawn_tasks(seed, tasks=8, bids=3), big_m=10, total=1)
    assert found.weights["cost"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("seed", "floor"), [(1, 0.05), (2, 0.05), (3, 0.2)])
def test_with_floors_the_published_program_leaves_cost_on_its_floor(seed: int, floor: float) -> None:
    found = published(drawn_tasks(seed, tasks=8, bids=3), big_m=10, floors=[floor] * 3, total=1)
    assert found.weights["cost"] == pytest.approx(floor, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_the_bounded_form_is_the_published_program_within_its_bounds(seed: int) -> None:
    examples = drawn_tasks(seed, tasks=10, bids=4)
    ours = fit_minmax(examples, floor=0.05, cost_floor=0.3)
    theirs = published(examples, big_m=4, floors=[0.3, 0.05, 0.05], total=1)
    assert ours.objective == pytest.approx(theirs.worst, abs=1e-5)
    assert ours.bound is not None
    assert ours.bound <= theirs.worst + 1e-6


@settings(max_examples=60, deadline=None)
@given(examples=past_tasks(FIVE), other=weights_above([0.2, 0.05, 0.05, 0.05, 0.05]))
def test_no_weights_within_the_floors_beat_the_bound_of_minmax(examples: list[Example], other: list[float]) -> None:
    fit = fit_minmax(examples)
    assert sum(fit.weights.values()) == pytest.approx(1)
    assert fit.weights["cost"] >= 0.2 - 1e-9
    assert min(fit.weights.values()) >= 0.05 - 1e-9
    assert fit.objective == pytest.approx(worst(examples, fit.weights), abs=1e-9)
    assert fit.bound is not None
    assert fit.objective - 2e-7 <= fit.bound <= fit.objective
    assert worst(examples, dict(zip(FIVE, other, strict=True))) >= fit.bound - 1e-9


@settings(max_examples=40, deadline=None)
@given(examples=past_tasks(FIVE))
def test_minmax_leaves_all_that_counts_against_a_bid_on_its_floor(examples: list[Example]) -> None:
    fit = fit_minmax(examples, floor=0.07, cost_floor=0.11)
    assert fit.weights["cost"] == pytest.approx(0.11)
    assert fit.weights["latency"] == pytest.approx(0.07)
    assert fit.weights["energy"] == pytest.approx(0.07)


@settings(max_examples=40, deadline=None)
@given(examples=past_tasks(("cost", "jury")), cost_floor=st.floats(min_value=0.0, max_value=0.9))
def test_with_one_value_term_the_tasks_decide_nothing_in_minmax(examples: list[Example], cost_floor: float) -> None:
    fit = fit_minmax(examples, cost_floor=cost_floor)
    assert fit.weights == pytest.approx({"cost": cost_floor, "jury": 1 - cost_floor})


@settings(max_examples=30, deadline=None)
@given(examples=past_tasks(least_bids=2), data=st.data())
def test_the_order_of_tasks_and_bids_cannot_move_a_fit(examples: list[Example], data: st.DataObject) -> None:
    shuffled = [
        Example(bids=tuple(data.draw(st.permutations(example.bids))))
        for example in data.draw(st.permutations(examples))
    ]
    for before, after in (
        (fit_minmax(examples), fit_minmax(shuffled)),
        (fit_regret(examples, price=0.2), fit_regret(shuffled, price=0.2)),
    ):
        assert after.objective == pytest.approx(before.objective, abs=1e-7)
        assert after.weights == pytest.approx(before.weights, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(examples=past_tasks(("cost", "jury"), least_bids=2), price=st.sampled_from([0.0, 0.05, 0.2, 1.0]))
def test_with_two_terms_no_weights_have_less_regret_than_the_fit(examples: list[Example], price: float) -> None:
    fit = fit_regret(examples, price=price)
    assert fit.bound == fit.objective
    assert fit.objective == pytest.approx(1.25 * mean_regret(examples, fit.weights, price), abs=1e-9)
    for step in range(701):  # places that no crossing of hundredths falls upon
        cost = 0.05 + 0.9 * (step + 0.5 / 2**0.5) / 701.3
        other = 1.25 * mean_regret(examples, {"cost": cost, "jury": 1 - cost}, price)
        assert fit.objective <= other + 1e-9


@settings(max_examples=30, deadline=None)
@given(examples=past_tasks(FIVE, least_bids=2), price=st.sampled_from([0.05, 0.2]))
def test_regret_is_never_above_that_of_equal_weights_on_the_tasks_fitted_to(
    examples: list[Example], price: float
) -> None:
    fit = fit_regret(examples, price=price)
    assert fit.objective <= fit.even + 1e-9
    assert fit.objective == pytest.approx(1.25 * mean_regret(examples, fit.weights, price), abs=1e-9)
    assert min(fit.weights.values()) >= 0.05 - 1e-9
    assert sum(fit.weights.values()) == pytest.approx(1)


def test_regret_gives_the_weight_to_the_term_that_tells_of_outcomes() -> None:
    fit = fit_regret(drawn_tasks(5, tasks=400, bids=4), price=0.05)
    assert fit.weights["jury"] > 3 * fit.weights["entropy"]
    assert fit.objective < 0.9 * fit.even


def test_a_dearer_attempt_moves_weight_to_cost() -> None:
    examples = drawn_tasks(6, tasks=400, bids=4)
    shares = [fit_regret(examples, price=price).weights["cost"] for price in (0.0, 0.5, 5.0)]
    assert shares[0] < shares[1] < shares[2]


def bid(cost: float, jury: float, passed: bool | None) -> PastBid:
    delivered = None if passed is None else Delivered(passed=passed, cost=cost)
    return PastBid(figures={"cost": cost, "jury": jury}, delivered=delivered)


def test_the_worst_group_counts_and_the_mean_a_little() -> None:
    easy = Example(bids=(bid(0.1, 0.9, True), bid(0.9, 0.1, False)))  # every weight chooses the first
    lost = Example(bids=(bid(0.1, 0.9, False), bid(0.9, 0.1, True)))
    fit = fit_regret([easy, easy, easy, lost], price=0.0, groups=["a", "a", "a", "b"])
    assert fit.objective == pytest.approx(1.0 + 0.25 * 0.25)
    together = fit_regret([easy, easy, easy, lost], price=0.0)
    assert together.objective == pytest.approx(0.25 + 0.25 * 0.25)
    assert fit_regret([easy, lost], price=0.0, mix=0.0).objective == pytest.approx(0.5)


def test_bids_without_an_outcome_take_no_part_in_regret() -> None:
    tried = (bid(0.2, 0.3, False), bid(0.6, 0.8, True))
    both, alone = Example(bids=tried), Example(bids=(bid(0.0, 1.0, None), *tried))
    single = Example(bids=(bid(0.0, 1.0, None), tried[0]))
    assert fit_regret([alone, single], price=0.1) == fit_regret([both], price=0.1)
    with pytest.raises(ConfigError, match="two bids whose outcome is known"):
        fit_regret([single], price=0.1)


def test_equal_scores_go_to_the_lower_cost() -> None:
    cheap, dear = bid(0.2, 0.2, True), bid(0.4, 0.4, False)  # equal at the weights 1/2 and 1/2
    fit = fit_regret([Example(bids=(dear, cheap))], price=0.0, floor=0.5)
    assert fit.objective == 0.0


@pytest.mark.parametrize(
    ("examples", "options", "said"),
    [
        ([], {}, "no examples"),
        ([Example(bids=(PastBid(figures={"jury": 0.5}),))], {}, "no 'cost'"),
        (
            [Example(bids=(bid(0.1, 0.1, None),)), Example(bids=(PastBid(figures={"cost": 0.1}),))],
            {},
            "example 1 has the terms",
        ),
        ([Example(bids=(bid(0.1, 0.1, None),))], {"floor": 0.6}, "leave no weights"),
        ([Example(bids=(bid(0.1, 0.1, None),))], {"floor": -0.1}, "leave no weights"),
        ([Example(bids=(bid(0.1, 0.1, None),))], {"cost_floor": 0.99}, "leave no weights"),
    ],
)
def test_what_cannot_be_fitted_is_refused(examples: list[Example], options: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        fit_minmax(examples, floor=options.get("floor", 0.05), cost_floor=options.get("cost_floor"))


def test_a_negative_price_and_too_few_groups_are_refused() -> None:
    examples = drawn_tasks(1, tasks=3, bids=2)
    with pytest.raises(ConfigError, match="price -1"):
        fit_regret(examples, price=-1)
    with pytest.raises(ConfigError, match="1 groups for 3 examples"):
        fit_regret(examples, price=1, groups=["a"])


def worst(examples: Sequence[Example], weights: Mapping[str, float]) -> float:
    return max(min(score_of(bid, weights) for bid in example.bids) for example in examples)


def mean_regret(examples: Sequence[Example], weights: Mapping[str, float], price: float) -> float:
    lost = list[float]()
    for example in examples:
        known = [(bid, utility_of(bid.delivered, price)) for bid in example.bids if bid.delivered is not None]
        _, chosen = min(known, key=lambda pair: (score_of(pair[0], weights), pair[0].figures["cost"], pair[1]))
        lost.append(max(utility for _, utility in known) - chosen)
    return sum(lost) / len(lost)
