"""Events of some kinds: the same as all events without the others, in their order, a page at a time."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path

import pytest

from agora.events import Event
from agora.memory import reads
from agora.memory.dialects import connect
from agora.memory.migrations import upgrade
from memory.helpers_store import open_store
from traces.many_ledgers import a_run


@pytest.mark.parametrize("kinds", [("bid",), ("started", "done"), ("bid", "judged", "awarded", "nothing"), ()])
async def test_some_kinds_are_read_in_order_across_pages(
    place: str, kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "_PAGE", 7)
    store = open_store(place)
    try:
        made: list[Event] = a_run("aaaa", 1)[0]
        await store.record("aaaa", *made[:20])
        await store.record("bbbb", *a_run("bbbb", 2)[0])
        await store.record("aaaa", *made[20:])
        every = list(store.events())
        for run in (None, "aaaa"):
            for after in (0, 25):
                found = list(store.events(run, after=after, kinds=frozenset(kinds)))
                wanted = [
                    one
                    for one in every
                    if one.event and one.event.kind in kinds and one.seq > after and run in (None, one.run)
                ]
                assert found == wanted
                assert all(one.seq < other.seq for one, other in pairwise(found))
    finally:
        await store.close()


def test_a_page_of_several_kinds_sorts_no_more_than_a_page_of_each(tmp_path: Path) -> None:
    """Where all that is left is sorted for each page, a ledger of 1,000,000 events takes hours."""
    path = str(tmp_path / "agora.db")
    upgrade(connect(path))
    query = reads.query_of(None, after=5, kinds=frozenset({"bid", "done", "started"}))
    with sqlite3.connect(path) as plain:
        text = str(query.compile(compile_kwargs={"literal_binds": True}))
        plan = [str(row[3]) for row in plain.execute(f"EXPLAIN QUERY PLAN {text}")]
    assert not [line for line in plan if line.startswith("SCAN ledger")]
    assert sum("ledger_by_kind (kind=? AND seq>?)" in line for line in plan) == 3
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
