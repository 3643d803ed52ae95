"""Letters."""


def count_vowels(text: str) -> int:
    """Return how many vowels (a, e, i, o, u, small or capital) the text has."""
    raise NotImplementedError
