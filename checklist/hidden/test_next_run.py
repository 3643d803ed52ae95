"""What the verifier asks of next_run; no bidder sees it."""

from datetime import datetime

from notes.schedule import next_run


def test_the_moment_itself_does_not_count() -> None:
    assert next_run("0 0 * * *", datetime(2026, 5, 31, 0, 0)) == datetime(2026, 6, 1, 0, 0)


def test_ranges_steps_and_lists_combine() -> None:
    assert next_run("5-59/20,50 8-10 * * *", datetime(2026, 1, 1, 8, 45)) == datetime(2026, 1, 1, 8, 50)
    assert next_run("5-59/20 8-10 * * *", datetime(2026, 1, 1, 10, 46)) == datetime(2026, 1, 2, 8, 5)


def test_short_months_are_skipped() -> None:
    assert next_run("0 12 31 * *", datetime(2026, 3, 31, 12, 0)) == datetime(2026, 5, 31, 12, 0)
    assert next_run("0 12 29 feb *", datetime(2026, 1, 1)) == datetime(2028, 2, 29, 12, 0)


def test_the_last_day_follows_the_leap_year() -> None:
    assert next_run("0 0 L 2 *", datetime(2027, 3, 1)) == datetime(2028, 2, 29)


def test_weekdays_wrap_and_sunday_has_two_numbers() -> None:
    assert next_run("0 7 * * FRI-MON", datetime(2026, 3, 2, 7, 0)) == datetime(2026, 3, 6, 7, 0)
    assert next_run("0 7 * * 7", datetime(2026, 3, 2)) == next_run("0 7 * * 0", datetime(2026, 3, 2))


def test_day_and_weekday_are_alternatives() -> None:
    assert next_run("0 0 13 * fri", datetime(2026, 4, 1)) == datetime(2026, 4, 3)
    assert next_run("0 0 13 * fri", datetime(2026, 4, 10)) == datetime(2026, 4, 13)


def test_nonsense_is_refused() -> None:
    for expression in ("", "* * * *", "60 * * * *", "* * 30 2 *", "*/0 * * * *", "a * * * *"):
        try:
            moment = next_run(expression, datetime(2026, 1, 1))
        except ValueError:
            continue
        raise AssertionError(f"{expression!r} gave {moment}")
