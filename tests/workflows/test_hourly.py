"""A rate of dollars an hour over runs of which nobody knows how many will come."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from agora.records import RunInfo
from agora.tasks import Usage
from agora.workflows.hourly import hourly_usd

RATE = Decimal("0.60")
MINUTE = 60_000_000


def run(minute: float, usd: str) -> RunInfo:
    usage = Usage(usd=Decimal(usd))
    return RunInfo(id=f"r{minute}", started_us=int(minute * MINUTE), done=True, tasks=1, passed=1, goal="", usage=usage)


def now(minute: float, *runs: RunInfo) -> Decimal:
    return hourly_usd(runs, usd_per_hour=RATE, now_us=int(minute * MINUTE))


def test_the_first_run_may_take_an_hour_and_those_that_come_often_less_each() -> None:
    assert now(0) == RATE
    often = [run(minute, "0.01") for minute in range(0, 60, 6)]
    assert Decimal("0.05") < now(60, *often) < Decimal("0.15")
    assert now(60, *reversed(often)) == now(60, *often), "the order in which they are read means nothing"


def test_an_hour_that_was_spent_must_come_in_again() -> None:
    spent = run(0, "0.60")
    assert now(1, spent) < Decimal("0.001")
    assert now(30, spent) < now(60, spent) <= RATE
    assert now(600, spent) > RATE, "what is not spent is saved"


def test_what_is_overdrawn_is_counted_and_a_day_is_remembered() -> None:
    dear = run(0, "3.00")
    assert now(60, dear) == 0
    assert now(60 * 25, dear) == RATE


@given(
    starts=st.lists(st.tuples(st.integers(0, 2000), st.decimals(0, 5, places=4)), max_size=30),
    minute=st.integers(0, 3000),
)
@example(starts=[(0, Decimal(0)), (1, Decimal("1.6100"))], minute=1)
def test_a_share_is_never_negative_nor_more_than_came_in_within_a_day_and_an_hour(
    starts: list[tuple[int, Decimal]], minute: int
) -> None:
    runs = [run(at, str(usd)) for at, usd in starts]
    assert 0 <= now(minute, *runs) <= RATE * 25


def test_runs_that_take_their_share_keep_the_rate_in_the_long_run() -> None:
    runs: list[RunInfo] = []
    for turn in range(200):
        minute = turn * 5.0
        runs.append(run(minute, str(now(minute, *runs))))
    spent = sum(one.usage.usd for one in runs)
    assert RATE * 15 < spent <= RATE * Decimal(200 * 5) / 60 + RATE
