"""A small model's sampler without a market: the same spend, put into more samples."""

from __future__ import annotations

from agora.agents.sampler import MOST_CHECKS, MOST_SAMPLES, TOKEN_CAPS
from agora.bids import Plan, Profile
from agora.protocols import Agent, Desk
from agora.tasks import Work


class BestOfN:
    """A sampler without a market: a fixed plan for every task, inside an even share of the tokens.

    Args:
        sampler: Draws and checks; the market's own.
        tokens_each: What may be written for one task.
        skills: What it is given; none: anything.
    """

    def __init__(self, sampler: Agent, *, tokens_each: int, skills: frozenset[str] = frozenset()) -> None:
        self._sampler, self._tokens_each = sampler, max(1, tokens_each)
        self._cap = min(
            self._tokens_each, TOKEN_CAPS[-1] if tokens_each >= MOST_SAMPLES * TOKEN_CAPS[0] else TOKEN_CAPS[0]
        )
        self._profile = sampler.profile.model_copy(update={"name": "best-of-n", "skills": skills})

    @property
    def samples(self) -> int:
        """How many samples are drawn for a task at most."""
        return max(1, min(MOST_SAMPLES, -(-self._tokens_each // self._cap)))

    @property
    def profile(self) -> Profile:
        """The sampler's card, with the skills that were given."""
        return self._profile

    async def bid(self, desk: Desk) -> Plan:
        """The fixed plan; no model is asked."""
        checks = min(MOST_CHECKS, len(desk.task.examples))
        method = "best_of_n" if self.samples > 1 else "greedy"
        return Plan(
            text=f"up to {self.samples} samples of {self._cap} tokens",
            steps=2 * self.samples,
            tokens=self._tokens_each,
            terms={"method": method, "samples": self.samples, "checks": checks, "token_cap": self._cap},
        )

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """As the sampler does."""
        return await self._sampler.perform(desk, plan)
