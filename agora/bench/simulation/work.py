"""Simulated work: attempts in the order of an award until one passes or the market's rule ends it, all charged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from agora.auctions.again import Reassign, Replan, Tried, after_attempt
from agora.bench.simulation.parameters import Parameters
from agora.bench.simulation.world import Case, margin_of
from agora.tasks import Limits, Verdict

Purpose: TypeAlias = Literal["work", "bids", "jury", "refinement"]
"""What tokens are taken for; all but work is overhead."""

NOTHING: Final[Mapping[int, float]] = MappingProxyType({})
NO_PLANS: Final[Mapping[int, int]] = MappingProxyType({})


class Bill:
    """What one task took.

    Args:
        parameters: With the prices.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._rates = [float(agent.usd_per_mtok) / 1e6 for agent in parameters.agents]
        self.tokens: dict[tuple[Purpose, int], int] = defaultdict(int)
        """(what for, agent) -> tokens read and written."""

    def charge(self, what: Purpose, agent: int, tokens: int) -> None:
        """Add tokens of one agent."""
        self.tokens[what, agent] += tokens

    def total_tokens(self, *, overhead: bool = False) -> int:
        """All tokens, or those that were not work."""
        return sum(tokens for (what, _), tokens in self.tokens.items() if what != "work" or not overhead)

    def total_usd(self, *, overhead: bool = False) -> float:
        """All dollars, or those that were not work."""
        return sum(
            tokens * self._rates[agent]
            for (what, agent), tokens in self.tokens.items()
            if what != "work" or not overhead
        )


class Attempted(NamedTuple):
    """One attempt."""

    agent: int
    """Who, by place in the pool."""
    tokens: int
    """What it took, with reading the plan."""
    passed: bool
    """What came of it."""


class Done(NamedTuple):
    """What one arm made of one task."""

    passed: bool
    """Whether the work that was handed back is right."""
    bill: Bill
    """What it took."""
    attempts: tuple[Attempted, ...]
    """In order."""
    asked: bool = False
    """Whether bids were called for."""
    refined: bool = False
    """Whether the award went to a plan that was written again."""


class Arm(Protocol):
    """One way of choosing who works; it may learn from one task to the next."""

    def do(self, case: Case) -> Done:
        """Have one task done; the tasks come in the order of the stream."""
        ...


def perform(
    parameters: Parameters,
    case: Case,
    order: Sequence[int],
    *,
    loop: bool,
    bill: Bill,
    plans: Mapping[int, int] = NO_PLANS,
    lessons: Mapping[int, float] = NOTHING,
) -> tuple[Attempted, ...]:
    """Attempts by whoever is next, as the market's rule has it.

    After a failure the agent that is to replan, or all others, are asked for bids again, at their full price. The
    others stand in the order in which they stood: what their plans tell has not changed.

    Args:
        parameters: What is taken for given.
        case: The task.
        order: Who bid, best first, by place in the pool; at least one.
        loop: False: one attempt, as pass@1 has it. True: the rule decides what comes after a failure.
        bill: Charged for what is taken.
        plans: Agent -> tokens of its plan, which it reads at each step; who has none works without.
        lessons: Agent -> share of all lessons that went into its plan.
    """
    made: list[Attempted] = []
    agent: int | None = order[0]
    while agent is not None:
        attempt = sum(one.agent == agent for one in made)
        tokens = int(case.tokens[agent, attempt]) + plans.get(agent, 0) * parameters.plan_reads
        bill.charge("work", agent, tokens)
        margin = margin_of(parameters, case, agent, attempt=attempt, lessons=lessons.get(agent, 0.0))
        made.append(Attempted(agent, tokens, margin > 0))
        asked = _asked_next(parameters, made, order) if loop else []
        _charge_call(parameters, [one for one in asked if one in plans], plans, bill)
        agent = asked[0] if asked else None
    return tuple(made)


def _asked_next(parameters: Parameters, made: Sequence[Attempted], order: Sequence[int]) -> list[int]:
    """Who is asked for a bid after the last attempt, best first; nobody where it is over."""
    names = [agent.name for agent in parameters.agents]
    tried = [Tried(agent=names[one.agent], verdict=Verdict.PASSED if one.passed else Verdict.FAILED) for one in made]
    after = after_attempt(tried, left=Limits(), bidders=len(order))
    if isinstance(after, Replan):
        return [names.index(after.agent)]
    return [agent for agent in order if names[agent] not in after.excluding] if isinstance(after, Reassign) else []


def _charge_call(parameters: Parameters, asked: Sequence[int], plans: Mapping[int, int], bill: Bill) -> None:
    """Another call for bids: everyone asked writes a plan; where there are several, all judges read them."""
    for agent in asked:
        bill.charge("bids", agent, parameters.bid_tokens + plans[agent])
    if len(asked) > 1:
        read = parameters.jury_tokens + sum(plans[agent] + parameters.mark_tokens for agent in asked)
        for judge in plans:
            bill.charge("jury", judge, read)
