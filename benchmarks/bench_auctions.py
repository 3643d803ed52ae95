"""CPU of scoring and clearing: 1,000 bids with the marks of eight judges, with the paper's terms and with all seven.

    python benchmarks/bench_auctions.py

Each figure is a median, and the least, over rounds of process CPU time. The bar stands beside it, and the ratio of the
median to it; the load of the machine is printed too, since it slows every figure.
"""

from __future__ import annotations

import gc
import hashlib
import os
import statistics
import time
from collections.abc import Callable, Mapping
from decimal import Decimal

from agora.auctions import SALE, ballot_for, read_marks
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.bids import NO_JURY, Amount, Bid, Juror, Plan, Reserve, Standing
from agora.protocols import Mechanism

ROUNDS = 31
BIDS, JUDGES = 1_000, 8
RESERVE = Reserve(usd=Decimal(10), s=Decimal(600))
JURY = {f"judge{n}": Juror(operator=f"operator{n}", agreement=0.55 + 0.05 * n) for n in range(JUDGES)}


def draw(label: str, below: int) -> int:
    """A number that depends on its label alone."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8]) % below


def bid(number: int) -> Bid:
    """A bid with every figure; every eighth bidder stands behind one of the judges."""
    text = " ".join(f"step {draw(f'{number}/{place}', 10_000)}" for place in range(60))
    return Bid(
        agent=f"agent{number}",
        plan=Plan(text=text),
        length_tokens=150,
        projected_tokens=20_000,
        price=Amount(value=Decimal(draw(f"{number}/price", 1_000_000)) / 100_000),
        entropy=draw(f"{number}/entropy", 1_000) / 1_000,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        operator=f"operator{number % 64}",
        standing=Standing(
            tried=9, passed=6, success_low=0.4, seconds=float(draw(f"{number}/s", 600)), energy_j=5e4, share=0.01
        ),
        marks={judge: draw(f"{number}/{judge}", 6) for judge in JURY},
    )


def cpu_ms(work: Callable[[], object]) -> tuple[float, float]:
    """Median and least CPU milliseconds of one call; the least is what a busy machine disturbs least."""
    work()
    taken: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        started = time.process_time()
        work()
        taken.append((time.process_time() - started) * 1_000)
    return statistics.median(taken), min(taken)


def main() -> None:
    """Print every figure beside its bar."""
    bids = [bid(number) for number in range(BIDS)]
    paper, whole = SALE(), SALE({"record": 0.1, "latency": 0.1, "energy": 0.1, "fairness": 0.1})
    few = bids[:JUDGES]
    answer = "{" + ", ".join(f'"{label}": 3' for label in "ABCDEFGH") + "}"
    ballot = ballot_for(few, judge="judge0", seed=1)

    def clear(mechanism: Mechanism, jury: Mapping[str, Juror]) -> Callable[[], object]:
        return lambda: mechanism.clear(bids, reserve=RESERVE, seed=1, jury=jury)

    rows: list[tuple[str, Callable[[], object], int | None]] = [
        (f"{BIDS} bids, {JUDGES} judges: cost, entropy, jury", clear(paper, JURY), 10),
        (f"{BIDS} bids, {JUDGES} judges: all seven terms", clear(whole, JURY), 10),
        (f"{BIDS} bids without a jury", clear(paper, NO_JURY), 10),
        (f"{BIDS} bids, {JUDGES} judges: first score over SALE", clear(FirstScore(), JURY), 10),
        (f"{BIDS} bids, {JUDGES} judges: second score over SALE", clear(SecondScore(), JURY), 10),
        (f"a ballot of {len(few)} plans", lambda: ballot_for(few, judge="judge0", seed=1), None),
        (f"an answer of {len(few)} marks", lambda: read_marks(answer, ballot), None),
    ]
    print(f"load over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'what':<52} {'median ms':>10} {'least ms':>10} {'bar ms':>8} {'ratio':>7}")
    for what, work, bar in rows:
        median, least = cpu_ms(work)
        ratio = "-" if bar is None else f"{median / bar:.2f}"
        print(f"{what:<52} {median:>10.3f} {least:>10.3f} {bar or '-':>8} {ratio:>7}")


if __name__ == "__main__":
    main()
