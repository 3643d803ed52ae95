"""What came of earlier queries, kept as they were seen: the memory of routers that look at neighbours.

First in, first out beyond `MOST` queries. A query whose outcome is known at several arms stands once, where the calls
follow each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.packing import packed, texts
from agora.coordinator.routers.restoring import array, fits, integer, named
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Log, Outcome, Query
from agora.errors import LedgerError
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

MOST: Final = 10_000
"""So many queries are kept."""
_FIRST: Final = 256


class Memory:
    """Queries with what each arm scored on them."""

    def __init__(self) -> None:
        import numpy as np

        self.rows = Rows()
        self._x: Matrix = np.zeros((0, 0))
        self._scores: Matrix = np.full((0, 0), np.nan)
        self._tags: list[str] = []
        self.outcomes = 0
        """How many were ever taken in."""
        self._kinds = Rows()
        self._kind: Places = np.zeros(0, dtype=np.intp)  # of each place: the number of its tag
        self._n = 0
        self._next = 0  # where the oldest one stands, once it is full

    def __len__(self) -> int:
        return self._n

    @property
    def x(self) -> Matrix:
        """Vectors of the queries, (n, d)."""
        return self._x[: self._n]

    @property
    def tags(self) -> list[str]:
        """Their tags, (n,)."""
        return self._tags

    def tagged(self, tag: str) -> Vector:
        """1 where a query has this tag, else 0, (n,)."""
        import numpy as np

        same: Vector = (self._kind[: self._n] == self._kinds.row(tag)).astype(np.float64)
        return same

    @property
    def latest(self) -> int:
        """Where the latest query stands; -1 while there is none."""
        return (self._next or MOST) - 1 if self._n == MOST else self._n - 1

    @property
    def end(self) -> int:
        """The place after the latest one."""
        return self._next if self._n == MOST else self._n

    def scores(self, arms: Arms) -> Matrix:
        """What each arm scored; NaN where it was not asked, (n, m)."""
        import numpy as np

        rows = self.rows.known(arms)
        if not self._n or not self._scores.shape[1]:
            return np.full((self._n, len(arms)), np.nan)
        held = self._scores[: self._n]
        if len(rows) == held.shape[1] and (rows == np.arange(len(rows))).all():
            return held
        return np.where(rows >= 0, held[:, rows], np.nan)

    def learn(self, query: Query, arm: str, outcome: Outcome) -> int:
        """Keep one outcome, and say in which place."""
        row = self.rows.of(arm)
        self._room(len(query.x))
        place = self.latest
        same = place >= 0 and self._tags[place] == query.tag and (self._x[place] == query.x).all()
        if not same or self._scores[place, row] == self._scores[place, row]:  # another query, or asked again
            place = self._add(query)
        self._scores[place, row] = outcome.score
        self.outcomes += 1
        return place

    def fit(self, log: Log) -> None:
        """Keep a whole log."""
        if not log.queries:
            return
        import numpy as np

        rows = [self.rows.of(key) for key in log.arms.keys]
        self.outcomes += int(np.isfinite(log.scores).sum())
        for number, query in enumerate(log.queries):
            self._room(len(query.x))
            self._scores[self._add(query), rows] = log.scores[number]

    def saved(self) -> JsonValue:
        """All that is kept."""
        return {
            "keys": list(self.rows.keys),
            "x": packed(self.x),
            "scores": packed(self._scores[: self._n]),
            "tags": list(self._tags),
            "features": self._x.shape[1],
            "next": self._next,
            "outcomes": self.outcomes,
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        import numpy as np

        self.rows, self._tags = named(saved, "keys"), texts(saved, "tags")
        self._n = len(self._tags)
        self._x = array(saved, "x", self._n, integer(saved, "features"))
        self._scores = array(saved, "scores", self._n, len(self.rows))
        self._next, self.outcomes = integer(saved, "next", most=MOST - 1), integer(saved, "outcomes")
        fits(self._n <= MOST, "queries")
        self._kinds = Rows()
        self._kind = np.array([self._kinds.of(tag) for tag in self._tags], dtype=np.intp)

    def _add(self, query: Query) -> int:
        import numpy as np

        if self._n < MOST:
            place, self._n = self._n, self._n + 1
            self._tags.append(query.tag)
        else:
            place, self._next = self._next, (self._next + 1) % MOST
            self._tags[place] = query.tag
        self._kind[place] = self._kinds.of(query.tag)
        self._x[place], self._scores[place] = query.x, np.nan
        return place

    def _room(self, dimensions: int) -> None:
        """Space for one more query and for every arm that is known."""
        import numpy as np

        places, columns = self._scores.shape
        more = 0 if self._n < places or places == MOST else min(max(_FIRST, places), MOST - places)
        wider = len(self.rows) - columns
        if more or wider > 0:
            grown = np.full((places + more, max(columns, len(self.rows))), np.nan)
            grown[:places, :columns] = self._scores
            self._scores = grown
        if more:
            self._kind = np.append(self._kind, np.full(more, -1, dtype=np.intp))
        if more or self._x.shape[1] != dimensions:
            if self._n and self._x.shape[1] != dimensions:
                raise LedgerError(f"a query has {dimensions} features, those before it {self._x.shape[1]}")
            kept = np.zeros((places + more, dimensions))
            if self._n:
                kept[: self._n] = self._x[: self._n]
            self._x = kept


def nearest(similar: Vector, k: int) -> Places:
    """Places of the k highest, in no order, (min(k, n),)."""
    import numpy as np

    return np.arange(len(similar)) if len(similar) <= k else np.argpartition(-similar, k - 1)[:k]
