"""Full information: fit on four folds, measure on the fifth.

The dial of each money target is set on the fitting part alone: the policy is fitted on three of the four folds, and on
the fourth its frontier is looked at. Where the hull of that frontier comes to the target, between two settings, each
query draws one of the two by lot, so that the mean dollars there are the target: policies that can only jump compare
with those that move smoothly. Then it is fitted on all four. The frontier besides is a fixed grid of
dials; no point is picked by what was measured.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from agora.bench.routing.asking import asked
from agora.bench.routing.folds import numbers
from agora.bench.routing.measures import Measured, hull_of, nothing
from agora.bench.routing.stage import Maker, Stage
from agora.coordinator.routers.seam import Query, Router

if TYPE_CHECKING:
    from agora.coordinator.routers.seam import Places

_HALVINGS: Final = 2
"""Between two dials of the grid."""
_MOST_SET: Final = 300
"""So many queries of the fourth fold are looked at for the dial."""
_TIMED: Final = 200


class Ask(Protocol):
    """What becomes of some queries at a router, at one dial: `asking.asked`, or with a check."""

    def __call__(
        self, router: Router, stage: Stage, queries: Sequence[Query], places: Places, *, dial: float
    ) -> Sequence[Measured]:
        """In each variant that there is, such as how many may be asked; the last one is as the router has it."""
        ...


class Knob(NamedTuple):
    """One setting of a policy."""

    dial: float
    """Reward that a dollar takes away."""
    variant: int = 0
    """Which of those that an `Ask` gives."""


class Mixture(NamedTuple):
    """Two settings, one of which each query draws."""

    dear: Knob
    """Which spends more."""
    cheap: Knob
    """Which spends less."""
    share: float
    """The chance of the cheap one, in [0, 1]."""


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
    dials = stage.frontier_dials if moved else (0.0,)
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
        known: dict[float, Sequence[Measured]] = {}
        for dial in (*dials, *(knob.dial for mixture in mixtures for knob in mixture[:2])):
            if dial not in known:
                known[dial] = ask(router, stage, queries, fold.measured, dial=dial)
        for into, dial in zip(grid, dials, strict=True):
            _put(into, known[dial][-1], fold.measured)
        for at, (dear, cheap, share) in enumerate(mixtures):
            ends = (known[dear.dial][dear.variant], known[cheap.dial][cheap.variant])
            _put(targets[at], mixed(*ends, share), fold.measured)
            means[at] += ((1.0 - share) * dear.dial + share * cheap.dial) / len(stage.folds)
    return Frontier(grid, dials, targets, tuple(means), median(decisions) * 1e6, median(fits))


def mixed(dear: Measured, cheap: Measured, share: float) -> Measured:
    """Each query is asked in the cheap way with so much chance."""
    return Measured(*((1.0 - share) * one + share * other for one, other in zip(dear, cheap, strict=True)))


def met(points: Sequence[tuple[float, float]], target: float) -> tuple[int, int, float]:
    """The two neighbours on the hull that come to so much money together: (dear, cheap, share of the cheap one).

    Args:
        points: (dollars, score).
        target: Dollars; below the cheapest one or above the best one: that one alone.
    """
    usd = [one for one, _ in points]
    hull = hull_of(usd, [score for _, score in points])
    after = next((at for at, n in enumerate(hull) if usd[n] > target), len(hull))
    if after in (0, len(hull)):
        alone = hull[0 if after == 0 else -1]
        return alone, alone, 0.0
    cheap, dear = hull[after - 1], hull[after]
    return dear, cheap, (usd[dear] - target) / (usd[dear] - usd[cheap])


def _moved(make: Maker, stage: Stage, ask: Ask) -> bool:
    """Whether any setting changes anything."""
    if len(stage.dials) == 1:
        return False
    router, fold = make(), stage.folds[0]
    router.fit(stage.log(stage.queries(0), fold.inner))
    found = [
        one for dial in (0.0, stage.dials[-1]) for one in ask(router, stage, stage.queries(0), fold.setting, dial=dial)
    ]
    return any(bool((one.usd != found[0].usd).any()) for one in found)


def _mixtures(make: Maker, stage: Stage, number: int, ask: Ask) -> list[Mixture]:
    """What each money target is met by, from the fitting part of one fold."""
    fold, queries = stage.folds[number], stage.queries(number)
    places = _spread(fold.setting)
    router = make()
    router.fit(stage.log(queries, fold.inner))
    known: dict[Knob, tuple[float, float]] = {}  # dollars, score

    def look(dial: float) -> None:
        if Knob(dial) not in known:
            for variant, one in enumerate(ask(router, stage, queries, places, dial=dial)):
                known[Knob(dial, variant)] = float(one.usd.mean()), float(one.score.mean())

    def mixture(target: float) -> Mixture:
        knobs = sorted(known, key=lambda knob: (-knob.dial, knob.variant))
        dear, cheap, share = met([known[knob] for knob in knobs], target)
        return Mixture(knobs[dear], knobs[cheap], share)

    for dial in stage.dials:
        look(dial)
    for target in stage.setting.money:
        for _ in range(_HALVINGS):
            low, high = sorted(knob.dial for knob in mixture(target)[:2])
            if low == high:
                break
            look(math.sqrt(high * (low or high / 16)))
    return [mixture(target) for target in stage.setting.money]


def _spread(places: Places) -> Places:
    """No more than `_MOST_SET`, evenly spread: a frontier is looked at, nobody is fitted."""
    if len(places) <= _MOST_SET:
        return places
    return places[np.arange(_MOST_SET) * len(places) // _MOST_SET]


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
