"""What the verifier asks of is_leap_year; no bidder sees it."""

from notes.dates import is_leap_year


def test_fours_are_leap_years() -> None:
    assert is_leap_year(1996)
    assert is_leap_year(2028)


def test_other_years_are_not() -> None:
    assert not is_leap_year(2019)
    assert not is_leap_year(2026)


def test_of_the_hundreds_only_the_four_hundreds_are() -> None:
    assert not is_leap_year(1800)
    assert not is_leap_year(2100)
    assert is_leap_year(1600)
    assert is_leap_year(2000)
