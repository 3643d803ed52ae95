"""What another policy would have come to, from decisions that were logged with the chances they were made by.

With w = target's chance / logged chance of what was done, r what came of it, q a model of r, n decisions:

    ips     mean of w r                              (Horvitz and Thompson, 1952)
    snips   sum of w r / sum of w                    (Swaminathan and Joachims, 2015)
    dm      mean of the target's expectation of q    the direct method: as good as the model
    dr      dm + mean of w (r - q)                   (Dudik, Langford and Li, 2011; q made without the row's own fold)
    ess     (sum of w)^2 / sum of w^2                decisions that the estimate is worth (Kish, 1965)

`clip` caps w (Ionides, 2008), `switch` leaves the model's word where w is above it (Wang, Agarwal and Dudik, 2017):
both trade bias for variance. Intervals hold 95 %: normal ones from the spread of the decisions' terms, and percentiles
of a seeded bootstrap over decisions in which the model is fitted anew. Where rewards have a highest value, neither
ends inside the exact interval of Clopper and Pearson (1934) of as many passes as the estimate comes to among `ess`
decisions: that no spread was seen is no certainty, and near 0 and 1 the seen one says too little (Brown, Cai and
DasGupta, 2001).
A model that is wrong is not in them: of `dm` they say only how well it is known what the model says.

numpy stands only here in the traces, and is imported when an estimate is made. Pure: values and a seed in, values out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from agora.errors import ConfigError
from agora.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int64]

Method = Literal["ips", "snips", "dm", "dr"]
METHODS: Final[tuple[Method, ...]] = ("ips", "snips", "dm", "dr")
"""In the order in which they are told."""

LEAST_ESS: Final = 30.0
"""Under so many effective decisions nothing is estimated: an interval from the spread needs about that many."""
MOST_UNSUPPORTED: Final = 0.05
"""More of the target's choices than this must not be without any chance in the log."""
MOST_OFF: Final = 5.0
"""Weights must average 1 within so many standard errors: else the logged chances are not those of what was done."""

Z_95: Final = 1.959964
RESAMPLES: Final = 1_000
"""Samples that a bootstrap draws."""
_FOLDS: Final = 5
_PRIOR: Final = 5.0
_ENDS: Final = (2.5, 97.5)
_MOST_CELLS: Final = 2_000_000
_CLOSE: Final = 1e-9


class Logged(NamedTuple):
    """Decisions as arrays: n of them, k actions, m kinds of tasks."""

    action: Places
    """(n,) what was done, as a place among the actions."""
    chance: Floats
    """(n,) with which chance it was done, in (0, 1]."""
    target: Floats
    """(n, k) with which chance the target does each; rows add up to 1 less what is unsupported."""
    reward: Floats
    """(n,) what came of it."""
    kind: Places
    """(n,) the kind of task, as a place: what the model keeps apart."""
    unsupported: Floats
    """(n,) the target's chance of doing what the log had no chance of doing; not in `target`."""


class Weighting(NamedTuple):
    """How large weights are dealt with; None: as they are."""

    clip: float | None = None
    """The most that a weight counts, > 0."""
    switch: float | None = None
    """Above this weight `dr` takes the model's word, > 0."""


class Estimate(NamedTuple):
    """One figure with its 95 % intervals."""

    value: float
    """The estimate."""
    normal: tuple[float, float]
    """From the spread of the decisions' terms."""
    bootstrap: tuple[float, float]
    """Percentiles over resampled decisions."""


class Support(NamedTuple):
    """What the log can say of a target."""

    decisions: int
    """n."""
    ess: float
    """Effective decisions."""
    unsupported: float
    """Share of the target's choices that the log had no chance of making, in [0, 1]."""
    mean_weight: float
    """1, where the logged chances are those of what was done."""
    largest: float
    """The largest weight."""


def support_of(logged: Logged) -> Support:
    """How far the log speaks of the target."""
    import numpy as np

    w, n = _weights(logged), len(logged.action)
    squares = float(np.square(w).sum())
    return Support(
        decisions=n,
        ess=float(w.sum()) ** 2 / squares if squares else 0.0,
        unsupported=float(logged.unsupported.mean()) if n else 1.0,
        mean_weight=float(w.mean()) if n else 0.0,
        largest=float(w.max()) if n else 0.0,
    )


def refusal(logged: Logged) -> str:
    """Why nothing is estimated, in one sentence; empty: it can be.

    The thresholds are `LEAST_ESS`, `MOST_UNSUPPORTED` and `MOST_OFF`.
    """
    import numpy as np

    if not len(logged.action):
        return "no decision on record can be used"
    support = support_of(logged)
    certain = bool((logged.chance > 1 - _CLOSE).all())
    if support.unsupported > MOST_UNSUPPORTED:
        share = f"{support.unsupported:.0%} of its choices had no chance to be made on record"
        if certain:
            return f"every logged choice was certain, and {share}: nobody knows what would have come of them"
        return f"{share}, and at most {MOST_UNSUPPORTED:.0%} may"
    if support.ess < LEAST_ESS:
        return f"the log is worth {support.ess:.1f} decisions of it, and at least {LEAST_ESS:g} are needed"
    w = _weights(logged) + logged.unsupported
    spread = float(w.std()) / math.sqrt(len(w))
    off = abs(float(w.mean()) - 1.0)
    if off > MOST_OFF * spread + _CLOSE:
        return f"the logged chances do not fit what was done: weights average {float(np.mean(w)):.3f}, and not 1"
    return ""


def estimates(
    logged: Logged,
    *,
    seed: int,
    weighting: Weighting | None = None,
    most: float = math.inf,
    resamples: int = RESAMPLES,
) -> dict[Method, Estimate]:
    """What the target would have come to, by each method.

    What the log has no chance of doing is missing from all of them; where rewards have a highest value, intervals are
    wider by what that could have brought.

    Args:
        logged: At least one decision.
        seed: Of the folds and of the bootstrap.
        weighting: How large weights are dealt with.
        most: The highest reward there is; the lowest is 0.
        resamples: Samples that the bootstrap draws, >= 2.

    Raises:
        ConfigError: The weighting makes no sense.
    """
    import numpy as np

    cap, switch = checked(weighting or Weighting())
    w, r, n = np.minimum(_weights(logged), cap), logged.reward, len(logged.action)
    rng = np.random.default_rng(seed)
    crossed, model = _cross_fitted(logged, rng), _Model(logged)
    rest = np.where(w <= switch, w, 0.0) * (r - crossed[np.arange(n), logged.action])
    ips, dr = w * r, (logged.target * crossed).sum(axis=1) + rest
    columns = np.stack([ips, dr, w], axis=1)
    drawn: list[Floats] = []
    said: list[Floats] = []
    for counts in _resampled(n, resamples, rng):
        drawn.append(counts @ columns / n)
        said.append(model.values(counts))
    sums, direct = np.concatenate(drawn), np.concatenate(said)
    total = max(float(w.sum()), _CLOSE)
    ratio = float(ips.sum()) / total
    slack = float(logged.unsupported.mean()) * most if logged.unsupported.any() else 0.0
    ess = support_of(logged).ess

    def told(value: float, error: float, samples: Floats) -> Estimate:
        low, high = np.percentile(samples, _ENDS).tolist()
        half, shown = Z_95 * error, min(max(value, 0.0), most)
        least, highest = clopper_pearson(shown / most * ess, ess) if math.isfinite(most) else (math.inf, -math.inf)
        normal, bootstrap = (
            _within(min(below, least * most) - slack, max(above, highest * most) + slack, most)
            for below, above in ((value - half, value + half), (low, high))
        )
        return Estimate(shown, normal, bootstrap)

    return {
        "ips": told(float(ips.mean()), _spread(ips), sums[:, 0]),
        "snips": told(ratio, _spread(w * (r - ratio)) * n / total, sums[:, 0] / np.maximum(sums[:, 2], _CLOSE)),
        "dm": told(float(model.values(np.ones((1, n)))[0]), float(direct.std()), direct),
        "dr": told(float(dr.mean()), _spread(dr), sums[:, 1]),
    }


def checked(weighting: Weighting) -> tuple[float, float]:
    """The largest weight that counts, and above which the model is believed; infinite where there is none.

    Raises:
        ConfigError: One is not above 0.
    """
    for name, value in zip(("--clip", "--switch"), weighting, strict=True):
        if value is not None and not value > 0:
            raise ConfigError(name, f"{value!r} must be above 0: it is held against chances divided by chances")
    return (
        math.inf if weighting.clip is None else weighting.clip,
        math.inf if weighting.switch is None else weighting.switch,
    )


class _Model:
    """Mean rewards by kind and action, drawn to the action's mean, and that to the mean of all."""

    def __init__(self, logged: Logged) -> None:
        import numpy as np

        n, k = logged.target.shape
        self._logged, self._k, self._m = logged, k, int(logged.kind.max()) + 1 if n else 1
        cells = logged.kind * k + logged.action
        self._done = np.zeros((n, self._m * k))
        self._done[np.arange(n), cells] = 1.0
        self._wanted = np.zeros((n, self._m * k))
        for kind in range(self._m):
            rows = logged.kind == kind
            self._wanted[rows, kind * k : (kind + 1) * k] = logged.target[rows]

    def cells(self, counts: Floats) -> Floats:
        """What the model says of each kind and action, (b, m * k), of decisions that count so often, (b, n)."""
        import numpy as np

        tried = counts @ self._done
        total = (counts * self._logged.reward) @ self._done
        mean = total.sum(axis=1, keepdims=True) / np.maximum(tried.sum(axis=1, keepdims=True), _CLOSE)
        by_kind = (len(counts), self._m, self._k)
        action_tried, action_total = tried.reshape(by_kind).sum(axis=1), total.reshape(by_kind).sum(axis=1)
        of_action = (action_total + _PRIOR * mean) / (action_tried + _PRIOR)
        prior = np.tile(of_action, (1, self._m))
        said: Floats = (total + _PRIOR * prior) / (tried + _PRIOR)
        return said

    def values(self, counts: Floats) -> Floats:
        """The direct method's estimate from decisions that count so often, (b,)."""
        wanted: Floats = counts @ self._wanted
        said: Floats = (wanted * self.cells(counts)).sum(axis=1) / counts.sum(axis=1)
        return said


def _weights(logged: Logged) -> Floats:
    import numpy as np

    n = len(logged.action)
    w: Floats = logged.target[np.arange(n), logged.action] / logged.chance
    return w


def _cross_fitted(logged: Logged, rng: np.random.Generator) -> Floats:
    """What a model says of each decision's actions that has not seen its fold, (n, k)."""
    import numpy as np

    n, k = logged.target.shape
    fold = rng.permutation(n) % _FOLDS
    model = _Model(logged)
    said = model.cells(np.stack([(fold != one).astype(np.float64) for one in range(_FOLDS)]))
    places: Places = logged.kind[:, None] * k + np.arange(k, dtype=np.int64)[None, :]
    crossed: Floats = said[fold[:, None], places]
    return crossed


def _resampled(n: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each decision counts in each sample of a bootstrap, (b, n), a part of the samples at a time."""
    import numpy as np

    each = max(1, _MOST_CELLS // n)
    for first in range(0, resamples, each):
        yield rng.multinomial(n, np.full(n, 1 / n), size=min(each, resamples - first)).astype(np.float64)


def _spread(terms: Floats) -> float:
    """Standard error of a mean."""
    n = len(terms)
    return float(terms.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf


def _within(low: float, high: float, most: float) -> tuple[float, float]:
    return min(max(low, 0.0), most), max(min(high, most), 0.0)
