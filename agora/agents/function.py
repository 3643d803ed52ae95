"""Any async function as an agent: what is deterministic bids against what is generated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from agora.bids import Plan, Price, Profile
from agora.protocols import Desk
from agora.tasks import Strength, Tier, Work

Perform = Callable[[Desk, Plan], Awaitable[Work | str]]
"""Does the work; a plain text is the output of work without more."""

Bidding = Callable[[Desk], Awaitable[Plan | None]]
"""Writes a plan, or None for "not interested"."""


class FunctionAgent:
    """A function that performs, and a plan (or a function that writes one).

    Args:
        name: Unique within its market.
        perform: Does the work through the desk.
        plan: What it promises for every task; or a function that looks at the task first.
        skills: What it can do; empty: anything.
        price: What it charges; free local work by default.
        trust: The data labels that it may see.
        strength: How strong it is: small, medium or large; some tasks demand it.
        tier: The sandbox that its commands run in.
    """

    def __init__(
        self,
        name: str,
        perform: Perform,
        *,
        plan: Plan | Bidding,
        skills: Iterable[str] = (),
        price: Price | None = None,
        trust: Iterable[str] = (),
        strength: Strength = "",
        tier: Tier = Tier.NAMESPACE,
    ) -> None:
        self._perform = perform
        self._plan = plan
        self._profile = Profile(
            name=name,
            operator=f"function/{getattr(perform, '__module__', '')}.{getattr(perform, '__qualname__', name)}",
            kind="function",
            skills=frozenset(skills),
            price=price or Price(unit="s"),
            trust=frozenset(trust),
            strength=strength,
            tier=tier,
        )

    @property
    def profile(self) -> Profile:
        """Its card."""
        return self._profile

    async def bid(self, desk: Desk) -> Plan | None:
        """The fixed plan, or what the bidding function says."""
        return self._plan if isinstance(self._plan, Plan) else await self._plan(desk)

    async def perform(self, desk: Desk, plan: Plan) -> Work:
        """Call the function."""
        done = await self._perform(desk, plan)
        return Work(output=done) if isinstance(done, str) else done
