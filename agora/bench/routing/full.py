"""Full information: fit on four folds, measure on the fifth.

The dial of each money target is set on the fitting part alone: the policy is fitted on three of the four folds, and of
the dials that keep its mean dollars on the fourth within the target the one with the best mean score there is taken.
Then it is fitted on all four. The frontier besides is a fixed grid of dials; no point is picked by what was measured.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Final, NamedTuple

from agora.bench.routing.asking import asked
from agora.bench.routing.measures import Measured, nothing
from agora.bench.routing.stage import Maker, Stage
from agora.coordinator.routers.seam import Router

_HALVINGS: Final = 4
"""Between two dials of the grid."""
_TIMED: Final = 200


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


def frontier(make: Maker, stage: Stage) -> Frontier:
    """Fit, set and measure over all folds.

    Args:
        make: Makes the router.
        stage: On what.
    """
    moved = _moved(make, stage)
    dials = stage.dials if moved else (0.0,)
    grid = tuple(nothing(stage.n) for _ in dials)
    targets = tuple(nothing(stage.n) for _ in stage.setting.money) if moved else ()
    sums, decisions, fits = [0.0] * len(targets), list[float](), list[float]()
    for number, fold in enumerate(stage.folds):
        queries = stage.queries(number)
        settings = _settings(make, stage, number) if targets else []
        router, before = make(), time.perf_counter()
        router.fit(stage.log(queries, fold.fitting))
        fits.append(time.perf_counter() - before)
        decisions += _timed(router, stage, number)
        for into, dial in (*zip(grid, dials, strict=True), *zip(targets, settings, strict=True)):
            _put(into, asked(router, stage, queries, fold.measured, dial=dial), fold.measured)
        sums = [total + dial for total, dial in zip(sums, settings, strict=True)] if targets else sums
    means = tuple(total / max(1, len(stage.folds)) for total in sums)
    return Frontier(grid, dials, targets, means, median(decisions) * 1e6, median(fits))


def _moved(make: Maker, stage: Stage) -> bool:
    """Whether the dial changes anything."""
    if len(stage.dials) == 1:
        return False
    router, fold = make(), stage.folds[0]
    router.fit(stage.log(stage.queries(0), fold.inner))
    ends = [asked(router, stage, stage.queries(0), fold.setting, dial=dial) for dial in (0.0, stage.dials[-1])]
    return bool((ends[0].usd != ends[1].usd).any())


def _settings(make: Maker, stage: Stage, number: int) -> list[float]:
    """The dial of each money target, from the fitting part of one fold."""
    fold, queries = stage.folds[number], stage.queries(number)
    router = make()
    router.fit(stage.log(queries, fold.inner))
    known: dict[float, tuple[float, float]] = {}  # dial -> mean dollars, mean score

    def usd(dial: float) -> float:
        if dial not in known:
            told = asked(router, stage, queries, fold.setting, dial=dial)
            known[dial] = float(told.usd.mean()), float(told.score.mean())
        return known[dial][0]

    made: list[float] = []
    for target in stage.setting.money:
        within = [dial for dial in stage.dials if usd(dial) <= target]
        if not within:
            made.append(stage.dials[-1])
            continue
        high, low = within[0], stage.dials[max(0, stage.dials.index(within[0]) - 1)]
        for _ in range(_HALVINGS if high > 0.0 else 0):
            middle = (high * (low if low > 0.0 else high / 16)) ** 0.5
            high, low = (middle, low) if usd(middle) <= target else (high, middle)
        fits = [dial for dial, (dollars, _) in known.items() if dollars <= target]
        made.append(max(fits, key=lambda dial: (known[dial][1], dial)))
    return made


def _timed(router: Router, stage: Stage, number: int) -> list[float]:
    made: list[float] = []
    queries = stage.queries(number)
    for place in stage.folds[number].measured[:_TIMED].tolist():
        before = time.perf_counter()
        router.choose(queries[place], stage.arms, dial=stage.setting.dial, draw=float(stage.draws[place]))
        made.append(time.perf_counter() - before)
    return made


def _put(into: Measured, part: Measured, places: object) -> None:
    for whole, values in zip(into, part, strict=True):
        whole[places] = values
