"""How figures over many runs are written, on a terminal and on a page alike."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from agora.intervals import Mean, Rate
from agora.traces.told.wording import number, usd

Unit = Literal["usd", "s"]
"""What costs are compared in."""
NOTHING = "-"
"""Where there is no figure."""
MOST_CHARS = 120
"""Of a name, so much is shown at most."""


def passed(rate: Rate) -> str:
    """How many of so many.

    >>> passed(Rate(n=20, passed=18, value=0.9, low=0.683, high=0.9877))
    '18/20'
    """
    return f"{rate.passed}/{rate.n}" if rate.n else NOTHING


def interval(rate: Rate) -> str:
    """An interval in per cent.

    >>> interval(Rate(n=20, passed=18, value=0.9, low=0.683, high=0.9877))
    '68.3 to 98.8 %'
    """
    return f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %" if rate.n else NOTHING


def percent(share: float | None) -> str:
    """A share in per cent; small ones with a digit more.

    >>> percent(0.9), percent(0.0123), percent(None)
    ('90 %', '1.2 %', '-')
    """
    if share is None:
        return NOTHING
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def cost(mean: Mean, unit: Unit) -> str:
    """A mean cost.

    >>> cost(Mean(n=3, value=0.0, low=0.0, high=0.0), "usd"), cost(Mean(n=0, value=None, low=None, high=None), "s")
    ('$0', '-')
    """
    return amount(mean.value, unit)


def cost_interval(mean: Mean, unit: Unit) -> str:
    """Between which costs the true mean lies.

    >>> cost_interval(Mean(n=3, value=1.0, low=0.5, high=1.5), "s")
    '0.5 s to 1.5 s'
    """
    if mean.low is None or mean.high is None:
        return NOTHING
    return f"{amount(mean.low, unit)} to {amount(mean.high, unit)}"


def amount(value: float | None, unit: Unit) -> str:
    """So many dollars or seconds."""
    if value is None:
        return NOTHING
    return usd(Decimal(repr(value))) if unit == "usd" else f"{number(value)} s"


def spent(dollars: Decimal, seconds: float) -> str:
    """Dollars, and the seconds of which some cost nothing.

    >>> spent(Decimal(0), 12.0), spent(Decimal("1.5"), 12.0)
    ('$0 and 12 s', '$1.50 and 12 s')
    """
    return f"{usd(dollars)} and {number(seconds)} s"


def class_name(skill: str | None) -> str:
    """A task class.

    >>> class_name(""), class_name(None), class_name("python")
    ('no skill named', 'all classes', 'python')
    """
    return "all classes" if skill is None else short(skill) or "no skill named"


def short(text: str, *, limit: int = MOST_CHARS) -> str:
    """A name that somebody else chose, no longer than a table can bear.

    >>> short("scout"), short("surgeon", limit=4)
    ('scout', 'sur…')
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def day(at_us: int | None) -> str:
    """A moment, to the minute (UTC).

    >>> day(0), day(None)
    ('1970-01-01 00:00', '-')
    """
    if at_us is None:
        return NOTHING
    return f"{datetime.fromtimestamp(at_us / 1_000_000, UTC):%Y-%m-%d %H:%M}"


def ratio(delivered: float, promised: float) -> str:
    """How many times what was promised was delivered.

    >>> ratio(3.0, 2.0), ratio(1.0, 0.0)
    ('1.50', '-')
    """
    return f"{delivered / promised:.2f}" if promised else NOTHING


def counted(count: int, one: str, several: str = "") -> str:
    """So many things.

    >>> counted(1, "run"), counted(3, "class", "classes")
    ('1 run', '3 classes')
    """
    return f"{count} {one if count == 1 else several or one + 's'}"
