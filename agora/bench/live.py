"""The same tasks done in several ways by the same agents, each way as runs of its own: what an auction is held against.

Always one agent: alone, with one attempt a task. Random: one of those who may do the task is drawn, and nobody else is
asked. The same spend on one agent: what the auction took goes into more samples or more attempts of one. Nothing is
learned from such runs, no file of the user's is changed, and their first event is marked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from agora.ambient import SeededChance
from agora.bench.best_of_n import BestOfN
from agora.bench.ways import NOTE, Row, Way, added, row_of, way_of
from agora.bids import Profile, Shortlist
from agora.coordinator import Everyone, reason_to_keep_out
from agora.events import Reserved
from agora.market import Market
from agora.messages import Reply
from agora.models.recorded import Reusing, replies_of
from agora.protocols import Agent, Chance, ChatModel, Mechanism, Policy, Sandbox, Store
from agora.results import Report
from agora.routing import Outlook
from agora.tasks import Limits, Task, Usage

AUCTION: Final = "the auction"
"""The name of the way that the others are held against."""

SAME_SPEND: Final = "same spend on one"
"""The name of the way that puts the auction's spend into one agent."""

ROUNDS: Final = 5
"""How often an agent alone tries a task at most, where it has the auction's spend."""

_EQUAL_CALLS: Final = "equal calls are taken from run"


@dataclass(frozen=True, kw_only=True)
class Lab:
    """What all ways have in common.

    A seeded call of a model on this machine that an earlier run made already is not made again: its reply comes from
    the record, and its tokens and seconds are booked as they were.
    """

    tasks: Sequence[Task]
    """What is to be done."""
    budget_usd: Decimal
    """What each way may spend."""
    seed: int
    """The same for all."""
    store: Store
    """Where all runs are recorded."""
    sandbox: Sandbox | None = None
    """Where work is done and checked."""
    secrets: Sequence[str] = ()
    """What enters no prompt."""
    bid_deadline_s: float = 60.0
    """Seconds after which bids do not count."""
    learn: bool = False
    """Whether outcomes are learned from; a comparison never does."""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """For the first event of every run."""
    replies: dict[str, dict[str, tuple[int, Reply]]] = field(default_factory=dict[str, dict[str, tuple[int, Reply]]])
    """Model -> what it answered so far; `Reusing` takes none of it for a hosted one."""
    known: list[str] = field(default_factory=list[str])
    """The runs that those answers come from."""

    def know(self, run: str) -> None:
        """Take what models of this machine answered in a run; what is known already stays as it is."""
        seen = [item.event for item in self.store.events(run) if item.event is not None]
        for model in sorted({event.model for event in seen if isinstance(event, Reserved)}):
            known = self.replies.setdefault(model, {})
            for key, reply in replies_of(seen, model).items():
                known.setdefault(key, reply)
        self.known.append(run)

    async def run(
        self,
        agents: Sequence[Agent],
        *,
        note: str,
        tasks: Sequence[Task] | None = None,
        mechanism: Mechanism | None = None,
        policy: Policy | None = None,
        attempts: int = 1,
        limits: Limits | None = None,
    ) -> Report:
        """One run, on record as part of a comparison.

        Args:
            agents: The pool.
            note: Which way it is.
            tasks: Where not all.
            mechanism: The auction's rule.
            policy: Who may bid.
            attempts: Awards that one task gets at most.
            limits: Bounds on top of the budget.
        """

        def reusing(model: ChatModel, _call: str) -> ChatModel:
            return Reusing(model, self.replies.get(model.name, {}))

        market = Market(
            agents,
            budget_usd=self.budget_usd,
            mechanism=mechanism,
            policy=policy,
            store=self.store,
            sandbox=self.sandbox,
            limits=limits,
            bid_deadline_s=self.bid_deadline_s,
            attempts=attempts,
            seed=self.seed,
            learn=self.learn,
            secrets=self.secrets,
            wrap=reusing,
        )
        notes = {NOTE: note, **self.notes}
        if self.known:
            notes[_EQUAL_CALLS] = ", ".join(self.known)
        report = await market.run_all(self.tasks if tasks is None else tasks, notes=notes)
        self.know(report.run)
        return report

    async def auction(self, agents: Sequence[Agent], *, mechanism: Mechanism, policy: Policy, attempts: int) -> Way:
        """The market as it is configured."""
        report = await self.run(agents, note=AUCTION, mechanism=mechanism, policy=policy, attempts=attempts)
        return way_of(report, AUCTION, how=f"mechanism {mechanism.name}, at most {attempts} awards a task")

    async def alone(self, agent: Agent, *, name: str = "", note: str = "", how: str = "") -> Way:
        """All tasks by one agent, one attempt each; those that it has no skill for are not done."""
        name = name or f"always {agent.profile.name}"
        report = await self.run([agent], note=note or name)
        return way_of(report, name, how=how or "alone, one attempt a task")

    async def drawn(self, agents: Sequence[Agent]) -> Way:
        """Each task by one agent that is drawn, one attempt each."""
        report = await self.run(agents, note="random", policy=OneDrawn())
        return way_of(report, "random", how="one of those who may do the task is drawn by the seed; no other is asked")

    async def same_spend(self, agents: Sequence[Agent], alone: Sequence[Way], auction: Way) -> Way:
        """What the auction spent, put into the agent that passed most alone: chosen in hindsight, which favours it.

        A sampler draws more samples, checked on visible examples; any other agent tries again what it has not passed.
        What is matched is dollars where the auction took any and the agent charges them, else tokens.
        """
        spent = auction.usage
        pairs = [(agent, way) for agent, way in zip(agents, alone, strict=True) if way.usage.usd or way.usage.tokens]
        if not pairs or not spent.tokens:
            error = "the auction took neither dollars nor tokens, so there is nothing to match"
            return Way(name=SAME_SPEND, error=error)
        agent, best = max(pairs, key=lambda pair: _standing(*pair, seed=self.seed))
        in_usd = bool(spent.usd and best.usage.usd)
        limits = Limits(usd=min(spent.usd, self.budget_usd)) if in_usd else Limits(tokens=spent.tokens)
        measured = {row.task for row in auction.rows}
        tasks = [task for task in self.tasks if task.id in measured]
        if agent.profile.kind == "sampler" and not in_usd:
            return await self._more_samples(agent, tasks, spent.output_tokens)
        return await self._more_attempts(agent, tasks, limits)

    async def _more_samples(self, sampler: Agent, tasks: Sequence[Task], tokens: int) -> Way:
        """Best of n inside so many written tokens, spread evenly over the tasks that it may do."""
        card = sampler.profile
        able = sum(not reason_to_keep_out(task, card, Limits()) for task in tasks)
        each = tokens // max(1, able)
        agent = BestOfN(sampler, tokens_each=each, skills=card.skills)
        report = await self.run([agent], note=f"same spend: best of {agent.samples} by {card.name}", tasks=tasks)
        how = f"best of {agent.samples} by {card.name}'s model, at most {tokens} tokens written, {each} a task"
        return way_of(report, SAME_SPEND, how=f"{how}; samples are checked on visible examples")

    async def _more_attempts(self, agent: Agent, tasks: Sequence[Task], limits: Limits) -> Way:
        """Again and again what has not passed yet, until the spend is used up."""
        name = agent.profile.name
        rows: dict[str, Row] = {}
        runs: list[str] = []
        spent = Usage()
        left, unpaid = limits, 0
        for number in range(1, ROUNDS + 1):
            pending = [task for task in tasks if task.id not in rows or not rows[task.id].passed]
            if not pending or not (left.usd or left.tokens):
                break
            note = f"same spend: {name} again, round {number}"
            report = await self.run([agent], note=note, tasks=pending, limits=left)
            runs.append(report.run)
            spent += report.usage
            for result in report.results:
                rows[result.task.id] = added(rows.get(result.task.id), row_of(result))
            unpaid = sum(result.budget_short for result in report.results)
            if unpaid:
                break
            left = _less(left, report.usage)
        matched = f"${limits.usd:f}" if limits.usd is not None else f"{limits.tokens} tokens"
        how = f"{name} alone, what failed is tried again until {matched} are used up, {ROUNDS} rounds at most"
        if unpaid:
            how += f"; at its end {unpaid} tasks could not be tried (again)"
        return Way(name=SAME_SPEND, how=how, runs=tuple(runs), rows=tuple(rows.values()), spent=spent)


async def compare(
    lab: Lab,
    agents: Sequence[Agent],
    *,
    mechanism: Mechanism,
    policy: Policy,
    attempts: int,
    done: Callable[[Way], None] = lambda _way: None,
) -> list[Way]:
    """All ways, one after another: each agent alone, random, the auction, and its spend on one agent.

    Args:
        lab: What is the same for all; `budget_usd` is what each of them may spend.
        agents: The pool.
        mechanism: The auction's rule.
        policy: Who may bid in the auction.
        attempts: Awards that one task gets at most in the auction.
        done: Called after each way.

    Returns:
        The auction first, then the others in the order in which they were run: three more than there are agents.
    """
    ways: list[Way] = []
    for agent in agents:
        ways.append(await lab.alone(agent))
        done(ways[-1])
    ways.append(await lab.drawn(agents))
    done(ways[-1])
    auction = await lab.auction(agents, mechanism=mechanism, policy=policy, attempts=attempts)
    done(auction)
    ways.append(await lab.same_spend(agents, ways[: len(agents)], auction))
    done(ways[-1])
    return [auction, *ways]


class OneDrawn:
    """A policy: one of those who may do the task is drawn, and nobody else is asked for a bid."""

    name = "one drawn"

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        """Draw by the run's seed and the task's id; the propensity is one over how many there were."""
        everyone = Everyone().shortlist(task, pool, outlook, chance=chance)
        able = sorted(everyone.members)
        if not able:
            return everyone
        drawn = able[chance.integer(f"{task.id}/drawn") % len(able)]
        kept_out = {**everyone.kept_out, **{name: "was not drawn" for name in able if name != drawn}}
        return Shortlist(members={drawn: 1 / len(able)}, kept_out=kept_out)


def _less(limits: Limits, usage: Usage) -> Limits:
    """What is left of the dimension that is matched."""
    if limits.usd is not None:
        return Limits(usd=max(Decimal(0), limits.usd - usage.usd))
    return Limits(tokens=max(0, (limits.tokens or 0) - usage.tokens))


def _standing(agent: Agent, way: Way, *, seed: int) -> tuple[int, Decimal, int, int]:
    """More passed, then less spent; among equals a seeded lot."""
    lot = SeededChance(seed).integer(f"same spend/{agent.profile.operator}/{agent.profile.name}")
    return way.passed, -way.usage.usd, -way.usage.tokens, lot
