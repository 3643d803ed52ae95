"""A model thinks, then sends the task to one of the others (Router-R1, arXiv 2506.09033), by prompt.

Published: a model trained by reinforcement (format, exact match, less for dear calls) thinks, asks other models several
times (`<search> LLM: query </search>`) and answers. Here any model by prompt, and its first request decides: several
rounds over several agents are a workflow (the pattern `orchestrator`), not a routing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agora.coordinator.routers.asked import asking, told

_SEARCH: Final = re.compile(r"<search>\D{0,40}(\d{1,4})", re.IGNORECASE)


def question(goal: str, cards: Sequence[str]) -> str:
    """The prompt."""
    return (
        f"{told(goal, cards)}\nYou cannot do the task yourself: you hand it to one candidate. Dear ones cost you "
        "reward, and a failure costs all of it.\nFirst reason between <think> and </think> about what the task needs. "
        "Then write the candidate's number and the task in one line:\n<search>number: the task</search>"
    )


def read(answer: str) -> Sequence[int]:
    """The number in the first request.

    >>> read("<think>hard</think><search>LLM 2: solve it</search>")
    [2]
    """
    found = _SEARCH.search(answer)
    return [int(found[1])] if found else []


policy = asking("router_r1", question, read)
"""A model thinks and hands on."""
