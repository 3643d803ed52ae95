"""Every provider fault, twenty rounds each, through litellm, the guard, the desk, the purse and the ledger.

The long form is `python benchmarks/soak_providers.py 50`.
"""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from agora.events import Called, Reserved
from agora.memory.in_memory import MemoryStore
from agora.messages import Message, Request
from agora.models.retry_budget import LEAST
from agora.tasks import Usage
from agora.testing import FakeClock, FaultyEndpoint
from agora.testing.chaos import BEHAVIOURS, FAULTS
from agora.testing.chaos_matrix import BATCH, GRACE_S, ROUNDS, Row, audit, play_all, table
from agora.testing.endpoint import at_random


@pytest.mark.timeout(400)
async def test_no_fault_hangs_passes_for_a_whole_answer_or_costs_more_calls_than_a_tenth() -> None:
    rows = await play_all()
    shown = table(rows)
    assert not [row for row in rows if row.broken], shown
    assert len(rows) >= 2 * 24
    assert all(row.rounds == row.replies + row.errors == ROUNDS for row in rows), shown
    assert max(row.late_s for row in rows) <= GRACE_S, shown
    calls, rounds = sum(row.calls for row in rows), sum(row.rounds for row in rows)
    assert calls <= 1.1 * rounds, shown
    assert all(row.calls <= ROUNDS + LEAST * math.ceil(ROUNDS / BATCH) for row in rows), shown
    assert calls >= 0.95 * rounds, f"faults were not met at all\n{shown}"


def test_the_table_of_rows_says_what_was_broken_and_adds_up() -> None:
    fine = Row("ok", 20, 20, 0, 22, -0.5)
    bad = Row("cut", 20, 1, 19, 20, 0.25, ("a reply",))
    lines = table([fine, bad]).splitlines()
    assert lines[2].endswith("1 broken, as: a reply")
    assert lines[3].split()[:6] == ["all", "40", "21", "19", "0.25", "1.05"]


async def test_the_books_are_audited() -> None:
    store = MemoryStore(clock=FakeClock())
    request = Request(messages=(Message(role="user", content="hi"),))
    lost = Reserved(task="t", call="1", agent="a", model="m", request=request, usd=Decimal(1), tokens=1)
    wrong = Called(task="t", call="2", agent="a", error="x", usage=Usage())
    await store.record("r", lost, wrong.model_copy(update={"call": "1", "usage": Usage(usd=Decimal("0.5"))}))
    assert audit(store) == ["an error that is booked at 0.5"]
    await store.record("r", lost.model_copy(update={"call": "2"}))
    assert "an intent without an end, or an end without an intent" in audit(store)


def test_the_same_seed_gives_the_same_weather_at_the_rate_that_was_asked_for() -> None:
    first = [at_random(3, rate=0.2)(number) for number in range(1000)]
    assert first == [at_random(3, rate=0.2)(number) for number in range(1000)]
    assert first != [at_random(4, rate=0.2)(number) for number in range(1000)]
    faulty = sum(play is not BEHAVIOURS["ok"] for play in first)
    assert 150 < faulty < 250
    drawn = {id(at_random(3)(number)) for number in range(2000)}
    assert drawn == {id(fault.play) for fault in FAULTS.values()}


def test_an_endpoint_plays_weather_in_the_place_of_a_script() -> None:
    with FaultyEndpoint(weather=at_random(1, rate=0.0)) as endpoint:
        assert endpoint.count == 0
