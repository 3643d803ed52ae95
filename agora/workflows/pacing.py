"""A budget that lasts: dual pacing (online Lagrangian descent) where the horizon is known, and a rate where it is not.

Money has a price, mu, in quality a task's fair share of the budget: an option is worth its expected quality less mu
times its cost in fair shares. The price rises while tasks cost more than their fair share and falls while they cost
less. The fair share is what is left for each task left; under a rate in dollars an hour, it is what comes in over a
window, plus what was saved, for each task expected in the window by the mean gap between tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import Field, model_validator

from agora.errors import ConfigError
from agora.values import Value

STEP: Final = 0.01
"""Of the price, at one decision."""
MOST_RATIO: Final = 10.0
"""A cost counts as no more fair shares than this."""
MOST_PRICE: Final = 5.0
GAP_WEIGHT: Final = 0.05
"""Of the newest gap in the mean of gaps."""

_HOUR_S: Final = 3600.0


class Pace(Value):
    """How a budget is paced, and where that stands; costs that may yet be booked are the purse's, as reservations."""

    budget_usd: Decimal = Field(ge=0)
    """Never exceeded by what is chosen."""
    tasks: int | None = Field(default=None, ge=1)
    """How many tasks share the budget; None: nobody knows, and a rate is needed."""
    usd_per_hour: Decimal | None = Field(default=None, gt=0)
    window_s: float = Field(default=_HOUR_S, gt=0)
    """Under a rate: what is saved or overdrawn is evened out over so many seconds."""
    spent_usd: Decimal = Field(default=Decimal(0), ge=0)
    decided: int = Field(default=0, ge=0)
    price: float = Field(default=0.0, ge=0, le=MOST_PRICE)
    started_s: float | None = None
    """When the first task came."""
    latest_s: float | None = None
    gap_s: float | None = None
    """The mean gap between tasks, the newest weighing most."""

    @model_validator(mode="after")
    def _one_way(self) -> Pace:
        if (self.tasks is None) == (self.usd_per_hour is None):
            raise ValueError("state either `tasks` or `usd_per_hour`, not both")
        return self


class Option(NamedTuple):
    """Something that a task may be given to."""

    name: str
    quality: float
    """Expected, in [0, 1]."""
    cost_usd: Decimal
    """The worst case."""
    lot: str = ""
    """A seeded hash of what it is, never of its name; the lower of equals is chosen."""


class Paced(NamedTuple):
    """What was chosen."""

    name: str | None
    """None: nothing fits into what is left."""
    fair_usd: float
    """The fair share of this task."""
    worth: float
    reason: str


def next_price(price: float, cost_usd: float, fair_usd: float) -> float:
    """The price of money after a task.

    >>> next_price(0.5, 2.0, 1.0), next_price(0.5, 0.0, 1.0)
    (0.51, 0.49)
    """
    ratio = min(cost_usd / fair_usd, MOST_RATIO) if fair_usd > 0 else (MOST_RATIO if cost_usd > 0 else 0.0)
    return min(max(price + STEP * (ratio - 1.0), 0.0), MOST_PRICE)


def left_usd(pace: Pace, *, now_s: float) -> Decimal:
    """What one task may cost now: the budget's rest, and under a rate no more than came in and a window's worth."""
    rest = pace.budget_usd - pace.spent_usd
    if pace.usd_per_hour is None:
        return max(Decimal(0), rest)
    return max(Decimal(0), min(rest, _came_in(pace, now_s) + _in_window(pace) - pace.spent_usd))


def fair_usd(pace: Pace, *, now_s: float) -> float:
    """A task's fair share: 0 where nothing is left, or the tasks that were expected are over."""
    if pace.tasks is not None:
        to_come = pace.tasks - pace.decided
        return float((pace.budget_usd - pace.spent_usd) / max(1, to_come))
    gap = _gap(pace, now_s)
    window = _in_window(pace) + _came_in(pace, now_s) - pace.spent_usd
    per_task = float(window) * min(1.0, gap / pace.window_s) if gap is not None else float(window)
    return max(0.0, min(per_task, float(pace.budget_usd - pace.spent_usd)))


def choose(pace: Pace, options: Sequence[Option], *, now_s: float = 0.0) -> Paced:
    """Choose by quality less the price of money; equals by cost, then by lot.

    Args:
        pace: Where the pacing stands.
        options: What the task may be given to.
        now_s: When, on any clock that does not go back; read under a rate only.

    Raises:
        ConfigError: No options, or an expected quality or a cost that is none.
    """
    if not options:
        raise ConfigError("options", "state one or more")
    for one in options:
        if not (0.0 <= one.quality <= 1.0 and one.cost_usd.is_finite() and one.cost_usd >= 0):
            raise ConfigError(f"option {one.name!r}", "needs a quality in [0, 1] and a cost of zero dollars or more")
    fair, left = fair_usd(pace, now_s=now_s), left_usd(pace, now_s=now_s)
    within = [one for one in options if one.cost_usd <= left]
    if not within:
        least = min(one.cost_usd for one in options)
        return Paced(None, fair, 0.0, f"the cheapest costs {least} dollars, and {left} may be spent now")
    worth = {one: _worth(one, pace.price, fair) for one in within}
    best = min(within, key=lambda one: (-round(worth[one], 12), one.cost_usd, one.lot, one.name))
    why = f"quality {best.quality:.3f} less price {pace.price:.3f} of {float(best.cost_usd):g} in shares of {fair:g}"
    return Paced(best.name, fair, worth[best], f"{why}: the best of {len(within)}")


def booked(pace: Pace, cost_usd: Decimal, *, now_s: float = 0.0) -> Pace:
    """The pacing after a decision and what it cost, 0 if nothing was chosen.

    Costs are booked in the order of their decisions: with several tasks under way, at their worst case when they are
    decided. Under a rate, gaps are measured between these calls.

    Raises:
        ConfigError: The cost is more than may be spent, or time went back.
    """
    left = left_usd(pace, now_s=now_s)
    if not 0 <= cost_usd <= left:
        raise ConfigError("cost", f"{cost_usd} dollars is not between 0 and {left}, what may be spent now")
    if pace.latest_s is not None and now_s < pace.latest_s:
        raise ConfigError("now_s", f"{now_s!r} is before {pace.latest_s!r}: use a clock that does not go back")
    fair, gap = fair_usd(pace, now_s=now_s), _gap(pace, now_s)
    known = pace.tasks is not None or gap is not None
    changed = {
        "spent_usd": pace.spent_usd + cost_usd,
        "decided": pace.decided + 1,
        "price": next_price(pace.price, float(cost_usd), fair) if known else pace.price,
        "started_s": now_s if pace.started_s is None else pace.started_s,
        "latest_s": now_s,
        "gap_s": gap,
    }
    return pace.model_copy(update=changed)


class Booking(NamedTuple):
    """The event: what a decision cost, at the worst case, and when it was made."""

    decision: str
    cost_usd: Decimal
    at_s: float = 0.0


class Pacer:
    """A pace that one writer owns, and its events restore: every decision counts once.

    >>> pacer = Pacer(Pace(budget_usd=Decimal(10), tasks=5))
    >>> pacer.book(Booking("d1", Decimal(2)))
    >>> pacer.book(Booking("d1", Decimal(2)))
    >>> pacer.pace.spent_usd
    Decimal('2')
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._counted: set[str] = set()

    def book(self, booking: Booking) -> None:
        """Take up what a decision cost; told twice, it counts once.

        Raises:
            ConfigError: The cost is more than may be spent, or time went back.
        """
        if booking.decision not in self._counted:
            self.pace = booked(self.pace, booking.cost_usd, now_s=booking.at_s)
            self._counted.add(booking.decision)


def _worth(one: Option, price: float, fair: float) -> float:
    shares = float(one.cost_usd) / fair if fair > 0 else (MOST_RATIO if one.cost_usd else 0.0)
    return one.quality - price * shares


def _gap(pace: Pace, now_s: float) -> float | None:
    """The mean gap with the one that ends now."""
    if pace.latest_s is None:
        return None
    newest = max(now_s - pace.latest_s, 1e-9)
    return newest if pace.gap_s is None else pace.gap_s + GAP_WEIGHT * (newest - pace.gap_s)


def _in_window(pace: Pace) -> Decimal:
    return (pace.usd_per_hour or Decimal(0)) * Decimal(pace.window_s / _HOUR_S)


def _came_in(pace: Pace, now_s: float) -> Decimal:
    """What the rate gave since the first task."""
    since = 0.0 if pace.started_s is None else max(0.0, now_s - pace.started_s)
    return (pace.usd_per_hour or Decimal(0)) * Decimal(since / _HOUR_S)
