"""Policies in the market: who is asked follows from what the ledger says became of whom, in one process or in many."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from agora import Workflow, failpoints
from agora.agents.function import FunctionAgent
from agora.ambient import SystemClock
from agora.auctions.ranking import arm_of
from agora.bids import Plan, Price, Profile, Shortlist
from agora.cli.definitions import load_policy
from agora.coordinator.policies import Coordinated, ants, linucb_sale
from agora.coordinator.policies.by_ants import AntsRanker
from agora.errors import ConfigError, ModelError, UnknownNameError
from agora.events import (
    Awarded,
    BidRefused,
    Called,
    Event,
    Joined,
    Left,
    Opened,
    Posted,
    Screened,
    Started,
    TaskDone,
)
from agora.failpoints import Failpoint
from agora.learning import KEPT_EVERY, knowing
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.open_run import OpenRun
from agora.protocols import Agent, Chance, Desk, Policy, Store
from agora.routing import Outlook
from agora.routing_events import Credited, Routed
from agora.tasks import Check, Limits, Task, Verdict
from agora.testing import FakeClock, RuleModel, check_policy
from agora.workflows.executor import run_flow

LEARNING = ("linucb", "ants", "linucb+sale", "ants+sale", "auto")
SAYS_42 = Check(kind="exact", options={"answer": "42"})


class Power(BaseException):
    """The power is cut; not an Exception, so that nobody in between catches it."""


def named(name: str) -> Policy:
    return load_policy(name, project=None)


def agent(
    name: str,
    *,
    right: int = 10,
    price: str = "0.01",
    skills: tuple[str, ...] = (),
    trust: tuple[str, ...] = (),
    lost: str = "",
    declines: bool = False,
    alike: str = "",
) -> Agent:
    """Answers the first so many of every ten tasks right.

    Args:
        name: Its name.
        right: How many.
        price: Dollars a task.
        skills: What it says it can do.
        trust: What data it may see.
        lost: Where its connection breaks: in "bids" or in "work".
        declines: Whether it never bids.
        alike: Its operator, where it shares one.
    """

    async def bid(desk: Desk) -> Plan | None:
        if lost == "bids":
            raise ModelError(name, "connection refused")
        return None if declines else Plan(text=f"answer, as {name}", tokens=0)

    async def perform(desk: Desk, plan: Plan) -> str:
        if lost == "work":
            raise ModelError(name, "connection refused")
        return "42" if int(desk.task.id.removeprefix("t")) % 10 < right else "41"

    perform.__qualname__ = alike or name  # an operator of its own
    return FunctionAgent(name, perform, plan=bid, price=Price(per_task=Decimal(price)), skills=skills, trust=trust)


def tasks(first: int, count: int, **fields: object) -> list[Task]:
    goal = {"goal": "what is 6 x 7?", "verify": SAYS_42, **fields}
    return [Task.model_validate({"id": f"t{n}", **goal}) for n in range(first, first + count)]


def events_of(store: Store, kind: type[Event] | None = None) -> list[Event]:
    found = [item.event for item in store.events() if item.event is not None]
    return found if kind is None else [event for event in found if isinstance(event, kind)]


def awards(store: Store) -> list[str]:
    return [event.award.agent for event in events_of(store) if isinstance(event, Awarded)]


def asked(store: Store) -> list[tuple[str, ...]]:
    return [event.asked for event in events_of(store) if isinstance(event, Opened)]


def market(pool: Sequence[Agent], store: Store, policy: Policy | None, *, seed: int = 3, attempts: int = 1) -> Market:
    return Market(pool, store=store, policy=policy, seed=seed, attempts=attempts, budget_usd="100", clock=FakeClock())


def memory() -> MemoryStore:
    return MemoryStore(clock=FakeClock())


POOL = (agent("able", price="0.05"), agent("weak", right=2), agent("half", right=5, price="0.02"))


@pytest.mark.parametrize("name", [*LEARNING, "sale", "everyone"])
def test_each_policy_is_found_by_its_name_and_keeps_the_rules_of_all_policies(name: str) -> None:
    policy = named(name)
    assert policy.name == name
    check_policy(policy, [one.profile for one in POOL])


def test_a_name_nobody_knows_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="linucb"):
        named("linucp")


def test_options_stand_in_a_file_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "mine.toml").write_text('policy = "linucb"\ngamma = 0.99\nper_arm = true\n')
    assert load_policy("mine", project=tmp_path).name == "linucb"
    (folder / "mine.toml").write_text('policy = "linucb"\ngama = 0.99\n')
    with pytest.raises(ConfigError, match="did you mean 'gamma'"):
        load_policy("mine", project=tmp_path)
    (folder / "mine.toml").write_text('policy = "linucb"\ngamma = 2.0\n')
    with pytest.raises(ConfigError, match="gamma"):
        load_policy("mine", project=tmp_path)


@pytest.mark.parametrize("option", ['policy = "tcar"\nmodel', 'policy = "ants"\nclassifier'])
def test_a_model_that_a_file_names_and_that_is_none_is_refused_with_the_files_name(option: str, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.toml").write_text(f'{option} = "nope/none"\n')
    with pytest.raises(ConfigError, match=r"policies/mine\.toml: no model named 'nope/none'"):
        load_policy("mine", project=tmp_path)


async def test_while_nothing_is_known_everybody_bids() -> None:
    store = memory()
    await market(POOL, store, None).run_all(tasks(0, 1))
    (screened,) = (event for event in events_of(store) if isinstance(event, Screened))
    assert set(screened.shortlist.waves[0]) == {"able", "weak", "half"}
    assert screened.shortlist.routing is None, "it stands on the ledger once"
    (routed,) = (event for event in events_of(store) if isinstance(event, Routed))
    assert {one.agent for one in routed.routing.considered} == {"able", "weak", "half"}


async def test_linucb_gives_tasks_to_whom_outcomes_speak_for() -> None:
    store = memory()
    await market(POOL, store, named("linucb")).run_all(tasks(0, 60))
    assert awards(store)[-20:].count("able") >= 15


async def test_ants_give_tasks_to_whom_outcomes_speak_for() -> None:
    store = memory()
    await market(POOL, store, named("ants")).run_all(tasks(0, 100))
    assert awards(store)[-30:].count("able") >= 20


async def test_with_an_auction_the_shortlist_narrows_as_more_is_known() -> None:
    store = memory()
    pool = [agent("able", skills=("sums",)), *(agent(f"weak{n}", right=0) for n in range(4))]
    await market(pool, store, named("linucb+sale"), attempts=2).run_all(tasks(0, 60, skill="sums"))
    first = [event.asked for event in events_of(store) if isinstance(event, Opened) and event.auction == 0]
    assert len(first[0]) == 5
    waves = [event.shortlist.waves[0] for event in events_of(store) if isinstance(event, Screened)]
    assert min(len(wave) for wave in waves[-10:]) < 5
    assert all("able" in wave for wave in waves[-10:])


async def test_after_a_failure_the_next_in_rank_is_asked() -> None:
    store = memory()
    pool = [agent("weak", right=0), agent("able", price="0.5")]
    report = await market(pool, store, named("linucb"), attempts=3).run_all(tasks(0, 1))
    assert report.passed == 1
    assert asked(store)[0] == ("weak",)
    assert asked(store)[-1] == ("able",)


@pytest.mark.parametrize("where", ["bids", "work"])
async def test_whoever_cannot_be_reached_is_left_alone_for_a_while(where: str) -> None:
    store = memory()
    pool = [agent("dead", lost=where, price="0.01"), agent("able", price="0.5")]
    await market(pool, store, linucb_sale(margin=1.0), attempts=3).run_all(tasks(0, 12))
    failures = [event for event in events_of(store) if isinstance(event, Credited) and event.failure]
    assert {event.agent for event in failures} == {"dead"}
    assert 3 <= len(failures) <= 4
    (*_, last) = (event for event in events_of(store) if isinstance(event, Routed))
    held = last.routing.details["held_back"]
    assert isinstance(held, dict)
    assert "failed hard 3 times in a row; tried again in" in str(held["dead"])
    (*_, screened) = (event for event in events_of(store) if isinstance(event, Screened))
    assert screened.shortlist.waves == (("able",), ("dead",)), "it is asked when nobody else is left"


async def test_where_nobody_else_is_left_the_dead_are_called_all_the_same() -> None:
    store = memory()
    await market([agent("dead", lost="bids")], store, None).run_all(tasks(0, 6))
    assert len([event for event in events_of(store) if isinstance(event, BidRefused)]) == 6


async def test_a_measurement_teaches_nothing() -> None:
    store = memory()
    await Market(POOL, store=store, seed=3, learn=False).run_all(tasks(0, 3))
    assert not [event for event in events_of(store) if isinstance(event, Credited)]


async def test_what_only_a_model_judged_says_nothing_of_ability() -> None:
    store = memory()
    await market(POOL, store, None).run_all(tasks(0, 1, verify=None))
    (credited,) = (event for event in events_of(store) if isinstance(event, Credited))
    assert credited.passed is None
    assert credited.failure is None


@pytest.mark.parametrize("name", LEARNING)
async def test_many_runs_know_what_one_long_run_knows(name: str, tmp_path: Path) -> None:
    """Each run restores what the ledger says; the last one also from what was kept of it."""
    one, many = memory(), SQLStore.open(tmp_path / "agora.db", clock=SystemClock())
    await market(POOL, one, named(name)).run_all(tasks(0, 90))
    for first in range(0, 90, 30):
        await market(POOL, many, named(name)).run_all(tasks(first, 30))
    knows = {store: known(named(name), store) for store in (one, many)}
    assert awards(one) == awards(many)
    assert parts(knows[one]) == parts(knows[many])
    assert len(events_of(many)) > KEPT_EVERY
    assert known(named(name), many) == knows[many], "what was kept and what is read give the same"
    await many.close()


def parts(saved: str) -> list[str]:
    """What it says, without the ids of runs, by which some of it is sorted."""
    return sorted(re.split(r"[,{}]", re.sub("[0-9a-f]{12}/", "", saved)))


def known(policy: Policy, store: Store) -> str:
    own, _ = knowing(policy, store)
    assert isinstance(own, Coordinated)
    return own.saved()


@pytest.mark.parametrize("name", LEARNING)
async def test_every_decision_is_made_again_from_the_ledger_alone(name: str) -> None:
    store = memory()
    for first in (0, 15):
        await market(POOL, store, named(name), attempts=2).run_all(tasks(first, 15))
    assert decided_again(store, name) == 30


def decided_again(store: Store, name: str) -> int:
    """Make every routing on the ledger again, from what the policy knew then; how many there are."""
    decided = 0
    for info in store.runs():
        entries = list(store.events(info.id))
        (started,) = (entry.event for entry in entries if isinstance(entry.event, Started))
        policy, _ = knowing(named(name), store, up_to=started.knows)
        assert isinstance(policy, Coordinated)
        posted = {entry.event.task: entry.event.spec for entry in entries if isinstance(entry.event, Posted)}
        pool = [card.name for card in started.agents]
        for entry in entries:
            if isinstance(entry.event, Joined):
                pool.append(entry.event.profile.name)
            elif isinstance(entry.event, Left):
                pool.remove(entry.event.agent)
            elif isinstance(entry.event, Routed):
                again = policy.again(posted[entry.event.task], entry.event, pool)
                assert again == entry.event.routing
                decided += 1
            if entry.event is not None:
                policy.learn(info.id, entry.event)
    return decided


async def with_changes(one: Market, changes: Mapping[str, Callable[[OpenRun], Awaitable[None]]], count: int) -> None:
    """Do tasks one after another, with what happens to the pool before some of them."""
    async with one.open_run() as run:
        for each in await run.post(*tasks(0, count)):
            if each.id in changes:
                await changes[each.id](run)
            await run.do(each, limits=Limits(usd=Decimal(1)))
        await run.close()


@pytest.mark.parametrize("name", LEARNING)
async def test_a_policy_learns_on_while_agents_join_and_leave(name: str, tmp_path: Path) -> None:
    store = SQLStore.open(tmp_path / "agora.db", clock=SystemClock())
    able, weak, half = POOL
    changes: dict[str, Callable[[OpenRun], Awaitable[None]]] = {
        "t20": lambda run: run.join(able),
        "t50": lambda run: run.leave("weak"),
        "t55": lambda run: run.leave("half"),
        "t60": lambda run: run.leave("able", "holiday"),
        "t61": lambda run: run.join(weak),
        "t65": lambda run: run.join(able),
    }
    await with_changes(market([weak, half], store, named(name)), changes, 70)
    did = {event.task: event.award.agent for event in events_of(store) if isinstance(event, Awarded)}
    assert set(did.values()) == {"able", "weak", "half"}
    assert {did[f"t{n}"] for n in range(55, 60)} == {"able"}
    assert "t60" not in did, "nobody took part"
    assert {did[f"t{n}"] for n in range(61, 65)} == {"weak"}
    assert decided_again(store, name) == 69
    kept, one = named(name), known(named(name), store)
    assert isinstance(kept, Coordinated)
    assert kept.restored(one)
    assert parts(kept.saved()) == parts(one), "what was learned of changing pools can be kept"
    await store.close()


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("at", ["screened", "awarded", "verified", "credited"])
async def test_a_run_that_was_cut_off_goes_on_with_what_it_knew(at: str, parallel: int) -> None:
    store = memory()

    def power() -> None:
        raise Power

    failpoints.arm(Failpoint(at, 5, act=power))
    try:
        with pytest.raises(Power):
            await market(POOL, store, None, attempts=2).run_all(tasks(0, 12), parallel=parallel)
    finally:
        failpoints.arm(None)
    report = await market(POOL, store, None, attempts=2).resume("last")
    assert len(report.results) == 12
    assert decided_again(store, "linucb+sale") == 12
    credited = [event.decision for event in events_of(store) if isinstance(event, Credited)]
    assert len(set(credited)) == len(credited) == len(awards(store))


async def test_outcomes_that_come_twice_late_or_for_nobody_change_nothing() -> None:
    store = memory()
    await market(POOL, store, None).run_all(tasks(0, 5))
    policy, _ = knowing(named("linucb+sale"), store)
    assert isinstance(policy, Coordinated)
    before = policy.saved()
    run = store.runs()[0].id
    for credited in [event for event in events_of(store) if isinstance(event, Credited)]:
        policy.learn(run, credited)
        policy.learn("another run", credited)
        policy.learn(run, credited.model_copy(update={"task": "no such task"}))
    assert policy.saved() == before


async def test_what_another_release_saw_is_not_learned_from() -> None:
    store = memory()
    await market(POOL, store, None).run_all(tasks(0, 3))
    policy = named("linucb+sale")
    assert isinstance(policy, Coordinated)
    for event in events_of(store):
        if isinstance(event, Routed):
            older = event.routing.model_copy(update={"details": {"features": "features-0"}})
            policy.learn("r", event.model_copy(update={"routing": older}))
        else:
            policy.learn("r", event)
    assert '"learned":[]' in policy.saved()
    assert not policy.restored('{"version": "coordinated/0"}')
    assert not policy.restored("no json")


async def test_everyone_kept_out_by_trust_is_said_and_costs_nothing() -> None:
    store = memory()
    report = await market(POOL, store, None).run_all(tasks(0, 1, labels=["private"]))
    (done,) = (event for event in events_of(store) if isinstance(event, TaskDone))
    assert done.verdict is Verdict.FAILED
    assert "is not trusted with private data" in done.reason
    assert report.usage.usd == 0
    assert asked(store) == [()]


async def test_a_task_of_a_workflow_is_routed_by_its_depth_and_by_who_did_what_it_follows() -> None:
    store = memory()
    flow = Workflow("steps")
    follows = {"t0": (), "t1": ("t0",), "t2": ("t0",), "t3": ("t1", "t2")}
    for name, after in follows.items():
        flow.task(name, "what is 6 x 7?", after=after, verify=SAYS_42)
    await run_flow(market(POOL, store, named("ants")), flow.build(), {})
    places = {event.task: event.place for event in events_of(store) if isinstance(event, Routed)}
    assert {task: place.layer for task, place in places.items()} == {"t0": 0, "t1": 1, "t2": 1, "t3": 2}
    did = {event.task: event.award.agent for event in events_of(store) if isinstance(event, Awarded)}
    arms = {one.profile.name: arm_of(one.profile) for one in POOL}
    assert places["t0"].sources == ()
    assert places["t3"].sources == (arms[did["t1"]], arms[did["t2"]])
    assert decided_again(store, "ants") == 4


def sorter(answer: str) -> RuleModel:
    return RuleModel("scripted/sorter", lambda request: answer, price=Price(output_per_mtok=Decimal(1)))


def sorting(model: RuleModel) -> Coordinated:
    return Coordinated("ants", AntsRanker, direct=True, classifier=model)


async def test_a_model_may_say_of_what_type_a_task_is_and_is_asked_once() -> None:
    store, model = memory(), sorter('{"maths": 1.0}')
    await market(POOL, store, sorting(model)).run_all(tasks(0, 2))
    weights = [event.routing.details["weights"] for event in events_of(store) if isinstance(event, Routed)]
    assert weights == [{"maths": 1.0}] * 2
    assert model.calls == 2
    spent = [event for event in events_of(store) if isinstance(event, Called)]
    assert {event.agent for event in spent} == {"classifier"}
    assert decided_again(store, "ants") == 2


async def test_data_with_labels_and_useless_answers_leave_it_to_words() -> None:
    store, model = memory(), sorter("I think maths")
    able = agent("able", trust=("private",))
    await market([able], store, sorting(model)).run_all([*tasks(0, 1), *tasks(1, 1, labels=["private"])])
    assert model.calls == 1, "what is private is shown to no model"
    routed = [event for event in events_of(store) if isinstance(event, Routed)]
    assert [event.routing.details["intent_reason"] for event in routed] == [""] * len(routed)


async def test_task_types_by_meaning_with_the_extra() -> None:
    store = memory()
    await market(POOL, store, ants(classifier="embeddings")).run_all(
        tasks(0, 1, goal="The parser crashes on empty input: repair the function")
    )
    (routed,) = (event for event in events_of(store) if isinstance(event, Routed))
    weights = routed.routing.details["weights"]
    assert isinstance(weights, dict)
    assert max(weights, key=lambda kind: str(weights[kind])) == "code"
    assert decided_again(store, "ants") == 1


class Loose:
    """A policy that lets in everybody, loses one and names a stranger: as a plug-in may."""

    name = "loose"

    def shortlist(self, task: Task, pool: Sequence[Profile], outlook: Outlook, *, chance: Chance) -> Shortlist:
        members = {one.name: 1.0 for one in pool}
        return Shortlist(members=members, waves=((pool[0].name, "stranger", pool[0].name),))


async def test_no_policy_loosens_the_hard_filters_or_loses_anybody() -> None:
    store = memory()
    pool = [agent("untrusted"), agent("weak", right=0, trust=("private",)), agent("able", trust=("private",))]
    report = await market(pool, store, Loose(), attempts=3).run_all(tasks(0, 1, labels=["private"]))
    assert report.passed == 1
    assert awards(store)[-1] == "able"
    (screened,) = (event for event in events_of(store) if isinstance(event, Screened))
    assert screened.shortlist.kept_out == {"untrusted": "is not trusted with private data"}
    assert set(screened.shortlist.waves[0]) == {"weak", "able"}


async def test_whoever_recovers_is_found_when_all_others_decline() -> None:
    store = memory()
    dead, shy = agent("back", lost="work"), agent("shy", price="0.5", declines=True)
    await market([dead, shy], store, named("linucb")).run_all(tasks(0, 4))
    report = await market([agent("back"), shy], store, named("linucb")).run_all(tasks(4, 3))
    assert report.passed == 3


@pytest.mark.parametrize("name", ["linucb", "ants"])
async def test_no_name_and_no_place_in_the_pool_favours_one_of_two_that_are_the_same(name: str) -> None:
    for first, second in (("a", "b"), ("b", "a")):
        store = memory()
        pair = [agent(first, alike="twin"), agent(second, alike="twin")]
        await market(pair, store, named(name)).run_all(tasks(0, 40))
        assert 10 <= awards(store).count("a") <= 30


async def test_two_agents_of_one_operator_have_records_of_their_own() -> None:
    store = memory()
    pool = [agent("able", alike="one", price="0.05"), agent("weak", alike="one", right=0, skills=("sums",))]
    await market(pool, store, named("linucb")).run_all(tasks(0, 40))
    assert awards(store)[-10:].count("able") >= 8


async def test_nothing_of_a_measurement_is_kept() -> None:
    store = memory()
    await Market(POOL, store=store, seed=3, learn=False, clock=FakeClock()).run_all(tasks(0, 20))
    assert known(named("linucb+sale"), store) == known(named("linucb+sale"), memory())


async def test_a_run_is_not_gone_on_with_under_other_options() -> None:
    store = memory()

    def power() -> None:
        raise Power

    failpoints.arm(Failpoint("awarded", 1, act=power))
    try:
        with pytest.raises(Power):
            await market(POOL, store, linucb_sale(alpha=0.5)).run_all(tasks(0, 1))
    finally:
        failpoints.arm(None)
    with pytest.raises(ConfigError, match="options"):
        await market(POOL, store, linucb_sale(alpha=2.0)).resume("last")
    assert (await market(POOL, store, linucb_sale(alpha=0.5)).resume("last")).results


async def test_equals_share_the_chance_to_be_chosen_and_the_dearer_have_none() -> None:
    store = memory()
    pool = [agent("a"), agent("b"), agent("dear", price="0.5")]
    await market(pool, store, named("linucb")).run_all(tasks(0, 1))
    (screened,) = (event for event in events_of(store) if isinstance(event, Screened))
    assert screened.shortlist.members == {"a": 0.5, "b": 0.5, "dear": 1.0}


@pytest.mark.parametrize("name", LEARNING)
async def test_propensities_are_chances(name: str) -> None:
    store = memory()
    await market(POOL, store, named(name)).run_all(tasks(0, 30))
    for event in events_of(store):
        if isinstance(event, Screened):
            assert all(0 < chance <= 1 for chance in event.shortlist.members.values())
            if event.shortlist.direct and name == "ants":
                (chosen,) = event.shortlist.waves[0]
                routed = next(one for one in events_of(store) if isinstance(one, Routed) and one.task == event.task)
                p = {one.agent: one.terms["p"] for one in routed.routing.considered}
                assert event.shortlist.members[chosen] == pytest.approx(p[chosen])
