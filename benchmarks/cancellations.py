"""Cancel a small market at every wait of every task, resume it, and audit it.

    python benchmarks/cancellations.py                 every wait, scripted agents without a sandbox, SQLite
    python benchmarks/cancellations.py --sandboxed     the same with commands and checks inside the real sandbox
    python benchmarks/cancellations.py --sample 20     so many waits, drawn from the seed

Three tasks at once: a wrong answer and a runner-up that uses tools, a model that is busy at first, a file that is
written and applied to a folder with approvals, a judge. The cancel comes as an outer scope's, as a deadline's, or as
asyncio's own (Ctrl-C). The exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora.ambient import SeededChance, SystemClock
from agora.budget import Purse
from agora.desk import MeteredDesk
from agora.errors import UnknownNameError
from agora.events import Called, CommandReserved, Event, Reserved, TaskDone, ToolUsed
from agora.memory.sql_store import SQLStore
from agora.protocols import Desk, Store
from agora.results import Report
from agora.tasks import Usage, Verdict
from agora.testing import audit
from agora.testing.stepping import Waits
from benchmarks.cancel_market import World
from benchmarks.crash_forks import processes
from benchmarks.crash_market import bought

How = Literal["scope", "deadline", "native"]
PATIENCE_S = 60.0


class Cut(NamedTuple):
    """Where and how a run is cancelled."""

    at: int
    how: How = "scope"
    waking: bool = False

    def __str__(self) -> str:
        return f"{self.how} at {'the end of ' if self.waking else ''}wait {self.at}"


async def _begin(world: World) -> Report:
    store = world.store()
    try:
        return await world.market(store).run_all(world.tasks(), parallel=3)
    finally:
        if isinstance(store, SQLStore):
            await store.close()


async def cancelled(work: Callable[[], Awaitable[object]], cut: Cut) -> Waits:
    """Do something, and cancel it there; the waits that were counted."""
    waits = Waits(cut.at, waking=cut.waking)

    async def inside() -> None:
        if cut.how == "scope":
            with anyio.CancelScope() as scope:
                waits.act = scope.cancel
                await work()
        elif cut.how == "deadline":
            try:
                with anyio.fail_after(PATIENCE_S * 100) as scope:
                    waits.act = lambda: setattr(scope, "deadline", 0.0)
                    await work()
            except TimeoutError:
                pass
        else:
            waits.act = lambda: waits.tasks[0].cancel()
            await work()

    with anyio.fail_after(PATIENCE_S), waits.counted():
        async with anyio.create_task_group() as group:
            group.start_soon(inside)
    return waits


def events_of(store: Store) -> list[Event]:
    """All that is on record."""
    return [item.event for item in store.events() if item.event is not None]


def unbalanced(events: Sequence[Event], desks: Sequence[Desk]) -> list[str]:
    """What a cancelled run left open: intents without an end, purses that hold something or do not add up."""
    calls = {event.call for event in events if isinstance(event, Reserved)}
    ended = [event.call for event in events if isinstance(event, Called)]
    commands = {event.call for event in events if isinstance(event, CommandReserved)}
    used = {call for event in events if isinstance(event, ToolUsed) for call in (event.call.id, *event.commands)}
    faults = [f"call {call} has no end" for call in sorted(calls - set(ended))]
    faults += [f"command {call} has no end" for call in sorted(commands - used)]
    if len(ended) != len(set(ended)):
        faults.append("a call ended twice")
    booked = sum((event.usage for event in events if isinstance(event, (Called, ToolUsed))), Usage())
    for purse in {id(purse): purse for desk in desks for purse in _purses(desk)}.values():
        held, spent = purse._held, purse.spent  # pyright: ignore[reportPrivateUsage] -- nobody else needs to see it
        if held.usd or held.tokens or held.steps:
            faults.append(f"{purse.name} still holds ${held.usd}, {held.tokens} tokens, {held.steps} steps")
        if purse.name == "run" and spent.model_copy(update={"seconds": booked.seconds}) != booked:
            faults.append(f"the purse says {spent}, and the ledger {booked}")
    return faults


def _purses(desk: Desk) -> list[Purse]:
    """The purse of a desk and all above it."""
    assert isinstance(desk, MeteredDesk)
    chain = [desk._seat.purse]  # pyright: ignore[reportPrivateUsage] -- as above
    while (above := chain[-1]._parent) is not None:  # pyright: ignore[reportPrivateUsage] -- as above
        chain.append(above)
    return chain


class Found(NamedTuple):
    """What one cancelled and resumed run left."""

    faults: list[str]
    verdicts: Mapping[str, Verdict]
    tree: Mapping[str, str]
    bought: Mapping[str, int]
    waits: int


async def cut_and_resumed(world: World, cut: Cut) -> Found:
    """Begin, cancel, look, resume, audit."""
    waits = await cancelled(lambda: _begin(world), cut)
    store = world.store()
    try:
        faults = unbalanced(events_of(store), world.desks)
        faults += [f"left behind by the cancel: {left}" for left in await _left(world)]
        begun = len(events_of(store))
        market = world.market(store)
        with anyio.fail_after(PATIENCE_S):
            try:
                report = await market.resume("last")
            except UnknownNameError:
                if begun:
                    faults.append(f"{begun} events on record, and no run")
                report = await market.run_all(world.tasks(), parallel=3)
        events = events_of(store)
        faults += audit(events)
        if isinstance(store, SQLStore) and (bad := store.check()) is not None:
            faults.append(f"the chain breaks at {bad}")
        if len(store.runs()) != 1 or store.holder(report.run):
            faults.append("more than one run, or a lease that is still held")
        faults += [f"left behind: {left}" for left in await _left(world)]
        verdicts = {event.task: event.verdict for event in events if isinstance(event, TaskDone)}
    finally:
        await store.close()
    return Found([f"{cut}: {fault}" for fault in faults], verdicts, world.tree(), bought(events), waits.count)


async def _left(world: World) -> list[str]:
    """Copies and processes; what a supervisor ends may take a moment."""
    found: list[str] = []
    for _ in range(100):
        found = [path.name for path in world.temp.iterdir()]
        if world.sandboxed:
            found += processes(world.folder)
        if not found:
            break
        await anyio.sleep(0.05)
    return found


def one(folder: Path, cut: Cut, *, disk: bool = True, sandboxed: bool = False, empty: Path | None = None) -> Found:
    """One cancelled and resumed run in a folder of its own, which is removed.

    Args:
        folder: Is made.
        cut: Where.
        disk: On SQLite, else in memory.
        sandboxed: With commands and checks in the real sandbox.
        empty: A migrated database without rows, to begin with.
    """
    world = World(folder, disk=disk, sandboxed=sandboxed, empty=empty)
    before, tempfile.tempdir = tempfile.tempdir, str(world.temp)
    world.temp.chmod(0o777)
    try:
        return anyio.run(cut_and_resumed, world, cut)
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def all_cuts(waits: int, ways: Sequence[tuple[How, bool]]) -> list[Cut]:
    """Every wait, each in one of the ways in turn, so that each way meets every kind of wait over two neighbours."""
    return [Cut(at, *way) for at in range(1, waits + 1) for way in ways]


def battery(base: Path, cuts: Sequence[Cut], *, disk: bool, sandboxed: bool) -> list[str]:
    """Carry out all; what was found."""
    empty = base / "empty.db"
    anyio.run(SQLStore.open(empty, clock=SystemClock()).close)
    play = partial(one, disk=disk, sandboxed=sandboxed, empty=empty)
    expected = play(base / "undisturbed", Cut(0))
    faults = list(expected.faults)
    for number, cut in enumerate(cuts):
        found = play(base / str(number), cut)
        faults += found.faults
        if found.verdicts != expected.verdicts:
            faults.append(f"{cut}: {dict(found.verdicts)} instead of {dict(expected.verdicts)}")
        if found.bought != expected.bought:
            faults.append(f"{cut}: bought {found.bought}, and the undisturbed run {expected.bought}")
        if found.tree != expected.tree:
            faults.append(f"{cut}: another folder than the undisturbed run leaves")
    return faults


def main() -> int:
    """Run the battery; print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sandboxed", action="store_true")
    parser.add_argument("--sample", type=int, default=0, help="so many, drawn from the seed; 0: all")
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="cancellations-"))
    base.chmod(0o755)
    try:
        expected = one(base / "counted", Cut(0), sandboxed=options.sandboxed)
        cuts = all_cuts(expected.waits, [("scope", False), ("deadline", True)])
        if options.sample:
            chance = SeededChance(options.seed)
            cuts = [cuts[chance.integer(f"cut {number}") % len(cuts)] for number in range(options.sample)]
        started_s = time.monotonic()
        faults = battery(base, cuts, disk=True, sandboxed=options.sandboxed)
    finally:
        shutil.rmtree(base)
    print(*(f"  {fault}" for fault in faults), sep="\n")
    what = "in the sandbox" if options.sandboxed else "without a sandbox"
    print(f"a run waits {expected.waits} times; {len(cuts)} cancels {what}, {len(faults)} faults")
    print(f"seed {options.seed}, {(time.monotonic() - started_s) / 60:.1f} min")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
