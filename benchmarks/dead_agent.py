"""An agent dies, and comes back: how soon a coordinator leaves it alone, and whether it takes it up again.

    python benchmarks/dead_agent.py --seeds 300:340

Simulated, and no evidence about any model. Five agents with the prices, latencies and chances of Symphony-Coord's
simulation (arXiv 2602.00966, its code): 1,000 requests, 70 % of them hard. From request 501 agent A answers nothing,
and is still offered; the others are as before. "Returns": A answers again from request 751. "Published": A dies and
three others get weaker as well, the shock of the source, from which no policy can get back to nine tenths of what was
before.

Load: x .88 a request, + .30 for the one who is called; latency = base x (1 + 1.2 load) with 8 % noise, a timeout takes
twice that; chance x (1 - .05 load). Latency is known as a moving average (.8 old, .2 new), similarity is the source's
match, the record on this kind of task (simple, hard) is the coordinator's own. Reward is 1 for a pass (no cost).

Recovered: from request 551 on, the mean of 50 requests is at least .9 x the best policy's chance after the shock (.88;
the best agent for each kind, without load) at 50 requests in a row; steps are counted from the shock to the first of
these. Taken up again: an answer of A within 150 requests after its return, and in the last 100 requests A gets at least
half of the share of hard tasks that it had in the 100 before the shock.

Parameters stood before the first run on the reported seeds (300-339); choices were made on seeds 400-419.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.coordinator.coordinating import Coordinator, Rule, State
from agora.coordinator.crediting import Feedback
from agora.coordinator.features import Sight
from agora.coordinator.linucb import LinUCBState, Settings
from agora.coordinator.shortlisting import Candidate, shortlist
from agora.intervals import wilson

REQUESTS, SHOCK, RETURN, HARD = 1000, 500, 750, 0.7
WINDOW, HELD, BEST_AFTER = 50, 50, 0.3 * 0.95 + 0.7 * 0.85


class Agent(NamedTuple):
    """One agent of the source's simulation."""

    cost: float
    base_ms: float
    simple: float
    hard: float
    match_simple: float
    match_hard: float


AGENTS = {
    "A": Agent(1.00, 900, 0.99, 0.99, 0.80, 0.95),
    "B": Agent(0.10, 350, 0.88, 0.18, 0.95, 0.20),
    "C": Agent(0.35, 550, 0.92, 0.65, 0.75, 0.75),
    "D": Agent(0.22, 420, 0.90, 0.45, 0.85, 0.55),
    "E": Agent(0.60, 780, 0.95, 0.85, 0.60, 0.90),
}
PUBLISHED = {"E": 0.30, "C": 0.50, "D": 0.60}
"""What the chance on hard tasks is multiplied with, in the published shock."""


class Run(NamedTuple):
    """What one run came to."""

    first: float
    last: float
    dead_calls: int
    recovered: int | None
    answered_after: int | None
    share_before: float
    share_last: float

    @property
    def taken_up(self) -> bool:
        """Whether A is used again after its return."""
        soon = self.answered_after is not None and self.answered_after <= 150
        return soon and self.share_last >= self.share_before / 2


class Row(NamedTuple):
    """One request."""

    hard: bool
    arm: str
    passed: bool


Chooser = Callable[[int, bool, list[tuple[Candidate, Sight]]], int]
Teller = Callable[[int, Feedback], object]


def learner(rule: Rule, settings: Settings) -> tuple[Chooser, Teller]:
    """A coordinator as two functions: who gets request t, and what came of it."""
    coordinator = Coordinator(State(rule=rule, policy=LinUCBState(settings=settings)))

    def choose(t: int, hard: bool, pool: list[tuple[Candidate, Sight]]) -> int:
        ruling = coordinator.decide(pool, id=f"d{t}", kind="hard" if hard else "simple")
        coordinator.learn(ruling.decision)
        return ruling.place

    return choose, lambda _, feedback: coordinator.learn(feedback)


def fixed(_: int) -> tuple[Chooser, Teller]:
    """A for hard tasks, B for simple ones, whatever happens."""
    return lambda _, hard, __: 0 if hard else 1, lambda _, __: None


def of_top_three(seed: int) -> tuple[Chooser, Teller]:
    """Any of the three best by stage 1."""
    chance = np.random.default_rng([seed, 7])

    def choose(_: int, __: bool, pool: list[tuple[Candidate, Sight]]) -> int:
        places = shortlist([candidate for candidate, _ in pool], [sight for _, sight in pool])
        return places[int(chance.integers(len(places)))]

    return choose, lambda _, __: None


def run(seed: int, made: tuple[Chooser, Teller], *, back: int | None, weaker: Mapping[str, float]) -> Run:
    """One run of 1,000 requests.

    Args:
        seed: Of tasks, outcomes and latencies; the same for every policy.
        made: The policy.
        back: The request before which A answers again; None: never.
        weaker: Agent -> factor on its chance on hard tasks from the shock on.
    """
    choose, tell = made
    chance = np.random.default_rng(seed)
    draws, noise = chance.random((REQUESTS, 2)), chance.standard_normal(REQUESTS)
    names = list(AGENTS)
    candidates = [
        Candidate(name, one.cost, hashlib.sha256(f"{seed}/{one}".encode()).hexdigest()) for name, one in AGENTS.items()
    ]
    load, seconds = dict.fromkeys(names, 0.0), {name: one.base_ms / 1000 for name, one in AGENTS.items()}
    rows: list[Row] = []
    for t in range(REQUESTS):
        hard = bool(draws[t, 0] < HARD)
        load = {name: 0.88 * value for name, value in load.items()}
        pool = [
            (
                candidates[n],
                Sight(
                    similarity=one.match_hard if hard else one.match_simple,
                    difficulty=float(hard),
                    load=load[name],
                    latency_s=seconds[name],
                    cost_share=one.cost,
                    available=load[name] < 0.95,
                ),
            )
            for n, (name, one) in enumerate(AGENTS.items())
        ]
        name = names[choose(t, hard, pool)]
        one = AGENTS[name]
        dead = name == "A" and t >= SHOCK and (back is None or t < back)
        able = (one.hard * (weaker.get(name, 1.0) if t >= SHOCK else 1.0)) if hard else one.simple
        passed = not dead and bool(draws[t, 1] < able * (1 - 0.05 * load[name]))
        took = one.base_ms / 1000 * (1 + 1.2 * load[name]) * (1 + 0.08 * float(noise[t])) * (2 if dead else 1)
        seconds[name] = 0.8 * seconds[name] + 0.2 * took
        load[name] = min(1.0, load[name] + 0.30)
        tell(t, Feedback(decision=f"d{t}", passed=None if dead else passed, failure="timeout" if dead else None))
        rows.append(Row(hard, name, passed))
    return reckon(rows, back)


def reckon(rows: list[Row], back: int | None) -> Run:
    """The figures of a run."""
    passed = np.array([row.passed for row in rows], dtype=float)
    sums = np.concatenate([[0.0], np.cumsum(passed)])
    good = [sums[t] - sums[t - WINDOW] >= 0.9 * BEST_AFTER * WINDOW for t in range(SHOCK + WINDOW, REQUESTS + 1)]
    starts = [n for n in range(len(good) - HELD + 1) if all(good[n : n + HELD])]
    answers = [t - (back or 0) for t, row in enumerate(rows) if back and t >= back and row.arm == "A"]

    def share(part: list[Row]) -> float:
        hard = [row for row in part if row.hard]
        return sum(row.arm == "A" for row in hard) / max(len(hard), 1)

    return Run(
        first=float(passed[SHOCK : SHOCK + 100].mean()),
        last=float(passed[-200:].mean()),
        dead_calls=sum(row.arm == "A" for row in rows[SHOCK : back or REQUESTS]),
        recovered=starts[0] + WINDOW if starts else None,
        answered_after=answers[0] if answers else None,
        share_before=share(rows[SHOCK - 100 : SHOCK]),
        share_last=share(rows[-100:]),
    )


def around(values: list[float]) -> str:
    """A mean with the half-width of its 95 % interval."""
    half = 1.96 * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ±{half:.3f}"


POLICIES: Mapping[str, Callable[[int], tuple[Chooser, Teller]]] = {
    "default: shared, alpha .5, breaker": lambda _: learner(Rule(cost_weight=0.0), Settings()),
    "without the breaker": lambda _: learner(Rule(cost_weight=0.0, breaker=False), Settings()),
    "gamma .99": lambda _: learner(Rule(cost_weight=0.0), Settings(gamma=0.99)),
    "gamma .99, without the breaker": lambda _: learner(Rule(cost_weight=0.0, breaker=False), Settings(gamma=0.99)),
    "per arm": lambda _: learner(Rule(cost_weight=0.0), Settings(per_arm=True)),
    "per arm, without the breaker": lambda _: learner(Rule(cost_weight=0.0, breaker=False), Settings(per_arm=True)),
    "L = 5": lambda _: learner(Rule(cost_weight=0.0, length=5), Settings()),
    "random of the top 3": of_top_three,
    "fixed: A hard, B simple": fixed,
}


def main() -> None:
    """Print one row a policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="400:420", help="FROM:TO, the end not included")
    parser.add_argument("--only", default="", help="policies whose name holds this")
    asked = parser.parse_args()
    first, _, after = str(asked.seeds).partition(":")
    seeds = range(int(first), int(after))
    nobody: Mapping[str, float] = {}
    print(f"{len(seeds)} runs, seeds {seeds.start}-{seeds.stop - 1}; the best after the shock {BEST_AFTER:.3f}")
    for label, make in POLICIES.items():
        if asked.only not in label:
            continue
        dies = [run(seed, make(seed), back=None, weaker=nobody) for seed in seeds]
        back = [run(seed, make(seed), back=RETURN, weaker=nobody) for seed in seeds]
        published = [run(seed, make(seed), back=RETURN, weaker=PUBLISHED) for seed in seeds]
        hits = [one.recovered for one in dies if one.recovered is not None]
        low, high = wilson(len(hits), len(seeds))
        print(f"\n{label}")
        print(f"  first 100 {around([one.first for one in dies])}, last 200 {around([one.last for one in dies])}")
        print(f"  recovered {len(hits)}/{len(seeds)} [{low:.2f}, {high:.2f}]", end="")
        print(f", median steps {statistics.median(hits) if hits else '-'}", end="")
        calls = [one.dead_calls for one in dies]
        print(f"; calls to the dead agent: median {statistics.median(calls)}, most {max(calls)}")
        waits = [one.answered_after for one in back if one.answered_after is not None]
        print(f"  returns: last 200 {around([one.last for one in back])}", end="")
        print(f", taken up again {sum(one.taken_up for one in back)}/{len(seeds)}", end="")
        print(
            f", first answer after {statistics.median(waits) if waits else '-'} (most {max(waits, default='-')})",
            end="",
        )
        print(f"; share of hard tasks {around([one.share_before for one in back])} before the shock", end="")
        print(f", {around([one.share_last for one in back])} at the end")
        print(f"  published shock, returns: last 200 {around([one.last for one in published])}", end="")
        print(f", taken up again {sum(one.taken_up for one in published)}/{len(seeds)}")


if __name__ == "__main__":
    main()
