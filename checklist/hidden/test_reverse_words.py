"""What the verifier asks of reverse_words; no bidder sees it."""

from notes.words import reverse_words


def test_the_last_word_comes_first() -> None:
    assert reverse_words("the quick brown fox") == "fox brown quick the"
    assert reverse_words("b a") == "a b"


def test_letters_inside_words_stay() -> None:
    assert reverse_words("stressed desserts!") == "desserts! stressed"


def test_spaces_become_single() -> None:
    assert reverse_words("  up   and\tdown ") == "down and up"
    assert reverse_words("") == ""
