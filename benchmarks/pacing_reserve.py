"""A simulation: what a limit on each task of a list is worth, when the auction inside the limit chooses who does it.

    python benchmarks/pacing_reserve.py            # seeds 300 to 319, which are reported
    python benchmarks/pacing_reserve.py --trial    # seeds 0 to 2

The streams are those of `pacing.py`: five models, prices 33 times apart, unequal difficulty; here lists are as long as
folders of tasks are, and longer. Pacing cannot choose the model here: all it can do is say what a task may take, and
inside of that the best true quality is chosen (an auction that weighs quality alone), or the best quality less 0.3
times the share of the limit that it costs. Each arm is scored as a share of the offline Lagrangian bound.

    none    a task may take all that is left
    fixed   the budget over the number of tasks, whatever the others left
    fair    what is left over the number of tasks left
    dual    fair shares times min(10, 1 / price of money): what costs more cannot be worth it even at quality 1
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.workflows.pacing import MOST_RATIO, next_price
from benchmarks.pacing import BUDGETS, Stream, bound, stream

REPORTED, TRIAL = range(300, 320), range(3)
LENGTHS = (10, 30, 100, 1_000)
THRIFT = 0.3
STUDENT_95 = {20: 2.093, 3: 4.303}

Limit = Callable[[float, float, float, int], float]
"""Left, budget, price of money, tasks left -> what the next may take."""


def none(left: float, budget: float, price: float, to_come: int) -> float:
    """Everything."""
    return left


def fair(left: float, budget: float, price: float, to_come: int) -> float:
    """What is left, shared out."""
    return left / to_come


def dual(left: float, budget: float, price: float, to_come: int) -> float:
    """So many fair shares as could be worth their price."""
    return min(left, left / to_come * min(MOST_RATIO, 1.0 / price if price > 0 else MOST_RATIO))


def reached(tasks: Stream, budget: float, limit: Limit, *, thrift: float) -> float:
    """The sum of true qualities of what is chosen inside the limits."""
    left, price, worth, count = budget, 0.0, 0.0, len(tasks.cost)
    for number in range(count):
        share = left / (count - number)
        most = limit(left, budget, price, count - number)
        fits = np.flatnonzero(tasks.cost[number] <= most)
        cost = 0.0
        if len(fits):
            costs = tasks.cost[number, fits]
            best = int(fits[np.argmax(tasks.quality[number, fits] - thrift * costs / most)])
            cost = float(tasks.cost[number, best])
            worth += float(tasks.quality[number, best])
        left -= cost
        price = next_price(price, cost, share)
    return worth


def main() -> None:
    """Print the share of the bound that every arm reaches."""
    seeds = TRIAL if "--trial" in sys.argv else REPORTED
    print(f"seeds {seeds[0]} to {seeds[-1]}; share of the offline bound, 95% over seeds (Student)")
    for count in LENGTHS:
        for share in BUDGETS:
            found: dict[str, list[float]] = {}
            for seed in seeds:
                whole = stream(seed)
                tasks = Stream(*(part[:count] for part in whole))
                budget = share * float(tasks.cost[:, -1].sum())
                most = bound(tasks, budget)

                def fixed(left: float, budget: float, price: float, to_come: int, many: int = count) -> float:
                    return min(left, budget / many)

                for name, limit in (("none", none), ("fixed", fixed), ("fair", fair), ("dual", dual)):
                    for chooser, thrift in (("", 0.0), (", thrifty", THRIFT)):
                        worth = reached(tasks, budget, limit, thrift=thrift)
                        found.setdefault(name + chooser, []).append(worth / most)
            print(f"\n{count} tasks, budget {share:g} of always the largest")
            for name, some in found.items():
                half = STUDENT_95[len(some)] * statistics.stdev(some) / math.sqrt(len(some))
                print(f"  {name:16} {statistics.fmean(some):.3f} +- {half:.3f}")


if __name__ == "__main__":
    main()
