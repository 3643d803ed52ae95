"""The bench's table and page, from made-up reports: narrow and broad, hostile names, nothing asked for elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agora.bench.routing.concluding import concluded
from agora.bench.routing.results import Entry, Report, Span
from agora.cli import bench_routing_table
from agora.cli.bench_routing_page import page_of
from agora.cli.columns import Column, laid
from bench.routing.reports import HOSTILE, entry, report, single, whole

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from browser import Chromium, Seen


def concluded_report() -> Report:
    made = whole()
    return made.model_copy(update={"conclusion": concluded(made), "source": HOSTILE})


def test_the_table_shows_hostile_names_without_obeying_them(capsys: pytest.CaptureFixture[str]) -> None:
    bench_routing_table.print_report(concluded_report())
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "<b>[red]x<U+001B>[31m" in told
    assert "With a check that is right 9 times of 10" in told


def test_a_sure_gain_is_marked_and_an_amount_that_was_spent_over_too(capsys: pytest.CaptureFixture[str]) -> None:
    good, spent = entry("good", better=0.1, gain=0.05), entry("spent", better=0.0, gain=0.0)
    points = [point.model_copy(update={"usd": (point.usd or 0.0) * 1.5}) for point in spent.points]
    bench_routing_table.print_report(report(single(), good, spent.model_copy(update={"points": tuple(points)})))
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.split()}
    assert ".700+" in lines["good"]
    assert "!" not in lines["good"]
    assert ".600 !" in lines["spent"]


def test_columns_are_left_out_by_rank_until_the_rest_fits_and_heads_are_broken() -> None:
    columns = [
        Column("first", ["1.00"]),
        Column("kept since it matters", ["2"], rank=1),
        Column("dear", ["3" * 30], rank=2),
        Column("dearer", ["4"], rank=3),
    ]
    all_of_them, few = laid(["row"], columns, width=120), laid(["row"], columns, width=40)
    assert all_of_them.left_out == ()
    assert few.left_out == ("dear", "dearer")
    assert [column.header for column in few.table.columns] == ["", "first", "kept since it\nmatters"]
    assert laid(["row"], columns, width=1).left_out == ("kept since it matters", "dear", "dearer")


def test_the_page_escapes_what_others_wrote_and_says_what_the_json_says() -> None:
    page = page_of(concluded_report(), command="agora bench routing --data 'a <b>'")
    assert "<b>[red]" not in page
    assert "\x1b" not in page
    assert "a &lt;b&gt;" in page
    assert "uniroute" in page
    assert ".976 (.968 to .982)" in page


def test_amounts_of_money_are_drawn_by_factors_from_round_number_to_round_number() -> None:
    page = page_of(report(single(), entry("tag_table", better=0.0), entry("uniroute", better=0.1)), command="agora")
    ticks = [float(text) for text in re.findall(r"<text[^>]*>(?:<tspan[^>]*>)?([0-9.]+)<", page)]
    assert {0.5, 1.0, 2.0} <= set(ticks)


def test_a_report_of_nothing_still_makes_a_page() -> None:
    assert "nothing was measured" in page_of(
        report(conclusion="On made nothing was measured that policies can be compared by.", money=()), command="agora"
    )


def test_a_report_in_which_everything_failed_is_shown_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    failed = [Entry(policy=f"p{n}", protocol="full", note=f"failed: {HOSTILE}", failed=True) for n in range(2)]
    told = report(*failed)
    bench_routing_table.print_report(told.model_copy(update={"conclusion": concluded(told)}))
    assert "failed: <b>[red]x<U+001B>" in capsys.readouterr().out
    assert "failed: &lt;b&gt;[red]x" in page_of(told, command="agora")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_the_page_reads_well_asks_for_nothing_and_breaks_no_rule(
    width: int, dark: bool, tmp_path: Path, chromium: Chromium
) -> None:
    from browser import offences

    path = tmp_path / "report.html"
    path.write_text(page_of(concluded_report(), command="agora bench routing"), encoding="utf-8")

    def looked(page: Page, seen: Seen) -> None:
        assert seen.console == seen.requests == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not offences(page)
        assert page.locator("svg").count() > 5

    chromium.look(path, looked, width=width, dark=dark)


def test_unknown_dollars_are_a_dash_beside_known_ones_and_no_column_without_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unknown = entry("unknown", better=0.0)
    points = [point.model_copy(update={"usd": None, "dearest_share": None}) for point in unknown.points]
    unknown = unknown.model_copy(update={"points": tuple(points)})
    both = report(single(), unknown)
    bench_routing_table.print_report(both)
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.split()}
    assert lines["unknown"][2] == "-"
    assert "unknown" in page_of(both, command="agora")
    bench_routing_table.print_report(report(unknown, money=()))
    assert "$/query" not in capsys.readouterr().out.partition("Notes")[0].partition("score, $/query")[0]


def test_where_scores_are_fractions_table_and_page_say_what_is_solved_and_what_an_oracle_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spans = {"ceiling": Span(value=0.4, low=0.3, high=0.5), "solvable": Span(value=0.2, low=0.1, high=0.3)}
    shares = report(single(), entry("uniroute", better=0.0)).model_copy(update=spans)
    bench_routing_table.print_report(shares)
    told = " ".join(capsys.readouterr().out.split())
    assert "some model solves .200 (.100 to .300) of the queries" in told
    assert "scores .400 (.300 to .500)" in told
    assert "exceeds" not in told
    page = page_of(shares, command="agora")
    assert "Queries that some model solves" in page
    assert "exceeds" not in page
