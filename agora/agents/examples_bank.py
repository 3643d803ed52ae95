"""What a sampler shows its model before the task: few-shot examples of writing and of mending a function.

None shares a name or a normalised syntax tree with a task of the starter checklist or of its second task set; a test
holds it to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from agora.agents import prompts
from agora.messages import Message


class Example(NamedTuple):
    """One solved task."""

    shown: str
    """The function as it stands: signature and docstring, with its wrong body where it is to be mended."""
    check: str
    """An assertion about it."""
    answer: str
    """The right body, indented."""


WRITING: Final[tuple[Example, ...]] = (
    Example(
        'def shout(text: str) -> str:\n    """Return the text in capitals, with an exclamation mark."""',
        'assert shout("hi") == "HI!"',
        '    return text.upper() + "!"',
    ),
    Example(
        'def count_digits(text: str) -> int:\n    """Return how many digits the text has."""',
        'assert count_digits("a1b22") == 3',
        "    return sum(1 for sign in text if sign.isdigit())",
    ),
    Example(
        'def evens(numbers: list[int]) -> list[int]:\n    """Return the even numbers of the list."""',
        "assert evens([1, 2, 4]) == [2, 4]",
        "    return [number for number in numbers if number % 2 == 0]",
    ),
)
"""Functions that were to be written."""

MENDING: Final[tuple[Example, ...]] = (
    Example(
        'def half(number: float) -> float:\n    """Return half of the number."""\n    return number * 2',
        "assert half(4) == 2",
        "    return number / 2",
    ),
    Example(
        'def without_end(text: str) -> str:\n    """Return the text without its last letter."""\n    return text[1:]',
        'assert without_end("abc") == "ab"',
        "    return text[:-1]",
    ),
)
"""Functions that were wrong."""


def signature_of(example: Example) -> str:
    """The first line of an example."""
    return example.shown.splitlines()[0]


def conversation(shown: str, checks: Sequence[str], *, mend: bool) -> tuple[Message, ...]:
    """The examples as turns already taken, and the task as the next.

    Args:
        shown: The function as it stands.
        checks: Visible assertions about it.
        mend: Whether it has a bug, or no body yet.
    """
    turns: list[Message] = []
    for example in MENDING if mend else WRITING:
        turns.append(_asked(example.shown, [example.check], mend=mend))
        # without its docstring: a third fewer tokens are written, and as many samples are right
        turns.append(Message(role="assistant", content=_fenced(f"{signature_of(example)}\n{example.answer}")))
    return (*turns, _asked(shown, checks, mend=mend))


def _asked(shown: str, checks: Sequence[str], *, mend: bool) -> Message:
    code = "\n".join([shown, "", *checks]) if checks else shown
    return Message(role="user", content=f"{prompts.SAMPLER_MEND if mend else prompts.SAMPLER_WRITE}\n{_fenced(code)}")


def _fenced(code: str) -> str:
    return f"```python\n{code}\n```"
