"""Kill or cancel a workflow at its events, go on with it, and hold it against the one that nobody disturbed.

    python benchmarks/crash_flows.py --every           each event, as it is handed in and when it is durable
    python benchmarks/crash_flows.py --some 40 --twice 6 --cancel 20      so many of each, drawn from the seed

The workflow has a map, a loop, conditions, a fallback, a question, parallel branches and a workflow inside
(crash_flow_market.py); four nodes are worked on at once, on a SQLite ledger. After each kill (SIGKILL, in a forked
process) or cancellation it is resumed. Looked for is: an output, a verdict or a skipped node that differs; work, a
question or a reply of a model that was on record and was had again; dollars that do not add up; a broken chain. The
exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora import failpoints
from agora.ambient import SeededChance
from agora.failpoints import Failpoint
from benchmarks.crash_flow_market import Found, follow, go_on, in_market, inspect, lines, on_record, settled
from benchmarks.crash_forks import forked, was_killed

IN_A_COMMIT = "commit.written"
"""Reached inside each transaction of the ledger, between the inserts and COMMIT."""
LATE = ("anyio._backends._asyncio", "networkx", "alembic.command", "alembic.config", "alembic.context")
"""Modules that a run imports late; imported here before the forks."""


class Cut(NamedTuple):
    """Where a run is cut off."""

    name: str
    """A failpoint, or "*" for the k-th hit of any."""
    hit: int
    again: int = 0
    """At which hit of any failpoint the resume is killed as well; 0: it is not."""
    cancel: bool = False
    """Cancelled, not killed."""

    def __str__(self) -> str:
        how = "cancelled at" if self.cancel else "killed at"
        return f"{how} {self.name}:{self.hit}" + (f", then *:{self.again}" if self.again else "")


def _begin(folder: Path) -> None:
    anyio.run(in_market, folder, follow)


def _go_on(folder: Path) -> None:
    anyio.run(in_market, folder, go_on)


def _cancelled(folder: Path, cut: Cut) -> None:
    """Cancel the whole from inside at the place, as Ctrl-C does; exit with 3 where it was."""

    async def run() -> bool:
        with anyio.CancelScope() as scope:
            failpoints.arm(Failpoint(cut.name, cut.hit, act=scope.cancel))
            await in_market(folder, follow)
        return scope.cancelled_caught

    if anyio.run(run):
        os._exit(3)


def played(cut: Cut, folder: Path) -> Found:
    """One cut (or two): begin, be cut off, resume, inspect."""
    folder.mkdir()
    log, found = folder / "log", folder / "found.json"

    def begin() -> None:
        if cut.cancel:
            _cancelled(folder, cut)
            return
        failpoints.arm(Failpoint(cut.name, cut.hit))
        _begin(folder)

    def again() -> None:
        failpoints.arm(Failpoint("*", cut.again))
        _go_on(folder)

    faults: list[str] = []
    died = 0
    for work in (begin, again) if cut.again else (begin,):
        status = forked(work, log)
        cut_off = was_killed(status) or (cut.cancel and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3)
        died += cut_off
        if status and not cut_off:
            return Found(faults=[f"{cut}: status {status}: {log.read_text()[-3000:]}"])
    events, before = on_record(folder), lines(folder)
    if status := forked(lambda: _go_on(folder), log):
        return Found(faults=[f"{cut}: resume ended with status {status}: {log.read_text()[-3000:]}"])
    known = settled(events)
    faults += [f"{line} again" for line, count in (lines(folder) - before).items() if count and line in known]
    if status := forked(lambda: found.write_text(inspect(folder).model_dump_json()), log):
        return Found(faults=[f"{cut}: the inspection broke with status {status}: {log.read_text()[-2000:]}"])
    result = Found.model_validate_json(found.read_text())
    return result.model_copy(update={"died": died, "faults": [f"{cut}: {one}" for one in (*faults, *result.faults)]})


def battery(cuts: Sequence[Cut], expected: Found, base: Path) -> Found:
    """All of them, one after the other."""
    summary = Found()
    for number, cut in enumerate(cuts):
        found = played(cut, base / f"round-{number}")
        for what in ("result", "bought", "spent"):
            if not found.faults and getattr(found, what) != getattr(expected, what):
                found.faults.append(f"{cut}: {what} {getattr(found, what)}, undisturbed {getattr(expected, what)}")
        summary.faults += found.faults
        summary.died += found.died
        summary.unknown += found.unknown
        if not found.faults:
            shutil.rmtree(base / f"round-{number}")
    return summary


def reference(folder: Path) -> tuple[Found, Counter[str]]:
    """The run that nobody disturbs, and how often each failpoint is reached in it."""
    folder.mkdir()
    counts, found, log = folder / "counts.json", folder / "found.json", folder / "log"

    def count() -> None:
        point = Failpoint("-", 1)
        failpoints.arm(point)
        _begin(folder)
        counts.write_text(json.dumps(point.reached))

    if forked(count, log) or forked(lambda: found.write_text(inspect(folder).model_dump_json()), log):
        raise SystemExit(f"the undisturbed run failed: {log.read_text()[-3000:]}")
    return Found.model_validate_json(found.read_text()), Counter(json.loads(counts.read_text()))


def drawn(options: argparse.Namespace, reached: Counter[str]) -> list[Cut]:
    """The cuts that are asked for; which ones follows from the seed."""
    chance = SeededChance(options.seed)
    events = [Cut(name, hit) for name in sorted(reached) for hit in range(1, reached[name] + 1)]
    outside = [cut for cut in events if cut.name != IN_A_COMMIT]  # a cancellation comes from the event loop's thread
    most = reached.total()
    cuts = list(outside) if options.every else []
    cuts += [events[place] for place in _places(chance, "some", options.some, len(events))]
    cuts += [outside[place]._replace(cancel=True) for place in _places(chance, "cancel", options.cancel, len(outside))]
    for number in range(options.twice):
        first = events[chance.integer(f"twice {number}") % len(events)]
        cuts.append(first._replace(again=1 + chance.integer(f"again {number}") % (most // 2)))
    return cuts


def _places(chance: SeededChance, what: str, count: int, of: int) -> list[int]:
    """So many places, one drawn from each of as many equal stretches."""
    return [int((number + chance.uniform(f"{what} {number}")) * of / count) for number in range(count)]


def in_processes(cuts: Sequence[Cut], expected: Found, base: Path, *, jobs: int) -> Found:
    """The battery, shared among so many processes."""
    reports: dict[int, Path] = {}
    for index in range(jobs):
        own = base / str(index)
        own.mkdir()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                (own / "report.json").write_text(battery(cuts[index::jobs], expected, own).model_dump_json())
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        reports[child] = own / "report.json"
    summary = Found()
    for child, report in reports.items():
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            summary.faults.append("a process of the battery broke")
            continue
        part = Found.model_validate_json(report.read_text())
        summary.faults += part.faults
        summary.died += part.died
        summary.unknown += part.unknown
    return summary


def main() -> int:
    """Run the battery; print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", action="store_true", help="a kill at each event")
    parser.add_argument("--some", type=int, default=0, help="kills spread over all events, insides of commits too")
    parser.add_argument("--twice", type=int, default=0, help="rounds in which the resume is killed as well")
    parser.add_argument("--cancel", type=int, default=0, help="cancellations")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="a run waits half of its time")
    options = parser.parse_args()
    for module in LATE:
        import_module(module)
    gc.freeze()
    base = Path(tempfile.mkdtemp(prefix="crash-flows-"))
    expected, reached = reference(base / "reference")
    cuts = drawn(options, reached)
    print(f"a run reaches {len(reached)} failpoints {reached.total()} times", flush=True)
    started_s = time.monotonic()
    found = Found(faults=[f"undisturbed: {fault}" for fault in expected.faults])
    if not found.faults:
        found = in_processes(cuts, expected, base, jobs=options.jobs)
    print(f"{len(cuts)} rounds, {found.died} processes killed or runs cancelled before their end")
    print(f"{len(found.faults)} faults; {found.unknown} calls of unknown fate, charged at their worst case")
    print(f"seed {options.seed}, {options.jobs} at once, {time.monotonic() - started_s:.0f} s")
    print(*(f"  {fault}" for fault in found.faults), sep="\n")
    if found.faults:
        print(f"what they left: {base}")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
