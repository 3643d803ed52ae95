"""Figures of ways: per task, per solved task, against the auction on the same tasks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.bench.comparing import only, share_of_budget, summarise
from agora.bench.ways import Row, Way, together
from agora.tasks import Usage, Verdict


def row(task: str, *, passed: bool, usd: str = "0", tokens: int = 0, bids: str = "0") -> Row:
    usage = Usage(usd=Decimal(usd), input_tokens=tokens)
    verdict = Verdict.PASSED if passed else Verdict.FAILED
    return Row(task=task, verdict=verdict, usage=usage, overhead=Usage(usd=Decimal(bids)))


def way(name: str, rows: Sequence[Row], *, short: Sequence[str] = ()) -> Way:
    return Way(name=name, runs=("r",), rows=tuple(rows), short=tuple(short))


AUCTION = way("the auction", [row("a", passed=True, usd="3", bids="1"), row("b", passed=True, usd="1", bids="1")])
ALONE = way("always x", [row("a", passed=True, usd="2"), row("b", passed=False, usd="2")])


def test_a_way_in_figures() -> None:
    auction, alone = summarise([AUCTION, ALONE], auction=AUCTION, seed=1)
    assert (auction.n, auction.rate, alone.rate) == (2, 1.0, 0.5)
    assert auction.behind is None
    assert alone.behind is not None
    assert alone.behind.value == 0.5
    assert auction.overhead["usd"] == 0.5
    assert "tokens" not in auction.overhead
    assert alone.per_task["usd"] == 2.0
    solved = alone.per_solved["usd"]
    assert solved is not None
    assert solved.value == 4.0
    saved = alone.saved["usd"]
    assert saved is not None
    assert saved.value == 0.0


def test_differences_are_taken_only_on_tasks_that_both_measured() -> None:
    half = way("always y", [row("b", passed=False)], short=["a"])
    found = summarise([AUCTION, half], auction=AUCTION, seed=1)[1]
    assert found.n == 1
    assert found.behind is not None
    assert found.behind.n == 1


def test_a_way_that_measured_nothing_has_no_rate_and_no_difference() -> None:
    found = summarise([AUCTION, way("always y", [], short=["a", "b"])], auction=AUCTION, seed=1)[1]
    assert (found.n, found.low, found.high) == (0, 0.0, 1.0)
    assert found.behind is None


def test_repetitions_of_a_task_count_as_one_task() -> None:
    first = way("always x", [row("a", passed=True), row("b", passed=False)])
    again = way("always x", [row("a", passed=False), row("b", passed=False)])
    found = summarise([together([first, again])], auction=first, seed=1)[0]
    assert (found.n, found.rate) == (2, 0.25)


def test_what_nobody_could_decide_is_counted_and_has_not_passed() -> None:
    unknown = Row(task="a", verdict=Verdict.UNKNOWN, usage=Usage())
    found = summarise([way("always x", [unknown])], auction=AUCTION, seed=1)[0]
    assert (found.unknown, found.rate) == (1, 0.0)


def test_a_part_of_the_tasks_is_a_way_of_its_own() -> None:
    part = only(AUCTION, frozenset({"b"}))
    assert [one.task for one in part.rows] == ["b"]


@given(st.decimals("0", "1000", places=6), st.integers(1, 50))
def test_shares_together_never_exceed_the_budget_and_waste_next_to_nothing(budget: Decimal, ways: int) -> None:
    share = share_of_budget(budget, ways)
    assert share * ways <= budget
    assert budget - share * ways < Decimal("0.000001") * ways


def test_repetitions_keep_what_was_not_measured_and_every_run() -> None:
    found = together([way("x", [], short=["a"]), way("x", [row("a", passed=True)])])
    assert (found.short, len(found.runs), found.passed) == (("a",), 2, 1)
    assert together([Way(name="x", error="why"), Way(name="x", error="why")]).error == "why"
    assert together([Way(name="x", error="why"), way("x", [row("a", passed=True)])]).error == ""
    assert found.usage == pytest.approx(Usage())
