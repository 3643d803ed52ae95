"""Schedules."""

from datetime import datetime


def next_run(expression: str, after: datetime) -> datetime:
    """Return the first minute after a moment at which a cron expression fires.

    The five fields are minute, hour, day of the month, month and weekday. Each takes "*", numbers,
    ranges "a-b", steps "*/n" and "a-b/n", and lists of these with commas. Months and weekdays take
    English names of three letters, in either case; 0 and 7 are both Sunday; a range of weekdays may
    pass over the week's end, as in "fri-mon". "L" as day of the month is its last day. Where both
    the day of the month and the weekday are restricted (do not begin with "*"), a day that fits
    either of them counts.

    Raises:
        ValueError: The expression is malformed, or no date ever fits it (as 30 February).
    """
    raise NotImplementedError
