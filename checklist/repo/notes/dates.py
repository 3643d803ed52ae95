"""Dates."""


def is_leap_year(year: int) -> bool:
    """Return whether a year is a leap year.

    It is when 4 divides it; but a year that 100 divides is one only when 400 divides it too.
    """
    return year % 4 == 0
