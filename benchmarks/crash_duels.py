"""Two processes at one run, or at one database: what only one of them may do, the other does not."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import anyio

from agora import failpoints
from agora.ambient import SystemClock
from agora.failpoints import Failpoint
from agora.memory.sql_store import SQLStore
from benchmarks.crash_forks import forked, started, waited
from benchmarks.crash_market import Found, Place, begin, go_on, inspect, made

LEASE_S = 3.0
"""The lease of a process that is stopped past it; long enough for a busy machine to renew it every second."""


Kind = Literal["zombie", "held", "pair"]


class Duel(NamedTuple):
    """Who meets whom."""

    kind: Kind
    """zombie: stopped past its lease, another finishes, then it wakes. held: stopped within its lease, another wants to
    go on. pair: two markets begin on one database."""
    hit: int = 0
    """At which hit it stops."""
    name: str = "*"
    """Of which failpoint; "*" counts all."""

    def __str__(self) -> str:
        return f"{self.kind} at {self.name}:{self.hit}"


def fought(duel: Duel, folder: Path, *, database: str = "") -> Found:
    """One duel, and what it left."""
    if duel.kind == "pair":
        return _pair(folder, database)
    return _zombie(duel, folder, database) if duel.kind == "zombie" else _held(duel, folder, database)


def _stops(place: Place, duel: Duel) -> Callable[[], None]:
    def work() -> None:
        failpoints.arm(Failpoint(duel.name, duel.hit, act=lambda: os.kill(os.getpid(), signal.SIGSTOP)))
        begin(place)

    return work


def _zombie(duel: Duel, folder: Path, database: str) -> Found:
    place = made(folder, database=database, lease_s=LEASE_S)
    logs = folder / "zombie.log", folder / "log"
    zombie = started(_stops(place, duel), logs[0])
    if not os.WIFSTOPPED(waited(zombie, stopped=True)):
        return Found(faults=[f"it did not stop: {logs[0].read_text()[-1000:]}"])
    _out_of_transactions(zombie, place, logs[1])
    writing = not _free(place.repo)
    try:
        status = forked(lambda: go_on(place, patience_s=60.0), logs[1])
        between = _looked(place, folder)
    finally:
        os.kill(zombie, signal.SIGCONT)
        woke = waited(zombie)
    found = _looked(place, folder)
    faults: list[str] = []
    if found.events != between.events or (found.tree != between.tree and not writing):
        faults.append("the zombie wrote something")
    if (
        writing
    ):  # a patch that was half written when it stopped is its to finish, and nobody says before what came of it
        if status == 0 or "FolderBusyError" not in logs[1].read_text():
            faults.append(f"the other process went past a folder that was held: {status}")
        status = forked(lambda: go_on(place), logs[1])
        found = _looked(place, folder)
    if status:
        faults.append(f"the other process ended with {status}: {logs[1].read_text()[-1000:]}")
    if woke == 0 or "LeaseError" not in logs[0].read_text():
        faults.append(f"the zombie ended with {woke}, and no word of its lease: {logs[0].read_text()[-1000:]}")
    return found.model_copy(update={"died": 1, "faults": [*found.faults, *faults]})


def _out_of_transactions(child: int, place: Place, log: Path) -> None:
    """Move a stopped process on until it lets the database go: in a transaction of SQLite it holds up everyone."""

    async def probe() -> None:
        store = SQLStore.open(place.database, clock=SystemClock(), busy_s=0.5)
        async with store.hold("probe"):
            pass
        await store.close()

    for _ in range(100):
        if forked(partial(anyio.run, probe), log) == 0:
            return
        os.kill(child, signal.SIGCONT)
        time.sleep(0.01)
        os.kill(child, signal.SIGSTOP)
        waited(child, stopped=True)


def _free(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _held(duel: Duel, folder: Path, database: str) -> Found:
    place = made(folder, database=database)
    logs = folder / "holder.log", folder / "log"
    holder = started(_stops(place, duel), logs[0])
    if not os.WIFSTOPPED(waited(holder, stopped=True)):
        return Found(faults=[f"it did not stop: {logs[0].read_text()[-1000:]}"])
    _out_of_transactions(holder, place, logs[1])
    try:
        before = _looked(place, folder).events
        refused = forked(lambda: go_on(place), logs[1])
        after = _looked(place, folder).events
    finally:
        os.kill(holder, signal.SIGCONT)
        status = waited(holder)
    found = _looked(place, folder)
    if refused == 0 or "LeaseError" not in logs[1].read_text():
        found.faults.append(f"a second process got in: {refused}, {logs[1].read_text()[-1000:]}")
    if before != after:
        found.faults.append(f"the refused process wrote {after - before} events")
    if status:
        found.faults.append(f"the holder ended with {status}: {logs[0].read_text()[-1000:]}")
    return found.model_copy(update={"died": 1})


def _pair(folder: Path, database: str) -> Found:
    places: list[Place] = []
    for name in ("left", "right"):
        (folder / name).mkdir()
        places.append(made(folder / name, database=database or str(folder / "agora.db")))
    logs = [place.folder / "log" for place in places]
    children = [started(partial(begin, place), log) for place, log in zip(places, logs, strict=True)]
    faults: list[str] = []
    for child, log in zip(children, logs, strict=True):
        if status := waited(child):
            faults.append(f"one of two ended with {status}: {log.read_text()[-1000:]}")
    found = [_looked(place, folder, runs=2) for place in places]
    if found[0].tree != found[1].tree:
        faults.append("the two folders differ")
    return found[0].model_copy(update={"faults": [*faults, *found[0].faults]})


def _looked(place: Place, folder: Path, *, runs: int = 1) -> Found:
    report, log = folder / "found.json", folder / "inspect.log"
    if status := forked(lambda: report.write_text(inspect(place, runs=runs).model_dump_json()), log):
        return Found(faults=[f"the auditor broke with status {status}: {log.read_text()[-1000:]}"])
    return Found.model_validate_json(report.read_text())
