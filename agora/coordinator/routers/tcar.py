"""A model reasons, then names up to three who should do it (TCAndon-Router, TCAR, arXiv 2601.04544), by prompt.

Published: a 4B model, trained for it, answers `<Reason>...</Reason><ID>...</ID>` with up to three agents or "oos";
those answer independently and a refining agent merges. Here any model by prompt, the named ones are asked in turn
where a check follows (the workflow pattern `candidates` merges), and "oos" names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from agora.coordinator.routers.asked import asking, told

_ID: Final = re.compile(r"<ID>([^<]{0,200})</ID>", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,4}")


def question(goal: str, cards: Sequence[str]) -> str:
    """The prompt."""
    return (
        f"{told(goal, cards)}\nSay in one or two sentences what the task asks for and who is able to do it. Then name "
        "the candidates that should do it, the best first, at most three.\nAnswer in this form and no other:\n"
        "<Reason>why</Reason><ID>numbers, separated by commas, or oos if nobody can</ID>"
    )


def read(answer: str) -> Sequence[int]:
    """The numbers between the last `<ID>` and `</ID>`; "oos" names nobody.

    >>> read("<Reason>code</Reason><ID>2, 3</ID>"), read("<ID>oos</ID>")
    ([2, 3], [])
    """
    found = _ID.findall(answer)
    return [int(one) for one in _NUMBER.findall(found[-1])][:3] if found else []


policy = asking("tcar", question, read)
"""A model names up to three."""
