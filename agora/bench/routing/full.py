"""Full information: fit on four folds, measure on the fifth.

The dial of each money target is set on the fitting part alone: the policy is fitted on three of the four folds, and on
the fourth its frontier over the dial is looked at. Where the hull of that frontier comes to the target, between two
dials, each query draws one of the two by lot, so that the mean dollars there are the target: policies that can only
jump compare with those that move smoothly. Then it is fitted on all four. The frontier besides is a fixed grid of
dials; no point is picked by what was measured.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agora.bench.routing.asking import asked
from agora.bench.routing.folds import numbers
from agora.bench.routing.measures import Measured, hull_of, nothing
from agora.bench.routing.stage import Maker, Stage
from agora.coordinator.routers.seam import Query, Router

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Places

_HALVINGS: Final = 2
"""Between two dials of the grid."""
_TIMED: Final = 200


class Ask(Protocol):
    """What becomes of some queries at a router, at one setting: `asking.asked`, or with a check."""

    def __call__(
        self, router: Router, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float
    ) -> Measured:
        """As `asking.asked`."""
        ...


class Mixture(NamedTuple):
    """Two dials, one of which each query draws."""

    low: float
    """Which spends more."""
    high: float
    """Which spends less."""
    share: float
    """The chance of `high`, in [0, 1]."""


class Frontier(NamedTuple):
    """One policy over all queries, each measured by a router that was not fitted on it."""

    grid: tuple[Measured, ...]
    """At each dial of the grid; one only, where the dial changes nothing."""
    dials: tuple[float, ...]
    """These dials."""
    targets: tuple[Measured, ...]
    """At each money target."""
    target_dials: tuple[float, ...]
    """The mean over folds of the dial that was set for it."""
    us_a_decision: float
    """Median microseconds of `choose`."""
    fit_s: float
    """Median seconds of `fit` on one fitting part."""


def frontier(make: Maker, stage: Stage, *, ask: Ask = asked) -> Frontier:
    """Fit, set and measure over all folds.

    Args:
        make: Makes the router.
        stage: On what.
        ask: What becomes of queries at a router.
    """
    moved = _moved(make, stage, ask)
    dials = stage.dials if moved else (0.0,)
    grid = tuple(nothing(stage.n) for _ in dials)
    targets = tuple(nothing(stage.n) for _ in stage.setting.money) if moved else ()
    means = [0.0] * len(targets)
    decisions, fits = list[float](), list[float]()
    for number, fold in enumerate(stage.folds):
        queries = stage.queries(number)
        mixtures = _mixtures(make, stage, number, ask) if targets else []
        router, before = make(), time.perf_counter()
        router.fit(stage.log(queries, fold.fitting))
        fits.append(time.perf_counter() - before)
        decisions += _timed(router, stage, number)
        known = {dial: ask(router, stage, queries, fold.measured, dial=dial) for dial in dials}
        for into, dial in zip(grid, dials, strict=True):
            _put(into, known[dial], fold.measured)
        for at, mixture in enumerate(mixtures):
            for dial in mixture[:2]:
                if dial not in known:
                    known[dial] = ask(router, stage, queries, fold.measured, dial=dial)
            _put(targets[at], _mixed(known[mixture.low], known[mixture.high], mixture.share), fold.measured)
            means[at] += ((1.0 - mixture.share) * mixture.low + mixture.share * mixture.high) / len(stage.folds)
    return Frontier(grid, dials, targets, tuple(means), median(decisions) * 1e6, median(fits))


def _moved(make: Maker, stage: Stage, ask: Ask) -> bool:
    """Whether the dial changes anything."""
    if len(stage.dials) == 1:
        return False
    router, fold = make(), stage.folds[0]
    router.fit(stage.log(stage.queries(0), fold.inner))
    ends = [ask(router, stage, stage.queries(0), fold.setting, dial=dial) for dial in (0.0, stage.dials[-1])]
    return bool((ends[0].usd != ends[1].usd).any())


def _mixtures(make: Maker, stage: Stage, number: int, ask: Ask) -> list[Mixture]:
    """What each money target is met by, from the fitting part of one fold."""
    fold, queries = stage.folds[number], stage.queries(number)
    router = make()
    router.fit(stage.log(queries, fold.inner))

    def told(dial: float) -> tuple[float, float]:
        one = ask(router, stage, queries, fold.setting, dial=dial)
        return float(one.usd.mean()), float(one.score.mean())

    known = {dial: told(dial) for dial in stage.dials}  # dial -> dollars, score
    for target in stage.setting.money:
        for _ in range(_HALVINGS):
            between = _met(known, target)
            if between.low == between.high:
                break
            middle = math.sqrt(between.high * (between.low or between.high / 16))
            known.setdefault(middle, told(middle))
    return [_met(known, target) for target in stage.setting.money]


def _met(known: Mapping[float, tuple[float, float]], target: float) -> Mixture:
    """The two neighbours on the hull of the frontier that come to so much money together."""
    dials = sorted(known, reverse=True)
    usd, score = [known[dial][0] for dial in dials], [known[dial][1] for dial in dials]
    hull = hull_of(usd, score)
    after = next((at for at, n in enumerate(hull) if usd[n] > target), len(hull))
    if after in (0, len(hull)):
        dial = dials[hull[0 if after == 0 else -1]]
        return Mixture(dial, dial, 0.0)
    cheap, dear = hull[after - 1], hull[after]
    share = (usd[dear] - target) / (usd[dear] - usd[cheap])
    return Mixture(dials[dear], dials[cheap], share)


def _mixed(low: Measured, high: Measured, share: float) -> Measured:
    return Measured(*((1.0 - share) * one + share * other for one, other in zip(low, high, strict=True)))


def _timed(router: Router, stage: Stage, number: int) -> list[float]:
    made: list[float] = []
    queries = stage.queries(number)
    for place in numbers(stage.folds[number].measured[:_TIMED]):
        before = time.perf_counter()
        router.choose(queries[place], stage.arms, dial=stage.setting.dial, draw=float(stage.draws[place]))
        made.append(time.perf_counter() - before)
    return made


def _put(into: Measured, part: Measured, places: Places) -> None:
    for whole, values in zip(into, part, strict=True):
        whole[places] = values
