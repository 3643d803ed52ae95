"""The stored part of the Merkle tree: right at every size, whoever appends, and however it was made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import anyio

from agora.events import BidRefused
from agora.ledger.chain import envelope_bytes
from agora.ledger.tree import Frontier, Tree, consistent, includes, leaf_hash
from agora.memory import migrations
from agora.memory.dialects import connect, transact
from agora.memory.moving import move
from agora.memory.sql_store import SQLStore
from agora.memory.subtrees import Subtrees
from agora.records import Envelope
from agora.testing.clocks import FakeClock
from memory.helpers_store import open_store, raw, small
from memory.places import Places, contents


def batch(begin: int, end: int) -> list[BidRefused]:
    return [small(number) for number in range(begin, end)]


def leaves_of(store: SQLStore) -> list[bytes]:
    return [leaf_hash(envelope_bytes(one.entry.envelope)) for one in store.stored()]


def holds(store: SQLStore) -> None:
    """The tree of a store is the one over its entries, at every size that is near a block's end."""
    leaves, size = leaves_of(store), store.size()
    tree, plain = Tree(store.hashes), Tree.of(leaves)
    near = {size, 1, 2, size // 2, *(block + step for block in (256, 512, 768) for step in (-1, 0, 1))}
    for at in sorted(one for one in near if 0 < one <= size):
        assert tree.root(at) == plain.root(at)
        assert consistent(at, tree.root(at), size, tree.root(size), tree.consistency(at, size))
        assert includes(tree.root(size), size, at - 1, leaves[at - 1], tree.inclusion(at - 1, size))


async def test_it_grows_with_the_ledger_whatever_the_sizes_of_the_commits(place: str) -> None:
    store = open_store(place)
    end = 0
    for count in (1, 254, 1, 1, 300, 0, 250):
        await store.record("r1", *batch(end, end + count))
        end += count
    holds(store)
    with raw(place) as connection:
        assert connection.execute("SELECT level, number FROM tree ORDER BY number").fetchall() == [
            (8, 0),
            (8, 1),
            (8, 2),
        ]
    await store.close()


def test_several_processes_share_it(place: str) -> None:
    stores = [open_store(place) for _ in range(3)]  # each with a connection of its own, as in a process of its own

    def append(store: SQLStore) -> None:
        for begin in range(0, 200, 20):
            anyio.run(partial(store.record, "r1", *batch(begin, begin + 20)))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(append, stores))
    assert stores[0].size() == 600
    holds(stores[0])
    for store in stores:
        anyio.run(store.close)


async def test_a_rebuild_makes_it_again(place: str) -> None:
    store = open_store(place)
    await store.record("r1", *batch(0, 600))
    before = contents(place)["tree"]
    with raw(place) as connection:
        connection.execute("DELETE FROM tree WHERE number = 0")
        connection.execute("UPDATE tree SET number = 7")
    store.rebuild()
    assert contents(place)["tree"] == before
    await store.close()


async def test_a_memory_that_is_moved_takes_it_along(places: Places, tmp_path: Path) -> None:
    source = places.new()
    store = open_store(source)
    await store.record("r1", *batch(0, 1300))
    root = Tree(store.hashes).root(1300)
    await store.close()
    move(source, tmp_path / "moved.db", clock=FakeClock())
    moved = open_store(tmp_path / "moved.db")
    holds(moved)
    assert Tree(moved.hashes).root(1300) == root
    await moved.close()


async def test_a_ledger_from_before_the_tree_gets_it_when_it_is_opened(places: Places, tmp_path: Path) -> None:
    new = open_store(tmp_path / "new.db")
    await new.record("r1", *batch(0, 600))
    await new.close()
    old = places.new(migrated=False)
    engine = connect(old)
    migrations.upgrade(engine)
    engine.dispose()
    with raw(old) as connection:
        connection.execute("DROP TABLE tree")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    with raw(tmp_path / "new.db") as source, raw(old) as target:
        mark = "?" if "://" not in old else "%s"
        for name, width in (("ledger", 8), ("bodies", 4)):
            for row in source.execute(f"SELECT * FROM {name} ORDER BY seq").fetchall():
                target.execute(f"INSERT INTO {name} VALUES ({', '.join([mark] * width)})", row)
    store = open_store(old)
    assert len(contents(old)["tree"]) == 2
    holds(store)
    await store.close()


def test_subtrees_of_subtrees_are_stored_too(tmp_path: Path) -> None:
    store, entries = open_store(tmp_path / "agora.db"), 2 * 65536 + 300
    frontier = Frontier()
    with raw(tmp_path / "agora.db") as connection:
        connection.execute("BEGIN")
        connection.execute("DROP TRIGGER ledger_insert")  # rows as they are, without their chain: only leaves count
        rows: list[tuple[object, ...]] = []
        for seq in range(1, entries + 1):
            envelope = Envelope(1, seq, "r1", "bid", 7, "00", "00")
            frontier.add(leaf_hash(envelope_bytes(envelope)))
            rows.append((*envelope, "00"))
        names = ", ".join((*Envelope._fields, "hash"))
        connection.executemany(f"INSERT INTO ledger ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
    engine = connect(tmp_path / "agora.db")
    subtrees = Subtrees(engine.dialect)
    for before, after in pairwise((0, 1000, 65535, 65536, 131000, entries)):
        transact(engine, partial(subtrees.grow, before=before, after=after))
    engine.dispose()
    assert frontier.subtrees == sorted(frontier.subtrees, key=lambda one: ((one[1] + 1) << one[0], one[0]))
    for level, number, hashed in frontier.subtrees:
        if level > 8 or number % 100 == 0:
            assert store.hashes(level, number, 1) == [hashed]
    assert store.hashes(16, 0, 9) == [hashed for level, _, hashed in frontier.subtrees if level == 16]
    assert Tree(store.hashes).root(entries) == frontier.root()
    anyio.run(store.close)
