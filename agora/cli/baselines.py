"""What the demo's market is held against: two alternatives that are really run, each as a run of its own.

Always the dearest agent: whoever asks most on average, alone, with one attempt a task. Same-budget best of n: the
market's sampler alone, allowed as many written tokens as the whole market took, spread evenly over the tasks. Both are
marked in the notes of their first event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agora.agents.sampler import MOST_CHECKS, MOST_SAMPLES, TOKEN_CAPS
from agora.auctions.ranking import cost_share
from agora.bids import Plan, Profile
from agora.cli.story import RunStory
from agora.market import Market
from agora.messages import Reply
from agora.models.recorded import Reusing, replies_of
from agora.protocols import Agent, ChatModel, Desk, Sandbox, Store
from agora.results import Report
from agora.tasks import Task, Work

NOTE = "baseline"
"""The note that marks a run as one."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one way of doing the checklist gave."""

    name: str
    """What is measured."""
    how: str
    """How it was measured."""
    run: str = ""
    """Its run; empty where it could not be measured."""
    passed: int = 0
    """Tasks passed."""
    tasks: int = 0
    """Tasks there were."""
    usd: Decimal = Decimal(0)
    """Dollars."""
    tokens: int = 0
    """Tokens written."""
    seconds: float = 0.0
    """Seconds inside models, tools and commands."""
    error: str = ""
    """Why it could not be measured."""


def mean_asks(story: RunStory) -> dict[str, float]:
    """Each bidder's mean ask, as a share of the task's reserve, so that units compare; agent -> share."""
    shares: dict[str, list[float]] = {}
    for task in story.tasks.values():
        for bid in task.bids.values():
            shares.setdefault(bid.agent, []).append(cost_share(bid, task.reserve))
    return {agent: sum(values) / len(values) for agent, values in sorted(shares.items())}


def dearest(story: RunStory) -> str | None:
    """Whoever asks most on average; the first by name among equals; None where nobody bid."""
    asks = mean_asks(story)
    return max(asks, key=lambda agent: asks[agent]) if asks else None


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the alternatives have in common with the market that they are held against.

    A seeded call of a model on this machine that the market's run made already is not made again: its reply comes from
    the record, and its tokens and seconds are booked as they were. Nothing is learned from these runs.
    """

    tasks: Sequence[Task]
    """The checklist."""
    budget_usd: Decimal
    """What each alternative may spend."""
    seed: int
    """The market's."""
    store: Store
    """Where all runs are recorded."""
    sandbox: Sandbox | None
    """Where candidates are checked."""
    run: str
    """The market's run."""
    secrets: Sequence[str] = ()
    """What enters no prompt."""

    async def alone(self, agent: Agent, *, note: str) -> Report:
        """The whole checklist by one agent, one attempt a task."""
        seen = [item.event for item in self.store.events(self.run) if item.event is not None]
        replies: dict[str, dict[str, tuple[int, Reply]]] = {}

        def reusing(model: ChatModel, _call: str) -> ChatModel:
            if model.name not in replies:
                replies[model.name] = replies_of(seen, model.name)
            return Reusing(model, replies[model.name])

        market = Market(
            [agent],
            budget_usd=self.budget_usd,
            store=self.store,
            sandbox=self.sandbox,
            attempts=1,
            seed=self.seed,
            learn=False,
            secrets=self.secrets,
            wrap=reusing,
        )
        return await market.run_all(self.tasks, notes={NOTE: note, "equal calls are taken from run": self.run})


async def always_dearest(agents: Sequence[Agent], story: RunStory, held: Held) -> Figures:
    """Always the dearest agent: whoever asked most on average."""
    name = dearest(story)
    agent = next((one for one in agents if one.profile.name == name), None)
    if name is None or agent is None:
        return Figures(name="always the dearest", how="", error="nobody bid")
    report = await held.alone(agent, note="always the dearest agent")
    return figures_of(report, f"always {name}", f"alone, one attempt a check: agora run checklist --agents {name}")


class BestOfN:
    """A sampler without a market: a fixed plan for every task, inside an even share of the tokens.

    Args:
        sampler: Draws and checks; the market's own.
        tokens_each: What may be written for one task.
    """

    def __init__(self, sampler: Agent, *, tokens_each: int) -> None:
        self._sampler, self._tokens_each = sampler, max(1, tokens_each)
        self._cap = min(
            self._tokens_each, TOKEN_CAPS[-1] if tokens_each >= MOST_SAMPLES * TOKEN_CAPS[0] else TOKEN_CAPS[0]
        )
        card = sampler.profile
        self._profile = card.model_copy(update={"name": "best-of-n", "skills": frozenset[str]()})

    @property
    def samples(self) -> int:
        """How many samples are drawn for a task at most."""
        return max(1, min(MOST_SAMPLES, -(-self._tokens_each // self._cap)))

    @property
    def profile(self) -> Profile:
        """The sampler's card, for any skill."""
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


async def best_of_n(agents: Sequence[Agent], tokens: int, held: Held) -> Figures:
    """Same-budget best of n.

    Args:
        agents: The market's pool; its first sampler by name is taken.
        tokens: What the market wrote, bids included.
        held: What is the same for all.
    """
    name = "same-budget best of n"
    samplers = [agent for agent in agents if agent.profile.kind == "sampler"]
    if not samplers or not tokens:
        return Figures(name=name, how="", error="no sampler is in the pool" if not samplers else "nothing was written")
    each = tokens // len(held.tasks)
    agent = BestOfN(min(samplers, key=lambda one: one.profile.name), tokens_each=each)
    report = await held.alone(agent, note=f"same-budget best of n, {each} tokens a task")
    how = f"{agent.profile.model} alone, at most {tokens} tokens in all, {each} a check, checked on visible examples"
    return figures_of(report, f"same-budget best of {agent.samples}", how)


def figures_of(report: Report, name: str, how: str) -> Figures:
    """A report's figures."""
    return Figures(
        name=name,
        how=how,
        run=report.run,
        passed=report.passed,
        tasks=len(report.results),
        usd=report.usage.usd,
        tokens=report.usage.output_tokens,
        seconds=report.usage.seconds,
    )
