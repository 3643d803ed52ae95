"""Features of a query for linear routers: a one, what its owner says it is, and its text's vector or cluster.

The first feature is always 1 (`ridges`). A tag has a place of its own from the first outcome on that is learned under
it; the last place is shared by those that come after all are taken. A query that cannot be placed has zeros there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.clusters import Clusters
from agora.coordinator.routers.packing import part
from agora.coordinator.routers.restoring import named
from agora.coordinator.routers.ridges import stacked
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Log, Query
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

TAGS: Final = 16
"""Tags with a place of their own, the shared one among them."""
TEXT: Final = 0.15
"""Length of a text's vector among the features, where a tag's is 1: of what it seems to say of an outcome most is
chance, and a ridge regression holds short features closer to nothing. Chosen on recorded outcomes from 1, .3, .15, .08:
with 1 three matrices all came out below the table by tag."""
SIZES: Final = (500.0, 2500.0)
"""Characters at which a query counts as longer."""


class Tagged:
    """[1, one-hot tag, text's vector], (1 + TAGS + d,).

    Args:
        text: Length of the text's vector among the features, > 0.
    """

    def __init__(self, *, text: float = TEXT) -> None:
        self._tags, self._text = Rows(), text

    def of(self, query: Query) -> Vector:
        """The features of a query; nothing is learned."""
        import numpy as np

        z = np.zeros(1 + TAGS + len(query.x))
        z[0] = 1.0
        _mark(z, self._tags.row(query.tag))
        z[1 + TAGS :] = self._text * query.x
        return z

    def learned(self, query: Query) -> Vector:
        """The features of a query whose outcome is learned."""
        self._tags.of(query.tag)
        return self.of(query)

    def fitted(self, log: Log) -> Matrix:
        """The features of all queries of a log, (n, 1 + TAGS + d)."""
        for query in log.queries:
            self._tags.of(query.tag)
        return stacked([self.of(query) for query in log.queries])

    def saved(self) -> JsonValue:
        """The tags in their order."""
        return list(self._tags.keys)

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._tags = named({"tags": saved}, "tags")


class Clustered:
    """[1, one-hot tag, one-hot cluster, one-hot length], (1 + TAGS + k + 3,): GreenServ's context.

    The clusters are those of online k-means, with the first k distinct vectors as centres (GreenServ, its repository).

    Args:
        clusters: k.
    """

    def __init__(self, clusters: int) -> None:
        self._tags, self._clusters = Rows(), Clusters(clusters)

    def of(self, query: Query) -> Vector:
        """The features of a query; nothing is learned."""
        import numpy as np

        k, cluster = self._clusters.most, self._clusters.of(query.x)
        z = np.zeros(1 + TAGS + k + len(SIZES) + 1)
        z[0] = 1.0
        _mark(z, self._tags.row(query.tag))
        if cluster >= 0:
            z[1 + TAGS + cluster] = 1.0
        z[1 + TAGS + k + (query.size >= SIZES[0]) + (query.size >= SIZES[1])] = 1.0
        return z

    def learned(self, query: Query) -> Vector:
        """The features of a query whose outcome is learned; its cluster's centre moves towards it."""
        self._tags.of(query.tag)
        self._clusters.learn(query.x)
        return self.of(query)

    def fitted(self, log: Log) -> Matrix:
        """The features of all queries of a log, by the centres that they come to, (n, ...)."""
        for query in log.queries:
            self._tags.of(query.tag)
            self._clusters.learn(query.x)
        return stacked([self.of(query) for query in log.queries])

    def saved(self) -> JsonValue:
        """Tags and centres."""
        return {"tags": list(self._tags.keys), "clusters": self._clusters.saved()}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._tags = named(saved, "tags")
        self._clusters.restored(part(saved, "clusters"))


def _mark(z: Vector, row: int) -> None:
    if row >= 0:
        z[1 + min(row, TAGS - 1)] = 1.0
