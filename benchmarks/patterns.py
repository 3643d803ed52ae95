"""Patterns against single agents and plain votes at the same cost, in a simulation with stated parameters.

The workflows are the real ones, played through `next_ready`'s `Progress` without a market; who answers is simulated: a
question has a difficulty and a kind, an agent a chance to be right that hangs on both, and whoever is wrong says, by
`trap`, what all others say who are wrong. Answers are drawn from a hash of seed, question and task, so that all arms
meet the same questions and the same luck. Costs are in units of one cheap answer.

The baseline at equal cost is the best mix of single answers, votes and three strong ones with a judge: the upper hull
of their (cost, share right), read off at the pattern's own cost, seed by seed. It is told what they score on these very
questions, which nobody knows beforehand, so it is a hard one.

    python benchmarks/patterns.py            # seeds 100 to 119, which are reported
    python benchmarks/patterns.py --trial    # seeds 0 and 1
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.tasks import Verdict
from agora.workflows.expanding import Progress
from agora.workflows.instances import Ending, Instance
from agora.workflows.nodes import Flow
from agora.workflows.patterns import pattern

REPORTED: Final = tuple(range(100, 120))
TRIAL: Final = (0, 1)
"""Looked at while this was written."""
QUESTIONS: Final = 300
"""A seed."""
SHARES: Final = {"easy": 0.5, "medium": 0.3, "hard": 0.2}
"""How many questions are how difficult."""
RIGHT: Final = {
    "cheap": {"easy": 0.90, "medium": 0.55, "hard": 0.25},
    "strong": {"easy": 0.97, "medium": 0.80, "hard": 0.50},
}
"""The chance to be right."""
TRAPS: Final = (0.2, 0.5, 0.8)
"""Of those who are wrong, the share that falls for the same wrong answer."""
WRONG: Final = 4
"""Other wrong answers, drawn alike."""
JUDGE: Final = 0.75
"""The chance that a judge takes the right answer where one lies before it; else it takes any by lot."""
ROUTERS: Final = (0.34, 0.6, 0.8)
"""The chance that a router names the specialist of the question's kind; else another by lot."""
PLAN_NOISE: Final = 25
"""A planner states 100 times a cheap agent's chance to be right, give or take so many points, evenly drawn."""
KINDS: Final = 3
"""As many specialists: at its own kind each is as good as a strong agent, else as a cheap one, and as cheap."""
COST: Final = {"cheap": 1.0, "specialist": 1.0, "strong": 5.0, "judge": 5.0, "router": 1.0, "planner": 1.0}
_T_19: Final = 2.093  # two-sided 95 % of Student's t with 19 degrees of freedom


class Question(NamedTuple):
    """One question, and the luck of all who answer it."""

    seed: int
    number: int
    trap: float

    def draw(self, what: str) -> float:
        """A number in [0, 1) that hangs on nothing else."""
        hashed = hashlib.sha256(f"{self.seed} {self.number} {what}".encode()).digest()
        return int.from_bytes(hashed[:8], "big") / 2**64

    @property
    def level(self) -> str:
        """How difficult it is."""
        drawn = self.draw("level")
        return "easy" if drawn < SHARES["easy"] else "medium" if drawn < 1 - SHARES["hard"] else "hard"

    @property
    def kind(self) -> int:
        """Who is strong at it."""
        return int(self.draw("kind") * KINDS)

    def answer(self, who: str, place: str) -> str:
        """What somebody says."""
        if self.draw(f"right {place}") < RIGHT["strong" if who == "specialist" else who][self.level]:
            return "right"
        if self.draw(f"trap {place}") < self.trap:
            return "trap"
        return f"wrong {int(self.draw(f'which {place}') * WRONG)}"

    def judged(self, shown: Sequence[str], place: str) -> str:
        """What a judge takes."""
        if "right" in shown and self.draw(f"judge {place}") < JUDGE:
            return "right"
        return sorted(set(shown))[int(self.draw(f"any {place}") * len(set(shown)))]


class Arm(NamedTuple):
    """One way to have a question answered."""

    flow: Flow
    role: Callable[[Question, str], str]
    """Task -> who does it: cheap, specialist (at its own kind), strong, judge, router, planner."""
    router: float = 0.0


def _said(question: Question, one: Instance, role: str, *, router: float) -> str:
    if role == "judge":
        return question.judged([line[2:] for line in one.text.splitlines() if line.startswith("| ")], one.id)
    if role == "router":
        right = question.draw("router") < router
        others = [kind for kind in range(KINDS) if kind != question.kind]
        named = question.kind if right else others[int(question.draw("other") * len(others))]
        return json.dumps({"reason": "", "ids": [_letter(one, named)]})
    if role == "planner":
        sure = 100 * RIGHT["cheap"][question.level] + (2 * question.draw("sure") - 1) * PLAN_NOISE
        return json.dumps({"strategies": ["a", "b", "c"], "confidence": round(min(100.0, max(0.0, sure)))})
    return question.answer(role, one.id)


def _letter(one: Instance, kind: int) -> str:
    return next(line[0] for line in one.text.splitlines() if line[1:] == f": knows kind {kind}")


def play(arm: Arm, question: Question) -> tuple[bool, float, int]:
    """Whether the answer is right, what it cost, and how many were asked."""
    progress, cost, asked = Progress(arm.flow, {}), 0.0, 0
    running = list(progress.ready.start)
    while running:
        one = running.pop(0)
        role = arm.role(question, one.id)
        cost, asked = cost + COST[role], asked + 1
        verdict = Verdict.PASSED if role in ("router", "planner") else Verdict.UNKNOWN
        opened = progress.finish(one.id, Ending(verdict=verdict, output=_said(question, one, role, router=arm.router)))
        running = [left for left in (*running, *opened) if progress.wanted(left.id)]
    return progress.ready.output.partition("\n")[0] == "right", cost, asked


def _all(role: str) -> Callable[[Question, str], str]:
    return lambda question, task: role


def _sigma(question: Question, task: str) -> str:
    return "cheap" if task.startswith("probe") else "judge" if task.startswith("judge") else "strong"


def _prism(question: Question, task: str) -> str:
    return "planner" if task == "plan" else "cheap"


def _candidates(flow: Flow) -> Callable[[Question, str], str]:
    kinds = {node.id: int(node.agents[0]) for node in flow.nodes if node.kind == "task" and node.id.startswith("ask_")}

    def role(question: Question, task: str) -> str:
        if task == "choose":
            return "router"
        return "specialist" if kinds.get(task) == question.kind else "cheap"

    return role


def arms() -> dict[str, Arm]:
    """All ways that are compared; the first are the baselines."""
    about = {str(kind): f"knows kind {kind}" for kind in range(KINDS)}
    route = pattern("candidates", "q", candidates=about, most=1)
    votes = {f"voting, {n} {who}": Arm(pattern("voting", "q", votes=n), _all(who)) for n, who in _VOTES}
    return {
        "single cheap": Arm(pattern("mixture", "q", places=1, layers=1), _all("cheap")),
        "single strong": Arm(pattern("mixture", "q", places=1, layers=1), _all("strong")),
        **votes,
        _ARENA: Arm(pattern("voting", "q"), _all("strong")),
        "sigma": Arm(pattern("sigma", "q"), _sigma),
        "prism, cheap solvers": Arm(pattern("prism", "q"), _prism),
        **{f"candidates, router {good}": Arm(route, _candidates(route), good) for good in ROUTERS},
    }


_VOTES: Final = ((3, "cheap"), (5, "cheap"), (9, "cheap"), (3, "strong"))
_ARENA: Final = "3 strong, a judge"
_BASELINES: Final = 3 + len(_VOTES)


def measured(arm: Arm, name: str, seed: int, trap: float) -> tuple[float, float, float]:
    """Share right, mean cost and mean tasks of one seed."""
    if name.startswith("single"):  # one answer; no workflow is needed for it
        who = name.removeprefix("single ")
        right = [Question(seed, n, trap).answer(who, "voter_1") == "right" for n in range(QUESTIONS)]
        return statistics.fmean(right), COST[who], 1.0
    one_by_one = _arena if name == _ARENA else play
    found = [one_by_one(arm, Question(seed, number, trap)) for number in range(QUESTIONS)]
    shares, costs, asked = zip(*found, strict=True)
    return statistics.fmean(shares), statistics.fmean(costs), statistics.fmean(asked)


def _arena(arm: Arm, question: Question) -> tuple[bool, float, int]:
    """All three strong ones always, and a judge unless they say the same: what sigma escalates to at most."""
    said = [question.answer("strong", f"strong_{place}") for place in (1, 2, 3)]
    if len(set(said)) == 1:
        return said[0] == "right", 3 * COST["strong"], 3
    return question.judged(said, "judge_arena") == "right", 3 * COST["strong"] + COST["judge"], 4


def hull_at(points: Sequence[tuple[float, float]], cost: float) -> float:
    """The best share right that a mix of points reaches at a cost: the upper hull, flat to the right."""
    best = max((right for at, right in points if at <= cost), default=0.0)
    for low, low_right in points:
        for high, high_right in points:
            if low <= cost < high:
                best = max(best, low_right + (high_right - low_right) * (cost - low) / (high - low))
    return best


def interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval over seeds."""
    mean = statistics.fmean(values)
    if len(values) != len(REPORTED):  # the factor below is that of the reported number of seeds
        return f"{mean:+.3f}"
    half = _T_19 * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]"


def report(seeds: Sequence[int]) -> None:
    """A table for each trap."""
    for trap in TRAPS:
        table = {name: [measured(arm, name, seed, trap) for seed in seeds] for name, arm in arms().items()}
        base = list(table)[:_BASELINES]
        print(f"\ntrap {trap}: {len(seeds)} seeds of {QUESTIONS} questions")
        print(f"{'':26}{'right':>8}{'cost':>8}{'tasks':>8}   against the best mix of the lines above at equal cost")
        for name, rows in table.items():
            right, cost, asked = (statistics.fmean(column) for column in zip(*rows, strict=True))
            gains = [
                own[0] - hull_at([(table[one][number][1], table[one][number][0]) for one in base], own[1])
                for number, own in enumerate(rows)
            ]
            print(f"{name:26}{right:8.3f}{cost:8.2f}{asked:8.2f}   {'' if name in base else interval(gains)}")


if __name__ == "__main__":
    report(TRIAL if "--trial" in sys.argv[1:] else REPORTED)
