"""Ledgers with past auctions: the events that a market would have written, in a real store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import anyio

from agora.ambient import SystemClock
from agora.bids import Amount, Award, Clearing, Plan, Score, Unit
from agora.events import Awarded, Event, Posted, Scored, Settled, Started, Verified
from agora.memory.sql_store import SQLStore
from agora.tasks import Limits, Outcome, Task, Usage, Verdict

SIGNS = {"cost": 1, "entropy": -1, "jury": -1, "latency": 1}


class Tried(NamedTuple):
    """What came of an award."""

    agent: str
    verdict: Verdict = Verdict.PASSED
    usd: str = "0"
    grounded: bool = True
    seconds: float = 0.0


def began(*, learn: bool = True) -> Started:
    """A run's opening row."""
    return Started(seed=1, agents=(), limits=Limits(), mechanism="sale", policy="everyone", learn=learn)


def score(agent: str, figures: Mapping[str, float], *, told: bool = True, unit: Unit = "usd") -> Score:
    """A score at weights of 1; its figures are left out where nobody told them."""
    terms = {term: SIGNS[term] * figure for term, figure in figures.items()}
    price = Amount(value=Decimal("0.1"), unit=unit)
    return Score(agent=agent, total=sum(terms.values()), terms=terms, figures=figures if told else {}, price=price)


def scored(task: str, *scores: Score, mechanism: str = "sale", auction: int = 0, round_: int = 0) -> Scored:
    """An auction, the lowest score first."""
    ranking = tuple(sorted(scores, key=lambda one: one.total))
    clearing = Clearing(mechanism=mechanism, ranking=ranking)
    return Scored(task=task, auction=auction, clearing=clearing, seed=1, round=round_)


def attempted(task: str, number: int, tried: Tried) -> list[Event]:
    """One award and what came of it."""
    agent, usage = tried.agent, Usage(usd=Decimal(tried.usd), seconds=tried.seconds)
    outcome = Outcome(verdict=tried.verdict, verifier="command", grounded=tried.grounded)
    award = Award(agent=agent, attempt=number, plan=Plan(text="x"), payment=Amount(value=Decimal(0)), reason="lowest")
    return [
        Awarded(task=task, award=award),
        Verified(task=task, agent=agent, attempt=number, outcome=outcome),
        Settled(
            task=task,
            agent=agent,
            attempt=number,
            promised_steps=1,
            promised_tokens=1,
            delivered=usage,
            verdict=tried.verdict,
        ),
    ]


def auctioned(task: str, scores: Sequence[Score], *tried: Tried, skill: str = "") -> list[Event]:
    """A task from its announcement to its last attempt."""
    attempts = [event for number, one in enumerate(tried, start=1) for event in attempted(task, number, one)]
    return [Posted(task=task, spec=Task(id=task, goal="do it", skill=skill)), scored(task, *scores), *attempts]


def remember(project: Path, *events: Event, run: str = "aaaaaaaaaaaa") -> None:
    """Put events into the memory of a project, as one run."""

    async def write() -> None:
        (project / "memory").mkdir(exist_ok=True)
        store = SQLStore.open(project / "memory" / "agora.db", clock=SystemClock())
        try:
            async with store.hold(run):
                await store.record(run, *events)
        finally:
            await store.close()

    anyio.run(write)
