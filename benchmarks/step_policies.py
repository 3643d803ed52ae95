"""A simulation: which of two models gets the next call of an attempt, under a hard budget for the task.

    python benchmarks/step_policies.py            # seeds 300 to 319, which are reported
    python benchmarks/step_policies.py --trial    # seeds 0 to 3, by which defaults were chosen
    python benchmarks/step_policies.py --matched  # seeds 340 to 359: escalate against as many strong calls by chance

A task is 5 to 12 steps of unequal difficulty; one task in eight holds a step that neither model can do. A step fails or
succeeds by what was drawn for it, the same for all policies. Six failures in ten are seen at once (a tool error, a
repeated call): the step is to be done again, and each such failure makes the next try harder. The others are silent:
they come up at a later step, which then is to be done again, or never, and then the task fails. Prompts grow with each
call, so a call costs the more the later it is made; the strong model costs ten times as much. What is reserved for a
call is 1.6 times what it takes. A task ends when its steps are done, after 40 calls, or when nothing fits its budget.

Learners learn online from the verified end of each task: 300 tasks before, and on through the 200 that count. "random"
takes the strong model at every third call. "oracle" sees what was drawn: the cheapest model whose step will be right,
and the cheap one where none will. Intervals are 95 %, Student's t over seeds.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.agents.steps import (
    CONTEXTS_VERSION,
    STEP_POLICIES,
    Costs,
    Escalate,
    Size,
    StepChoice,
    StepCounts,
    StepPolicy,
    Trail,
    context_of,
    decide,
)
from agora.values import JsonValue

REPORTED, TRIAL, MATCHING = range(300, 320), range(4), range(340, 360)
BEFORE, COUNTED = 300, 200
BUDGETS = (0.25, 0.5, 1.0)
"""In dollars; a task of clean steps takes about 0.06 with the cheap model alone, and 0.6 with the strong one."""
PRICE: Mapping[Size, float] = {"small": 0.004, "large": 0.04}
GROWTH, WORST = 0.08, 1.6
SKILL: Mapping[Size, float] = {"small": 1.2, "large": 2.8}
HARD_TASKS, SEEN, MESS, SURFACES, MOST_CALLS = 0.125, 0.6, 0.35, 0.25, 40
STUDENT_95 = {20: 2.093, 4: 3.182}


class Task(NamedTuple):
    """What is drawn of one task."""

    difficulty: tuple[float, ...]
    chances: tuple[tuple[float, float, float], ...]
    """For each call: whether its step succeeds, whether a failure is seen, whether a silent one comes up."""


class End(NamedTuple):
    """What came of one attempt."""

    passed: bool
    cost: float
    calls: int
    strong: int
    lesson: dict[str, JsonValue]


Chooser = Callable[[Trail, Costs, float, Sequence[bool]], StepChoice]


def tasks(seed: int) -> list[Task]:
    """The stream of a seed."""
    rng = np.random.default_rng(seed)
    drawn: list[Task] = []
    for _ in range(BEFORE + COUNTED):
        difficulty: list[float] = rng.normal(-1.0, 1.3, rng.integers(5, 13)).tolist()
        if rng.random() < HARD_TASKS:
            difficulty[rng.integers(len(difficulty))] = 9.0
        table: list[list[float]] = rng.random((MOST_CALLS, 3)).tolist()
        drawn.append(Task(tuple(difficulty), tuple((first, second, third) for first, second, third in table)))
    return drawn


def attempt(task: Task, chooser: Chooser, *, budget: float, id: str, seen_share: float = SEEN) -> End:
    """One attempt at one task, within its budget whatever the policy says."""
    trail, spent, done, silent, mess = Trail(), 0.0, 0, False, 0
    taken: list[JsonValue] = []
    for success, seen, surfaces in task.chances:
        if done == len(task.difficulty):
            break
        length = 1.0 + GROWTH * trail.calls
        cost = {model: price * length for model, price in PRICE.items()}
        left = budget - spent
        if cost["small"] * WORST > left:
            break
        costs = Costs(
            left=left / budget,
            small=cost["small"] / budget,
            large=cost["large"] / budget,
            small_worst=cost["small"] * WORST / budget,
            large_worst=cost["large"] * WORST / budget,
            large_fits=cost["large"] * WORST <= left,
        )
        harder = task.difficulty[done] + MESS * min(mess, 3)
        would = [success < 1.0 / (1.0 + math.exp(harder - SKILL[model])) for model in ("small", "large")]
        sight = trail.sight(costs)
        draw = uniform(f"{id}/{context_of(sight)}")
        choice = chooser(trail, costs, draw, would)
        taken.append(
            {
                "context": context_of(sight),
                "model": choice.model,
                "propensity": choice.propensity,
                "trouble": sight.trouble,
                "cost": cost[choice.model] / budget,
                "forced": choice.forced,
            }
        )
        spent += cost[choice.model]
        troubled = False
        if not would[choice.model == "large"]:
            troubled = seen < seen_share
            silent = silent or not troubled
            done += not troubled
        elif silent and surfaces < SURFACES:
            troubled, silent = True, False
        else:
            done += 1
        mess = mess + 1 if troubled else 0
        trail = trail.after(choice.model, tool_error=troubled)
    passed = done == len(task.difficulty) and not silent
    lesson: dict[str, JsonValue] = {"id": id, "version": CONTEXTS_VERSION, "passed": passed, "taken": taken}
    return End(passed, spent, trail.calls, trail.strong, lesson)


def uniform(label: str) -> float:
    """A number in [0, 1) for a label."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big") / 2.0**64


def by_policy(policy: StepPolicy, counts: StepCounts) -> Chooser:
    """As an agent chooses: the budget first."""

    def choose(trail: Trail, costs: Costs, draw: float, would: Sequence[bool]) -> StepChoice:
        return decide(policy, trail.sight(costs), counts=counts, draw=draw)

    return choose


def oracle(trail: Trail, costs: Costs, draw: float, would: Sequence[bool]) -> StepChoice:
    """Sees what was drawn."""
    return StepChoice("large" if costs.large_fits and would[1] and not would[0] else "small", 1.0, "")


class Mix:
    """The strong model at every third call, or at another share of them, by chance."""

    name, learns = "random", False

    def __init__(self, share: float = 1 / 3) -> None:
        self._share, self._calls = share, 0

    def choose(self, sight: object, *, counts: StepCounts, draw: float) -> StepChoice:
        """Whatever is drawn."""
        self._calls += 1
        return StepChoice("large" if uniform(f"mix/{self._calls}") < self._share else "small", self._share, "")


class Row(NamedTuple):
    """One policy on one seed."""

    passed: float
    cost: float
    strong: float


def run(
    policy: StepPolicy | None, stream: Sequence[Task], *, budget: float, seed: int, seen_share: float = SEEN
) -> Row:
    """One policy (None: the oracle) over the stream of a seed; who does not learn is not shown the first tasks."""
    counts = StepCounts()
    chooser = oracle if policy is None else by_policy(policy, counts)
    learns = policy is not None and policy.learns
    ends: list[End] = []
    for number, task in enumerate(stream):
        if number < BEFORE and not learns:
            continue
        end = attempt(task, chooser, budget=budget, id=f"{seed}/{number}", seen_share=seen_share)
        if learns:
            counts.learn(end.lesson)
        if number >= BEFORE:
            ends.append(end)
    calls = sum(end.calls for end in ends)
    assert all(end.cost <= budget for end in ends), "the budget is hard"
    return Row(
        statistics.fmean(end.passed for end in ends),
        statistics.fmean(end.cost for end in ends),
        sum(end.strong for end in ends) / calls,
    )


def interval(values: Sequence[float]) -> str:
    """Mean and half width of its 95 % interval."""
    half = STUDENT_95[len(values)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{statistics.fmean(values):.3f} +-{half:.3f}"


def matched() -> None:
    """Print what escalate gains over a random mix with as many strong calls, by how many failures are seen at once."""
    streams = {seed: tasks(seed) for seed in (*TRIAL, *MATCHING)}
    print(f"seeds {MATCHING.start} to {MATCHING.stop - 1}: escalate less a random mix with as many strong calls")
    for seen_share, calm, budget in product((0.6, 0.9), (1, 2), BUDGETS):

        def rows(policy: StepPolicy, seeds: range, budget: float = budget, seen: float = seen_share) -> list[Row]:
            return [run(policy, streams[seed], budget=budget, seed=seed, seen_share=seen) for seed in seeds]

        share = statistics.fmean(row.strong for row in rows(Escalate(calm=calm), TRIAL))
        pairs = zip(rows(Escalate(calm=calm), MATCHING), rows(Mix(share), MATCHING), strict=True)
        gains = [Row(*(one - other for one, other in zip(*pair, strict=True))) for pair in pairs]
        passed, cost, strong = (interval([gain[place] for gain in gains]) for place in range(3))
        print(
            f"seen {seen_share} calm {calm} budget ${budget:<6}passed {passed:<17} dollars {cost:<17} strong {strong}"
        )


def main() -> None:
    """Print one table a budget."""
    if "--matched" in sys.argv:
        matched()
        return
    seeds = TRIAL if "--trial" in sys.argv else REPORTED
    streams = {seed: tasks(seed) for seed in seeds}
    makes: dict[str, Callable[[], StepPolicy | None]] = {**STEP_POLICIES, "random": Mix, "oracle": lambda: None}
    print(f"seeds {seeds.start} to {seeds.stop - 1}, {COUNTED} tasks each")
    for budget in BUDGETS:
        print(
            f"\nbudget ${budget}\n{'policy':<14}{'passed':<16}{'dollars a task':<18}{'strong calls':<16}dollars a pass"
        )
        for name, make in makes.items():
            rows = [run(make(), streams[seed], budget=budget, seed=seed) for seed in seeds]
            passed, cost, strong = (interval([row[place] for row in rows]) for place in range(3))
            a_pass = interval([row.cost / row.passed for row in rows])
            print(f"{name:<14}{passed:<16}{cost:<16}{strong:<16}{a_pass}")


if __name__ == "__main__":
    main()
