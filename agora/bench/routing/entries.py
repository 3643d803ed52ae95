"""From what was measured query by query to the entries of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Final

import numpy as np

from agora.bench.routing.arrivals import Served
from agora.bench.routing.bandit import Streamed
from agora.bench.routing.budgets import Spent
from agora.bench.routing.full import Frontier
from agora.bench.routing.measures import Measured, area_between, mixed_at, span_of
from agora.bench.routing.results import Entry, Point
from agora.bench.routing.rounding import told_apart
from agora.bench.routing.stage import Stage
from agora.bench.routing.standing import BOUNDS, ORACLE, SINGLE, standing, whole

ONE_TRIAL: Final = "no repeated trials are recorded: a retry would give the same answer again"
DRAWN: Final = "arrivals are drawn (Poisson): no trace was given"
_MARKS: Final = (100, 250)
"""Steps at which regret is told besides the end."""


def of_frontier(
    name: str, kind: str, found: Frontier, stage: Stage, *, beside: Sequence[Measured] = (), protocol: str = "full"
) -> Entry:
    """The entry of one policy under full information.

    Args:
        name: The policy.
        kind: "policy", "baseline" or "bound".
        found: What was measured.
        stage: On what.
        beside: The frontier of the lookup table by tag; empty: it is that one, or there is none.
        protocol: As in `Entry`.
    """
    points = [
        _point(_dialled(dial), dial, one, beside, stage) for dial, one in zip(found.dials, found.grid, strict=True)
    ]
    within = zip(_labels(stage), stage.setting.money, found.target_dials, found.targets, strict=False)
    points += [
        _point(f"at most {label} on the fitting part", dial, one, beside, stage, money_usd=most)
        for label, most, dial, one in within
    ]
    everything = (*found.grid, *found.targets)
    singles = list(zip(stage.costs.mean(axis=0).tolist(), stage.scores.mean(axis=0).tolist(), strict=True))
    drawn = [(float(one.usd.mean()), float(one.score.mean())) for one in everything]
    return Entry(
        policy=name,
        kind=kind,
        protocol=protocol,
        points=tuple(points),
        area=area_between(drawn, singles) if stage.priced and name not in BOUNDS else None,
        gap_captured=None if name in (SINGLE, *BOUNDS) else _gap(found, stage),
        us_a_decision=found.us_a_decision or None,
        fit_s=found.fit_s or None,
    )


def of_streams(name: str, kind: str, protocol: str, runs: Sequence[Streamed], stage: Stage) -> Entry:
    """The entry of one policy over the streams of all seeds.

    Args:
        name: The policy.
        kind: "policy", "baseline" or "bound".
        protocol: As in `Entry`.
        runs: One for each seed.
        stage: On what.
    """
    ends = np.array([one.regret[-1] for one in runs])
    single = np.array([one.regret_best_single[-1] for one in runs])
    score, usd = (fmean(float(part.mean()) for part in parts) for parts in _columns(runs))
    marks = [step for step in _MARKS if step < stage.steps]
    figures = {f"regret after {step}": fmean(float(one.regret[step - 1]) for one in runs) for step in marks}
    last = max(1, stage.steps // 4)
    figures["score in the last quarter"] = fmean(float(one.score[-last:].mean()) for one in runs)
    figures["steps"] = float(len(runs[0].regret))
    if runs[0].change < len(runs[0].regret):
        figures["regret after the change"] = fmean(float(one.regret[-1] - one.regret[one.change - 1]) for one in runs)
    point = Point(
        setting=_dialled(stage.setting.dial),
        dial=stage.setting.dial,
        score=score,
        usd=usd if stage.priced else None,
        usd_per_solved=usd / score if score > 0 and stage.priced else None,
        dearest_share=fmean(one.dearest for one in runs) if stage.priced else None,
    )
    return Entry(
        policy=name,
        kind=kind,
        protocol=protocol,
        points=(point,),
        regret=span_of(ends),
        regret_best_single=span_of(single),
        us_a_decision=median(one.us_a_decision for one in runs),
        us_to_learn=median(one.us_to_learn for one in runs),
        figures=figures,
    )


def of_budget(name: str, kind: str, protocol: str, runs: Sequence[Spent]) -> Entry:
    """The entry of one policy under a shared budget, over all seeds."""
    score, usd = fmean(float(one.score.mean()) for one in runs), fmean(float(one.usd.mean()) for one in runs)
    figures = {
        "share of the best possible score": fmean(one.of_the_best for one in runs),
        "share of the budget spent": fmean(one.share for one in runs),
        "share of queries refused": fmean(one.refused for one in runs),
        "steps": float(len(runs[0].score)),
    }
    point = Point(setting="paced", dial=0.0, score=score, usd=usd, usd_per_solved=usd / score if score > 0 else None)
    return Entry(policy=name, kind=kind, protocol=protocol, points=(point,), figures=figures)


def of_arrivals(name: str, kind: str, protocol: str, runs: Sequence[Served], stage: Stage) -> Entry:
    """The entry of one policy under load, over all seeds."""
    score, usd = fmean(float(one.score.mean()) for one in runs), fmean(float(one.usd.mean()) for one in runs)
    figures = {
        "seconds waited, mean": fmean(float(one.waited_s.mean()) for one in runs),
        "seconds to an answer, mean": fmean(float(one.took_s.mean()) for one in runs),
        "seconds to an answer, 95 of 100": fmean(float(np.percentile(one.took_s, 95)) for one in runs),
        "steps": float(len(runs[0].score)),
    }
    point = Point(
        setting=_dialled(stage.setting.dial),
        dial=stage.setting.dial,
        score=score,
        usd=usd if stage.priced else None,
        usd_per_solved=usd / score if score > 0 and stage.priced else None,
    )
    note = DRAWN if len(stage.setting.trace) <= stage.steps else ""
    return Entry(policy=name, kind=kind, protocol=protocol, points=(point,), figures=figures, note=note)


def of_check(stage: Stage) -> str:
    """What to know about all figures under a check.

    Args:
        stage: The part of the queries that bring one.
    """
    return f"on the {stage.n:,} queries that bring a check; gain: above the fixed cascade at the same money"


def of_checked_oracle(stage: Stage) -> str:
    """What the oracle is under a check.

    Args:
        stage: The part of the queries that bring one.
    """
    told = "each query's best recorded answer, asked alone, at the cheapest model that gave it"
    if whole(stage.recorded):
        return told
    return f"{told}; scores are means over tries or shares, and who asks in turn tries anew, so that it may score more"


def closed(found: Frontier, beside: Sequence[Measured], stage: Stage) -> dict[str, float]:
    """What share of the gap between cascade and oracle is closed at each money target, at equal money."""
    if not beside:
        return {}
    top, made = float(standing(ORACLE, stage).grid[0].score.mean()), dict[str, float]()
    for label, one in zip(_labels(stage), found.targets, strict=False):
        there = float(mixed_at(beside, float(one.usd.mean())).mean())
        if top > there:
            made[f"gap to the oracle closed at {label}"] = (float(one.score.mean()) - there) / (top - there)
    return made


def _columns(runs: Sequence[Streamed]) -> tuple[list[np.ndarray[tuple[int], np.dtype[np.float64]]], ...]:
    return [one.score for one in runs], [one.usd for one in runs]


def _point(
    setting: str,
    dial: float,
    one: Measured,
    beside: Sequence[Measured],
    stage: Stage,
    *,
    money_usd: float | None = None,
) -> Point:
    score, usd = float(one.score.mean()), float(one.usd.mean())
    return Point(
        setting=setting,
        money_usd=money_usd,
        dial=dial,
        score=score,
        usd=usd if stage.priced else None,
        usd_per_solved=usd / score if score > 0 and usd > 0 else None,
        dearest_share=float(one.dearest.mean()) if stage.priced else None,
        gain=span_of(one.score - mixed_at(beside, usd), groups=stage.groups) if beside else None,
        calls=float(one.calls.mean()),
    )


def _gap(found: Frontier, stage: Stage) -> float | None:
    """At the dearest point of the grid."""
    dearest = max(found.grid, key=lambda one: float(one.usd.mean()))
    best, oracle = (float(standing(name, stage).grid[0].score.mean()) for name in (SINGLE, ORACLE))
    return (float(dearest.score.mean()) - best) / (oracle - best) if oracle > best else None


def _dialled(dial: float) -> str:
    return f"lambda {dial:.4g}"


def _labels(stage: Stage) -> list[str]:
    """The amounts with two significant digits and no exponent, as $0.0010; with more where two would read alike."""
    return told_apart(stage.setting.money, _dollars, first=2)


def _dollars(value: float, digits: int) -> str:
    places = max(2, digits - 1 - math.floor(math.log10(value))) if value > 0 else 2
    return f"${value:.{places}f}"
