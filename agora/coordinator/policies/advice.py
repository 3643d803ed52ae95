"""A model's opinion on who should do a task: what it is asked and how its answer is read. The market makes the call.

What comes back is not trusted: it moves nothing but one figure of each candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from agora.protocols import ChatModel


class Advice(NamedTuple):
    """Whom to ask, what, and how its answer is read."""

    model: ChatModel
    """Who is asked, once a task."""
    question: Callable[[str, Sequence[str]], str]
    """From the goal and a card of each candidate, which bear numbers from 1 and no names, to the prompt."""
    read: Callable[[str, int], Sequence[float]]
    """From the answer and the number of candidates to how much each is favoured, in [0, 1]; empty: no answer."""
