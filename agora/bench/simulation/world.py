"""The simulated world: tasks, and all chance in them, drawn before any market looks at them.

What decides attempt k of agent i at a task is a number with standard normal distribution,

    z = sqrt(shared) g  +  sqrt(1 - shared) (sqrt(own_persistent) h_i  +  sqrt(1 - own_persistent) e_ik)

with g common to all agents and h to an agent's attempts; it passes where its margin, Phi^-1(success) - z, is above 0.
All arms of a comparison meet the same draws, so differences between them are paired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agora.auctions.jury import MOST_MARK
from agora.auctions.sealing import PLAN_CAP_TOKENS
from agora.bench.simulation.parameters import BINS, Parameters
from agora.records import LEAST_YES

MOST_ATTEMPTS: Final = 8
"""Attempts of one agent at one task that are drawn."""

Vector: TypeAlias = NDArray[np.float64]

_ROUNDS = 2
_LEAST_PLAN = 40
_TASKS, _TRAINING = 1, 2


class Case(NamedTuple):
    """One task with its chance; rows are agents, in the order of the pool."""

    id: int
    """Its place in the stream, from 0."""
    kind: int
    """Which of the parameters' kinds."""
    bin: int
    """Difficulty, from 0; no market sees it."""
    text: float
    """What its text tells of its difficulty."""
    margin: Vector
    """(agents, attempts): the attempt passes where it is above 0."""
    tokens: NDArray[np.int64]
    """(agents, attempts): what the attempt takes."""
    plan_tokens: NDArray[np.int64]
    """(agents, rounds): length of the plan."""
    look: Vector
    """(agents,): the judges' common error."""
    own_look: Vector
    """(agents, rounds, judges): each judge's own error."""
    entropy: Vector
    """(agents, rounds): what entropy tells besides the margin."""
    answer: Vector
    """(agents, attempts): the scorer's error."""


class World:
    """The tasks of one seed.

    Args:
        parameters: What is taken for given.
        seed: Of all draws.
        tasks: How many there are; kinds and bins in the benchmark's shares, in a random order.
    """

    def __init__(self, parameters: Parameters, *, seed: int, tasks: int) -> None:
        self.parameters, self.seed = parameters, seed
        self._length = _LengthScale(parameters)
        self.cases = self._drawn(tasks, _TASKS)

    def training(self) -> list[Case]:
        """Other tasks, drawn alike, for whoever is trained before the first task."""
        return self._drawn(self.parameters.trained, _TRAINING)

    def _drawn(self, tasks: int, stream: int) -> list[Case]:
        chance = np.random.default_rng([self.seed, stream])
        places = np.array(_places(self.parameters, tasks))
        return [
            self._case(number, int(kind), int(level), chance)
            for number, (kind, level) in enumerate(chance.permutation(places))
        ]

    def _case(self, number: int, kind: int, level: int, chance: np.random.Generator) -> Case:
        given, of_kind = self.parameters, self.parameters.kinds[kind]
        agents = len(given.agents)
        common, habit = chance.standard_normal(), chance.standard_normal((agents, 1))
        fresh = chance.standard_normal((agents, MOST_ATTEMPTS))
        own = math.sqrt(given.own_persistent) * habit + math.sqrt(1 - given.own_persistent) * fresh
        z = math.sqrt(of_kind.shared) * common + math.sqrt(1 - of_kind.shared) * own
        least = np.array([NormalDist().inv_cdf(success) for success in of_kind.success[level]])
        spread = given.attempt_spread * chance.standard_normal((agents, MOST_ATTEMPTS))
        work = of_kind.tokens[level] * np.exp(spread - given.attempt_spread**2 / 2)
        tokens = np.clip(np.rint(work), 1, of_kind.token_limit).astype(np.int64)
        return Case(
            id=number,
            kind=kind,
            bin=level,
            text=level + given.text_error * chance.standard_normal(),
            margin=least[:, None] - z,
            tokens=tokens,
            plan_tokens=self._length.drawn(tokens[:, 0], chance),
            look=chance.standard_normal(agents),
            own_look=chance.standard_normal((agents, _ROUNDS, agents)),
            entropy=chance.standard_normal((agents, _ROUNDS)),
            answer=chance.standard_normal((agents, MOST_ATTEMPTS)),
        )


def marks_of(
    parameters: Parameters, case: Case, agent: int, judges: Sequence[int], *, round: int = 0, lessons: float = 0.0
) -> list[int]:
    """What each judge marks one bid with, from 0 to 5.

    Args:
        parameters: What is taken for given.
        case: The task.
        agent: Whose bid, by place in the pool.
        judges: Who judge, by place in the pool.
        round: 0 for the first bid, 1 for the refined one, which every judge sees afresh.
        lessons: What share of all lessons went into the plan, from 0 to 1.
    """
    shared = parameters.judges_shared
    marks: list[int] = []
    for judge in judges:
        signal = parameters.signal * parameters.agents[judge].sharpness
        error = math.sqrt(shared) * case.look[agent] + math.sqrt(1 - shared) * case.own_look[agent, round, judge]
        seen = signal * margin_of(parameters, case, agent, lessons=lessons) + math.sqrt(1 - signal**2) * error
        seen += parameters.lesson_look * lessons
        marks.append(min(max(math.floor(LEAST_YES + parameters.mark_spread * seen), 0), MOST_MARK))
    return marks


def entropy_of(parameters: Parameters, case: Case, agent: int, *, round: int = 0, lessons: float = 0.0) -> float:
    """The measured entropy of one plan, in [0, 1]; arguments as for `marks_of`."""
    signal = parameters.signal * parameters.entropy_share
    margin = margin_of(parameters, case, agent, lessons=lessons)
    seen = signal * margin + math.sqrt(1 - signal**2) * case.entropy[agent, round]
    return float(min(max(parameters.entropy_mean + parameters.entropy_spread * seen, 0.0), 1.0))


def margin_of(parameters: Parameters, case: Case, agent: int, *, attempt: int = 0, lessons: float = 0.0) -> float:
    """What decides one attempt: it passes where this is above 0; lessons that went into its plan raise it."""
    return float(case.margin[agent, attempt]) + parameters.lesson_gain * lessons


def answer_score(parameters: Parameters, case: Case, agent: int, attempt: int) -> float:
    """What a learned scorer says of an answer: above 0, that it is rather right."""
    signal = parameters.scorer
    margin = margin_of(parameters, case, agent, attempt=attempt)
    return signal * margin + math.sqrt(1 - signal**2) * float(case.answer[agent, attempt])


class _LengthScale:
    """How long plans are, given the work they are for."""

    def __init__(self, parameters: Parameters) -> None:
        self._given = parameters
        logs = np.array([math.log(tokens) for kind in parameters.kinds for tokens in kind.tokens])
        shares = np.array([count for kind in parameters.kinds for count in kind.tasks], dtype=np.float64)
        shares /= shares.sum()
        self._mean = float(shares @ logs) - parameters.attempt_spread**2 / 2
        self._spread = math.sqrt(float(shares @ logs**2 - (shares @ logs) ** 2) + parameters.attempt_spread**2)

    def drawn(self, tokens: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
        """(agents, rounds): both around what the work suggests."""
        given, along = self._given, self._given.plan_to_work
        scaled = (np.log(tokens) - self._mean) / self._spread
        error = chance.standard_normal((len(tokens), _ROUNDS))
        length = along * scaled[:, None] + math.sqrt(1 - along**2) * error
        plans = given.plan_tokens * np.exp(given.plan_spread * length)
        whole: NDArray[np.int64] = np.clip(np.rint(plans), _LEAST_PLAN, PLAN_CAP_TOKENS).astype(np.int64)
        return whole


def _places(parameters: Parameters, tasks: int) -> list[tuple[int, int]]:
    """Kind and bin of so many tasks, in the benchmark's shares: largest remainders, the first of equals first."""
    cells = [(kind, level) for kind in range(len(parameters.kinds)) for level in range(BINS)]
    counts = [parameters.kinds[kind].tasks[level] for kind, level in cells]
    exact = [tasks * count / sum(counts) for count in counts]
    whole = [int(share) for share in exact]
    order = sorted(range(len(cells)), key=lambda place: whole[place] - exact[place])
    for place in order[: tasks - sum(whole)]:
        whole[place] += 1
    return [cell for cell, count in zip(cells, whole, strict=True) for _ in range(count)]
