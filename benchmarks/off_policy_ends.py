"""Do off-policy intervals of success hold the truth where almost all, or almost nothing, passes?

    python benchmarks/off_policy_ends.py

A. The log's own policy: every weight is 1.
B. A choice that the log made in a small share of the decisions, each time; the other choice passes 90 %.

Of each, 1,000 logs: share of those that are not refused whose normal 95 % interval of `dr` and of `ips` holds the
truth, and the mean width of that of `dr`. The rule and the seed (20260) stood before the run.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from agora.traces.off_policy.estimators import Logged, estimates, refusal

SEED, LOGS = 20260, 1000
CASES = (
    *((n, 1.0, passes) for passes in (0.02, 0.5, 0.9, 0.95, 0.98, 1.0) for n in (30, 60, 100, 300)),
    *((n, share, passes) for n, share in ((400, 0.1), (1000, 0.05)) for passes in (0.05, 0.5, 0.9, 0.97)),
)


def log_of(rng: np.random.Generator, n: int, share: float, passes: float) -> Logged:
    """A log in which the target's only choice was made with that chance."""
    action = (rng.random(n) < share).astype(np.int64)
    reward = (rng.random(n) < np.where(action == 1, passes, 0.9)).astype(np.float64)
    chance = np.where(action == 1, share, 1.0 - share)
    target = np.tile([0.0, 1.0], (n, 1))
    return Logged(action, chance, target, reward, np.zeros(n, dtype=np.int64), np.zeros(n))


def main() -> None:
    """Print one row a case."""
    rng = np.random.default_rng(SEED)
    print("| decisions | share logged | truth | refused | dr holds | ips holds | width of dr |\n" + "| --- " * 7 + "|")
    for n, share, passes in CASES:
        held, width, refused = {"dr": 0, "ips": 0}, 0.0, 0
        for _ in range(LOGS):
            logged = log_of(rng, n, share, passes)
            if refusal(logged):
                refused += 1
                continue
            told = estimates(logged, seed=0, most=1.0, resamples=2)
            for method in ("dr", "ips"):
                low, high = told[method].normal
                held[method] += low <= passes <= high
            width += told["dr"].normal[1] - told["dr"].normal[0]
        made = max(1, LOGS - refused)
        rates = f"{held['dr'] / made:.3f} | {held['ips'] / made:.3f} | {width / made:.3f}"
        print(f"| {n} | {share:g} | {passes:g} | {refused} | {rates} |")


if __name__ == "__main__":
    main()
