"""Awards decided again: with nothing changed they are the record, for every rule; no more is told than is known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.abilities import Juried
from agora.auctions import SALE
from agora.auctions.always import Always
from agora.auctions.paying import within_budget
from agora.auctions.ranking import amount_share
from agora.auctions.score_auctions import FirstScore, SecondScore
from agora.bids import Bid, Juror, Profile, Shortlist
from agora.coordinator.policies import sale
from agora.events import BidPlaced, Event, Judged, Opened, Posted, Scored, Screened, Started
from agora.forks import events_of
from agora.learning import settings_of
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.protocols import Mechanism
from agora.tasks import Limits, Task, Verdict
from agora.testing import FakeClock
from agora.traces.counterfactuals.deciding import held
from agora.traces.counterfactuals.options import changed_mechanism, changed_policy
from agora.traces.counterfactuals.outcomes import outcomes, summed
from agora.traces.counterfactuals.policies import rerouted
from agora.traces.counterfactuals.runs import Change, Record, Redone, read_record, redecided
from agora.traces.replay.making import mechanism_from, options_in
from mechanism_cases import JURY, MECHANISMS, PURSE, Case, asking, cases
from traces.known_runs import logged_by
from worked_example import PAST, TASK, agents, hold


def on_record(bids: list[Bid], mechanism: Mechanism, seed: int) -> Record:
    """A run with one auction, scored as the market scores: what is heard of the jury is what the rule wants to hear."""
    wanted = mechanism.jury if isinstance(mechanism, Juried) else frozenset[str]()
    jury: dict[str, Juror] = {} if len(bids) < 2 else {j: one for j, one in JURY.items() if wanted is None}
    marked = [bid.model_copy(update={"marks": {j: mark for j, mark in bid.marks.items() if j in jury}}) for bid in bids]
    clearing = within_budget(mechanism.clear(marked, reserve=PURSE, seed=seed, jury=jury), PURSE)
    operators = {bid.agent: bid.operator for bid in bids} | {judge: one.operator for judge, one in JURY.items()}
    cards = tuple(Profile(name=name, operator=one, kind="function") for name, one in operators.items())
    events: list[Event] = [
        Started(seed=seed, agents=cards, limits=Limits(), mechanism=mechanism.name, policy="everyone"),
        Posted(task="t", spec=Task(id="t", goal="do it")),
        Screened(task="t", shortlist=Shortlist(members=dict.fromkeys(operators, 1.0)), reserve=PURSE),
        Opened(task="t", how="auction", asked=tuple(operators), reserve=PURSE),
        *(BidPlaced(task="t", bid=bid.model_copy(update={"marks": {}})) for bid in bids),
        *(
            Judged(task="t", judge=judge, agreement=one.agreement, marks={bid.agent: bid.marks[judge] for bid in bids})
            for judge, one in jury.items()
        ),
        Scored(task="t", clearing=clearing, seed=seed),
    ]
    record = Record(run="r")
    record.abilities = dict.fromkeys(operators, ())
    for seq, event in enumerate(events, 1):
        record.take(seq, event)
    return record


def begun(record: Record) -> Started:
    assert record.story.started
    return record.story.started


def only(record: Record, mechanism: Mechanism, then: Mechanism) -> Redone:
    (one,), undone = redecided(record, Change(mechanism=mechanism, then=then))
    assert not undone
    return one


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
@settings(max_examples=25, deadline=None)
@given(case=cases())
def test_with_nothing_changed_every_rule_decides_as_on_record(mechanism: Mechanism, case: Case) -> None:
    one = only(on_record(case.bids, mechanism, case.seed), mechanism, mechanism)
    assert one.now == one.then
    assert (one.moved, one.open, one.remarks, one.follows) == (False, (), (), False)


@pytest.mark.parametrize("mechanism", [SALE(), FirstScore(), SecondScore()], ids=lambda one: one.name)
@settings(max_examples=40, deadline=None)
@given(case=cases(), cut=st.integers(0, 99))
def test_a_lower_price_never_loses_an_award_that_was_won(mechanism: Mechanism, case: Case, cut: int) -> None:
    before = only(on_record(case.bids, mechanism, case.seed), mechanism, mechanism).now
    if before.winner is None:
        return
    place = next(place for place, bid in enumerate(case.bids) if bid.agent == before.winner)
    cheaper = [*case.bids]
    cheaper[place] = asking(cheaper[place], cheaper[place].price.value * cut / 100)
    assert only(on_record(cheaper, mechanism, case.seed), mechanism, mechanism).now.winner == before.winner


@settings(max_examples=60, deadline=None)
@given(case=cases(), dials=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_dial_turned_to_cost_never_moves_an_award_to_a_dearer_bid(case: Case, dials: tuple[float, float]) -> None:
    record, low, high = on_record(case.bids, SALE(), case.seed), min(dials), max(dials)
    value, cost = (only(record, SALE(dial=dial), SALE()).now for dial in (low, high))
    if value.ranking and cost.ranking:
        dearer = amount_share(cost.ranking[0].price, PURSE) - amount_share(value.ranking[0].price, PURSE)
        assert dearer <= 1e-9


@settings(max_examples=40, deadline=None)
@given(case=cases(), seed=st.integers(0, 2**40))
def test_neither_names_nor_the_order_of_events_move_what_is_decided_again(case: Case, seed: int) -> None:
    here = only(on_record(case.bids, SALE(), case.seed), Always(), SALE()).now
    there = only(on_record(case.bids[::-1], SALE(), case.seed), Always(), SALE()).now
    assert here == there


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda one: one.name)
async def test_runs_of_the_real_market_are_decided_again_as_they_were_under_every_rule(mechanism: Mechanism) -> None:
    store = MemoryStore(clock=FakeClock())
    for task in (PAST, TASK):
        market = Market(agents(), mechanism=mechanism, store=store, seed=1, budget_usd="0.10", clock=FakeClock())
        run = (await market.run_all([task])).run
        record = read_record(store, run)
        again = mechanism_from(mechanism.name, begun(record).mechanism_settings)
        redone, undone = redecided(record, Change(mechanism=again, then=again))
        assert redone
        assert not undone
        assert all(one.now == one.then and not one.open and not one.remarks for one in redone)


async def test_second_plans_move_the_award_only_where_they_would_have_been_asked_for() -> None:
    store = MemoryStore(clock=FakeClock())
    record = read_record(store, await hold(store))
    base = options_in(begun(record).mechanism_settings, where="sale")
    then = changed_mechanism("sale", base, {})
    without = changed_mechanism("sale", base, {"rules.refine": "off"})
    (first, _), _ = redecided(record, Change(mechanism=without, then=then))
    assert (first.then.winner, first.now.winner) == ("small", "large")
    assert any("would not have been asked for" in line for line in first.remarks)
    everyone = changed_mechanism("sale", base, {"rules.refine": "all"})
    (first, second), _ = redecided(record, Change(mechanism=everyone, then=then))
    assert first.open == ("large would have been asked to write again: what nobody asked is not known",)
    assert second.follows


async def test_who_leads_by_its_first_plan_is_not_asked_for_a_second_one() -> None:
    store = MemoryStore(clock=FakeClock())
    record = read_record(store, await hold(store))
    base = options_in(begun(record).mechanism_settings, where="sale")
    cheap = changed_mechanism("sale", base, {"dial": 0.999})
    (first, second), _ = redecided(record, Change(mechanism=cheap, then=changed_mechanism("sale", base, {})))
    assert (first.then.winner, first.now.winner, first.moved, first.replanned) == ("small", "small", False, True)
    assert first.remarks == ("the second plans of small would not have been asked for, and do not count",)
    assert first.now.payment != first.then.payment
    known = outcomes(store, record, [first])[0].now
    assert known
    assert (known.where, known.took) == ("this award, by its other plan", None)
    assert second.follows  # whether the other plan fails too is not known


async def test_what_is_known_of_another_winner_is_what_stands_on_record_and_no_more() -> None:
    store = MemoryStore(clock=FakeClock())
    run = await hold(store)
    record = read_record(store, run)
    then = changed_mechanism("sale", options_in(begun(record).mechanism_settings, where=""), {})
    redone, _ = redecided(record, Change(mechanism=SecondScore(), then=then))
    told = outcomes(store, record, redone)[0]
    assert told.then
    assert (told.then.verdict, told.now) == (Verdict.FAILED, None)
    assert summed([told]).known == 0

    again = Market([agents()[0]], store=store, seed=2, budget_usd="0.10", clock=FakeClock())
    other = (await again.run_all([TASK.model_copy(update={"id": "elsewhere"})])).run
    known = outcomes(store, record, redone)[0].now
    assert known
    assert (known.verdict, known.where) == (Verdict.PASSED, f"the same goal in run {other}")
    total = summed(outcomes(store, record, redone)[:1])
    assert (total.known, total.both, total.passed_then, total.passed_now) == (1, 1, 0, 1)
    assert total.took_now == known.took.usd > 0 if known.took else False


async def test_where_nobody_would_work_there_is_no_award_and_no_saving() -> None:
    store = MemoryStore(clock=FakeClock())
    record = read_record(store, await hold(store))
    then = changed_mechanism("sale", options_in(begun(record).mechanism_settings, where=""), {})
    redone, _ = redecided(record, Change(mechanism=then, then=then, without=frozenset(record.story.cards)))
    told = outcomes(store, record, redone)[0]
    assert told.then
    passed = told._replace(then=told.then._replace(verdict=Verdict.PASSED), redone=told.redone._replace(open=()))
    total = summed([passed])
    assert (total.auctions, total.awards_then, total.awards_now, total.nobody_now) == (1, 1, 0, 1)
    assert (total.passed_then, total.passed_now, total.open_now) == (1, 0, 0)
    assert (total.both, float(total.took_then)) == (0, 0.0)
    assert not total.then
    assert not total.now


async def test_an_agent_that_is_thought_away_neither_bids_nor_judges() -> None:
    store = MemoryStore(clock=FakeClock())
    record = read_record(store, await hold(store))
    then = changed_mechanism("sale", options_in(begun(record).mechanism_settings, where=""), {})
    redone, _ = redecided(record, Change(mechanism=then, then=then, without=frozenset({"small"})))
    first, second = redone
    assert "small" not in {score.agent for score in first.now.ranking}
    assert first.now.winner == "large"
    base = changed_mechanism("sale", options_in(begun(record).mechanism_settings, where=""), {})
    alone = held(record.story.tasks["product"].auctions[0], base, pool=record.pool, without={"medium"})
    assert {judge for bid in alone.bids.values() for judge in bid.marks} == {"large", "small"}
    assert not second.now.ranking  # only it was asked again
    assert second.follows


async def test_another_policy_is_asked_with_what_was_known_then_and_invents_no_bid() -> None:
    store = MemoryStore(clock=FakeClock())
    run = await hold(store)
    record, entries = read_record(store, run), list(events_of(store, run))
    base = options_in(begun(record).policy_settings, where="")
    same = rerouted(store, entries, changed_policy("linucb+sale", base, {}))
    assert set(same["product"].waves[0]) == set(record.story.tasks["product"].auctions[0].opened.asked)
    direct = rerouted(store, entries, changed_policy("linucb", {}, {}))
    assert direct["product"].direct
    assert len(direct["product"].waves[0]) == 1
    alone = await Market([agents()[0]], store=store, seed=3, budget_usd="0.10", clock=FakeClock()).run_all([TASK])
    assert json.loads(settings_of(changed_policy("linucb+sale", base, {"margin": 0.5})))["margin"] == 0.5
    assert rerouted(store, events_of(store, alone.run), changed_policy("ants", {}, {}))["product"].waves == (
        ("large",),
    )


async def test_explorations_by_lot_are_redone_as_they_fell_and_what_they_kept_from_bidding_is_not_made_up() -> None:
    store = await logged_by(sale(), tasks=60, mechanism=SALE(rules={"explore": 0.4, "post": False}))
    record = read_record(store, store.runs()[0].id)
    base = options_in(begun(record).mechanism_settings, where="")
    then = changed_mechanism("sale", base, {})
    hows = {name: task.auctions[0].opened.how for name, task in record.story.tasks.items()}
    assert {"explore", "auction"} <= set(hows.values())
    again = Change(mechanism=then, then=None)  # nothing is taken as it was: every lot is drawn anew
    redone, _ = redecided(record, again)
    firsts = {one.task: one for one in redone if not one.auction}
    for name, task in record.story.tasks.items():
        assert set(firsts[name].asked) == set(task.auctions[0].opened.asked)
        assert not firsts[name].open
    none = changed_mechanism("sale", base, {"rules.explore": 0})
    for one in redecided(record, Change(mechanism=none, then=then))[0]:
        if not one.auction and hows[one.task] == "explore":
            assert len(one.asked) == 3
            assert "never bid here: no bid on record" in one.open[0]
        elif not one.auction:
            assert not one.open
