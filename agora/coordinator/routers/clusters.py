"""k-means: over a log, then one by one.

Rounds of Lloyd (1982), begun as k-means++ (Arthur and Vassilvitskii, 2007); then single steps (MacQueen, 1967). Where
nothing was fitted, the first k distinct queries are the centres. All draws are `draws.uniforms`: the same queries in
the same order give the same centres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agora.coordinator.routers.draws import uniforms
from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.restoring import array, fits, integer
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

_ROUNDS: Final = 25
_SAME: Final = 1e-12


class Clusters:
    """Centres of queries.

    Args:
        most: How many there are, once there are so many different queries.
    """

    def __init__(self, most: int) -> None:
        import numpy as np

        self.most = most
        self.centres: Matrix = np.zeros((0, 0))
        """(k, d)."""
        self._n: Vector = np.zeros(0)
        self._half: Vector = np.zeros(0)  # of each centre: half of its length squared

    def __len__(self) -> int:
        return len(self.centres)

    def fit(self, x: Matrix) -> Places:
        """Centres of a log, in place of those there were.

        Args:
            x: (n, d).

        Returns:
            The cluster of each query, (n,).
        """
        import numpy as np

        centres = _spread(x, self.most)
        for _ in range(_ROUNDS):
            nearest = _nearest(x, centres)
            sums = np.zeros_like(centres)
            np.add.at(sums, nearest, x)
            n = np.bincount(nearest, minlength=len(centres)).astype(np.float64)
            moved = np.where(n[:, None] > 0, sums / np.maximum(n, 1.0)[:, None], centres)
            if (moved == centres).all():
                break
            centres = moved
        self.centres = centres
        nearest = _nearest(x, centres)
        self._n = np.bincount(nearest, minlength=len(centres)).astype(np.float64)
        self._half = 0.5 * (centres**2).sum(axis=1)
        return nearest

    def learn(self, x: Vector) -> int:
        """The cluster of a query, whose centre moves towards it by 1 / n."""
        import numpy as np

        nearest = self.of(x)
        if len(self) < self.most and (nearest < 0 or float(((self.centres[nearest] - x) ** 2).sum()) > _SAME):
            self.centres = np.vstack([self.centres, x]) if len(self) else x[None, :].copy()
            self._n, self._half = np.append(self._n, 1.0), np.append(self._half, 0.5 * float(x @ x))
            return len(self) - 1
        self._n[nearest] += 1.0
        self.centres[nearest] += (x - self.centres[nearest]) / self._n[nearest]
        self._half[nearest] = 0.5 * float(self.centres[nearest] @ self.centres[nearest])
        return nearest

    def near(self, x: Vector) -> Vector:
        """How near each centre is: less is farther, (k,)."""
        value: Vector = self.centres @ x - self._half
        return value

    def of(self, x: Vector) -> int:
        """The nearest cluster of a query; -1 while there is none."""
        return int(self.near(x).argmax()) if len(self) else -1

    def saved(self) -> JsonValue:
        """Centres and counts."""
        arrays: dict[str, JsonValue] = {"centres": packed(self.centres), "n": packed(self._n)}
        return {**arrays, "half": packed(self._half), "features": self.centres.shape[1]}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._n = array(saved, "n", None)
        self._half = array(saved, "half", len(self._n))
        self.centres = array(saved, "centres", len(self._n), integer(saved, "features"))
        fits(len(self) <= self.most, "centres")


def _nearest(x: Matrix, centres: Matrix) -> Places:
    value: Places = (x @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1)
    return value


def _spread(x: Matrix, most: int) -> Matrix:
    """Different queries far from each other, each drawn by its squared distance to those before it."""
    import numpy as np

    lots = uniforms(0.5, most)
    places = [min(int(lots[0] * len(x)), len(x) - 1)]
    apart = ((x - x[places[0]]) ** 2).sum(axis=1)
    for lot in lots[1:].tolist():
        cumulated: Vector = np.cumsum(np.where(apart > _SAME, apart, 0.0))
        if cumulated[-1] <= 0.0:
            break
        places.append(int((cumulated < lot * cumulated[-1]).sum()))
        apart = np.minimum(apart, ((x - x[places[-1]]) ** 2).sum(axis=1))
    centres: Matrix = x[places].copy()
    return centres
