"""CPU of every mechanism over 1,000 bids with eight judges, and of bundles at the greatest sizes.

    python benchmarks/bench_mechanisms.py

Each figure is a median, and the least, over rounds of process CPU time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora import registry
from agora.auctions.bundles import MOST_EACH, Offer, even_shares
from agora.auctions.greedy import GreedyCritical
from agora.auctions.vcg import VCG
from agora.bids import Amount
from agora.protocols import Mechanism
from benchmarks.bench_auctions import BIDS, JUDGES, JURY, RESERVE, bid, cpu_ms, draw


def offers(tasks: int, agents: int, most: int) -> list[Offer]:
    """As many offers as are read, each for up to so many tasks."""
    made: list[Offer] = []
    for agent in range(agents):
        for number in range(MOST_EACH):
            label = f"{agent}/{number}"
            size = 1 + draw(f"{label}/size", most)
            bundle = frozenset(f"t{draw(f'{label}/{place}', tasks)}" for place in range(size))
            price = Amount(value=Decimal(draw(f"{label}/price", 500 * size)) / 1000)
            made.append(Offer(agent=f"agent{agent}", tasks=bundle, price=price, quality=0.9))
    return made


def main() -> None:
    """Print every figure."""
    bids = [bid(number).model_copy(update={"confidence": 0.5}) for number in range(BIDS)]

    def clear(mechanism: Mechanism) -> Callable[[], object]:
        return lambda: mechanism.clear(bids, reserve=RESERVE, seed=1, jury=JURY)

    def bundles(rule: VCG | GreedyCritical, tasks: int, agents: int, most: int) -> Callable[[], object]:
        made, shares = offers(tasks, agents, most), even_shares(f"t{number}" for number in range(tasks))
        return lambda: rule.clear_bundles(made, shares=shares, reserve=RESERVE, seed=1)

    rows: list[tuple[str, Callable[[], object]]] = []
    for name in registry.BUILT_IN["mechanisms"]:
        make = cast("Callable[[], Mechanism]", registry.find("mechanisms", name))
        rows.append((f"{name}: {BIDS} bids, {JUDGES} judges", clear(make())))
    rows += [
        ("vcg: 4 tasks, 8 agents, bundles of 1 to 3", bundles(VCG(), 4, 8, 3)),
        ("vcg: 12 tasks, 16 agents, bundles of 1 to 3", bundles(VCG(), 12, 16, 3)),
        ("greedy_critical: 12 tasks, 16 agents", bundles(GreedyCritical(), 12, 16, 3)),
        ("greedy_critical: 100 tasks, 200 agents", bundles(GreedyCritical(), 100, 200, 3)),
    ]
    print(f"{'what':<52} {'median ms':>10} {'least ms':>10}")
    for what, work in rows:
        median, least = cpu_ms(work)
        print(f"{what:<52} {median:>10.3f} {least:>10.3f}")


if __name__ == "__main__":
    main()
