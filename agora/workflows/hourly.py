"""What a run may cost where nobody knows how many will come: so many dollars an hour, shared out over runs.

The pace (`pacing.py`) is made anew from the runs on record: when each began and what it took. A run may take its fair
share: what came in since the first of them, and an hour's worth, less what was spent, for each run expected in an hour
by the mean gap between runs. Runs that are under way count for what they took so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Final

from agora.records import RunInfo
from agora.workflows.pacing import Pace, booked, fair_usd, left_usd
from agora.workflows.spreading import STEP_USD

DAY_S: Final = 86_400.0
"""Runs of so many seconds are looked at: no more than a day's money is saved."""
MOST_RUNS: Final = 1_000
"""The most runs that are looked at."""

_US: Final = 1_000_000


def hourly_usd(runs: Sequence[RunInfo], *, usd_per_hour: Decimal, now_us: int) -> Decimal:
    """What a run that begins now may cost; 0: nothing but what is free.

    Args:
        runs: On record, in any order; what began after now is left out.
        usd_per_hour: The rate, above 0.
        now_us: Microseconds since the epoch.

    >>> hourly_usd([], usd_per_hour=Decimal("0.60"), now_us=0)
    Decimal('0.600000')
    """
    recent = [run for run in runs if 0 <= now_us - run.started_us <= DAY_S * _US]
    ordered = sorted(recent, key=lambda run: (run.started_us, run.usage.usd))[-MOST_RUNS:]
    rate = usd_per_hour
    pace = Pace(budget_usd=sum((run.usage.usd for run in ordered), rate * 25), usd_per_hour=rate)
    for run in ordered:
        at_s = run.started_us / _US
        within = min(run.usage.usd, left_usd(pace, now_s=at_s))
        pace = booked(pace, within, now_s=at_s)
        pace = pace.model_copy(update={"spent_usd": pace.spent_usd + run.usage.usd - within})
    share = Decimal(repr(fair_usd(pace, now_s=now_us / _US)))
    return max(Decimal(0), share).quantize(STEP_USD, rounding=ROUND_DOWN)
