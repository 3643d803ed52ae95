"""A process that holds runs and writes them as fast as it can; told by lines on stdin, it answers on stdout.

    python lease_holder.py DATABASE LEASE_S

A line "RUN" begins a round: "held" is answered once the run is held and has an event. It writes until it is refused,
then tries again and again for a while, and answers "lost TRIES ACCEPTED". "end RUN" writes one event under a lease and
answers "done". The end of stdin ends it.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import count

import anyio

from agora.ambient import SystemClock
from agora.errors import LeaseError
from agora.events import BidRefused
from agora.memory.sql_store import SQLStore

AGAIN = 3


async def main(database: str, lease_s: float) -> None:
    store = SQLStore.open(database, clock=SystemClock(), lease_s=lease_s)
    say("ready")
    for line in sys.stdin:
        order = line.split()
        if order[0] == "end":
            async with store.hold(order[1]):
                await store.record(order[1], written(-1))
            say("done")
        else:
            say("lost", *await one_round(store, order[0], lease_s))
    await store.close()


async def one_round(store: SQLStore, run: str, lease_s: float) -> tuple[int, int]:
    """How often it tried after it was refused, and how often that was accepted."""
    accepted = 0
    async with store.hold(run):
        for number in count():
            try:
                await store.record(run, written(number))
            except LeaseError:
                break
            if number == 0:
                say("held")
        for number in range(AGAIN):
            await anyio.sleep(lease_s / 3)  # the renewal gets its turns to do wrong
            store.note(run, written(10**6 + number))
            try:
                await store.record(run, written(10**7 + number))
                accepted += 1
            except LeaseError:
                pass
    return AGAIN, accepted


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def written(number: int) -> BidRefused:
    return BidRefused(task=f"t{number}", agent="holder", reason="r")


if __name__ == "__main__":
    anyio.run(partial(main, sys.argv[1], float(sys.argv[2])))
