"""What is believed of arms on queries of a tag: a Gaussian that begins with what is declared.

    score of arm a on a query of tag t = strength_a + ease_t + fit_at + noise
    strength ~ N(m0 + b sum of signs, common J + name alike + own I + slope S S'),  ease_t ~ N(0, v_t),
    fit_at ~ N(0, v_at)

What is seen moves strength and ease as if the fit were noise (variance v_at + noise), exactly and in one step for each
outcome (Kalman, 1960); the fit of a cell is what its own outcomes say beyond that. Arms whose names are alike are
learned of together, which is what makes a cold start short. A run of failures that the belief cannot explain (a
cumulative sum of log likelihood ratios against a success rate of .05; Page, 1954) makes it forget the arm's past.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.own.names import declared
from agora.coordinator.routers.packing import packed, part, texts, unpacked
from agora.coordinator.routers.rows import Rows
from agora.coordinator.routers.seam import Arms, Log
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Places, Vector

START: Final = 0.7
"""m0: what an arm of which nothing is said is believed to score."""
NOISE: Final = 0.2
COMMON: Final = 0.05
NAME: Final = 0.015
OWN: Final = 0.015
EASE: Final = 0.02
FIT: Final = 0.005
SLOPE: Final = 0.03
"""b: score for one standard deviation of a sign of strength."""
SLOPE_VARIANCE: Final = 0.001
ALARM: Final = 6.0
"""Log likelihood ratio from which on a failing arm's past is forgotten."""
_AGAIN: Final = (0.2, 0.1)
"""Mean and variance of an arm whose past was forgotten."""
_DEAD: Final = 0.05
_HELD: Final = ("n", "sum", "cost", "alarm", "forgotten", "mean", "cov")


class Expected(NamedTuple):
    """What is believed of the arms on a tag."""

    mean: Vector
    """Expected score, (m,)."""
    variance: Vector
    """Of the expected score itself, (m,)."""
    covariance: Matrix
    """Between the strengths of two arms, (m, m)."""


class Belief:
    """Learns one outcome at a time, or counts of many at once."""

    def __init__(self) -> None:
        import numpy as np

        self._arms, self._tags = Rows(), Rows()
        self._n, self._sum = np.zeros((0, 0)), np.zeros((0, 0))  # outcomes and their sum, (tags, arms)
        self._cost, self._alarm, self._forgotten = np.zeros(0), np.zeros(0), np.zeros(0)  # (arms,)
        self._mean, self._cov = np.zeros(0), np.zeros((0, 0))  # strengths of the arms, then eases of the tags
        self._version = 0
        self._begun: tuple[tuple[tuple[str, ...], bytes, bytes], tuple[Vector, Matrix]] | None = None
        self._view: tuple[Arms, int, tuple[Vector, Matrix, Places]] | None = None

    def learn(self, tag: str, arm: str, score: float) -> None:
        """Take in one outcome; the score is in [0, 1]."""
        known = self._arms.row(arm) >= 0 and self._tags.row(tag) >= 0
        row, at = self._arms.of(arm), self._tags.of(tag)
        self._grow()
        if not known:
            self._settle()
        expected = self._update(row, len(self._arms) + at, score)
        self._n[at, row] += 1.0
        self._sum[at, row] += score
        self._version += 1
        if self._failing(row, score, expected):
            self._forget(row)

    def fit(self, log: Log) -> None:
        """Take in a whole log at once."""
        import numpy as np

        rows = [self._arms.of(key) for key in log.arms.keys]
        at = np.array([self._tags.of(query.tag) for query in log.queries], dtype=np.intp)
        self._grow()
        self._declare(log.arms)
        known = np.isfinite(log.scores)
        for held, amounts in ((self._n, known.astype(np.float64)), (self._sum, np.where(known, log.scores, 0.0))):
            sums = np.zeros((len(self._tags), len(rows)))
            np.add.at(sums, at, amounts)
            held[:, rows] += sums
        self._settle()

    def of(self, tag: str, arms: Arms) -> Expected:
        """What is believed of these arms; of who was never met, what is declared of them all."""
        import numpy as np

        mean, cov, rows = self._seen_by(arms)
        at = self._tags.row(tag)
        ease = float(mean[len(mean) - len(self._tags) + at]) if at >= 0 else 0.0
        n = total = np.zeros(len(arms))
        if at >= 0 and len(self._arms):
            met = self._arms.known(arms)
            n, total = (np.where(met >= 0, held[at, met], 0.0) for held in (self._n, self._sum))
        strength = mean[rows]
        own = cov[np.ix_(rows, rows)]
        scale = n * FIT + NOISE
        fit = FIT * (total - n * (strength + ease)) / scale
        return Expected(strength + ease + fit, own.diagonal() + FIT * NOISE / scale, own)

    def saved(self) -> JsonValue:
        """Counts, what was declared, and what is believed."""
        arrays = (self._n, self._sum, self._cost, self._alarm, self._forgotten, self._mean, self._cov)
        held: dict[str, JsonValue] = {name: packed(array) for name, array in zip(_HELD, arrays, strict=True)}
        return {"arms": list(self._arms.keys), "tags": list(self._tags.keys), **held}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._arms, self._tags = Rows(texts(saved, "arms")), Rows(texts(saved, "tags"))
        held = [unpacked(part(saved, name)) for name in _HELD]
        self._n, self._sum, self._cost, self._alarm, self._forgotten, self._mean, self._cov = held
        self._version, self._view = self._version + 1, None

    def _seen_by(self, arms: Arms) -> tuple[Vector, Matrix, Places]:
        """Mean and covariance, and where these arms stand in it."""
        import numpy as np

        if self._view is not None and self._view[0] is arms and self._view[1] == self._version:
            return self._view[2]
        met = self._arms.known(arms)
        if (met >= 0).all():
            found = self._mean, self._cov, met
        else:
            new = [place for place, row in enumerate(met) if row < 0]
            keys = [*self._arms.keys, *(arms.keys[place] for place in new)]
            mean, cov = self._posterior(keys, np.append(self._cost, arms.cost[new]))
            rows = met.copy()
            rows[new] = np.arange(len(new)) + len(self._arms)
            found = mean, cov, rows
        self._view = arms, self._version, found
        return found

    def _posterior(self, keys: Sequence[str], cost: Vector) -> tuple[Vector, Matrix]:
        """From the counts alone: strengths of these arms, the learned ones first, then eases of the tags."""
        import numpy as np

        arms, learned, tags = len(keys), len(self._arms), len(self._tags)
        start, prior = self._start(tuple(keys), cost)
        weight, told = (np.zeros((tags, arms)) for _ in range(2))
        weight[:, :learned], told[:, :learned] = self._n / (NOISE + FIT), self._sum / (NOISE + FIT)
        precision = np.empty((arms + tags, arms + tags))
        precision[:arms, :arms] = prior + np.diag(weight.sum(axis=0))
        precision[arms:, arms:] = np.diag(weight.sum(axis=1) + 1.0 / EASE)
        precision[:arms, arms:], precision[arms:, :arms] = weight.T, weight
        after = np.linalg.inv(precision)
        after = (after + after.T) / 2.0
        return after @ np.concatenate([prior @ start + told.sum(axis=0), told.sum(axis=1)]), after

    def _start(self, keys: tuple[str, ...], cost: Vector) -> tuple[Vector, Matrix]:
        """Mean and precision of strengths before any outcome; reckoned once for the same arms."""
        import numpy as np

        known = (keys, cost.tobytes(), self._forgotten.tobytes())
        if self._begun is None or self._begun[0] != known:
            mean, cov = _prior(keys, cost, np.append(self._forgotten, np.zeros(len(keys) - len(self._arms))))
            precision: Matrix = np.linalg.inv(cov).astype(np.float64, copy=False)
            begun = mean, precision
            self._begun = known, begun
            return begun
        return self._begun[1]

    def _update(self, row: int, at: int, score: float) -> float:
        """One outcome into mean and covariance; what was expected of it."""
        import numpy as np

        gain = self._cov[:, row] + self._cov[:, at]
        expected = float(self._mean[row] + self._mean[at])
        gain_over = gain / float(gain[row] + gain[at] + NOISE + FIT)
        self._mean = self._mean + gain_over * (score - expected)
        self._cov = self._cov - np.outer(gain, gain_over)
        return expected

    def _failing(self, row: int, score: float, expected: float) -> bool:
        """Whether failures in a row are more than the belief can explain."""
        likely = min(max(expected, 0.1), 0.97)
        ratio = score * math.log(_DEAD / likely) + (1.0 - score) * math.log((1.0 - _DEAD) / max(1.0 - likely, _DEAD))
        self._alarm[row] = max(0.0, float(self._alarm[row]) + ratio)
        return float(self._alarm[row]) > ALARM

    def _forget(self, row: int) -> None:
        self._n[:, row], self._sum[:, row], self._alarm[row], self._forgotten[row] = 0.0, 0.0, 0.0, 1.0
        self._settle()

    def _settle(self) -> None:
        """Reckon mean and covariance anew from the counts."""
        self._mean, self._cov = self._posterior(self._arms.keys, self._cost)
        self._version += 1

    def _declare(self, arms: Arms) -> None:
        for key, cost in zip(arms.keys, arms.cost.tolist(), strict=True):
            row = self._arms.row(key)
            if row >= 0 and math.isnan(float(self._cost[row])):
                self._cost[row] = cost

    def _grow(self) -> None:
        import numpy as np

        more = len(self._arms) - len(self._cost)
        tags = len(self._tags) - len(self._n)
        if more or tags:
            self._n, self._sum = (np.pad(held, ((0, tags), (0, more))) for held in (self._n, self._sum))
            self._cost = np.append(self._cost, np.full(more, np.nan))
            self._alarm, self._forgotten = (np.append(held, np.zeros(more)) for held in (self._alarm, self._forgotten))


def _prior(keys: Sequence[str], cost: Vector, forgotten: Vector) -> tuple[Vector, Matrix]:
    """Mean and covariance of strengths before any outcome."""
    import numpy as np

    said = declared(keys, cost)
    mean = START + SLOPE * said.strength.sum(axis=1)
    cov = COMMON + NAME * said.alike + SLOPE_VARIANCE * said.strength @ said.strength.T + OWN * np.eye(len(keys))
    gone = forgotten > 0
    if gone.any():
        mean = np.where(gone, _AGAIN[0], mean)
        cov[gone, :], cov[:, gone] = 0.0, 0.0
        cov[gone, gone] = _AGAIN[1]
    return mean, cov
