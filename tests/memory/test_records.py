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
from agora.events import Learned
from agora.memory import MemoryStore
from agora.memory.learned import RecordUpdate, added, fresh, keys_of, read_update
from agora.records import CONFIDENCE_BINS, RECENT_DECAY, AgentRecord, confidence_bin
from agora.testing.clocks import FakeClock
from agora.testing.stores import bids_update, record_update
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
)
streams = st.lists(record_events() | bids_events, min_size=1, max_size=12)


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


@given(stated=st.floats(min_value=0, max_value=1))
def test_every_stated_confidence_has_one_bin_and_a_higher_one_none_below(stated: float) -> None:
    assert 0 <= confidence_bin(stated) < CONFIDENCE_BINS
    assert confidence_bin(stated) <= confidence_bin(min(1.0, stated + 0.05))


@pytest.mark.parametrize(
    "wrong",
    [{"stated": 1.5}, {"stated": -0.1}, {"promised_usd": "-1"}, {"tool_calls": -1}, {"passed": 2}, {"unknown": 1}],
)
async def test_an_update_that_no_market_makes_is_refused_at_the_door(wrong: dict[str, JsonValue]) -> None:
    event = record_update()
    store = MemoryStore(clock=FakeClock())
    with pytest.raises(LedgerError, match="malformed"):
        await store.record("r1", event.model_copy(update={"update": {**event.update, **wrong}}))


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
    *("squared_error", "confidence", "bids", "malformed_bids", "tool_calls", "tool_calls_ok"),
)


async def test_a_database_of_the_second_schema_gets_the_new_figures_from_its_own_ledger(place: str) -> None:
    store = open_store(place)
    await store.record("r1", record_update(), record_update(passed=0, whole=False), bids_update())
    await store.record("r1", record_update(grounded=False))
    await store.close()
    before = contents(place)
    with raw(place) as connection:
        for name in NEW:
            connection.execute(f"ALTER TABLE records DROP COLUMN {name}")
        connection.execute("DELETE FROM records WHERE tried = 0")
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    store = open_store(place)
    assert contents(place) == before
    [other, scout] = store.records()
    assert (other.bids, scout.tried, scout.confidence[7].tried, scout.recent_tried) == (1, 2, 1, 1.98)
    await store.close()
