"""What is taken from a report: the right point for each amount, protocols together, an order that a reader expects."""

from __future__ import annotations

from agora.bench.routing.results import Entry, Span
from agora.bench.routing.shown import (
    amounts,
    at_money,
    frontier,
    money_texts,
    over,
    quality_first,
    rows,
    sections,
    standing,
)
from bench.routing.reports import MONEY, entry, report, single, spot, whole


def test_points_for_money_and_points_of_the_grid_are_told_apart() -> None:
    one = entry("uniroute", better=0.0)
    told = report(single(), one)
    assert [round(point.score, 2) for point in at_money(one, told) if point] == [0.6, 0.64, 0.68, 0.72, 0.76]
    assert [point.usd for point in frontier(one)] == [0.0005, 0.001, 0.002]
    first = quality_first(one)
    assert first is not None
    assert (first.setting, round(first.score, 2)) == ("lambda 0", 0.8)
    assert at_money(single(), told) == (None,) * len(MONEY)


def test_a_part_of_the_queries_may_be_compared_at_other_amounts() -> None:
    points = tuple(spot("at most so much", 0.5, 0.1, money=most) for most in (0.1, 0.002))
    checked = Entry(policy="uniroute", protocol="check .9", points=points)
    told = report(entry("uniroute", better=0.0), checked)
    assert amounts(told, "check .9") == (0.002, 0.1)
    assert amounts(told, "full") == MONEY


def test_amounts_that_round_alike_keep_their_points_and_are_told_apart() -> None:
    money = (0.00201, 0.00202, 0.5)
    points = tuple(spot("at most $0.0020", 0.1 * at, 0.1, money=most) for at, most in enumerate(money))
    one = Entry(policy="uniroute", protocol="check .9", points=points)
    other = one.model_copy(update={"policy": "knn", "points": points[1:]})
    told = report(one, other)
    assert amounts(told, "check .9") == money
    assert at_money(one, told) == points
    assert at_money(other, told) == (None, *points[1:])
    assert money_texts((0.0020111, 0.0020112, 0.5)) == ["$.0020111", "$.0020112", "$.5"]


def test_protocols_of_a_kind_stand_together() -> None:
    told = [(section.kind, section.protocols) for section in sections(whole())]
    assert told == [
        ("frontier", ("full",)),
        ("frontier", ("check 1",)),
        ("frontier", ("check .9",)),
        ("frontier", ("check .8",)),
        ("stream", ("cold", "warm")),
        ("stream", ("drift price", "drift death")),
        ("figures", ("budget",)),
        ("figures", ("arrivals",)),
    ]


def test_baselines_come_first_then_the_better_policies_then_bounds() -> None:
    names = [entry.policy for entry in rows(whole(), "full")]
    assert names[:5] == ["best single", "cheapest", "tag_table", "knn", "uniroute"]
    assert names[-2:] == ["colony", "oracle"]
    assert [entry.policy for entry in rows(whole(), "cold")][:2] == ["tag_table", "uniroute"]


def test_a_gain_counts_with_its_whole_interval_only() -> None:
    spans = [Span(value=0.1, low=0.01, high=0.2), Span(value=0.1, low=-0.01, high=0.2), Span(value=-1, low=-2, high=-1)]
    assert [standing(span) for span in (*spans, None)] == ["+", "", "-", ""]


def test_a_tenth_more_than_the_amount_is_still_within_it() -> None:
    assert not over(spot("", 0.5, 0.0011), 0.001)
    assert over(spot("", 0.5, 0.00111), 0.001)
