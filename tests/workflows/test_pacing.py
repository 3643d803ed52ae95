"""A budget that lasts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agora.errors import ConfigError
from agora.workflows.pacing import Booking, Option, Pace, Paced, Pacer, booked, choose, fair_usd, left_usd, next_price

SMALL, LARGE = Option("small", 0.5, Decimal("0.01"), "b"), Option("large", 0.9, Decimal("0.30"), "a")

options = st.builds(
    Option, name=st.text(min_size=1, max_size=3), quality=st.floats(0, 1), cost_usd=st.decimals(0, 3, places=4)
)


def run(pace: Pace, tasks: int, *, gap_s: float = 0.0) -> list[Paced]:
    """The same two options for every task."""
    made: list[Paced] = []
    cost = {SMALL.name: SMALL.cost_usd, LARGE.name: LARGE.cost_usd, None: Decimal(0)}
    for number in range(tasks):
        made.append(choose(pace, [SMALL, LARGE], now_s=number * gap_s))
        pace = booked(pace, cost[made[-1].name], now_s=number * gap_s)
    return made


def test_the_price_moves_as_published() -> None:
    assert next_price(0.0, 1.0, 0.5) == pytest.approx(0.01)
    assert next_price(0.0, 100.0, 0.5) == pytest.approx(0.09)  # the ratio counts as at most ten
    assert next_price(5.0, 1.0, 0.5) == 5.0
    assert next_price(0.0, 0.0, 0.5) == 0.0


def test_a_fair_share_is_what_is_left_for_each_task_left() -> None:
    pace = booked(Pace(budget_usd=Decimal(10), tasks=5), Decimal(2))
    assert fair_usd(pace, now_s=0.0) == 2.0
    for _ in range(9):
        pace = booked(pace, Decimal(0))
    assert fair_usd(pace, now_s=0.0) == 8.0  # more tasks came than were told


def test_money_lasts_where_greed_would_have_spent_it_in_a_tenth_of_the_time() -> None:
    pace = Pace(budget_usd=Decimal(60), tasks=2_000)  # greed buys 200 times the large one
    chosen = [one.name for one in run(pace, 2_000)]
    assert None not in chosen[:1_990]  # not exact to the last dollar
    late = chosen[1_000:].count("large")
    assert 40 <= late <= 160
    assert chosen.count("large") > 130  # of 137 that the budget could buy beside the small ones


def test_under_a_rate_spending_keeps_to_the_rate_whatever_the_number_of_tasks() -> None:
    pace = Pace(budget_usd=Decimal(1_000), usd_per_hour=Decimal(6))  # a task every 36 s: 0.06 dollars each
    chosen = run(pace, 3_000, gap_s=36.0)  # 30 hours, 180 dollars
    spent = sum((0.30 if one.name == "large" else 0.01) for one in chosen if one.name)
    assert 0.8 * 180 <= spent <= 180 + 6


@given(
    rate=st.booleans(),
    budget=st.decimals(0, 20, places=4),
    offers=st.lists(st.lists(options, min_size=1, max_size=4), max_size=20),
    gap_s=st.floats(0, 1_000),
)
def test_what_is_chosen_never_exceeds_the_budget_or_what_came_in(
    rate: bool, budget: Decimal, offers: list[list[Option]], gap_s: float
) -> None:
    pace = Pace(budget_usd=budget, usd_per_hour=Decimal(2)) if rate else Pace(budget_usd=budget, tasks=10)
    for number, offered in enumerate(offers):
        now_s = number * gap_s
        found = choose(pace, offered, now_s=now_s)
        cost = max((one.cost_usd for one in offered if one.name == found.name), default=Decimal(0))
        cost = cost if cost <= left_usd(pace, now_s=now_s) else Decimal(0)
        pace = booked(pace, cost, now_s=now_s)
        assert pace.spent_usd <= budget
        assert 0.0 <= pace.price <= 5.0
        if rate:
            assert float(pace.spent_usd) <= 2 * (1 + now_s / 3600) + 1e-9
        assert Pace.model_validate_json(pace.model_dump_json()) == pace


@given(offered=st.lists(options, min_size=1, max_size=6, unique_by=lambda one: one.name), data=st.data())
def test_the_order_of_options_moves_nothing(offered: list[Option], data: st.DataObject) -> None:
    pace = Pace(budget_usd=Decimal(2), tasks=3, price=0.4)
    assert choose(pace, data.draw(st.permutations(offered))) == choose(pace, offered)


def test_equals_are_decided_by_cost_then_by_lot() -> None:
    pace = Pace(budget_usd=Decimal(2), tasks=3)
    dear, cheap = Option("a", 0.5, Decimal(1), "0"), Option("z", 0.5, Decimal("0.5"), "9")
    assert choose(pace, [dear, cheap]).name == "z"
    assert choose(pace, [Option("a", 0.5, Decimal(1), "9"), Option("z", 0.5, Decimal(1), "0")]).name == "z"


def test_nobody_is_chosen_where_nothing_fits_and_the_reason_says_so() -> None:
    found = choose(Pace(budget_usd=Decimal("0.001"), tasks=1), [SMALL, LARGE])
    assert found.name is None
    assert "the cheapest costs 0.01 dollars, and 0.001 may be spent" in found.reason


def test_without_a_budget_only_what_is_free_is_chosen() -> None:
    free = Option("free", 0.1, Decimal(0))
    assert choose(Pace(budget_usd=Decimal(0), tasks=1), [LARGE, free]).name == "free"


def test_a_decision_told_twice_or_late_counts_once() -> None:
    told = [Booking(f"d{number}", Decimal(number) / 10) for number in range(5)]
    once, twice = Pacer(Pace(budget_usd=Decimal(9), tasks=9)), Pacer(Pace(budget_usd=Decimal(9), tasks=9))
    for booking in told:
        once.book(booking)
    for booking in [*told, *told[:2]]:
        twice.book(booking)
    assert once.pace == twice.pace


def test_senseless_calls_are_refused() -> None:
    pace = Pace(budget_usd=Decimal(1), usd_per_hour=Decimal(1))
    with pytest.raises(ConfigError, match="one or more"):
        choose(pace, [])
    with pytest.raises(ConfigError, match="'odd'"):
        choose(pace, [Option("odd", float("nan"), Decimal(1))])
    with pytest.raises(ConfigError, match="what may be spent"):
        booked(pace, Decimal(2))
    with pytest.raises(ConfigError, match="does not go back"):
        booked(booked(pace, Decimal(0), now_s=5.0), Decimal(0), now_s=4.0)
    for both in ({}, {"tasks": 3, "usd_per_hour": Decimal(1)}):
        with pytest.raises(ValidationError, match="either `tasks` or `usd_per_hour`"):
            Pace.model_validate({"budget_usd": Decimal(1), **both})
