"""What the auction is held against: single agents, chance, routers, a cascade, more attempts of one agent, hindsight.

Rules that are Agora's own mechanisms (always, random, central) are those mechanisms. The others are small versions of
what the paper compares with: nearest neighbours (RouterBench's willingness to pay, Hu et al., 2024), a cascade
(FrugalGPT, Chen et al., 2024), best of n. None of them writes plans, so none pays for bids.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agora.bench.simulation.bidders import posted, reserve_of
from agora.bench.simulation.knowledge import Knowledge
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.work import Attempted, Bill, Done, perform
from agora.bench.simulation.world import Case, World, answer_score
from agora.protocols import Mechanism

NEIGHBOURS = 16
"""Past tasks that the nearest-neighbour router looks at."""


class ByRule:
    """A mechanism that looks at no plan: offers at list price are ranked, and nobody writes a bid.

    Args:
        world: What is worked on.
        mechanism: The rule.
        loop: Whether there are attempts after the first.
        fine: Whether tasks state their kind and bin as their skill, else their kind.
    """

    def __init__(self, world: World, mechanism: Mechanism, *, loop: bool, fine: bool = False) -> None:
        self._world, self._mechanism, self._loop = world, mechanism, loop
        self._knowledge = Knowledge(world.parameters, fine=fine)
        given = world.parameters
        self._offers = [
            [posted(given, kind, agent) for agent in range(len(given.agents))] for kind in range(len(given.kinds))
        ]

    def do(self, case: Case) -> Done:
        """Clear, work, learn."""
        given, bill = self._world.parameters, Bill(self._world.parameters)
        names = [agent.name for agent in given.agents]
        offers = [
            offer.model_copy(update={"standing": self._knowledge.standing(agent, case)})
            for agent, offer in enumerate(self._offers[case.kind])
        ]
        seed = lot_of(self._world, case)
        clearing = self._mechanism.clear(offers, reserve=reserve_of(given, case.kind), seed=seed)
        order = [names.index(score.agent) for score in clearing.ranking]
        attempts = perform(given, case, order, loop=self._loop, bill=bill)
        self._knowledge.learn(case, attempts, {})
        return Done(attempts[-1].passed, bill, attempts)


class One:
    """One agent alone, with the attempts that the loop gives it.

    Args:
        world: What is worked on.
        agent: Who, by place in the pool.
        loop: Whether there are attempts after the first.
    """

    def __init__(self, world: World, agent: int, *, loop: bool) -> None:
        self._given, self._agent, self._loop = world.parameters, agent, loop

    def do(self, case: Case) -> Done:
        """Work."""
        bill = Bill(self._given)
        attempts = perform(self._given, case, [self._agent], loop=self._loop, bill=bill)
        return Done(attempts[-1].passed, bill, attempts)


class Neighbours:
    """The agent with the best rate among the nearest known tasks, less what it costs as a share of the reserve.

    It knows every agent's outcome on training tasks, and does not learn after that.
    """

    def __init__(self, world: World, *, loop: bool, value: float = 1.0) -> None:
        self._world, self._loop, self._value = world, loop, value
        self._known = world.training()

    def do(self, case: Case) -> Done:
        """Choose, work."""
        given = self._world.parameters
        known = [past for past in self._known if past.kind == case.kind]
        near = sorted(known, key=lambda past: (abs(past.text - case.text), past.id))[:NEIGHBOURS]
        stake = float(reserve_of(given, case.kind).usd)
        worth: list[float] = []
        for agent, one in enumerate(given.agents):
            rate = np.mean([past.margin[agent, 0] > 0 for past in near])
            tokens = np.mean([past.tokens[agent, 0] for past in near])
            worth.append(float(self._value * rate - tokens * float(one.usd_per_mtok) / 1e6 / stake))
        order = sorted(range(len(worth)), key=lambda agent: (-worth[agent], given.agents[agent].usd_per_mtok))
        bill = Bill(given)
        attempts = perform(given, case, order, loop=self._loop, bill=bill)
        return Done(attempts[-1].passed, bill, attempts)


class Cascade:
    """From the cheapest up, each rung paid, until an answer is accepted.

    With one attempt, a learned scorer of answers accepts (FrugalGPT); the dearest agent's answer is always accepted.
    In the loop the check accepts.
    """

    def __init__(self, world: World, *, loop: bool) -> None:
        self._given, self._loop = world.parameters, loop

    def do(self, case: Case) -> Done:
        """Climb."""
        bill, rungs = Bill(self._given), list[Attempted]()
        for agent in range(len(self._given.agents)):
            rungs.append(_attempt(self._given, case, agent, 0, bill))
            if rungs[-1].passed if self._loop else answer_score(self._given, case, agent, 0) > 0:
                break
        return Done(rungs[-1].passed, bill, tuple(rungs))


class BestOf:
    """n attempts of one agent.

    With one answer to hand back, the learned scorer of answers chooses among all n. In the loop, the check ends it.

    Args:
        world: What is worked on.
        agent: Who, by place in the pool.
        n: Attempts at most, up to `MOST_ATTEMPTS`.
        loop: See above.
    """

    def __init__(self, world: World, agent: int, n: int, *, loop: bool) -> None:
        self._given, self._agent, self._n, self._loop = world.parameters, agent, n, loop

    def do(self, case: Case) -> Done:
        """Try n times at most."""
        bill, made = Bill(self._given), list[Attempted]()
        for attempt in range(self._n):
            made.append(_attempt(self._given, case, self._agent, attempt, bill))
            if self._loop and made[-1].passed:
                break
        if self._loop:
            return Done(made[-1].passed, bill, tuple(made))
        chosen = max(range(self._n), key=lambda attempt: answer_score(self._given, case, self._agent, attempt))
        return Done(made[chosen].passed, bill, tuple(made))


class Oracle:
    """Hindsight: the cheapest attempt that passes, and nothing else; where none does, the cheapest of all.

    Among first attempts, or in the loop among the first two of each agent.
    """

    def __init__(self, world: World, *, loop: bool) -> None:
        self._given, self._tries = world.parameters, 2 if loop else 1

    def do(self, case: Case) -> Done:
        """Know."""
        options = [(agent, attempt) for agent in range(len(self._given.agents)) for attempt in range(self._tries)]
        passing = [option for option in options if case.margin[option] > 0]
        agent, attempt = min(passing or options, key=lambda option: self._cost(case, option))
        bill = Bill(self._given)
        made = _attempt(self._given, case, agent, attempt, bill)
        return Done(made.passed, bill, (made,))

    def _cost(self, case: Case, option: Sequence[int]) -> float:
        agent, attempt = option
        return float(case.tokens[agent, attempt]) * float(self._given.agents[agent].usd_per_mtok)


def lot_of(world: World, case: Case) -> int:
    """The seed of one auction's lots."""
    return world.seed * 1_000_003 + case.id


def _attempt(parameters: Parameters, case: Case, agent: int, attempt: int, bill: Bill) -> Attempted:
    tokens = int(case.tokens[agent, attempt])
    bill.charge("work", agent, tokens)
    return Attempted(agent, tokens, bool(case.margin[agent, attempt] > 0))
