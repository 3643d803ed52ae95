"""Figures over many runs: counted as by hand, with honest intervals, in one pass that can go on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest
from scipy import stats

from agora.bench.ways import NOTE
from agora.events import Done, Event, Posted
from agora.fork_events import Fork
from agora.intervals import Sums, lowest
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.tasks import Task, Verdict
from agora.testing.clocks import FakeClock
from agora.traces.many.figures import Figures, PoolFigures, ScopeFigures, Selected
from agora.traces.many.fold import COMPARED
from agora.traces.many.gathering import Many
from traces.many_ledgers import POOL, Made, a_run, a_task, began, ended, usage

RUNS = 25


async def _written(runs: Sequence[tuple[str, Sequence[Event]]], *, apart_s: float = 3600.0) -> MemoryStore:
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    for run, events in runs:
        await store.record(run, *events)
        clock.advance(apart_s)
    return store


async def _many(count: int = RUNS, *, tasks: int = 4) -> tuple[MemoryStore, list[Made]]:
    made = {f"run{at:04}": a_run(f"run{at:04}", at, tasks=tasks) for at in range(count)}
    store = await _written([(run, events) for run, (events, _) in made.items()])
    return store, list(chain.from_iterable(facts for _, facts in made.values()))


def _class(figures: Figures, skill: str) -> ScopeFigures:
    return next(scope for scope in figures.classes if scope.skill == skill)


def _pool(scope: ScopeFigures, *agents: str) -> PoolFigures:
    return next(pool for pool in scope.pools if pool.agents == agents)


def _one(agent: str, verdict: Verdict, usd: str = "0.01", *, grounded: bool = True) -> Made:
    return Made(
        run="r", task="t", skill="", agent=agent, verdict=verdict, grounded=grounded, usd=Decimal(usd), seconds=1.0
    )


def _passed(agent: str, usd: str = "0.01") -> Made:
    return _one(agent, Verdict.PASSED, usd)


def _failed(agent: str, usd: str = "0.01") -> Made:
    return _one(agent, Verdict.FAILED, usd)


async def _figures_of(*tasks: Sequence[Made], skill: str = "python") -> Figures:
    events = chain.from_iterable(a_task(f"t{at}", skill, line) for at, line in enumerate(tasks))
    return Many(await _written([("aaaa", [began(), *events])])).figures()


async def test_agents_are_counted_as_by_hand_and_what_a_model_judged_stays_apart() -> None:
    store, facts = await _many()
    figures = Many(store).figures()
    for scope in figures.classes:
        for agent in scope.agents:
            mine = [made for made in facts if (made.skill, made.agent) == (scope.skill, agent.agent)]
            grounded = [made for made in mine if made.grounded]
            judged = [made for made in mine if not made.grounded]
            assert (agent.attempts, agent.total_usd) == (len(mine), sum(made.usd for made in mine))
            assert agent.grounded.n == len(grounded)
            assert agent.grounded.passed == sum(made.verdict is Verdict.PASSED for made in grounded)
            assert (agent.judged.n, agent.judged.passed) == (
                len(judged),
                sum(made.verdict is Verdict.PASSED for made in judged),
            )
            costs = [float(made.usd) for made in mine]
            assert agent.usd.value == pytest.approx(sum(costs) / len(costs))
            low, high = stats.t.interval(0.95, len(costs) - 1, loc=sum(costs) / len(costs), scale=stats.sem(costs))
            assert (agent.usd.low, agent.usd.high) == pytest.approx((max(0.0, low), high))
    assert sum(scope.tasks for scope in figures.classes) == figures.total.tasks == RUNS * 4
    assert sum((scope.usd for scope in figures.classes), Decimal(0)) == figures.total.usd


async def test_a_pool_is_known_by_the_tasks_of_its_members_only() -> None:
    store, facts = await _many()
    for scope in Many(store).figures().classes:
        for pool in scope.pools:
            if not pool.agents:
                continue
            tasks: dict[tuple[str, str], dict[str, tuple[bool, Decimal]]] = {}
            for made in facts:
                if made.skill == scope.skill and made.agent in pool.agents and made.grounded:
                    tasks.setdefault((made.run, made.task), {})[made.agent] = (made.verdict is Verdict.PASSED, made.usd)
            passed = sum(any(result for result, _ in tried.values()) for tried in tasks.values())
            failed = sum(
                len(tried) == len(pool.agents) and not any(result for result, _ in tried.values())
                for tried in tasks.values()
            )
            assert (pool.grounded.n, pool.grounded.passed) == (len(tasks), passed)
            assert pool.unknown == len(tasks) - passed - failed
            ended = [
                tried for tried in tasks.values() if any(r for r, _ in tried.values()) or len(tried) == len(pool.agents)
            ]
            costs = [float(sum((usd for _, usd in tried.values()), Decimal(0))) for tried in ended]
            assert pool.usd.value == pytest.approx(sum(costs) / len(costs))


async def test_the_cheapest_pool_is_named_once_its_lower_bound_allows_it() -> None:
    sure = await _figures_of(*[[_passed("scout", "0.01")]] * 80, *[[_passed("surgeon", "0.05")]] * 80)
    said = _class(sure, "python").cheapest
    assert said is not None
    assert said.pool == "scout"
    assert "80 of 80 passed" in said.sentence
    few = await _figures_of(*[[_passed("scout", "0.01")]] * 10, *[[_passed("surgeon", "0.05")]] * 10)
    said = _class(few, "python").cheapest
    assert said is not None
    assert said.pool is None
    assert said.sentence.startswith("Not known yet")
    assert said.needed
    wait = await _figures_of(*[[_passed("scout", "0.01")]] * (10 + said.needed), *[[_passed("surgeon", "0.05")]] * 10)
    last = await _figures_of(*[[_passed("scout", "0.01")]] * (9 + said.needed), *[[_passed("surgeon", "0.05")]] * 10)
    settled, not_yet = _class(wait, "python").cheapest, _class(last, "python").cheapest
    assert settled is not None
    assert not_yet is not None
    assert settled.pool is not None
    assert not_yet.pool is None


async def test_a_dearer_pool_is_not_named_where_a_cheaper_one_is_enough_and_no_pool_where_none_is() -> None:
    scope = _class(await _figures_of(*[[_failed("clerk", "0.001"), _passed("surgeon", "0.05")]] * 90), "python")
    assert scope.cheapest is not None
    assert scope.cheapest.pool == "surgeon"  # the clerk fails all, so it is only in the way
    both = _pool(scope, "clerk", "surgeon")
    assert both.grounded.passed == 90
    assert both.usd.value == pytest.approx(0.051)
    assert not both.frontier
    none = _class(await _figures_of(*[[_failed("clerk")]] * 60), "python").cheapest
    assert none is not None
    assert none.pool is None
    assert none.sentence.startswith("No pool on record passes 90 %")


async def test_a_pool_whose_others_were_not_tried_is_not_known_there() -> None:
    tasks = [
        *[[_failed("clerk"), _passed("surgeon")]] * 3,
        *[[_failed("clerk")]] * 5,
        [_failed("clerk"), _failed("surgeon")],
    ]
    scope = _class(await _figures_of(*tasks), "python")
    both = _pool(scope, "clerk", "surgeon")
    assert (both.grounded.n, both.grounded.passed, both.unknown) == (9, 3, 5)
    assert both.grounded.low == pytest.approx(lowest(3, 9, level=scope.sure))
    assert both.grounded.high == pytest.approx(1 - lowest(1, 9, level=scope.sure))


async def test_pools_are_compared_more_strictly_the_more_there_are() -> None:
    one = _class(await _figures_of(*[[_passed("scout")]] * 36), "python")
    assert (len(one.pools), round(one.sure, 4)) == (2, 0.975)
    assert one.cheapest is not None
    assert one.cheapest.pool is None  # 36 of 36 would be enough for one pool, and two are compared


async def test_the_frontier_has_nobody_that_is_dearer_and_no_better() -> None:
    store, _ = await _many()
    for scope in Many(store).figures().classes:
        for pool in scope.pools:
            better = [
                other
                for other in scope.pools
                if other.usd.value is not None
                and pool.usd.value is not None
                and other.usd.value < pool.usd.value
                and (other.grounded.value or 0) >= (pool.grounded.value or 0)
            ]
            assert pool.frontier == (not better)
    (nothing,) = (one for one in (await _figures_of(*[[_failed("clerk")]] * 4)).classes if one.skill == "python")
    assert [pool.frontier for pool in nothing.pools if pool.grounded.n] == [False] * len(nothing.pools)


async def test_awards_windows_and_overhead_add_up() -> None:
    store, facts = await _many(100)
    figures = Many(store).figures()
    for scope in (figures.total, *figures.classes):
        mine = [made for made in facts if scope.skill in (None, made.skill)]
        for agent in POOL:
            assert sum(window.to.get(agent, 0) for window in scope.awards) == sum(made.agent == agent for made in mine)
        assert sum(window.tasks for window in scope.windows) == scope.tasks
        assert sum(window.grounded.passed for window in scope.windows) == scope.grounded.passed
        assert len(scope.windows) <= 12
        assert len({window.tasks for window in scope.windows[:-1]}) == 1  # but for the last, all are of one size
        told = {part.part: part.usd for part in scope.spending}
        assert told["bids"] + told["jury"] == scope.overhead.usd
        assert told["work"] + scope.overhead.usd == scope.usd
        assert scope.overhead.share == pytest.approx(float(scope.overhead.usd / scope.usd))


async def test_judges_are_held_against_checks_only() -> None:
    store, facts = await _many()
    for judge in Many(store).figures().total.judges:
        marked = [made for made in facts if made.grounded and judge.judge in made.marks]
        right = [made for made in marked if (made.marks[judge.judge] >= 3) == (made.verdict is Verdict.PASSED)]
        assert judge.passed.n + judge.failed.n == len(marked)
        assert judge.passed.passed + judge.failed.passed == len(right)


async def test_a_fold_that_goes_on_says_what_a_fresh_one_says() -> None:
    made = [a_run(f"run{at:04}", at) for at in range(3)]
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    growing = Many(store)
    for at, (events, _) in enumerate(made):
        for event in events:
            await store.record(f"run{at:04}", event)
            if event.kind in ("awarded", "settled", "task_done"):
                assert growing.figures() == Many(store).figures()
        clock.advance(60)
        assert growing.figures() == Many(store).figures()
    assert growing.figures().total.tasks == 12


async def test_runs_are_selected_by_time_number_and_skill() -> None:
    store, facts = await _many(10)
    begun = [entry.at_us for entry in store.events(kinds=frozenset({"started"}))]
    last = Many(store, Selected(last=3)).figures()
    since = Many(store, Selected(since_us=begun[7])).figures()
    assert (last.runs, last.total) == (3, since.total)
    mine = [made for made in facts if made.run >= "run0007" and made.skill == "docs"]
    docs = Many(store, Selected(last=3, skill="docs")).figures()
    assert [scope.skill for scope in docs.classes] == ["docs"]
    assert docs.total.tasks == len({(made.run, made.task) for made in mine})
    assert Many(store, Selected(since_us=begun[-1] + 1)).figures().total.tasks == 0


async def test_alternatives_and_forks_count_for_nothing() -> None:
    assert COMPARED == NOTE
    task = list(a_task("t", "python", [_passed("scout")]))
    forked = began().model_copy(update={"forked": Fork(run="aaaa", at=2)})
    runs = [("aaaa", [began(), *task]), ("bbbb", [began(notes={NOTE: "always"}), *task]), ("cccc", [forked, *task])]
    figures = Many(await _written(runs)).figures()
    assert (figures.runs, figures.aside, figures.total.tasks) == (1, 2, 1)


async def test_nothing_on_record_open_tasks_and_tasks_that_nobody_took() -> None:
    assert Many(await _written([])).figures().total.tasks == 0
    opened: list[Event] = [began(), Posted(task="t", spec=Task(id="t", goal="g"))]
    figures = Many(await _written([("aaaa", opened)])).figures()
    assert (figures.runs, figures.open_tasks, figures.classes) == (1, 1, ())
    untried: list[Event] = [*opened, ended("t", []), Done(verdicts={"t": Verdict.FAILED}, usage=usage())]
    scope = Many(await _written([("aaaa", untried)])).figures().classes[0]
    assert (scope.skill, scope.untried, scope.grounded.n, scope.grounded.passed) == ("", 1, 1, 0)
    assert scope.cheapest is not None
    assert "no check has decided" in scope.cheapest.sentence


async def test_free_agents_cost_no_dollars_and_are_compared_in_seconds() -> None:
    free = [_passed("scout", "0")]
    events = [event for event in a_task("t", "", free) if event.kind not in ("called", "task_done")]
    done = ended("t", free).model_copy(update={"usage": usage("0", 2.0), "overhead": usage("0", 1.0)})
    scope = Many(await _written([("aaaa", [began(), *events, done])])).figures().classes[0]
    assert (str(scope.usd), scope.unit, scope.overhead.share) == ("0", "s", 0.5)
    assert [pool.usd.value for pool in scope.pools] == [0.0, 0.0]


async def test_one_name_of_two_operators_is_two_agents() -> None:
    task = list(a_task("t", "python", [_passed("scout")]))
    other = began()
    moved = other.model_copy(
        update={"agents": tuple(card.model_copy(update={"operator": f"new-{card.name}"}) for card in other.agents)}
    )
    figures = Many(await _written([("aaaa", [other, *task]), ("bbbb", [moved, *task])])).figures()
    assert [agent.agent for agent in figures.total.agents] == ["scout (new-scout)", "scout (op-scout)"]


@pytest.mark.parametrize("kind", ["posted", "awarded", "verified", "settled", "started", "task_done"])
async def test_what_was_erased_is_missing_and_never_made_up(kind: str, tmp_path: Path) -> None:
    store = SQLStore.open(tmp_path / "agora.db", clock=FakeClock())
    try:
        for run in ("aaaa", "bbbb"):
            await store.record(run, began(), *a_task("t", "python", [_passed("scout")]))
        store.erase(next(entry.seq for entry in store.events("aaaa", kinds=frozenset({kind}))))
        figures = Many(store).figures()
    finally:
        await store.close()
    assert figures.erased == 1
    assert figures.runs == 2
    assert figures.total.grounded.n in (1, 2)
    assert figures.total.grounded.passed == figures.total.grounded.n
    assert sum(agent.grounded.n for agent in figures.total.agents) == figures.total.grounded.n


def test_a_mean_is_that_of_its_figures_however_they_come() -> None:
    figures = [0.1 * at * at for at in range(50)]
    whole, first, second = Sums(), Sums(), Sums()
    for at, figure in enumerate(figures):
        whole.add(figure)
        (first if at < 20 else second).add(figure)
    first.merge(second)
    assert first.mean().model_dump() == pytest.approx(whole.mean().model_dump())
