"""A simulation: the rule's and the learned choice of topology against each topology always, at matched tokens.

    python benchmarks/topologies.py            # seeds 100 to 119, to 109 for the variants: these are reported
    python benchmarks/topologies.py --trial    # seeds 0 to 2, for making the simulation itself

No model is called: this shows what follows from the assumptions below, not what models do. The assumptions, each a
judgement, are in `World`; the variants of `WORLDS` move one of them at a time. Parameters and seeds stood in this file
before the first reported run.

A subtask is right with the skill of whoever does it, less for every thousand tokens that it is shown and does not
depend on; a wrong predecessor makes it wrong with the chance that their coupling says. It may need what the plan does
not say, the output of a predecessor's predecessor, and is wrong where it was not shown it. Predecessors of one join
have to fit each other: for each there is a chance, by the join's coupling, of a clash with those before it that it did
not see; a lead prevents most clashes, costs tokens and errs itself. Every topology has the same tokens for the same
graph: what it leaves buys more attempts at its subtasks, after a check that finds some of the wrong ones. The score is
the share of subtasks that nobody waits for that are right.

"best known" takes the topology that is best for each graph on other chances of the same kind: no choice does better but
by luck. "isolated" is the paper's parallel, which is shown no outputs: a subtask has to guess what it depends on, and
is wrong with the chance that the coupling says; "as published" is the paper's rule with it.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.workflows.choosing import Experience, Option, Outcome, Step, choose, fold, invoke
from agora.workflows.features import COUPLINGS, Coupling, Features, Subtask, checked, features
from agora.workflows.topology import Dispatch, Topology, decide

REPORTED, REPORTED_VARIANTS, TRIAL = range(100, 120), range(100, 110), range(3)
GRAPHS, DRAWS = 150, 32
EARLIER = 600
"""Graphs from which the learned choice has learned before the first that counts, one outcome each."""
STUDENT_95 = {20: 2.093, 10: 2.262, 3: 4.303}
LABELS: tuple[Coupling, ...] = ("none", "weak", "strong", "critical")

Draws = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """What is assumed."""

    skill: tuple[float, float] = (0.75, 0.97)
    """Of a subtask's agent, drawn evenly."""
    tokens: tuple[int, int] = (500, 3_000)
    """Of a subtask's output, drawn evenly."""
    input_price: float = 0.25
    """Of a token that is read, where one that is written costs 1."""
    distraction: float = 0.01
    """Of the log of the skill, for every 1,000 tokens shown that it does not depend on."""
    clash: float = 0.25
    """Chance at coupling 1 that a predecessor of a join does not fit those that it did not see."""
    hidden: float = 0.05
    """Chance at coupling 1 that a subtask needs the output of one that it waits for only through others."""
    led: float = 0.3
    """Share of clashes that a lead leaves."""
    lead_error: float = 0.03
    """Chance that a lead's brief makes a subtask wrong."""
    brief_tokens: int = 300
    budget: float = 2.0
    """Tokens for a graph, in those of all its outputs."""
    caught: float = 0.5
    """Chance that a wrong attempt is found to be wrong, if there are tokens for another."""


BASE = World()
WORLDS: Mapping[str, World] = {
    "as assumed": BASE,
    "no clashes": replace(BASE, clash=0.0),
    "clashes twice as often": replace(BASE, clash=0.5),
    "no hidden needs": replace(BASE, hidden=0.0),
    "hidden needs three times as often": replace(BASE, hidden=0.15),
    "no distraction": replace(BASE, distraction=0.0),
    "distraction three times": replace(BASE, distraction=0.03),
    "a lead that leaves nothing": replace(BASE, led=0.0),
    "a lead that errs three times as often": replace(BASE, lead_error=0.09),
    "tokens scarce": replace(BASE, budget=1.4),
    "tokens plenty": replace(BASE, budget=4.0),
}


def draw_plan(rng: np.random.Generator, world: World) -> list[Subtask]:
    """A graph of one of seven families, mostly weakly or mostly strongly coupled."""
    size = int(rng.integers(3, 15))
    family = int(rng.integers(7))
    mix = (0.3, 0.5, 0.15, 0.05) if rng.random() < 0.5 else (0.05, 0.15, 0.5, 0.3)
    layer = np.sort(rng.integers(0, max(2, size // 3), size))

    def needed(place: int) -> Iterable[int]:
        """By family: chain, independent, fan, fan with a join, layers in full, sparse, dense."""
        before = range(place)
        if family in (2, 3):
            return range(1, place) if family == 3 and place == size - 1 else before[:1]
        if family == 4:
            return [earlier for earlier in before if layer[earlier] == layer[place] - 1]
        if family > 4:
            return [earlier for earlier in before if rng.random() < (0.15 if family == 5 else 0.4)]
        return before[-1:] if family == 0 else ()

    made: list[Subtask] = []
    for place in range(size):
        label = LABELS[int(rng.choice(4, p=mix))]
        depends_on = tuple(f"s{earlier}" for earlier in needed(place))
        tokens = int(rng.integers(*world.tokens))
        made.append(Subtask(id=f"s{place}", depends_on=depends_on, coupling=label, estimated_tokens=tokens))
    return made


@dataclass(frozen=True)
class Chances:
    """What chance holds for a graph, the same for every topology: one row a subtask, one column a repetition."""

    skill: Draws
    """(subtasks,)."""
    right: Draws
    attempt: Draws
    spoiled: Draws
    briefed: Draws
    clashed: Draws
    """(subtasks, subtasks, repetitions): of a join with each of its predecessors."""

    @classmethod
    def of(cls, rng: np.random.Generator, size: int, world: World) -> Chances:
        """Drawn."""
        one, many = (size, DRAWS), (size, size, DRAWS)
        skill = rng.uniform(*world.skill, size)
        return cls(skill, rng.random(one), rng.random(one), rng.random(many), rng.random(one), rng.random(many))


def run(
    plan: Sequence[Subtask], topology: Topology, chances: Chances, world: World, *, isolated: bool = False
) -> Draws:
    """The score of a plan in a topology, one a repetition, in [0, 1]."""
    dispatch = Dispatch(plan, topology=topology)
    place = {one.id: index for index, one in enumerate(plan)}
    sees = {one.id: () if isolated else dispatch.sees(one.id) for one in plan}
    tokens = {one.id: one.estimated_tokens for one in plan}
    led = dispatch.lead is not None
    cost = sum(tokens.values()) + world.input_price * sum(tokens[seen] for some in sees.values() for seen in some)
    if led:
        cost += sum(world.brief_tokens + world.input_price * own for own in tokens.values())
    affordable = world.budget * sum(tokens.values()) / cost  # attempts at each subtask
    right: dict[str, Truths] = {}
    above: dict[str, set[str]] = {name: set() for name in dispatch.order}
    for name in dispatch.order:
        at, one = place[name], plan[place[name]]
        idle = sum(tokens[seen] for seen in sees[name] if seen not in one.depends_on)
        skill = chances.skill[at] * math.exp(-world.distraction * idle / 1_000)
        able = chances.right[at] < _after_attempts(skill, affordable, chances.attempt[at], world)
        if led:
            able &= chances.briefed[at] >= world.lead_error
        coupled = COUPLINGS[one.coupling]
        for earlier in one.depends_on:
            good = np.zeros(DRAWS, dtype=np.bool_) if isolated else right[earlier]
            able &= good | (chances.spoiled[at, place[earlier]] >= coupled)
            above[name] |= {earlier} | above[earlier]
        for far in sorted(above[name].difference(one.depends_on, sees[name])):
            able &= chances.spoiled[at, place[far]] >= world.hidden * coupled
        right[name] = able & ~_clashes(one, dispatch, sees, place, chances, world)
    return np.asarray(np.mean([right[name] for name in dispatch.ends], axis=0), dtype=np.float64)


def _after_attempts(skill: float, affordable: float, draws: Draws, world: World) -> Draws:
    """The chance of being right after as many attempts as there are tokens for; under one, some are not made."""
    sure, share = int(affordable), affordable % 1.0
    ladder = [0.0]
    for attempt in range(sure + 1):
        last = ladder[-1]
        ladder.append(skill if not attempt else last + (1.0 - last) * world.caught * skill)
    return np.where(draws < share, ladder[sure + 1], ladder[sure])


def _clashes(
    join: Subtask,
    dispatch: Dispatch,
    sees: Mapping[str, Sequence[str]],
    place: Mapping[str, int],
    chances: Chances,
    world: World,
) -> Truths:
    """Whether what a join is made of does not fit together."""
    found: Truths = np.zeros(DRAWS, dtype=np.bool_)
    parts = [name for name in dispatch.order if name in join.depends_on]
    for number, part in enumerate(parts[1:], start=1):
        unseen = sum(earlier not in sees[part] for earlier in parts[:number]) / number
        chance = world.clash * COUPLINGS[join.coupling] * unseen * (world.led if dispatch.lead is not None else 1.0)
        found |= chances.clashed[place[join.id], place[part]] < chance
    return found


ARMS = (*(topology.value for topology in Topology), "rule", "learned", "best known", "isolated", "as published")


class Learner:
    """The learned choice with what it learns: of every graph, one outcome of the topology that it took."""

    def __init__(self) -> None:
        self._experience = Experience()
        self._options = [Option(invoke(topology), lot=str(place)) for place, topology in enumerate(Topology)]

    def choice(self, found: Features) -> Topology:
        """For a graph; the rule's is the first to be tried."""
        suggested = invoke(decide(found).topology)
        signature = fold(found, regime="straightforward")
        action = choose(self._experience, signature, self._options, draw=0.0, suggested=suggested).action
        return next(topology for topology in Topology if invoke(topology) == action)

    def learn(self, number: int, found: Features, topology: Topology, quality: float) -> None:
        """One outcome."""
        step = Step(signature=fold(found, regime="straightforward"), action=invoke(topology))
        self._experience = self._experience.after(Outcome(decision=str(number), steps=(step,), quality=quality))


def one_seed(seed: int, world: World) -> tuple[dict[str, float], dict[str, int]]:
    """The mean score of every arm in points, and how often each of those that choose took which topology."""
    rng = np.random.default_rng(seed)
    scores: dict[str, list[float]] = {arm: [] for arm in ARMS}
    taken: dict[str, int] = {}
    learner = Learner()
    for number in range(EARLIER + GRAPHS):
        plan = draw_plan(rng, world)
        found, chances = features(checked(plan)), Chances.of(rng, len(plan), world)
        learned, ruled = learner.choice(found), decide(found).topology
        if number < EARLIER:
            learner.learn(number, found, learned, float(run(plan, learned, chances, world)[0]))
            continue
        told = {topology: run(plan, topology, chances, world) for topology in Topology}
        learner.learn(number, found, learned, float(told[learned][0]))
        means = {topology: 100 * float(np.mean(score)) for topology, score in told.items()}
        alone = 100 * float(np.mean(run(plan, Topology.PARALLEL, chances, world, isolated=True)))
        scores["isolated"].append(alone)
        scores["as published"].append(alone if ruled is Topology.PARALLEL else means[ruled])
        others = replace(Chances.of(rng, len(plan), world), skill=chances.skill)
        foreseen = {topology: float(np.mean(run(plan, topology, others, world))) for topology in Topology}
        picks = {"rule": ruled, "learned": learned, "best known": max(foreseen, key=lambda one: foreseen[one])}
        for topology, mean in means.items():
            scores[topology.value].append(mean)
        for arm, topology in picks.items():
            scores[arm].append(means[topology])
            taken[f"{arm}: {topology}"] = taken.get(f"{arm}: {topology}", 0) + 1
    return {arm: statistics.fmean(some) for arm, some in scores.items()}, taken


def interval(some: Sequence[float]) -> str:
    """Mean and 95% interval over seeds (Student)."""
    half = STUDENT_95[len(some)] * statistics.stdev(some) / math.sqrt(len(some))
    return f"{statistics.fmean(some):+6.2f} +- {half:.2f}"


def main() -> None:
    """Print every world: points of every arm, and the rule less each."""
    trial = "--trial" in sys.argv
    print(f"{GRAPHS} graphs a seed, {DRAWS} repetitions; points, 95% over seeds (Student)")
    for name, world in WORLDS.items():
        seeds = TRIAL if trial else REPORTED if world is BASE else REPORTED_VARIANTS
        found = [one_seed(seed, world) for seed in seeds]
        means = [arms for arms, _ in found]
        print(f"\n{name}, seeds {seeds[0]} to {seeds[-1]}", flush=True)
        for arm in ARMS:
            less = interval([one["rule"] - one[arm] for one in means]) if arm != "rule" else ""
            learned = interval([one["learned"] - one[arm] for one in means]) if arm != "learned" else ""
            points = statistics.fmean(one[arm] for one in means)
            print(f"  {arm:14} {points:6.2f}   rule less it {less:18} learned less it {learned}")
        if world is BASE:
            total: dict[str, int] = {}
            for _, taken in found:
                for what, count in taken.items():
                    total[what] = total.get(what, 0) + count
            shares = {what: round(count / GRAPHS / len(seeds), 3) for what, count in sorted(total.items())}
            print("  shares", shares)


if __name__ == "__main__":
    main()
