"""What is believed of arms on queries of a tag: a Gaussian that begins with what is declared.

    score of arm a on a query of tag t = strength_a + ease_t + fit_at + noise
    strength ~ N(m0 + b sum of signs, common J + name alike + own I + slope S S'),  ease_t ~ N(0, v_t),
    fit_at ~ N(0, v_at)

What is seen moves strength and ease as if the fit were noise (variance v_at + noise; `regression`); the fit of a cell
is what its own outcomes say beyond that. Arms whose names are alike are learned of together, which is what makes a cold
start short. A run of failures beyond what the arm's record can explain (a cumulative sum of log likelihood ratios
against a success rate of .05; Page, 1954) makes it forget the arm's past.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from agora.coordinator.routers.own.names import declared
from agora.coordinator.routers.own.regression import Regression
from agora.coordinator.routers.packing import packed, part
from agora.coordinator.routers.restoring import array
from agora.coordinator.routers.seam import Arms, Log
from agora.values import JsonValue

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Matrix, Vector

START: Final = 0.8
"""m0: what an arm of which nothing is said is believed to score."""
NOISE: Final = 0.2
COMMON: Final = 0.05
NAME: Final = 0.01
OWN: Final = 0.015
EASE: Final = 0.02
FIT: Final = 0.01
SLOPE: Final = 0.045
"""b: score for one standard deviation of a sign of strength."""
SLOPE_VARIANCE: Final = 0.0003
ALARM: Final = 9.0
"""Log likelihood ratio from which on a failing arm's past is forgotten."""
_AGAIN: Final = (0.2, 0.1)
"""Mean and variance of an arm whose past was forgotten."""
_DEAD: Final = 0.05
_ARM_COUNTS: Final = NOISE / (COMMON + NAME + OWN)
"""How many outcomes the start counts for in an arm's record."""
_TAG_COUNTS: Final = NOISE / (EASE + FIT)
"""How many outcomes an arm's record counts for on each tag."""


class Expected(NamedTuple):
    """What is believed of the arms on a tag; good until the next outcome."""

    mean: Vector
    """Expected score, (m,)."""
    variance: Vector
    """Of the expected score itself, (m,)."""
    covariance: Matrix
    """Between the strengths of two arms, (m, m)."""


class Belief:
    """Learns one outcome at a time, or many at once."""

    def __init__(self) -> None:
        self._sums = Regression(self._prior, noise=NOISE + FIT, spread=EASE)
        self._alarm: list[float] = []  # of each arm in the order in which they were met
        self._forgotten: list[float] = []  # 1 of whom the past was forgotten

    def learn(self, tag: str, arm: str, score: float) -> None:
        """Take in one outcome; the score is in [0, 1]."""
        likely = self._record(tag, arm)
        self._sums.learn(tag, arm, score)
        self._grow()
        if self._failing(self._sums.arms.row(arm), score, likely):
            self._forget(arm)

    def fit(self, log: Log) -> None:
        """Take in a whole log at once."""
        self._sums.fit([query.tag for query in log.queries], log.arms, log.scores)
        self._grow()

    def of(self, tag: str, arms: Arms) -> Expected:
        """What is believed of these arms; of who was never met, what is declared of them all."""
        sums, m = self._sums, len(arms)
        now, at, rows = sums.of(arms), sums.kinds.row(tag), sums.arms.known(arms)
        expected, own = now.mean[:m], now.cov[:m, :m]
        n, total = sums.n[at][rows], sums.sum[at][rows]
        if at >= 0:
            expected = expected + now.mean[len(now.arm) + at]
        shrunk = FIT / (n * FIT + NOISE)
        return Expected(expected + shrunk * (total - n * expected), own.diagonal() + NOISE * shrunk, own)

    def saved(self) -> JsonValue:
        """Sums, alarms, and whose past was forgotten."""
        import numpy as np

        alarm, forgotten = packed(np.array(self._alarm)), packed(np.array(self._forgotten))
        return {"sums": self._sums.saved(), "alarm": alarm, "forgotten": forgotten}

    def restored(self, saved: JsonValue) -> None:
        """Go on from what `saved` gave.

        Raises:
            LedgerError: It is none.
        """
        self._sums.restored(part(saved, "sums"))
        arms = len(self._sums.arms)
        self._alarm, self._forgotten = (array(saved, name, arms).tolist() for name in ("alarm", "forgotten"))

    def _prior(self, keys: tuple[str, ...], cost: Vector) -> tuple[Vector, Matrix]:
        """Mean and covariance of strengths before any outcome."""
        import numpy as np

        said = declared(keys, cost)
        mean = START + SLOPE * said.strength.sum(axis=1)
        cov = COMMON + NAME * said.alike + SLOPE_VARIANCE * said.strength @ said.strength.T + OWN * np.eye(len(keys))
        rows = [self._sums.arms.row(key) for key in keys]
        for place, row in enumerate(rows):
            if row >= 0 and self._forgotten[row]:
                cov[place, :] = cov[:, place] = 0.0
                mean[place], cov[place, place] = _AGAIN
        return mean, cov

    def _record(self, tag: str, arm: str) -> float:
        """What its own outcomes say it scores on a tag, whoever else there is."""
        sums = self._sums
        at, row = sums.kinds.row(tag), sums.arms.row(arm)
        n, total = float(sums.n[:, row].sum()), float(sums.sum[:, row].sum())
        everywhere = (total + _ARM_COUNTS * START) / (n + _ARM_COUNTS)
        return (float(sums.sum[at, row]) + _TAG_COUNTS * everywhere) / (float(sums.n[at, row]) + _TAG_COUNTS)

    def _failing(self, row: int, score: float, expected: float) -> bool:
        """Whether failures in a row are more than the record can explain."""
        likely = min(max(expected, 0.1), 0.97)
        ratio = score * math.log(_DEAD / likely) + (1.0 - score) * math.log((1.0 - _DEAD) / max(1.0 - likely, _DEAD))
        self._alarm[row] = max(0.0, self._alarm[row] + ratio)
        return self._alarm[row] > ALARM

    def _forget(self, arm: str) -> None:
        row = self._sums.arms.row(arm)
        self._alarm[row], self._forgotten[row] = 0.0, 1.0
        self._sums.drop(arm)

    def _grow(self) -> None:
        more = [0.0] * (len(self._sums.arms) - len(self._alarm))
        self._alarm += more
        self._forgotten += more
