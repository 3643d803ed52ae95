"""Ledgers of many runs: the events that a market would have written, made up by a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from agora.ambient import SeededChance
from agora.bids import Amount, Award, Bid, Plan, Profile
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Done,
    Event,
    Judged,
    Posted,
    Settled,
    Started,
    TaskDone,
    Verified,
)
from agora.tasks import Limits, Outcome, Task, Usage, Verdict

POOL = ("clerk", "scout", "surgeon")
ASKS = {"clerk": Decimal("0.001"), "scout": Decimal("0.004"), "surgeon": Decimal("0.05")}
SKILL = {"clerk": 0.5, "scout": 0.8, "surgeon": 0.97}


@dataclass(kw_only=True)
class Made:
    """What a test knows of one attempt beside the ledger."""

    run: str
    task: str
    skill: str
    agent: str
    verdict: Verdict
    grounded: bool
    usd: Decimal
    seconds: float
    marks: dict[str, int] = field(default_factory=dict[str, int])


def began(pool: Sequence[str] = POOL, *, notes: dict[str, str] | None = None) -> Started:
    """A run's opening row."""
    cards = tuple(Profile(name=name, operator=f"op-{name}", kind="llm") for name in pool)
    return Started(seed=1, agents=cards, limits=Limits(), mechanism="sale", policy="everyone", notes=notes or {})


def usage(usd: Decimal | str = "0", seconds: float = 0.0, *, tokens: int = 10) -> Usage:
    """What something took."""
    return Usage(usd=Decimal(usd), output_tokens=tokens, steps=1, seconds=seconds)


def attempt(task: str, number: int, made: Made, *, auction: int = 0) -> Iterator[Event]:
    """Bids, marks, an award and what came of it."""
    for bidder, price in ASKS.items():
        plan = Plan(text=f"plan of {bidder}", steps=2, tokens=20)
        asked = Amount(value=price)
        bid = Bid(agent=bidder, plan=plan, length_tokens=4, projected_tokens=20, price=asked, content_hash=bidder)
        yield Called(task=task, call=f"{task}/bid/{bidder}/1", agent=bidder, usage=usage("0.0001", 0.1))
        yield BidPlaced(task=task, auction=auction, bid=bid)
    for judge, mark in made.marks.items():
        yield Called(task=task, call=f"{task}/jury-0/{judge}/1", agent=judge, usage=usage("0.0002", 0.2))
        yield Judged(task=task, auction=auction, judge=judge, marks={made.agent: mark})
    plan = Plan(text=f"plan of {made.agent}", steps=2, tokens=20)
    award = Award(agent=made.agent, attempt=number, plan=plan, payment=Amount(value=Decimal(0)), reason="lowest")
    yield Awarded(task=task, auction=auction, award=award)
    took = usage(made.usd, made.seconds)
    yield Called(task=task, call=f"{task}/attempt-{number}/{made.agent}/1", agent=made.agent, usage=took)
    outcome = Outcome(verdict=made.verdict, verifier="command", grounded=made.grounded)
    yield Verified(task=task, agent=made.agent, attempt=number, outcome=outcome)
    yield Settled(
        task=task,
        agent=made.agent,
        attempt=number,
        promised_steps=2,
        promised_tokens=20,
        delivered=took,
        verdict=made.verdict,
    )


def ended(task: str, attempts: Sequence[Made]) -> TaskDone:
    """A task's terminal row."""
    marks = sum(len(made.marks) for made in attempts)
    overhead = usage(
        len(attempts) * Decimal("0.0003") + marks * Decimal("0.0002"), len(attempts) * 0.3 + marks * 0.2, tokens=0
    )
    work = Usage(usd=sum((one.usd for one in attempts), Decimal(0)), seconds=sum(one.seconds for one in attempts))
    verdict = attempts[-1].verdict if attempts else Verdict.FAILED
    return TaskDone(task=task, verdict=verdict, attempts=len(attempts), usage=work + overhead, overhead=overhead)


def a_task(name: str, skill: str, attempts: Sequence[Made]) -> Iterator[Event]:
    """A task from its announcement to its end."""
    yield Posted(task=name, spec=Task(id=name, goal="do it", skill=skill))
    for number, made in enumerate(attempts, start=1):
        yield from attempt(name, number, made, auction=number - 1)
    yield ended(name, attempts)


def a_run(
    run: str, seed: int, *, tasks: int = 4, skills: Sequence[str] = ("python", "docs")
) -> tuple[list[Event], list[Made]]:
    """A whole run: clerk or scout begins, surgeon follows where a check fails."""
    draw = _drawing(SeededChance(seed))
    events: list[Event] = [began()]
    facts: list[Made] = []
    for at in range(tasks):
        name, skill = f"t{at}", skills[int(draw() * len(skills))]
        line = ["clerk", "surgeon"] if draw() < 0.5 else ["scout", "surgeon"]
        grounded = draw() < 0.85
        attempts: list[Made] = []
        for agent in line:
            verdict = Verdict.PASSED if draw() < SKILL[agent] else Verdict.FAILED
            price = ASKS[agent] * Decimal(str(round(0.5 + draw(), 3)))
            marks = {judge: int(draw() * 6) for judge in POOL if judge != agent}
            one = Made(
                run=run,
                task=name,
                skill=skill,
                agent=agent,
                verdict=verdict,
                grounded=grounded,
                usd=price,
                seconds=round(1 + draw(), 3),
                marks=marks,
            )
            attempts.append(one)
            if verdict is Verdict.PASSED:
                break
        events += a_task(name, skill, attempts)
        facts += attempts
    verdicts = {f"t{at}": Verdict.PASSED for at in range(tasks)}
    events.append(Done(verdicts=verdicts, usage=usage()))
    return events, facts


def _drawing(chance: SeededChance) -> Callable[[], float]:
    numbers = iter(range(1_000_000))
    return lambda: chance.uniform(f"draw-{next(numbers)}")
