"""Who is near whom among the queries of a memory: drawn when a query is first seen, and not again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.restoring import array, fits, integer
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places

_AT_ONCE: Final = 512


class Edges:
    """Edges between queries by their places in a memory; of a place that is taken anew, all edges to it are gone.

    Args:
        k: Edges from each query.
    """

    def __init__(self, k: int) -> None:
        import numpy as np

        self._k = k
        self._to: Places = np.zeros((0, k), dtype=np.intp)  # -1: nobody
        self._similar: Matrix = np.zeros((0, k))
        self._latest = -1
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def of(self, places: Places) -> tuple[Places, Matrix]:
        """Where the edges from some queries lead, -1: nowhere; and how similar these are, (p, k) both."""
        return self._to[places], self._similar[places]

    def learn(self, place: int, x: Matrix) -> None:
        """Draw the edges of one query, if it is a new one.

        Args:
            place: Its own.
            x: All queries, this one included, (n, d).
        """
        import numpy as np

        if place == self._latest:
            return  # the same query again, with another arm
        self._room(len(x))
        if place < self._n:
            self._to[self._to == place] = -1
        self._latest, self._n = place, len(x)
        similar = x @ x[place]
        similar[place] = -np.inf
        self._draw(np.array([place]), similar[None, :])

    def fit(self, first: int, latest: int, x: Matrix) -> None:
        """Draw the edges of many queries, among all.

        Args:
            first: Of this place and of those after it.
            latest: Where the latest query stands.
            x: All queries, (n, d).
        """
        import numpy as np

        self._room(len(x))
        for begin in range(first, len(x), _AT_ONCE):
            places = np.arange(begin, min(begin + _AT_ONCE, len(x)))
            similar = x[places] @ x.T
            similar[np.arange(len(places)), places] = -np.inf
            self._draw(places, similar)
        self._latest, self._n = latest, len(x)

    def saved(self) -> JsonValue:
        """Ends and similarities."""
        return {
            "to": packed(self._to.astype("f8")),
            "similar": packed(self._similar),
            "latest": self._latest,
            "n": self._n,
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        import numpy as np

        self._similar = array(saved, "similar", None, self._k)
        self._to = array(saved, "to", len(self._similar), self._k).astype(np.intp)
        self._n = integer(saved, "n", most=len(self._to))
        self._latest = integer(saved, "latest", least=-1, most=self._n - 1)
        fits(int(self._to.max(initial=-1)) < self._n and int(self._to.min(initial=-1)) >= -1, "edges")

    def _draw(self, places: Places, similar: Matrix) -> None:
        """The most similar of each, itself left out."""
        import numpy as np

        k = min(self._k, similar.shape[1] - 1)
        self._to[places], self._similar[places] = -1, 0.0
        if k <= 0:
            return
        ends = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        self._to[places[:, None], np.arange(k)] = ends
        self._similar[places[:, None], np.arange(k)] = np.take_along_axis(similar, ends, axis=1)

    def _room(self, n: int) -> None:
        import numpy as np

        more = n - len(self._to)
        if more > 0:
            more = max(more, len(self._to))
            self._to = np.vstack([self._to, np.full((more, self._k), -1, dtype=np.intp)])
            self._similar = np.vstack([self._similar, np.zeros((more, self._k))])
