"""Words."""


def reverse_words(text: str) -> str:
    """Return the words of the text in reverse order, joined by single spaces."""
    raise NotImplementedError
