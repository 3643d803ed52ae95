"""Answers that are well-formed, plausible and wrong: no layer of a model can tell, so verification must.

Agents survive loud failures; these are what breaks them (reliability study, section 7). Each makes a right answer wrong
the way a model does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agora.testing.exchange import Behaviour, Exchange, text, tool

_NUMBER = re.compile(r"-?\d+(?!.*\d)", re.DOTALL)
_REVERSED = {
    "<=": ">", ">=": "<", "==": "!=", "!=": "==", "<": ">=", ">": "<=",
    " and ": " or ", " or ": " and ", "True": "False", "False": "True", "yes": "no", "no": "yes",
}  # fmt: skip
_CONDITION = re.compile("|".join(re.escape(word) for word in sorted(_REVERSED, key=len, reverse=True)))


def off_by_one(right: str) -> str:
    """The last number is one more.

    >>> off_by_one("6 x 7 is 42.")
    '6 x 7 is 43.'

    Raises:
        ValueError: There is no number in it.
    """
    return _changed(_NUMBER, right, lambda found: str(int(found[0]) + 1))


def reversed_condition(right: str) -> str:
    """The first condition says the opposite.

    >>> reversed_condition("return score >= 50")
    'return score < 50'

    Raises:
        ValueError: There is no condition in it.
    """
    return _changed(_CONDITION, right, lambda found: _REVERSED[found[0]])


def to_another_question(right: str) -> str:
    """A right answer, to a question that nobody asked.

    >>> to_another_question("42")
    'The capital of Australia is Canberra.'
    """
    return "The capital of Australia is Canberra."


WRONG: Mapping[str, Callable[[str], str]] = {
    "off by one": off_by_one,
    "reversed condition": reversed_condition,
    "to another question": to_another_question,
}
"""Every way to make a right text wrong, by name."""


def wrongly(kind: str, right: str) -> Behaviour:
    """Answer with a text that is wrong in this way.

    Args:
        kind: A name in `WRONG`.
        right: What would be right.
    """
    return text(WRONG[kind](right))


def another_tool(right: str, arguments: Mapping[str, object]) -> Behaviour:
    """Call the first tool that was offered and is not the right one, with the arguments meant for that."""

    def send(exchange: Exchange) -> None:
        names = [offered["function"]["name"] for offered in exchange.body.get("tools") or ()]
        name = next((name for name in names if name != right), right)
        tool(name, arguments)(exchange)

    return send


def _changed(pattern: re.Pattern[str], right: str, change: Callable[[re.Match[str]], str]) -> str:
    wrong, count = pattern.subn(change, right, count=1)
    if not count:
        raise ValueError(f"nothing in {right[:80]!r} can be made wrong in this way")
    return wrong
