"""Strict replay: what is on record comes out again; what was changed, left out or added is named where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

import pytest

from agora.ambient import SystemClock
from agora.errors import ConfigError
from agora.events import (
    Awarded,
    BidPlaced,
    Called,
    Closed,
    Compared,
    Credited,
    Done,
    Event,
    FlowEnded,
    Judged,
    Learned,
    NodeSkipped,
    Opened,
    Paced,
    Performed,
    Posted,
    Resumed,
    Routed,
    Scored,
    Screened,
    Settled,
    Started,
    TaskDone,
    TopologyChosen,
    Verified,
)
from agora.market import Market
from agora.memory.in_memory import MemoryStore
from agora.memory.sql_store import SQLStore
from agora.tasks import Verdict
from agora.traces.replay.found import Replayed
from agora.traces.replay.making import mechanism_from, policy_from
from agora.traces.replay.replaying import replay
from traces import golden_runs
from traces.altered import ERASED, Altered, Change
from traces.golden_runs import market, memory, of_mechanism, of_policy, pool, recorded, tasks

E = TypeVar("E", bound=Event)


async def sale_run() -> MemoryStore:
    """Two runs with bids, a jury, second plans and attempts that fail."""
    return await recorded(of_mechanism("sale"))


def last(store: MemoryStore) -> str:
    return store.find_run("last")


def places(store: MemoryStore, kind: type[E]) -> list[tuple[int, E]]:
    return [(one.seq, one.event) for one in store.events(last(store)) if isinstance(one.event, kind)]


def again(store: MemoryStore, changes: dict[int, Change | str]) -> Replayed:
    return replay(Altered(store, changes), last(store))


def updated(event: Event, **fields: object) -> Event:
    return event.model_copy(update=fields)


async def test_every_kind_of_decision_is_made_again() -> None:
    seen: set[str] = set()
    for _, record in golden_runs.recorders():
        store = await recorded(record)
        for info in store.runs():
            found = replay(store, info.id)
            assert (found.diverged, found.lacking, found.drifts, found.notes) == (None, (), (), ())
            seen |= set(found.decisions)
    assert seen >= {"routed", "screened", "opened", "closed", "scored", "awarded", "settled", "credited", "learned"}
    assert seen >= {"task_done", "done", "resumed", "topology_chosen", "context_routed", "compared", "paced"}
    assert seen >= {"node_skipped", "flow_ended"}


def _score(event: Event) -> Event:
    assert isinstance(event, Scored)
    first, *others = event.clearing.ranking
    ranking = (first.model_copy(update={"total": first.total - 0.001}), *others)
    return updated(event, clearing=event.clearing.model_copy(update={"ranking": ranking}))


def _award(event: Event) -> Event:
    assert isinstance(event, Awarded)
    return updated(event, award=event.award.model_copy(update={"reason": f"{event.award.reason}!"}))


def _kept_out(event: Event) -> Event:
    assert isinstance(event, Screened)
    shortlist = event.shortlist.model_copy(update={"kept_out": {"nobody": "I say so"}})
    return updated(event, shortlist=shortlist)


def _lesson(event: Event) -> Event:
    assert isinstance(event, Learned)
    return updated(event, key=f"{event.key}?")


CHANGES: dict[type[Event], Change] = {
    Screened: _kept_out,
    Opened: lambda event: updated(event, reason="so"),
    Scored: _score,
    Awarded: _award,
    Settled: lambda event: updated(event, promised_steps=99),
    Credited: lambda event: updated(event, cost_share=cast("Credited", event).cost_share + 0.5),
    Learned: _lesson,
    Closed: lambda event: updated(event, parked=True),
    TaskDone: lambda event: updated(event, verdict=Verdict.UNKNOWN),
    Done: lambda event: updated(event, verdicts={}),
    BidPlaced: lambda event: updated(
        event, bid=cast("BidPlaced", event).bid.model_copy(update={"projected_tokens": 12345})
    ),
    Judged: lambda event: updated(event, agreement=0.123),
}


@pytest.mark.parametrize("kind", CHANGES, ids=lambda kind: kind.__name__)
async def test_a_changed_decision_is_named_at_its_position(kind: type[Event]) -> None:
    store = await sale_run()
    for seq, event in places(store, kind)[:3]:
        if isinstance(event, Scored) and not event.clearing.ranking:
            continue
        found = again(store, {seq: CHANGES[kind]}).diverged
        assert found is not None
        assert (found.seq, found.kind, found.task) == (seq, event.kind, event.task)
        assert found.fields
        assert not found.why


async def test_a_changed_routing_is_named_with_its_figures() -> None:
    store = await recorded(of_policy("linucb+sale"))
    seq, _ = places(store, Routed)[1]

    def change(event: Event) -> Event:
        assert isinstance(event, Routed)
        first, *others = event.routing.considered
        terms = {**first.terms, "mean": 0.5}
        considered = (first.model_copy(update={"terms": terms}), *others)
        return updated(event, routing=event.routing.model_copy(update={"considered": considered}))

    found = again(store, {seq: change}).diverged
    assert found is not None
    assert found.seq == seq
    assert [(field.path, field.then) for field in found.fields] == [("routing.considered.0.terms.mean", 0.5)]


async def test_another_weight_of_the_mechanism_is_named_at_the_first_scores() -> None:
    store = await sale_run()
    (seq, began), *_ = places(store, Started)
    assert '"cost":0.333' in began.mechanism_settings
    settings = began.mechanism_settings.replace('"cost":0.333', '"cost":0.733')
    found = again(store, {seq: lambda event: updated(event, mechanism_settings=settings)}).diverged
    assert found is not None
    assert found.seq == places(store, Scored)[0][0]
    assert "clearing.weights.cost" in [field.path for field in found.fields]


async def test_another_seed_is_named() -> None:
    store = await recorded(of_policy("ants"))
    (seq, _), *_ = places(store, Started)
    found = again(store, {seq: lambda event: updated(event, seed=4)}).diverged
    assert found is not None
    assert (found.seq, found.kind) == (places(store, Routed)[0][0], "routed")


@pytest.mark.parametrize(
    "record",
    [of_mechanism("sale"), of_policy("linucb"), golden_runs.flow, golden_runs.comings, golden_runs.resumed],
    ids=["sale", "linucb", "flow", "comings", "resumed"],
)
async def test_no_event_can_be_left_out_unseen(record: golden_runs.Record) -> None:
    """Each event but the very last: what was asked for and is missing, or what stands there without it, is named.

    Nothing hangs on a graph having had a topology once it stands in it, nor on a cut that cost nothing: that no whole
    entry is missing is for `agora trace verify` to say.
    """
    store = await recorded(record)
    events = list(store.events(last(store)))
    for place, one in enumerate(events[:-1]):
        if isinstance(one.event, TopologyChosen) or (isinstance(one.event, Resumed) and not one.event.unknown):
            continue
        found = again(store, {one.seq: lambda _: None}).diverged
        assert found is not None, one
        assert found.seq >= events[place + 1].seq or found.seq == 0


@pytest.mark.parametrize("kind", [BidPlaced, Judged, Scored, Awarded, Performed, Verified, Settled, Screened, Opened])
async def test_what_was_left_out_is_named_at_the_event_after_it(kind: type[Event]) -> None:
    store = await sale_run()
    seq, left_out = places(store, kind)[0]
    found = again(store, {seq: lambda _: None}).diverged
    assert found is not None
    of_task = [one.seq for one in store.events(last(store), after=seq) if one.event and one.event.task == left_out.task]
    assert found.seq == of_task[0]
    assert found.why


async def test_a_bid_of_somebody_who_was_not_asked_is_an_unrecorded_call() -> None:
    store = await sale_run()
    seq, _ = places(store, BidPlaced)[0]

    def stranger(event: Event) -> Event:
        assert isinstance(event, BidPlaced)
        return updated(event, bid=event.bid.model_copy(update={"agent": "mallory"}))

    found = again(store, {seq: stranger}).diverged
    assert found is not None
    assert (found.seq, found.why) == (seq, "mallory was not asked for a bid then")


async def test_marks_of_somebody_who_is_no_judge_and_replies_nobody_asked_for_are_unrecorded_calls() -> None:
    store = await sale_run()
    seq, _ = places(store, Judged)[0]
    found = again(store, {seq: lambda event: updated(event, judge="carl")}).diverged
    assert found is not None
    assert (found.seq, found.why) == (seq, "carl was not asked for marks then")
    seq, called = places(store, Called)[0]
    found = again(store, {seq: lambda event: updated(event, call=f"{called.call}0")}).diverged
    assert found is not None
    assert (found.seq, found.why) == (seq, f"call {called.call}0 ended and was never made: its intent is not on record")


@pytest.mark.parametrize(
    ("record", "kind", "fields"),
    [
        (golden_runs.flow, Compared, {"votes": 7}),
        (golden_runs.flow, NodeSkipped, {"reason": "no"}),
        (golden_runs.flow, FlowEnded, {"verdict": Verdict.FAILED}),
        (golden_runs.flow, TopologyChosen, {"topology": "hierarchical"}),
        (golden_runs.learned_flow, TopologyChosen, {"left_out": ("t9",)}),
        (golden_runs.paced, Paced, {"limit_usd": 1}),
    ],
)
async def test_a_changed_decision_of_a_workflow_is_named(
    record: golden_runs.Record, kind: type[Event], fields: dict[str, object]
) -> None:
    store = await recorded(record)
    seq, _ = places(store, kind)[-1]
    found = again(store, {seq: lambda event: type(event).model_validate({**dict(event), **fields})}).diverged
    assert found is not None
    assert found.seq == seq


async def test_a_task_that_the_graph_does_not_call_for_is_named() -> None:
    store = await recorded(golden_runs.flow)
    seq, _ = places(store, Posted)[0]

    def other(event: Event) -> Event:
        assert isinstance(event, Posted)
        return updated(event, task="t9", spec=event.spec.model_copy(update={"id": "t9"}))

    found = again(store, {seq: other}).diverged
    assert found is not None
    assert (found.seq, found.why) == (
        seq,
        "task 't9' was not to start then: the graph does not call for it",
    )


async def test_the_goal_of_a_task_follows_from_the_outputs_before_it() -> None:
    store = await recorded(golden_runs.flow)
    seq, _ = places(store, Performed)[0]

    def other(event: Event) -> Event:
        assert isinstance(event, Performed)
        assert event.work is not None
        return updated(event, work=event.work.model_copy(update={"output": "43"}))

    found = again(store, {seq: other}).diverged
    assert found is not None
    assert found.kind in ("compared", "flow_ended")


async def test_what_hangs_on_an_erased_body_is_said_and_the_rest_is_made_again() -> None:
    store = await recorded(of_mechanism("sale"))
    whole = replay(store, last(store))
    seq, bid = places(store, BidPlaced)[-1]
    found = again(store, {seq: ERASED})
    assert found.diverged is None
    assert found.lacking
    assert {lack.task for lack in found.lacking} == {bid.task, ""}, "its own, and the end of the run"
    assert {lack.why for lack in found.lacking} == {f"the body of event {seq} (bid) was erased"}
    assert found.made_again + len(found.lacking) == whole.made_again


async def test_an_erased_decision_cannot_be_made_again() -> None:
    store = await sale_run()
    seq, _ = places(store, Settled)[0]
    found = again(store, {seq: ERASED})
    assert found.diverged is None
    assert (seq, "settled") in [(lack.seq, lack.kind) for lack in found.lacking]


async def test_without_what_it_had_learned_from_a_policy_cannot_route_again() -> None:
    store = await recorded(of_policy("linucb"))
    first = store.runs()[-1].id
    credited = next(one for one in store.events(first) if isinstance(one.event, Credited))
    found = again(store, {credited.seq: ERASED})
    assert found.diverged is None
    assert found.lacking
    assert f"the body of event {credited.seq} was erased" in found.lacking[0].why


async def test_an_older_ledger_is_replayed_as_far_as_it_says_enough() -> None:
    """Options, abilities, purses and positions of records were not always on record."""
    store = await recorded(of_policy("sale"))
    older: dict[int, Change | str] = {}
    for one in store.events():
        if isinstance(one.event, Started):
            older[one.seq] = lambda event: updated(event, mechanism_settings="", abilities={}, versions={})
        elif isinstance(one.event, Screened):
            older[one.seq] = lambda event: updated(event, left=None, records_at=None)
        elif isinstance(one.event, (Opened, Closed)):
            older[one.seq] = lambda event: updated(event, left=None)
    found = again(store, older)
    assert found.diverged is None
    assert any("not on record" in note for note in found.notes)
    assert found.made_again > 20


async def test_last_digits_are_reported_where_another_platform_reckoned_and_a_fault_where_this_one_did() -> None:
    store = await sale_run()
    (start, began), *_ = places(store, Started)
    seq, scored = places(store, Scored)[0]

    def nudge(event: Event) -> Event:
        assert isinstance(event, Scored)
        ranking = tuple(
            one.model_copy(update={"terms": {**one.terms, "cost": one.terms["cost"] * (1 + 1e-14)}})
            for one in event.clearing.ranking
        )
        return updated(event, clearing=event.clearing.model_copy(update={"ranking": ranking}))

    assert nudge(scored) != scored
    here = again(store, {seq: nudge}).diverged
    assert here is not None
    assert here.seq == seq
    versions = {**began.versions, "platform": "Plan9 vax"}
    there = again(store, {seq: nudge, start: lambda event: updated(event, versions=versions)})
    assert there.diverged is None
    assert [drift.seq for drift in there.drifts] == [seq]
    assert "recorded with platform Plan9 vax" in there.notes[0]


async def test_a_plug_in_that_is_not_here_is_said() -> None:
    store = await sale_run()
    (start, _), *_ = places(store, Started)
    found = again(store, {start: lambda event: updated(event, mechanism="dutch", mechanism_settings="")})
    assert found.diverged is None
    assert found.lacking
    assert "mechanism 'dutch' cannot be made from the ledger alone" in found.notes[1]


async def test_a_run_that_goes_on_is_replayed_as_far_as_it_is() -> None:
    store = await sale_run()
    (seq, _) = places(store, Done)[0]
    found = again(store, {seq: lambda _: None})
    assert found.diverged is None
    assert found.notes == ("the run has no end on record: it was cut off, or goes on",)


async def test_records_are_known_by_their_events_and_by_no_table() -> None:
    """Agents that were tried before: what was known of them then follows from the ledger."""
    store = await recorded(of_policy("sale"))
    (seq, _), *_ = places(store, Screened)
    found = again(store, {seq: lambda event: updated(event, records_at=3)}).diverged
    assert found is not None
    assert (found.seq, found.kind) == (seq, "screened")


async def test_runs_that_go_on_at_the_same_time_are_each_replayed_by_what_they_knew() -> None:
    """The records that one screened by grew while the other went on."""
    store = memory()
    first, second = market(store, pool()), market(store, pool())
    async with first.open_run() as one, second.open_run() as other:
        mine, theirs = await one.post(*tasks(0, 4)), await other.post(*tasks(0, 4))
        for ours, yours in zip(mine, theirs, strict=True):
            await one.do(ours)
            await other.do(yours)
        await one.close()
        await other.close()
    for info in store.runs():
        found = replay(store, info.id)
        assert (found.diverged, found.lacking) == (None, ())
        assert found.decisions["screened"] == 4


async def test_a_resumed_run_goes_by_the_records_that_it_was_screened_by() -> None:
    """Another run taught something while it was cut off."""
    store = memory()
    with pytest.raises(golden_runs.Power):
        await golden_runs.cut("screened", 1, market(store, pool()))
    cut_off = last(store)
    await market(store, pool()).run_all(tasks(0, 3))
    await market(store, pool()).resume(cut_off)
    found = replay(store, cut_off)
    assert (found.diverged, found.lacking) == (None, ())


async def test_a_fork_is_replayed_by_its_own_rules() -> None:
    store = await recorded(of_policy("sale"))
    origin = last(store)
    (at, _) = places(store, Awarded)[1]
    made = market(store, pool(), mechanism=mechanism_from("second_score", ""), policy=policy_from("sale", ""))
    fork = await made.fork(origin, at=at)
    await made.resume(fork)
    found = replay(store, fork)
    assert (found.diverged, found.lacking) == (None, ())
    assert found.decisions["awarded"] >= 1


async def test_it_reads_a_database_as_it_reads_memory(tmp_path: Path) -> None:
    store = SQLStore.open(tmp_path / "agora.db", clock=SystemClock())
    made = Market(pool(), store=store, seed=3, budget_usd="5", secrets=())
    await made.run_all(tasks(0, 4), parallel=2)
    found = replay(store, store.find_run("last"))
    assert (found.diverged, found.lacking, found.drifts) == (None, (), ())
    assert found.made_again > 30
    await store.close()


def test_a_policy_or_mechanism_is_made_again_from_its_options() -> None:
    options = '{"budget":0.5,"reserve_score":0.25,"scorer":{"mechanism":"sale","options":{"dial":0.75}}}'
    made = mechanism_from("second_score", options)
    assert mechanism_from("second_score", getattr(made, "settings")).__dict__.keys() == made.__dict__.keys()  # noqa: B009
    assert '"dial":0.75' in getattr(made, "settings")  # noqa: B009
    with pytest.raises(ConfigError, match="refuses its options on record"):
        policy_from("linucb", '{"gama":1}')
    with pytest.raises(ConfigError, match="no JSON"):
        mechanism_from("sale", "{")
