"""Whom to ask in turn where a check follows each answer, and what to hand in when nothing passed.

The order is the list that was worth most on remembered queries at this dial (`sequences`), which no model of who fails
together has beaten on recorded outcomes. An answer that passes is handed in. Where none did and the check errs, it is
the one that is right most often on remembered queries, each of which counts as much as it explains the verdicts:

    weight_q = product over the answers of  s_qj (1 - r) + (1 - s_qj) r          r: how often the check is right
    right_j  = sum of weight_q s_qj (1 - r) / (s_qj (1 - r) + (1 - s_qj) r)  /  sum of weight_q
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array, integer, named
from agora.coordinator.routers.seam import Arms, Log, Move, Outcome, Query, Seen
from agora.coordinator.routers.sequences import Found, Sequences
from agora.values import JsonValue

LONGEST: Final = 5
ENOUGH: Final = 30
"""Queries with full information from which on a list is used."""
OF_ITS_OWN: Final = 150
"""Queries of a tag from which on it has a list of its own: of fewer, what many queries say is worth more."""


class Checking:
    """Learned.

    Args:
        right: How often a check is right, in [.5, 1].
    """

    def __init__(self, right: float) -> None:
        self._right, self._sequences, self._fitted = right, Sequences(most=LONGEST, right=right), 0
        self._tags: Counter[str] = Counter()

    def found(self, query: Query, arms: Arms, *, dial: float) -> Found | None:
        """Whom to ask in turn; None: too little is known."""
        if self._fitted < ENOUGH:
            return None
        return self._sequences.best(query._replace(tag=self._list_of(query.tag)), arms, dial=dial)

    def move(self, query: Query, arms: Arms, seen: Sequence[Seen], order: Sequence[int]) -> Move:
        """What passed is handed in; else the next of the order is asked, while there is one.

        Args:
            query: For whom.
            arms: Among whom.
            seen: What was answered so far.
            order: Whom to ask in turn, at least one.
        """
        passed = next((at for at, one in enumerate(seen) if one.passed), None)
        if passed is not None:
            return Move(hand_in=passed)
        asked = [one.place for one in seen]
        following = next((place for place in order if place not in asked), None)
        return Move(hand_in=self._likeliest(query, arms, asked)) if following is None else Move(ask=following)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> None:
        """Remember one outcome, once a log was fitted: before, nobody looks at it."""
        if self._fitted >= ENOUGH:
            self._sequences.learn(query, arm, outcome)

    def fit(self, log: Log) -> None:
        """Remember a whole log."""
        self._sequences.fit(log)
        self._fitted += len(log.queries)
        self._tags.update(query.tag for query in log.queries)

    def saved(self) -> JsonValue:
        """What is remembered."""
        import numpy as np

        return {
            "sequences": self._sequences.saved(),
            "fitted": self._fitted,
            "tags": list(self._tags),
            "counts": packed(np.array(list(self._tags.values()), dtype=np.float64)),
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._sequences.restored(part(saved, "sequences"))
        self._fitted = integer(saved, "fitted")
        tags = named(saved, "tags").keys
        counts = array(saved, "counts", len(tags)).tolist()
        self._tags = Counter(dict(zip(tags, map(int, counts), strict=True)))

    def _list_of(self, tag: str) -> str:
        """The tag, where it has a list of its own; else empty: that of everything."""
        return tag if self._tags.get(tag, 0) >= OF_ITS_OWN else ""

    def _likeliest(self, query: Query, arms: Arms, asked: Sequence[int]) -> int:
        """Which of the answers that all failed is right most often; the last one, where the check never errs."""
        if self._right >= 1.0 or self._fitted < ENOUGH:
            return len(asked) - 1
        scores = self._sequences.remembered(self._list_of(query.tag), arms)[:, list(asked)]
        right_but_failed = scores * (1.0 - self._right)
        failed = right_but_failed + (1.0 - scores) * self._right
        weight = failed.prod(axis=1)
        chance = (weight[:, None] * right_but_failed / failed).sum(axis=0)
        return int(chance.argmax())
