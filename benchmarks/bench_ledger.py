"""The ledger as evidence: what it takes to append with hashes and tree, to open, sign, prove and verify a long one.

Run: python benchmarks/bench_ledger.py [ENTRIES] [FOLDER]

FOLDER keeps the database, so that a long one is made once. Events are those of auctioned tasks (about 0.9 kB each), 200
tasks at once. CPU is that of the whole process; wall time is this disk's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SystemClock
from agora.ledger.notes import SecretKey
from agora.ledger.tree import Tree, consistent, includes
from agora.memory.sql_store import SQLStore
from agora.traces.trust.checkpoints import Signed
from agora.traces.trust.proving import prove
from agora.traces.trust.rooted import whole
from agora.traces.trust.verifying import examine
from benchmarks.bench_store import started, steps

T = TypeVar("T")
TASKS_AT_ONCE = 200


async def fill(store: SQLStore, entries: int) -> None:
    """Append until there are so many."""
    count = sum(len(step) for step in steps("task-1"))
    numbers = iter(range((entries - store.size()) // count))

    async def worker() -> None:
        for number in numbers:
            for events in steps(f"task-{number}"):
                await store.record(f"run-{number // 20}", *events)

    await store.record("bench", started())
    async with anyio.create_task_group() as group:
        for _ in range(TASKS_AT_ONCE):
            group.start_soon(worker)


def timed(what: str, work: Callable[[], T], *, of: int = 0) -> T:
    """Do it once, and say what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rate = f", {cpu / of * 1e6:.1f} us CPU an entry, {of / wall:,.0f} entries/s" if of else ""
    print(f"{what}: {cpu:.3f} s CPU, {wall:.3f} s{rate}")
    return found


def measure(path: Path, entries: int) -> None:
    """Print the figures for one ledger."""
    store = SQLStore.open(path, clock=SystemClock())
    if (missing := entries - store.size()) > 1000:
        timed(f"append {missing:,}", lambda: anyio.run(fill, store, entries), of=missing)
    anyio.run(store.close)

    store = timed("open", lambda: SQLStore.open(path, clock=SystemClock()))
    timed("find the last run", lambda: store.find_run("last"))
    ledger = timed("its size and origin", lambda: whole(store))
    key = SecretKey("agora", bytes(32))
    checkpoint = timed(f"root of {ledger.size:,}", ledger.checkpoint)
    note = timed("sign", lambda: key.sign(checkpoint.text()))
    proof = timed("prove one entry", lambda: prove(store, ledger.size // 3, note))
    print(f"  the proof: {len(proof.core()):,} bytes, {len(str(proof)):,} with the entry and the checkpoint")
    assert includes(checkpoint.root, ledger.size, proof.number, proof.leaf_hash(), proof.path), "the proof fails"
    old = ledger.size // 2 + 7
    path_ = timed("prove that it goes on", lambda: Tree(store.hashes).consistency(old, ledger.size))
    assert consistent(old, ledger.tree.root(old), ledger.size, checkpoint.root, path_), "the proof fails"
    part = [Signed(checkpoint, note, "here")]
    checked = timed("verify", lambda: examine(store.stored(), part), of=ledger.size)
    assert not checked.findings, checked.findings
    anyio.run(store.close)


def main() -> None:
    """Print the figures."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 2:
        Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
        measure(Path(sys.argv[2]) / f"ledger-{entries}.db", entries)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder) / "ledger.db", entries)


if __name__ == "__main__":
    main()
