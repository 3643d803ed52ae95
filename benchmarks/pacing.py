"""A simulation: how much of the best possible a budget buys when it is paced, and when it is not.

    python benchmarks/pacing.py            # seeds 200 to 219, which are reported
    python benchmarks/pacing.py --trial    # seeds 0 to 2

Five models, prices 33 times apart, share one budget over 2,000 tasks of unequal difficulty. Each arm is scored by the
sum of the true qualities of what it chose, as a share of the offline Lagrangian bound, which knows all tasks. Greedy
takes the best expected quality that still fits; "fair share" the best that costs no more than what is left for each
task left. Pacing is told the number of tasks; "believed half" and "twice" are told a wrong one, "rate" is told none but
the dollars an hour, and tasks come at random (Poisson). Noise is added to the expected qualities that the arm sees.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.workflows.pacing import Option, Pace, booked, choose

REPORTED, TRIAL, TASKS = range(200, 220), range(3), 2_000
BUDGETS = (0.05, 0.2, 0.5)
PRICES = (1.0, 2.5, 6.0, 14.0, 33.0)
STRENGTHS = (-0.4, 0.2, 0.8, 1.4, 2.0)
NOISE = 0.2
MEAN_GAP_S = 30.0
STUDENT_95 = {20: 2.093, 3: 4.303}

Table = NDArray[np.float64]


class Stream(NamedTuple):
    """Tasks: what each model would be worth and cost."""

    quality: Table
    """(tasks, models), true."""
    noisy: Table
    """(tasks, models), as an arm with noise sees it."""
    cost: Table
    """(tasks, models), dollars to a billionth."""
    at_s: Table
    """(tasks,), when each comes."""


def stream(seed: int) -> Stream:
    """Drawn: difficulty normal, tokens lognormal."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0.0, 1.0, (TASKS, 1))
    quality = 1.0 / (1.0 + np.exp(hard - np.array(STRENGTHS) + rng.normal(0.0, 0.5, (TASKS, len(PRICES)))))
    cost = np.round(rng.lognormal(0.0, 0.5, (TASKS, 1)) * np.array(PRICES) / 1_000, 9)
    noisy = np.clip(quality + rng.normal(0.0, NOISE, quality.shape), 0.0, 1.0)
    return Stream(quality, noisy, cost, np.cumsum(rng.exponential(MEAN_GAP_S, TASKS)))


def bound(tasks: Stream, budget: float) -> float:
    """The least over prices of budget * price + the sum of best worths: no choice within the budget is worth more."""

    def dual(price: float) -> float:
        return price * budget + float(np.maximum(tasks.quality - price * tasks.cost, 0.0).max(axis=1).sum())

    low, high = 0.0, 1_000.0
    for _ in range(100):  # convex in the price
        first, second = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, second) if dual(first) < dual(second) else (first, high)
    return dual((low + high) / 2)


def greedy(tasks: Stream, seen: Table, budget: float, *, fair: bool) -> float:
    """The best expected quality that fits; with `fair`, into what is left for each task left."""
    left, worth = budget, 0.0
    for number in range(TASKS):
        most = left / (TASKS - number) if fair else left
        fits = np.flatnonzero(tasks.cost[number] <= most)
        if len(fits):
            best = int(fits[np.argmax(seen[number, fits])])
            left -= float(tasks.cost[number, best])
            worth += float(tasks.quality[number, best])
    return worth


def paced(tasks: Stream, seen: Table, pace: Pace) -> float:
    """By the price of money."""
    worth = 0.0
    names = [str(model) for model in range(len(PRICES))]
    for number in range(TASKS):
        costs = [Decimal(f"{cost:.9f}") for cost in tasks.cost[number]]
        options = [Option(*told) for told in zip(names, map(float, seen[number]), costs, strict=True)]
        now_s = float(tasks.at_s[number])
        chosen = choose(pace, options, now_s=now_s).name
        pace = booked(pace, costs[int(chosen)] if chosen else Decimal(0), now_s=now_s)
        worth += float(tasks.quality[number, int(chosen)]) if chosen else 0.0
    return worth


def arms(tasks: Stream, budget: float) -> dict[str, Callable[[], float]]:
    """What is compared."""
    usd = Decimal(f"{budget:.9f}")
    rate = Decimal(f"{budget / (TASKS * MEAN_GAP_S / 3_600):.9f}")

    def told(horizon: int) -> Pace:
        return Pace(budget_usd=usd, tasks=horizon)

    by_rate = Pace(budget_usd=usd, usd_per_hour=rate)
    return {
        "greedy": lambda: greedy(tasks, tasks.quality, budget, fair=False),
        "fair share": lambda: greedy(tasks, tasks.quality, budget, fair=True),
        "pacing": lambda: paced(tasks, tasks.quality, told(TASKS)),
        "pacing, noisy quality": lambda: paced(tasks, tasks.noisy, told(TASKS)),
        "fair share, noisy quality": lambda: greedy(tasks, tasks.noisy, budget, fair=True),
        "pacing, believed half": lambda: paced(tasks, tasks.quality, told(TASKS // 2)),
        "pacing, believed twice": lambda: paced(tasks, tasks.quality, told(TASKS * 2)),
        "rate": lambda: paced(tasks, tasks.quality, by_rate),
        "rate, noisy quality": lambda: paced(tasks, tasks.noisy, by_rate),
    }


def main() -> None:
    """Print the share of the bound that every arm reaches."""
    seeds = TRIAL if "--trial" in sys.argv else REPORTED
    print(f"seeds {seeds[0]} to {seeds[-1]}, {TASKS} tasks; share of the offline bound, 95% over seeds (Student)")
    for share in BUDGETS:
        found: dict[str, list[float]] = {}
        for seed in seeds:
            tasks = stream(seed)
            budget = share * float(tasks.cost[:, -1].sum())
            most = bound(tasks, budget)
            for name, work in arms(tasks, budget).items():
                found.setdefault(name, []).append(work() / most)
        print(f"\nbudget {share:g} of always the largest")
        for name, some in found.items():
            half = STUDENT_95[len(some)] * statistics.stdev(some) / math.sqrt(len(some))
            print(f"  {name:26} {statistics.fmean(some):.3f} +- {half:.3f}")


if __name__ == "__main__":
    main()
