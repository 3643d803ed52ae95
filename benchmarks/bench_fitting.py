"""Uniform, min-max and regret weights on simulated tasks: what fitting brings, with intervals, whatever it is.

    python benchmarks/bench_fitting.py --seeds 20 --train 120 --test 2000

Simulated, and no evidence about SALE or any model. Four agents at the prices that the notes on SALE give (.05, .09,
.16, .36 dollars per million tokens) and five bins of difficulty. The success rates of the largest and the smallest
agent in the easiest and the hardest bin are public; what lies between is interpolated. A task moves each agent's
log-odds by N(0, 1). Plans tell of the log-odds with a correlation of .5 (each judge) and .3 (entropy), or not at all,
or of .8 and .8. Plan length goes with trace length (correlation .36). Weights are fitted to the figures of the training
tasks; "censored" knows only the outcomes that a market would know: the winner's under uniform weights, and the
runner-up's where it failed. "Dial" is uniform weights with the dial turned, without any fit.

The parameters of the tasks stood before the first run and were not changed after it; the rows with a dial were added
then, since weights that pass more and cost more have to be compared with others that cost as much: "less the dial's" is
against uniform weights with the dial at the same dollars per task (linear between its settings, seed by seed).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.auctions.dial import turn_dial
from agora.auctions.fitting import Delivered, Example, PastBid, fit_minmax, fit_regret

Array = npt.NDArray[np.float64]

TERMS = ("cost", "entropy", "jury")
SIGNS = np.array([1.0, -1.0, -1.0])
UNIFORM: Mapping[str, float] = dict.fromkeys(TERMS, 1 / 3)
PRICES = np.array([0.05, 0.09, 0.16, 0.36])  # dollars per million tokens
LARGEST = np.array([0.875, 0.80, 0.65, 0.45, 0.125])  # by bin
SMALLEST = np.array([0.87, 0.72, 0.56, 0.40, 0.25]) * LARGEST
TRACE = np.array([2e3, 5e3, 1e4, 2e4, 4e4])  # median tokens of an attempt, by bin
DIALS, DIALLED = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0), "uniform, dial "
BINS, AGENTS, JUDGES = len(LARGEST), len(PRICES), 4
STUDENT_19 = 2.093  # 97.5 % of Student's t with 19 degrees of freedom


class Signals(NamedTuple):
    """How much a plan tells of its success."""

    jury: float
    entropy: float


class Tasks(NamedTuple):
    """Simulated tasks; t tasks, i agents."""

    figures: Array  # (t, i, 3): cost in dollars, entropy, jury
    passed: npt.NDArray[np.bool_]  # (t, i)
    dollars: Array  # (t, i), of the attempt
    bins: npt.NDArray[np.intp]  # (t,)


class Result(NamedTuple):
    """What a choice gives on the test tasks of one seed."""

    passed: float
    hardest: float
    price: float
    per_task: float
    per_solved: float


def simulate(chance: np.random.Generator, count: int, signals: Signals) -> Tasks:
    """Draw tasks, the plans of all agents, and what their work would come to."""
    between: Array = np.log(PRICES / PRICES[0]) / np.log(PRICES[-1] / PRICES[0])
    rates: Array = SMALLEST[:, None] + between * (LARGEST - SMALLEST)[:, None]
    bins = chance.integers(0, BINS, count)
    odds: Array = np.log(rates / (1 - rates))[bins] + chance.standard_normal((count, AGENTS))
    passed: npt.NDArray[np.bool_] = chance.random(odds.shape) < 1 / (1 + np.exp(-odds))
    told: Array = (odds - odds.mean()) / odds.std()

    def heard(strength: float, *shape: int) -> Array:
        noise = chance.standard_normal((*odds.shape, *shape))
        signal = told.reshape(*odds.shape, *(1 for _ in shape))
        mixed: Array = strength * signal + math.sqrt(1 - strength**2) * noise
        return mixed

    marks = np.clip(np.round(2.5 + 1.2 * heard(signals.jury, JUDGES)), 0, 5) / 5
    entropy = np.clip(0.5 + 0.15 * heard(signals.entropy), 0, 1)
    long: Array = chance.standard_normal(odds.shape)
    trace: Array = 0.36 * long + math.sqrt(1 - 0.36**2) * chance.standard_normal(odds.shape)
    length = np.clip(200 * np.exp(0.4 * long), 30, 400)
    dollars = PRICES * TRACE[bins][:, None] * np.exp(0.5 * trace) / 1e6
    figures = np.stack([PRICES * length / 1e6, entropy, marks.mean(axis=2)], axis=2)
    return Tasks(figures, passed, dollars, bins)


def as_examples(tasks: Tasks, scale: float, *, censored: bool) -> list[Example]:
    """Past tasks as a fit sees them.

    Args:
        tasks: For training.
        scale: The cost that counts as 1.
        censored: Only outcomes that a market with uniform weights would have seen.
    """
    dearest = float(tasks.dollars.max())
    order = np.argsort(scores(tasks, UNIFORM, scale), axis=1)
    examples = list[Example]()
    for t, (figures, passed, dollars) in enumerate(zip(tasks.figures, tasks.passed, tasks.dollars, strict=True)):
        first, second = order[t, 0], order[t, 1]
        seen = {first} if passed[first] else {first, second}
        bids = tuple(
            PastBid(
                figures={
                    "cost": float(figures[i, 0]) / scale,
                    "entropy": float(figures[i, 1]),
                    "jury": float(figures[i, 2]),
                },
                delivered=Delivered(passed=bool(passed[i]), cost=float(dollars[i]) / dearest)
                if i in seen or not censored
                else None,
            )
            for i in range(AGENTS)
        )
        examples.append(Example(bids=bids))
    return examples


def scores(tasks: Tasks, weights: Mapping[str, float], scale: float) -> Array:
    """Cost minus value of each bid, (t, i)."""
    each = np.array([weights[term] for term in TERMS]) * SIGNS / np.array([scale, 1, 1])
    found: Array = tasks.figures @ each
    return found


def result(tasks: Tasks, chosen: npt.NDArray[np.intp]) -> Result:
    """What the chosen agents' work comes to."""
    rows = np.arange(len(chosen))
    passed, dollars = tasks.passed[rows, chosen], tasks.dollars[rows, chosen]
    hard = passed[tasks.bins == BINS - 1]
    return Result(
        float(passed.mean()),
        float(hard.mean()),
        float(PRICES[chosen].mean()),
        float(dollars.mean()),
        float(dollars.sum() / passed.sum()),
    )


def one_seed(seed: int, train: int, test: int, signals: Signals) -> tuple[dict[str, Result], dict[str, Array], int]:
    """Every way of choosing on one draw: its result, its weights, and how many training tasks had two outcomes."""
    chance = np.random.default_rng(seed)
    past, fresh = simulate(chance, train, signals), simulate(chance, test, signals)
    scale = float(past.figures[:, :, 0].max())
    full, seen = (as_examples(past, scale, censored=censored) for censored in (False, True))
    bins = [str(place) for place in past.bins]
    found: dict[str, Mapping[str, float]] = {
        "uniform": UNIFORM,
        "min-max, cost floor 1/3": fit_minmax(full, seed=seed).weights,
        "min-max, cost floor .05": fit_minmax(full, cost_floor=0.05, seed=seed).weights,
    }
    for price in (0.05, 0.2, 1.0):
        found[f"regret {price:g}"] = fit_regret(full, price=price, seed=seed).weights
        found[f"regret {price:g}, by bin"] = fit_regret(full, price=price, groups=bins, seed=seed).weights
        found[f"regret {price:g}, censored"] = fit_regret(seen, price=price, seed=seed).weights
    found |= {f"{DIALLED}{dial:g}": turn_dial(UNIFORM, dial) for dial in DIALS}
    choices = {name: np.argmin(scores(fresh, weights, scale), axis=1) for name, weights in found.items()}
    choices["always the largest"] = np.full(test, AGENTS - 1)
    choices["always the smallest"] = np.zeros(test, dtype=np.intp)
    choices["oracle (cheapest that passes)"] = np.argmax(fresh.passed, axis=1)
    weights = {name: np.array([each[term] for term in TERMS]) for name, each in found.items()}
    two = sum(len(example.tried) > 1 for example in seen)
    return {name: result(fresh, chosen) for name, chosen in choices.items()}, weights, two


def same_spend(results: Mapping[str, Result]) -> dict[str, float]:
    """What each passes more than uniform weights do with the dial at the same dollars per task; NaN beyond the dial."""
    turned = sorted((each.per_task, each.passed) for name, each in results.items() if name.startswith("uniform"))
    spent, passed = zip(*turned, strict=True)
    return {
        name: each.passed - float(np.interp(each.per_task, spent, passed, left=math.nan, right=math.nan))
        for name, each in results.items()
    }


def spread(values: Array) -> str:
    """A mean over seeds and half of its 95 % interval; how many seeds have one, where some have none."""
    there = values[~np.isnan(values)]
    if len(there) < len(values):
        return f"{spread(there)} ({len(there)} seeds)" if len(there) > 1 else "-"
    half = STUDENT_19 * values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{values.mean():.3f} ± {half:.3f}"


def table(seeds: int, train: int, test: int, signals: Signals) -> None:
    """Print one set of signals as a table."""
    runs = [one_seed(seed, train, test, signals) for seed in range(seeds)]
    print(f"\nsignals: jury {signals.jury}, entropy {signals.entropy}; {seeds} seeds (0 to {seeds - 1}),", end=" ")
    print(f"{train} tasks to fit to, {test} to test; censored: {np.mean([two for *_, two in runs]):.0f} of {train}")
    print("\n| weights | passed | less the dial's | hardest bin | $/Mtok | $ per 1,000 solved | cost, entropy, jury |")
    print("|---|---|---|---|---|---|---|")
    beyond = [same_spend(results) for results, _, _ in runs]
    for name in runs[0][0]:
        rows = [results[name] for results, _, _ in runs]
        passed = np.array([row.passed for row in rows])
        mean = [float(part) for part in np.mean([weights.get(name, np.zeros(0)) for _, weights, _ in runs], axis=0)]
        figures = [
            spread(passed),
            spread(np.array([each[name] for each in beyond])),
            spread(np.array([row.hardest for row in rows])),
        ]
        figures += [spread(np.array([row.price for row in rows]))]
        figures += [spread(1000 * np.array([row.per_solved for row in rows]))]
        print(f"| {name} | {' | '.join(figures)} | {', '.join(f'{weight:.2f}' for weight in mean)} |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--train", type=int, default=120)
    parser.add_argument("--test", type=int, default=2000)
    given = parser.parse_args()
    for signals in (Signals(0.5, 0.3), Signals(0.0, 0.0), Signals(0.8, 0.8)):
        table(given.seeds, given.train, given.test, signals)


if __name__ == "__main__":
    main()
