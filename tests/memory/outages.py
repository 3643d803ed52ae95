"""A PostgreSQL server that is stopped and started again while runs are recorded.

    python -m memory.outages RESTARTS        (from tests/; the long form)

Every writer records numbered events one after another and counts what was acknowledged. The server is ended in turn
politely ("fast") and at once ("immediate"), at a moment drawn from the seed, so that commits are cut at any point.
Afterwards every acknowledged event must be on the ledger once, in order, and the chain must hold.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from functools import partial

import anyio
import anyio.to_thread

from agora.ambient import SeededChance, SystemClock
from agora.events import BidRefused
from agora.memory.sql_store import SQLStore
from memory.postgres_server import PostgresServer

WRITERS = 8
SEED = 20261122
LONGEST_S = 0.4


async def outages(restarts: int, *, seed: int = SEED) -> tuple[int, int]:
    """Events acknowledged and restarts made.

    Raises:
        AssertionError: One was lost, doubled or out of order, or the chain is broken.
    """
    server = await anyio.to_thread.run_sync(PostgresServer)
    try:
        return await _outages(server, restarts, seed=seed)
    finally:
        await anyio.to_thread.run_sync(server.close)


async def _outages(server: PostgresServer, restarts: int, *, seed: int) -> tuple[int, int]:
    chance = SeededChance(seed)
    store = SQLStore.open(server.url("postgres"), clock=SystemClock(), busy_s=60)
    acknowledged: Counter[str] = Counter()
    over = False

    async def write(run: str) -> None:
        async with store.hold(run):
            while not over:
                number = acknowledged[run]
                store.note(run, _event(2 * number))
                await store.record(run, _event(2 * number + 1))
                acknowledged[run] += 1

    async with anyio.create_task_group() as group:
        for number in range(WRITERS):
            group.start_soon(write, f"r{number}")
        for number in range(restarts):
            before = acknowledged.total()
            await _until_more_than(acknowledged, before + WRITERS)
            await anyio.sleep(LONGEST_S * chance.uniform(f"outage {number}"))
            how = signal.SIGQUIT if number % 2 else signal.SIGINT
            await anyio.to_thread.run_sync(partial(server.stop, how=how))
            await anyio.to_thread.run_sync(server.start)
        await _until_more_than(acknowledged, acknowledged.total() + WRITERS)
        over = True
    for run, count in acknowledged.items():
        found = [entry.event.task for entry in store.events(run) if entry.event is not None]
        assert found == [f"t{number}" for number in range(2 * count)], f"{run}: lost, doubled or out of order"
    assert store.check() is None, "the chain is broken"
    await store.close()
    return 2 * acknowledged.total(), restarts


def _event(number: int) -> BidRefused:
    return BidRefused(task=f"t{number}", agent="writer", reason="r")


async def _until_more_than(acknowledged: Counter[str], count: int) -> None:
    deadline = time.monotonic() + 90
    while acknowledged.total() <= count:
        assert time.monotonic() < deadline, "no event was recorded any more"
        await anyio.sleep(0.01)


def main() -> None:
    """The long form; a line with the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("restarts", type=int, nargs="?", default=50)
    restarts = arguments.parse_args().restarts
    events, made = anyio.run(outages, restarts)
    sys.stdout.write(f"{made} outages, {events} events acknowledged, 0 lost, 0 twice, seed {SEED}\n")


if __name__ == "__main__":
    main()
