"""Right answers to the checklist's code tasks: proof that its checks can be met. No agent sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NEXT_RUN = '''
from calendar import monthrange
from datetime import datetime, timedelta

_MONTHS = dict(zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), range(1, 13)))
_DAYS = dict(zip("sun mon tue wed thu fri sat".split(), range(7)))


def _number(text, names, low, high):
    value = names[text.lower()] if text.lower() in names else int(text)
    if not low <= value <= high:
        raise ValueError(f"{value} is outside {low}-{high}")
    return value


def _field(text, low, high, names):
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        width = int(step) if step or "/" in part else 1
        if width < 1:
            raise ValueError("a step is at least 1")
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, names, low, high)
            last = _number(end, names, low, high) if dash else first
        if last < first and names is not _DAYS:
            raise ValueError("a range runs upwards")
        if last < first:
            last += 7
        found.update(range(first, last + 1, width))
    return {value % 7 for value in found} if names is _DAYS else found


def next_run(expression: str, after: datetime) -> datetime:
    """Return the first minute after a moment at which a cron expression fires."""
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError("a cron expression has five fields")
    last_day = "L" in fields[2].split(",")
    days_text = ",".join(part for part in fields[2].split(",") if part != "L")
    minutes = _field(fields[0], 0, 59, {})
    hours = _field(fields[1], 0, 23, {})
    days = _field(days_text, 1, 31, {}) if days_text else set()
    months = _field(fields[3], 1, 12, _MONTHS)
    weekdays = _field(fields[4], 0, 7, _DAYS)
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    start = (after + timedelta(minutes=1)).replace(second=0, microsecond=0)
    day = start.date()
    for _ in range(366 * 9):
        by_day = day.day in days or (last_day and day.day == monthrange(day.year, day.month)[1])
        by_weekday = (day.weekday() + 1) % 7 in weekdays
        fits = (by_day or by_weekday) if either else (by_day and by_weekday)
        if day.month in months and fits:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = datetime(day.year, day.month, day.day, hour, minute)
                    if moment >= start:
                        return moment
        day += timedelta(days=1)
    raise ValueError("no date fits")
'''

ANSWERS: Final[Mapping[str, str]] = {
    "count_vowels": '''
def count_vowels(text: str) -> int:
    """Return how many vowels the text has."""
    return sum(letter in "aeiou" for letter in text.lower())
''',
    "reverse_words": '''
def reverse_words(text: str) -> str:
    """Return the words of the text in reverse order."""
    return " ".join(reversed(text.split()))
''',
    "is_leap_year": '''
def is_leap_year(year: int) -> bool:
    """Return whether a year is a leap year."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
''',
    "next_run": _NEXT_RUN,
}
"""Function -> a module that defines it rightly."""
