"""What the verifier asks of count_vowels; no bidder sees it."""

from notes.text import count_vowels


def test_small_vowels_count() -> None:
    assert count_vowels("banana") == 3
    assert count_vowels("queue") == 4


def test_capital_vowels_count() -> None:
    assert count_vowels("AEIOU") == 5
    assert count_vowels("Under Our Oak") == 6


def test_other_signs_do_not_count() -> None:
    assert count_vowels("") == 0
    assert count_vowels("rhythm & y, 42!") == 0
