"""A model calls the others as tools, told what each costs (xRouter, arXiv 2510.08439), by prompt.

Published: a 7B model trained by reinforcement with reward only for a right answer, less its cost; it answers itself or
calls one or several models. Here any model by prompt; it does not answer itself, since the winner must do the task.
"""

from __future__ import annotations

from collections.abc import Sequence

from agora.coordinator.routers.asked import asking, numbers_in, told


def question(goal: str, cards: Sequence[str]) -> str:
    """The prompt."""
    return (
        f"{told(goal, cards)}\nEach candidate is a tool that does the whole task for its price. Your reward is 1 if "
        "the task is done, less what you spent, and nothing if it fails. Choose who is called first, and who after it "
        'if it fails.\nAnswer with one JSON object and nothing else: {"call": [numbers in order]}'
    )


def read(answer: str) -> Sequence[int]:
    """The numbers to call.

    >>> read('{"call": [1, 3]}')
    [1, 3]
    """
    return numbers_in(answer, "call")


policy = asking("xrouter", question, read)
"""A model calls the others."""
