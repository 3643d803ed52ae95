"""A Gaussian over arms and kinds of queries, learned exactly and one outcome at a time: Bayesian linear regression.

    value = arm_a + kind_t + noise,    arm ~ N(mean, cov) as a prior says of those asked about,    kind ~ N(0, spread)

What a prior says of an arm depends on whom it is compared with, and only who asks knows that. So what is kept is free
of it: counts and sums in cells (kinds x arms) as last settled, and the outcomes since, in their order. The Gaussian
follows from these, by one solve and one rank-one step for each outcome since (Kalman, 1960). While the same arms are
asked about it is held and goes on with each outcome; reckoned anew it is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.packing import packed
from agora.coordinator.routers.restoring import array, fits, named
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

SETTLED: Final = 32
"""After so many outcomes the Gaussian is reckoned anew from the sums, which also keeps it exact."""
Prior = Callable[[tuple[str, ...], "Vector"], "tuple[Vector, Matrix]"]
"""Keys and declared costs of arms (NaN: none) -> mean (m,) and covariance (m, m) before any outcome."""


class Posterior(NamedTuple):
    """First the arms asked about, then those met that are away, then the kinds; good until the next outcome."""

    mean: Vector
    """(d,)"""
    cov: Matrix
    """(d, d)"""
    arm: dict[str, int]
    """Where each arm stands."""


class Regression:
    """Learned.

    Args:
        prior: What is said of arms before any outcome.
        noise: Variance of one outcome.
        spread: Variance of what a kind of query adds for every arm; 0: kinds do not matter.
    """

    def __init__(self, prior: Prior, *, noise: float, spread: float) -> None:
        import numpy as np

        self._prior, self._noise, self._spread = prior, noise, spread
        self.arms, self.kinds = Rows(), Rows()
        self.n: Matrix = np.zeros((1, 1))
        """Outcomes, (kinds + 1, arms + 1): the last row and the last column are of who was never met."""
        self.sum: Matrix = np.zeros((1, 1))
        """Of their values, as `n`."""
        self._settled: tuple[Matrix, Matrix] = (self.n, self.sum)
        self._since: list[tuple[int, int, float]] = []
        self._held: tuple[Arms, Posterior] | None = None

    def learn(self, kind: str, arm: str, value: float) -> None:
        """Take in one outcome."""
        new = self.kinds.row(kind) < 0
        at, row = self.kinds.of(kind), self.arms.of(arm)
        self._grow()
        self.n[at, row] += 1.0
        self.sum[at, row] += value
        self._since.append((at, row, value))
        if len(self._since) >= SETTLED:
            self._settle()
        elif self._held is not None:
            place = self._held[1].arm.get(arm)
            if new or place is None:
                self._held = None
            else:
                self._step(self._held[1], place, at, value)

    def fit(self, kinds: list[str], arms: Arms, values: Matrix) -> None:
        """Take in values (n, m) at once; NaN: unknown."""
        import numpy as np

        at = np.array([self.kinds.of(kind) for kind in kinds], dtype=np.intp)
        rows = [self.arms.of(key) for key in arms.keys]
        self._grow()
        known = np.isfinite(values)
        for held, amounts in ((self.n, known.astype(np.float64)), (self.sum, np.where(known, values, 0.0))):
            sums = np.zeros((len(held), len(rows)))
            np.add.at(sums, at, amounts)
            held[:, rows] += sums
        self._settle()

    def drop(self, arm: str) -> None:
        """Forget the outcomes of an arm; what is declared of it may have changed."""
        row = self.arms.of(arm)
        self._grow()
        self.n[:, row] = self.sum[:, row] = 0.0
        self._settle()

    def of(self, arms: Arms) -> Posterior:
        """What is believed when these are asked about."""
        if self._held is None or self._held[0] is not arms:
            if self._held is not None and _same(self._held[0], arms):
                self._held = arms, self._held[1]
            else:
                self._held = arms, self._posterior(arms)
        return self._held[1]

    def saved(self) -> JsonValue:
        """Sums as settled, and what came since."""
        import numpy as np

        return {
            "arms": list(self.arms.keys),
            "kinds": list(self.kinds.keys),
            "n": packed(self._settled[0]),
            "sum": packed(self._settled[1]),
            "since": packed(np.array(self._since, dtype=np.float64).reshape(-1, 3)),
        }

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self.arms, self.kinds = named(saved, "arms"), named(saved, "kinds")
        n = array(saved, "n", None, None)
        self._settled = n, array(saved, "sum", *n.shape)
        self._since = [(int(at), int(row), value) for at, row, value in array(saved, "since", None, 3).tolist()]
        fits(0 < len(n) <= len(self.kinds) + 1 and 0 < n.shape[1] <= len(self.arms) + 1, "sums")
        fits(all(0 <= at < len(self.kinds) and 0 <= row < len(self.arms) for at, row, _ in self._since), "outcomes")
        self.n, self.sum = self._settled[0].copy(), self._settled[1].copy()
        self._grow()
        for at, row, value in self._since:
            self.n[at, row] += 1.0
            self.sum[at, row] += value
        self._held = None

    def _settle(self) -> None:
        self._settled, self._since, self._held = (self.n.copy(), self.sum.copy()), [], None

    def _grow(self) -> None:
        shape = len(self.kinds) + 1, len(self.arms) + 1
        if self.n.shape != shape:
            self.n, self.sum = _grown(self.n, shape), _grown(self.sum, shape)

    def _posterior(self, arms: Arms) -> Posterior:
        """From the sums and what came since."""
        import numpy as np

        among = set(arms.keys)
        away = [key for key in self.arms.keys if key not in among]
        keys = (*arms.keys, *away)
        mean, cov = self._prior(keys, np.append(arms.cost, np.full(len(away), np.nan)))
        m, d = len(keys), len(keys) + len(self.kinds)
        begun, spread = np.zeros(d), np.zeros((d, d))
        begun[:m], spread[:m, :m] = mean, cov
        spread[range(m, d), range(m, d)] = self._spread
        places = {key: place for place, key in enumerate(keys)}
        found = self._folded(begun, spread, m, [self.arms.row(key) for key in keys])
        posterior = Posterior(*found, places)
        for at, row, value in self._since:
            self._step(posterior, places[self.arms.keys[row]], at, value)
        return posterior

    def _folded(self, mean: Vector, cov: Matrix, m: int, rows: list[int]) -> tuple[Vector, Matrix]:
        """With the settled sums in it: after = (1 + cov W)^-1 cov, mean + after (b - W mean); no inverse of cov."""
        import numpy as np

        shape = len(self.kinds) + 1, len(self.arms) + 1
        n: Matrix = _grown(self._settled[0], shape)[:-1, rows] / self._noise
        told: Matrix = _grown(self._settled[1], shape)[:-1, rows] / self._noise
        if not n.any():
            return mean, cov
        weight = np.diag(np.concatenate([n.sum(axis=0), n.sum(axis=1)]))
        weight[m:, :m], weight[:m, m:] = n, n.T
        after = np.linalg.solve(np.eye(len(mean)) + cov @ weight, cov)
        after = (after + after.T) / 2.0
        return mean + after @ (np.concatenate([told.sum(axis=0), told.sum(axis=1)]) - weight @ mean), after

    def _step(self, now: Posterior, place: int, at: int, value: float) -> None:
        """One outcome into mean and covariance, in place."""
        import numpy as np

        mean, cov, _ = now
        kind = len(now.arm) + at
        moved = cov[place] + cov[kind]
        share = moved / (float(moved[place] + moved[kind]) + self._noise)
        mean += share * (value - float(mean[place] + mean[kind]))
        cov -= np.multiply.outer(share, moved)


def _same(one: Arms, other: Arms) -> bool:
    return one.keys == other.keys and one.cost.tobytes() == other.cost.tobytes()


def _grown(held: Matrix, shape: tuple[int, int]) -> Matrix:
    """With more rows and columns before the last ones."""
    import numpy as np

    kinds, arms = held.shape
    more: Matrix = np.zeros(shape)
    more[: kinds - 1, : arms - 1] = held[:-1, :-1]
    return more
