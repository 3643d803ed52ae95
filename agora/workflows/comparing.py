"""What a compare node finds: how far outputs agree, and which answer is given most often. Pure, and for nothing.

Consistency is AdaptOrch's (arXiv 2602.16873; `consistency.py`), votes are those of self-consistency (Wang et al., 2023,
arXiv 2203.11171): answers are the same where they are but for case and marks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agora.flow_events import Compared
from agora.workflows.consistency import Output, consistency, plain


def compared(id: str, texts: Sequence[str], *, threshold: float) -> Compared:
    """How far texts agree, in time that grows with their length only.

    Args:
        id: The node's.
        texts: The outputs, in order; blank ones count, and agree with nothing.
        threshold: The least consistency at which they agree.

    >>> found = compared("cmp", ["Paris", "Rome", "paris."], threshold=0.7)
    >>> found.majority, found.votes, found.of, found.distinct, found.agree
    ('Paris', 2, 3, 2, False)
    """
    words = [" ".join(plain(text)) for text in texts]
    votes = Counter(answer for answer in words if answer)  # in order, and max takes the first of equals
    most = max(votes, key=votes.__getitem__, default="")
    found = consistency([Output(id, text) for text in texts])
    score = round(found.score, 12) if votes else 0.0
    return Compared(
        task=id,
        consistency=score,
        agree=bool(votes) and score >= threshold,
        majority=texts[words.index(most)].strip() if votes else "",
        votes=votes[most],
        of=len(texts),
        distinct=len(votes),
        method="none" if not found.pairs else "exact" if found.by == ("exact",) else "words",
    )
