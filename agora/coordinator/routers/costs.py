"""What a query costs at each arm: the mean of what it cost, with the declared cost counted as one query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.restoring import array, named
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Log
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Mask, Places, Vector

DECLARED: Final = 1.0
"""How many queries a declared cost counts for."""


class _Declared(NamedTuple):
    """What was looked up of arms, to be used as long as the same ones are asked of."""

    arms: Arms
    rows: Places
    new: Places | None  # who has no row, if anybody
    weight: Vector
    total: Vector


class Costs:
    """Mean cost of each arm, learned."""

    def __init__(self) -> None:
        import numpy as np

        self._rows = Rows()
        self._n, self._sum = np.zeros(0), np.zeros(0)
        self._last: _Declared | None = None

    @property
    def keys(self) -> list[str]:
        """Whose cost was asked or told, in the order in which they came."""
        return self._rows.keys

    def learn(self, arm: str, cost: float | None) -> None:
        """Take in what a query cost; None changes nothing."""
        row = self._rows.of(arm)
        self._grow()
        if cost is not None:
            self._n[row] += 1.0
            self._sum[row] += cost

    def fit(self, log: Log) -> None:
        """Take in a whole log."""
        import numpy as np

        rows = [self._rows.of(key) for key in log.arms.keys]
        self._grow()
        known = np.isfinite(log.costs)
        self._n[rows] += known.sum(axis=0)
        self._sum[rows] += np.where(known, log.costs, 0.0).sum(axis=0)

    def of(self, arms: Arms) -> Vector:
        """What a query is expected to cost at each; of whom nothing is known, the mean of the others, (m,)."""
        import numpy as np

        rows = self._rows.known(arms)
        if self._last is None or self._last.arms is not arms or self._last.rows is not rows:
            self._last = _declared(arms, rows)
        _, _, new, weight, total = self._last
        if len(self._n):
            n, paid = self._n[rows], self._sum[rows]
            if new is not None:
                n[new], paid[new] = 0.0, 0.0
            weight, total = weight + n, total + paid
        told = weight > 0
        value: Vector = total / np.where(told, weight, 1.0)
        if told.all():
            return value
        return np.where(told, value, value[told].mean() if told.any() else 0.0)

    def known(self, arms: Arms) -> Mask:
        """Of whom a cost was declared or paid, (m,)."""
        import numpy as np

        rows = self._rows.known(arms)
        paid = np.where(rows >= 0, self._n[rows], 0.0) > 0 if len(self._n) else rows > len(rows)
        return paid | np.isfinite(arms.cost)

    def saved(self) -> JsonValue:
        """Sums and counts."""
        return {"keys": list(self._rows.keys), "n": packed(self._n), "sum": packed(self._sum)}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._rows, self._last = named(saved, "keys"), None
        self._n, self._sum = (array(saved, name, len(self._rows)) for name in ("n", "sum"))

    def _grow(self) -> None:
        import numpy as np

        more = len(self._rows) - len(self._n)
        if more > 0:
            self._n, self._sum = np.append(self._n, np.zeros(more)), np.append(self._sum, np.zeros(more))


def _declared(arms: Arms, rows: Places) -> _Declared:
    import numpy as np

    told = np.isfinite(arms.cost)
    new = np.flatnonzero(rows < 0)
    total = np.where(told, arms.cost, 0.0) * DECLARED
    return _Declared(arms, rows, new if len(new) else None, DECLARED * told, total)
