"""Records are sums over the ledger, the same in every store, however it was filled, rebuilt, migrated or moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora.errors import LedgerError
from agora.events import Judged, Learned
from agora.memory import MemoryStore
from agora.memory.learned import RecordUpdate, added, fresh, keys_of, packed, read_update, unpacked
from agora.records import CONFIDENCE_BINS, RECENT_DECAY, AgentRecord, confidence_bin
from agora.testing.clocks import FakeClock
from agora.testing.lessons import bids_update, judge_update, record_update
from agora.values import JsonValue
from memory.helpers_store import open_store, raw
from memory.places import contents

amounts = st.decimals(min_value=0, max_value=9, places=6).map(str)


@st.composite
def record_events(draw: st.DrawFn) -> Learned:
    """A settled attempt of one of two agents, with or without what newer versions write down."""
    agent = draw(st.sampled_from(["scout", "other"]))
    grounded = draw(st.booleans())
    event = record_update(agent=agent, passed=draw(st.integers(0, 1)), grounded=grounded, whole=False)
    more: dict[str, JsonValue] = {"usd": draw(amounts), "seconds": draw(st.floats(min_value=0, max_value=99))}
    if draw(st.booleans()):
        more |= {
            "promised_usd": draw(st.none() | amounts),
            "promised_seconds": draw(st.none() | amounts),
            "stated": draw(st.none() | st.floats(min_value=0, max_value=1)),
            "tool_calls": draw(st.integers(0, 9)),
            "tool_calls_ok": draw(st.integers(0, 9)),
        }
    return event.model_copy(update={"update": {**event.update, **more}})


bids_events = st.builds(
    bids_update,
    malformed=st.sampled_from([(), ("scout",), ("scout", "other")]),
    grounded=st.booleans(),
    entropy=st.none() | st.floats(min_value=0, max_value=1),
    surprisal_nats=st.none() | st.floats(min_value=0, max_value=20),
)
marks = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), max_size=4)


@st.composite
def judge_events(draw: st.DrawFn) -> Learned:
    """A judge's marks for up to four bids."""
    return judge_update(*draw(marks), judge=draw(st.sampled_from(["scout", "other"])), grounded=draw(st.booleans()))


streams = st.lists(record_events() | bids_events | judge_events(), min_size=1, max_size=12)


@settings(max_examples=20, deadline=None)
@given(stream=streams, cuts=st.lists(st.integers(1, 12), max_size=4))
def test_a_database_adds_up_as_memory_does_whatever_the_batches_and_a_rebuild_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, stream: list[Learned], cuts: list[int]
) -> None:
    async def fill() -> None:
        lasting = open_store(tmp_path_factory.mktemp("records") / "agora.db")
        passing = MemoryStore(clock=FakeClock())
        ends = sorted({*cuts, len(stream)})
        for start, end in zip([0, *ends], ends, strict=False):
            await lasting.record("r1", *stream[start:end])
            await passing.record("r1", *stream[start:end])
        found = (lasting.records(), lasting.records(grounded=False))
        assert found[0] == passing.records()
        lasting.rebuild()
        assert (lasting.records(), lasting.records(grounded=False)) == found
        await lasting.close()

    anyio.run(fill)


def record_with(*, entropies: list[float]) -> AgentRecord:
    stream = [bids_update(entropy=one, surprisal_nats=3 * one) for one in entropies]
    update = read_update(record_update())
    record = folded(stream, agent="scout", grounded=True) or fresh(keys_of(update)[0])
    return added(record, update)


def folded(stream: Sequence[Learned], *, agent: str, grounded: bool) -> AgentRecord | None:
    record: AgentRecord | None = None
    for update in map(read_update, stream):
        for key in keys_of(update):
            if (key.agent, key.grounded) == (agent, grounded):
                record = added(record or fresh(key), update)
    return record


@given(stream=st.lists(record_events(), min_size=1, max_size=30))
def test_what_is_added_up_one_by_one_is_what_all_attempts_together_say(stream: list[Learned]) -> None:
    record = folded(stream, agent="scout", grounded=True)
    updates = [read_update(event) for event in stream]
    mine = [one for one in updates if isinstance(one, RecordUpdate) and one.agent == "scout" and one.grounded]
    if record is None:
        assert not mine
        return
    assert (record.tried, record.passed) == (len(mine), sum(one.passed for one in mine))
    assert Decimal(record.usd) == sum(one.usd for one in mine)
    priced = [one for one in mine if one.promised_usd is not None]
    assert Decimal(record.promised_usd) == sum((one.promised_usd or Decimal(0) for one in priced), Decimal(0))
    assert Decimal(record.delivered_usd) == sum((one.usd for one in priced), Decimal(0))
    timed = [one for one in mine if one.promised_seconds is not None]
    assert math.isclose(record.promised_seconds, sum(one.promised_seconds or 0 for one in timed), abs_tol=1e-9)
    assert math.isclose(record.delivered_seconds, sum(one.seconds for one in timed), abs_tol=1e-9)
    ages = range(len(mine) - 1, -1, -1)
    recent = sum(one.passed * RECENT_DECAY**age for one, age in zip(mine, ages, strict=True))
    assert math.isclose(record.recent_passed, recent, abs_tol=1e-9)
    assert math.isclose(record.recent_tried, sum(RECENT_DECAY**age for age in ages), abs_tol=1e-9)
    said = [(one.stated, one.passed) for one in mine if one.stated is not None]
    assert math.isclose(record.squared_error, sum((stated - passed) ** 2 for stated, passed in said), abs_tol=1e-9)
    for place, counted in enumerate(record.confidence):
        inside = [(stated, passed) for stated, passed in said if confidence_bin(stated) == place]
        assert (counted.tried, counted.passed) == (len(inside), sum(passed for _, passed in inside))
        assert math.isclose(counted.stated, sum(stated for stated, _ in inside), abs_tol=1e-9)


@given(given_marks=st.lists(marks, max_size=8))
def test_a_judge_is_right_where_a_mark_of_three_or_more_goes_with_work_that_passed(
    given_marks: list[list[tuple[int, int]]],
) -> None:
    stream = [judge_update(*bids) for bids in given_marks] + [judge_update((0, 1), judge="other")]
    record = folded(stream, agent="scout", grounded=True)
    pairs = [pair for bids in given_marks for pair in bids]
    if record is None:
        assert not given_marks
        return
    passed, failed = [mark for mark, good in pairs if good], [mark for mark, good in pairs if not good]
    assert (record.judged_passed, record.judged_failed) == (len(passed), len(failed))
    assert record.judged_passed_right == len([mark for mark in passed if mark in (3, 4, 5)])
    assert record.judged_failed_right == len([mark for mark in failed if mark in (0, 1, 2)])
    assert (record.tried, record.bids, record.usd) == (0, 0, "0")


shares = st.floats(min_value=0, max_value=1)
measured = st.none() | shares


@given(figures=st.lists(measured, max_size=8) | st.lists(shares, min_size=51, max_size=60))
def test_of_entropies_and_surprisals_the_latest_fifty_are_kept_in_order(figures: list[float | None]) -> None:
    record = folded([bids_update(entropy=one) for one in figures], agent="scout", grounded=True)
    other = folded([bids_update(surprisal_nats=one) for one in figures], agent="scout", grounded=True)
    known = tuple(one for one in figures if one is not None)[-50:]
    assert ((record.entropies, record.surprisals) if record else ((), ())) == (known, ())
    assert ((other.entropies, other.surprisals) if other else ((), ())) == ((), known)


@given(record=st.builds(record_with, entropies=st.lists(st.floats(min_value=0, max_value=1), max_size=50)))
def test_a_record_is_read_from_its_columns_as_it_was_written(record: AgentRecord) -> None:
    assert unpacked(packed(record)) == record


@given(stated=st.floats(min_value=0, max_value=1))
def test_every_stated_confidence_has_one_bin_and_a_higher_one_none_below(stated: float) -> None:
    assert 0 <= confidence_bin(stated) < CONFIDENCE_BINS
    assert confidence_bin(stated) <= confidence_bin(min(1.0, stated + 0.05))


@pytest.mark.parametrize(
    "wrong",
    [
        {"bids": []},
        {"stated": 1.5},
        {"stated": -0.1},
        {"promised_usd": "-1"},
        {"tool_calls": -1},
        {"passed": 2},
        {"unknown": 1},
    ],
)
async def test_an_update_that_no_market_makes_is_refused_at_the_door(wrong: dict[str, JsonValue]) -> None:
    event = record_update()
    store = MemoryStore(clock=FakeClock())
    with pytest.raises(LedgerError, match="malformed"):
        await store.record("r1", event.model_copy(update={"update": {**event.update, **wrong}}))


@pytest.mark.parametrize(
    "bid", [{"mark": 6, "passed": 1}, {"mark": -1, "passed": 0}, {"mark": 3}, {"mark": 2.5, "passed": 1}]
)
async def test_a_mark_that_no_jury_gives_is_refused_at_the_door(bid: dict[str, JsonValue]) -> None:
    event = judge_update((3, 1))
    store = MemoryStore(clock=FakeClock())
    with pytest.raises(LedgerError, match="malformed"):
        await store.record("r1", event.model_copy(update={"update": {**event.update, "bids": [bid]}}))


@pytest.mark.parametrize("wrong", [{"entropy": 1.5}, {"entropy": -0.1}, {"surprisal_nats": -1.0}])
async def test_an_entropy_that_cannot_be_is_refused_at_the_door(wrong: dict[str, JsonValue]) -> None:
    event = bids_update()
    bidder: dict[str, JsonValue] = {"operator": "acme", "agent": "scout", **wrong}
    store = MemoryStore(clock=FakeClock())
    with pytest.raises(LedgerError, match="malformed"):
        await store.record("r1", event.model_copy(update={"update": {**event.update, "bidders": [bidder]}}))


async def test_a_bidder_that_is_named_twice_is_counted_once_a_bid_in_every_store(tmp_path: Path) -> None:
    event = bids_update(malformed=("scout",))
    bidders = event.update["bidders"]
    assert isinstance(bidders, list)
    doubled = event.model_copy(update={"update": {**event.update, "bidders": [*bidders, *bidders]}})
    lasting, passing = open_store(tmp_path / "agora.db"), MemoryStore(clock=FakeClock())
    await lasting.record("r1", doubled)
    await passing.record("r1", doubled)
    assert lasting.records() == passing.records()
    assert [(one.bids, one.malformed_bids) for one in passing.records()] == [(2, 0), (2, 2)]
    await lasting.close()


NEW = (
    *("recent_tried", "recent_passed", "promised_usd", "delivered_usd", "promised_seconds", "delivered_seconds"),
    *("bidding_usd", "bidding_seconds"),
    *("squared_error", "confidence", "bids", "malformed_bids", "tool_calls", "tool_calls_ok"),
    *("judged_passed", "judged_passed_right", "judged_failed", "judged_failed_right", "entropies", "surprisals"),
)
OF_AUCTIONS = (
    *(("auctions", "auction"), ("auctions", "round"), ("bids", "auction"), ("bids", "round")),
    *(("awards", "auction"), ("memory_entries", "auction")),
)


async def test_a_database_of_the_second_schema_gets_the_new_figures_from_its_own_ledger(place: str) -> None:
    store = open_store(place)
    await store.record("r1", record_update(), record_update(passed=0, whole=False), bids_update(entropy=0.25))
    await store.record("r1", record_update(grounded=False), judge_update((4, 1), judge="other"))
    await store.record("r1", Judged(task="t1", judge="other", round=1, marks={"scout": 4, "other": 2}))
    await store.close()
    before = contents(place)
    with raw(place) as connection:
        for name in NEW:
            connection.execute(f"ALTER TABLE records DROP COLUMN {name}")
        for table, name in OF_AUCTIONS:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
        connection.execute("DROP TABLE judgements")
        connection.execute("DROP INDEX ledger_by_kind")
        connection.execute("DROP TABLE tree")
        connection.execute(
            "CREATE TABLE judgements (seq BIGINT NOT NULL PRIMARY KEY, run VARCHAR NOT NULL, task VARCHAR NOT NULL, "
            "judge VARCHAR NOT NULL, agent VARCHAR NOT NULL, score FLOAT NOT NULL, reason VARCHAR NOT NULL)"
        )
        connection.execute("DELETE FROM records WHERE tried = 0")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    store = open_store(place)
    assert contents(place) == before
    [other, scout] = store.records()
    assert (other.bids, scout.tried, scout.confidence[7].tried, scout.recent_tried) == (1, 2, 1, 1.98)
    assert (other.judged_passed_right, scout.entropies) == (1, (0.25,))
    await store.close()
