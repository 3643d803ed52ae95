"""What the demo's market is held against: two alternatives that are really run, each as a run of its own.

Always the dearest agent: whoever asks most on average, alone, with one attempt a task, in a process of its own while
the market runs. Same-budget best of n: the market's sampler alone, allowed as many written tokens as the whole market
took, spread evenly over the tasks. Both are marked in the notes of their first event.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast

import anyio

from agora.agents.sampler import MOST_CHECKS, MOST_SAMPLES, TOKEN_CAPS
from agora.auctions.ranking import cost_share
from agora.bids import Plan, Profile
from agora.cli.session import Session
from agora.cli.story import RunStory
from agora.market import Market
from agora.protocols import Agent, Desk, Sandbox, Store
from agora.settings import environment
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


@dataclass(kw_only=True)
class DearestAlone:
    """Always the dearest agent, in a process of its own, begun as soon as a guess at who it is can be made.

    The guess is checked at the end; if the market's last bids prove it wrong, the right agent is run instead.
    """

    session: Session
    """Project and settings."""
    checklist: Path
    """The folder of tasks."""
    budget_usd: Decimal
    """What it may spend."""
    seed: int
    """The market's."""
    guess: str | None = None
    """Who was begun with."""
    _guessed: anyio.Event = field(default_factory=anyio.Event)
    _found: Mapping[str, object] | None = None
    _finished: anyio.Event = field(default_factory=anyio.Event)

    def look(self, story: RunStory) -> None:
        """Begin as soon as two bids for one task have been opened."""
        if self.guess is None and any(len(task.bids) > 1 and task.clearing for task in story.tasks.values()):
            self.guess = dearest(story)
            self._guessed.set()

    async def begin(self) -> None:
        """Wait for the guess, then measure."""
        await self._guessed.wait()
        if self.guess is not None:
            self._found = await self._measure(self.guess)
        self._finished.set()

    async def end(self, story: RunStory) -> Figures:
        """The figures of whoever really is the dearest."""
        name = dearest(story)
        if name is None:
            self._guessed.set()
            return Figures(name="always the dearest", how="", error="nobody bid")
        if self.guess is None:
            self.guess = name
            self._guessed.set()
        await self._finished.wait()
        if name != self.guess:
            self._found = await self._measure(name)
        return _figures(f"always {name}", f"alone: {self._command_text(name)}", self._found)

    def _arguments(self, name: str) -> list[str]:
        return [
            *("run", str(self.checklist), "--agents", name, "--attempts", "1", "--json"),
            *("--budget", str(self.budget_usd), "--seed", str(self.seed)),
            *("--note", f"{NOTE}=always the dearest agent"),
            *(("--project", str(self.session.project)) if self.session.project else ()),
        ]

    def _command_text(self, name: str) -> str:
        return f"agora run {self.checklist.name} --agents {name} --attempts 1"

    async def _measure(self, name: str) -> Mapping[str, object] | None:
        command = [sys.executable, "-m", "agora", *self._arguments(name)]
        variables = {**environment(), "AGORA_DB_URL": self.session.database}
        done = await anyio.run_process(command, env=variables, stderr=subprocess.DEVNULL, check=False)
        found: object = None
        with suppress(json.JSONDecodeError, UnicodeDecodeError):
            found = json.loads(done.stdout)
        return cast("Mapping[str, object]", found) if isinstance(found, dict) else None


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


async def best_of_n(
    agents: Sequence[Agent],
    tasks: Sequence[Task],
    *,
    tokens: int,
    budget_usd: Decimal,
    store: Store,
    sandbox: Sandbox | None,
    seed: int,
    of: str,
) -> Figures:
    """Same-budget best of n.

    Args:
        agents: The market's pool; its last sampler by name is taken.
        tasks: The checklist.
        tokens: What the market wrote, bids included.
        budget_usd: What it may spend.
        store: Where it is recorded.
        sandbox: Where candidates are checked.
        seed: The market's.
        of: The market's run.
    """
    name = "same-budget best of n"
    samplers = [agent for agent in agents if agent.profile.kind == "sampler"]
    if not samplers or not tokens:
        return Figures(name=name, how="", error="no sampler is in the pool" if not samplers else "nothing was written")
    each = tokens // len(tasks)
    agent = BestOfN(min(samplers, key=lambda one: one.profile.name), tokens_each=each)
    market = Market([agent], budget_usd=budget_usd, store=store, sandbox=sandbox, attempts=1, seed=seed)
    report = await market.run_all(tasks, notes={NOTE: f"same-budget best of n, {each} tokens a task", "of": of})
    return Figures(
        name=f"same-budget best of {agent.samples}",
        how=f"{agent.profile.model} alone, at most {tokens} tokens in all, {each} a check, checked on visible examples",
        run=report.run,
        passed=report.passed,
        tasks=len(tasks),
        usd=report.usage.usd,
        tokens=report.usage.output_tokens,
        seconds=report.usage.seconds,
    )


def _figures(name: str, how: str, found: Mapping[str, object] | None) -> Figures:
    """Figures from the JSON that `agora run` printed."""
    if found is None or found.get("schema") != "agora.run/1":
        return Figures(name=name, how=how, error="its run gave no result")
    verdicts = cast("Mapping[str, str]", found["verdicts"])
    usage = cast("Mapping[str, str | int | float]", found["usage"])
    return Figures(
        name=name,
        how=how,
        run=str(found["run"]),
        passed=sum(verdict == "passed" for verdict in verdicts.values()),
        tasks=len(verdicts),
        usd=Decimal(str(usage["usd"])),
        tokens=int(usage["output_tokens"]),
        seconds=float(usage["seconds"]),
    )
