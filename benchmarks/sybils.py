"""One bad operator under ten names, new ones every 50 tasks: what of the market it gets.

    python benchmarks/sybils.py --seeds 300:308

Simulated: eight honest agents that pass .55 to .85 of their tasks in even steps, a bad operator that passes .20, 2,000
tasks of one kind, and nothing known of anybody but his record. Ten names bid for the bad operator; "renamed" means that
all ten are new every 50 tasks. "By operator" keeps one record for all of them; "by name" cannot tell them apart. The
newcomers' cap is 5 % of decisions, or none. "Tempting": the bad operator's cards say what the task says (similarity 1,
the honest ones' .5) and ask nothing (the honest ones half of the limit). Bad share: of all tasks, what went to the bad
operator.

Parameters stood before the first run on the reported seeds (300-307); choices were made on seeds 400-409.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.coordinator.coordinating import Coordinator, Rule, State
from agora.coordinator.crediting import Feedback
from agora.coordinator.features import Sight
from agora.coordinator.linucb import LinUCBState, Settings
from agora.coordinator.shortlisting import Candidate

TASKS, EVERY, NAMES, BAD = 2000, 50, 10, 0.20
HONEST = [0.55 + 0.30 * n / 7 for n in range(8)]


class Case(NamedTuple):
    """An attack, and what stands against it."""

    label: str
    names: int
    renamed: bool
    by_operator: bool
    share: float
    per_arm: bool = False
    tempting: bool = False


CASES = [
    Case("no attacker", 0, False, True, 0.05),
    Case("1 bad identity", 1, False, True, 0.05),
    Case("10 names, fixed, by name, no cap", NAMES, False, False, 1.0),
    Case("10 names, renamed, by name, no cap", NAMES, True, False, 1.0),
    Case("10 names, renamed, by name, cap 5 %", NAMES, True, False, 0.05),
    Case("10 names, renamed, by operator, no cap", NAMES, True, True, 1.0),
    Case("10 names, renamed, by operator, cap 5 %", NAMES, True, True, 0.05),
    Case("tempting, renamed, by name, no cap", NAMES, True, False, 1.0, tempting=True),
    Case("tempting, renamed, by name, cap 5 %", NAMES, True, False, 0.05, tempting=True),
    Case("tempting, renamed, by operator, no cap", NAMES, True, True, 1.0, tempting=True),
    Case("tempting, renamed, by operator, cap 5 %", NAMES, True, True, 0.05, tempting=True),
    Case("per arm: no attacker", 0, False, True, 0.05, True),
    Case("per arm: renamed, by name, no cap", NAMES, True, False, 1.0, True),
    Case("per arm: renamed, by name, cap 5 %", NAMES, True, False, 0.05, True),
    Case("per arm: renamed, by operator, cap 5 %", NAMES, True, True, 0.05, True),
]


def lot(label: str) -> str:
    """A seeded hash."""
    return hashlib.sha256(label.encode()).hexdigest()


def run(seed: int, case: Case) -> tuple[float, float]:
    """The bad share and the share of passed tasks of one run."""
    chance = np.random.default_rng(seed)
    rule = Rule(cost_weight=0.0, newcomer_share=case.share)
    coordinator = Coordinator(State(rule=rule, policy=LinUCBState(settings=Settings(per_arm=case.per_arm))))
    plain, rosy = Sight(similarity=0.5, cost_share=0.5), Sight(similarity=1.0, cost_share=0.0)
    card = rosy if case.tempting else plain
    honest = [(Candidate(f"honest{n}", 0.5, lot(f"{seed}/honest{n}")), plain) for n in range(len(HONEST))]
    bad = passes = 0
    for t in range(TASKS):
        age = t // EVERY if case.renamed else 0
        arms = [("bad" if case.by_operator else f"bad{age}/{n}") for n in range(case.names)]
        rivals = [
            (Candidate(arm, 0.0 if case.tempting else 0.5, lot(f"{seed}/{age}/{n}")), card)
            for n, arm in enumerate(arms)
        ]
        ruling = coordinator.decide([*honest, *rivals], id=f"d{t}")
        coordinator.learn(ruling.decision)
        is_bad = ruling.place >= len(honest)
        passed = bool(chance.random() < (BAD if is_bad else HONEST[ruling.place]))
        coordinator.learn(Feedback(decision=f"d{t}", passed=passed))
        bad, passes = bad + is_bad, passes + passed
    return bad / TASKS, passes / TASKS


def main() -> None:
    """Print one row a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="400:410", help="FROM:TO, the end not included")
    first, _, after = str(parser.parse_args().seeds).partition(":")
    seeds = range(int(first), int(after))
    print(f"{len(seeds)} runs, seeds {seeds.start}-{seeds.stop - 1}, mean ± half of the 95 % interval")
    for case in CASES:
        shares, passes = zip(*(run(seed, case) for seed in seeds), strict=True)
        half = [1.96 * statistics.stdev(one) / len(one) ** 0.5 for one in (shares, passes)]
        print(
            f"{case.label:<42} bad {100 * statistics.mean(shares):5.2f} ±{100 * half[0]:.2f} % (most"
            f" {100 * max(shares):5.2f}), passed {100 * statistics.mean(passes):.1f} ±{100 * half[1]:.1f} %"
        )


if __name__ == "__main__":
    main()
