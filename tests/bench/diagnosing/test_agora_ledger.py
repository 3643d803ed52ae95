"""Agora's ledger: first attempts at the same task compare, second ones and opinions do not."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from agora.bench.diagnosing.agora_ledger import KINDS, read_ledger
from agora.bench.diagnosing.attempts import Log, compared
from agora.bench.diagnosing.diagnosis import diagnose_log
from agora.events import Event, Posted
from agora.memory.in_memory import MemoryStore
from agora.tasks import Check, Task, Verdict
from agora.testing.clocks import FakeClock
from traces.many_ledgers import Made, attempt, began

GOALS = tuple(f"Add {at} and {at}" for at in range(40))


def _made(agent: str, *, passed: bool, usd: str = "0.01", grounded: bool = True) -> Made:
    verdict = Verdict.PASSED if passed else Verdict.FAILED
    return Made(
        run="", task="", skill="", agent=agent, verdict=verdict, grounded=grounded, usd=Decimal(usd), seconds=1.0
    )


def _task(name: str, goal: str, attempts: Sequence[Made]) -> list[Event]:
    spec = Task(id=name, goal=goal, skill="sums", verify=Check(kind="exact", options={"answer": goal}))
    return [
        Posted(task=name, spec=spec),
        *(event for number, made in enumerate(attempts, 1) for event in attempt(name, number, made)),
    ]


async def _read(runs: Sequence[Sequence[Event]]) -> Log:
    store = MemoryStore(clock=FakeClock())
    for at, events in enumerate(runs):
        await store.record(f"run{at}", began(), *events)
    return read_ledger(store.events(kinds=KINDS), "ledger")


@pytest.mark.anyio
async def test_the_same_tasks_given_to_each_agent_alone_make_a_pool() -> None:
    clerk = [e for n, goal in enumerate(GOALS) for e in _task(f"c{n}", goal, [_made("clerk", passed=n % 2 == 0)])]
    surgeon = [
        e
        for n, goal in enumerate(GOALS)
        for e in _task(f"s{n}", goal, [_made("surgeon", passed=n % 4 != 3, usd="0.05")])
    ]
    found = diagnose_log(await _read([clerk, surgeon]))
    assert found.pool is not None
    assert (found.pool.queries, found.pool.best_single, found.pool.best_score) == (40, "surgeon", 0.75)
    assert found.pool.ceiling.nobody == 10
    assert found.pool.best_usd == pytest.approx(0.05)
    assert found.spending is not None
    assert found.spending.counts["runs"] == 2


@pytest.mark.anyio
async def test_a_second_attempt_after_a_failure_is_counted_and_not_compared() -> None:
    log = await _read([_task("t", GOALS[0], [_made("clerk", passed=False), _made("surgeon", passed=True)])])
    assert [bool(one.query) for one in log.attempts] == [True, False]
    assert log.counts["second tries after a failure"] == 1
    assert compared(log) is None


@pytest.mark.anyio
async def test_an_opinion_is_no_score_and_says_so() -> None:
    log = await _read([_task("t", GOALS[0], [_made("clerk", passed=True, grounded=False)])])
    assert log.attempts[0].score is None
    assert log.oddities == ("1 verdicts that are a model's opinion, not taken as scores (first: t)",)


@pytest.mark.anyio
async def test_other_checks_make_another_query() -> None:
    other = Task(id="u", goal=GOALS[0], skill="sums", verify=Check(kind="exact", options={"answer": "0"}))
    log = await _read(
        [
            _task("t", GOALS[0], [_made("clerk", passed=True)]),
            [Posted(task="u", spec=other), *attempt("u", 1, _made("surgeon", passed=True))],
        ]
    )
    assert len({one.query for one in log.attempts}) == 2
