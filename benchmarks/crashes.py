"""Kill the starter market at every boundary of its checklist, or at random moments, resume it, and audit it.

    python benchmarks/crashes.py --every              each failpoint at each of its hits
    python benchmarks/crashes.py --random 1000        so many kills at random moments; the seed is printed

Real are the processes, SIGKILL, the ledger, the sandbox, the agents ruff-fix and search, the verifiers and the patches
that are written to a folder; scripted is only the language model. Every process is forked from this one before any
thread exists, so that a kill costs a run and not an interpreter. The exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from agora import failpoints
from agora.ambient import SeededChance
from agora.failpoints import Failpoint
from benchmarks.crash_market import Found, begin, go_on, inspect, made

PATIENCE_S = 120.0
"""The longest that one begin or resume may take."""


class Kill(NamedTuple):
    """Where a run is killed."""

    name: str
    """A failpoint, or "*" for the k-th hit of any; "time" for a moment."""
    hit: int
    after_s: float = 0.0
    """Of a moment: so long after the beginning."""

    def __str__(self) -> str:
        return f"{self.after_s * 1000:.0f} ms" if self.name == "time" else f"{self.name}:{self.hit}"


def forked(work: Callable[[], object], log: Path) -> int:
    """Do something in a child process; its wait status. It is killed when it takes too long."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with log.open("w") as sink:
                os.dup2(sink.fileno(), 1)
                os.dup2(sink.fileno(), 2)
                work()
            code = 0
        except BaseException:
            log.write_text(traceback.format_exc())
        finally:
            os._exit(code)
    return _waited(child)


def _waited(child: int, patience_s: float = PATIENCE_S) -> int:
    ends_s = time.monotonic() + patience_s
    while time.monotonic() < ends_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def killed_and_resumed(kill: Kill, folder: Path) -> Found:
    """One kill: begin, die, resume, inspect."""
    place = made(folder)
    log, found = folder / "log", folder / "found.json"

    def die_on_the_way() -> None:
        if kill.name == "time":
            signal.signal(signal.SIGALRM, _die)
            signal.setitimer(signal.ITIMER_REAL, kill.after_s)
        else:
            failpoints.arm(Failpoint(kill.name, kill.hit))
        begin(place)

    status = forked(die_on_the_way, log)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not died and not (kill.name == "time" and status == 0):
        return Found(faults=[f"the run was not killed (status {status}): {log.read_text()[-2000:]}"])
    if status := forked(lambda: go_on(place), log):
        return Found(faults=[f"resume ended with status {status}: {log.read_text()[-3000:]}"])
    if status := forked(lambda: found.write_text(inspect(place).model_dump_json()), log):
        return Found(faults=[f"the auditor broke with status {status}: {log.read_text()[-2000:]}"])
    result = Found.model_validate_json(found.read_text())
    result.faults += [f"a process is left: {line}" for line in _processes(folder)]
    return result


def _die(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _processes(folder: Path) -> list[str]:
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return [line for line in lines if f"{folder}/" in line]


def reference(folder: Path) -> tuple[Found, Counter[str], float]:
    """The run that nobody disturbs: what it leaves, how often each failpoint is reached, how long it takes."""
    place = made(folder)
    counts, found, log = folder / "counts.json", folder / "found.json", folder / "log"

    def count() -> None:
        point = Failpoint("-", 1)
        failpoints.arm(point)
        begin(place)
        counts.write_text(json.dumps(point.reached))

    started_s = time.monotonic()
    status = forked(count, log)
    took_s = time.monotonic() - started_s
    if status or forked(lambda: found.write_text(inspect(place).model_dump_json()), log):
        raise SystemExit(f"the undisturbed run failed: {log.read_text()[-3000:]}")
    return Found.model_validate_json(found.read_text()), Counter(json.loads(counts.read_text())), took_s


def every(reached: Counter[str]) -> list[Kill]:
    """All failpoints at all their hits."""
    return [Kill(name, hit) for name, hits in sorted(reached.items()) for hit in range(1, hits + 1)]


def at_random(count: int, *, seed: int, within_s: float) -> list[Kill]:
    """Moments, evenly spread over the time that a run takes."""
    chance = SeededChance(seed)
    return [Kill("time", 1, after_s=0.001 + within_s * chance.uniform(f"kill {number}")) for number in range(count)]


def battery(kills: Sequence[Kill], expected: Found, base: Path) -> Found:
    """Carry out all kills; the faults of all, and how many calls were of unknown fate."""
    summary = Found()
    for number, kill in enumerate(kills):
        folder = base / f"kill-{number}"
        folder.mkdir()
        found = killed_and_resumed(kill, folder)
        if not found.faults and found.verdicts != expected.verdicts:
            found.faults.append(f"other verdicts than in the undisturbed run: {found.verdicts}")
        if not found.faults and found.tree != expected.tree:
            found.faults.append("another folder than the undisturbed run leaves")
        summary.faults += [f"{kill}: {fault}" for fault in found.faults]
        summary.unknown += found.unknown
        if not found.faults:
            shutil.rmtree(folder)
    return summary


def in_processes(kills: Sequence[Kill], expected: Found, base: Path, *, jobs: int) -> Found:
    """The battery, shared among so many processes."""
    reports: dict[int, Path] = {}
    for index in range(jobs):
        own = base / str(index)
        own.mkdir(mode=0o755)
        report = own / "report.json"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                report.write_text(battery(kills[index::jobs], expected, own).model_dump_json())
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        reports[child] = report
    summary = Found()
    for child, report in reports.items():
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            summary.faults.append("a process of the battery broke")
            continue
        part = Found.model_validate_json(report.read_text())
        summary.faults += part.faults
        summary.unknown += part.unknown
    return summary


def main() -> int:
    """Run the battery; print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="a run waits half of its time")
    parser.add_argument("--only", default="", help="failpoints whose name contains this")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="crashes-"))
    base.chmod(0o755)
    (base / "reference").mkdir()
    expected, reached, took_s = reference(base / "reference")
    kills = [kill for kill in every(reached) if options.only in kill.name] if options.every else []
    kills += at_random(options.random, seed=options.seed, within_s=took_s)
    print(f"a run takes {took_s:.1f} s and reaches {len(reached)} failpoints {reached.total()} times", flush=True)
    started_s = time.monotonic()
    found = Found(faults=[f"undisturbed: {fault}" for fault in expected.faults])
    if not found.faults:
        found = in_processes(kills, expected, base, jobs=options.jobs)
    print(*(f"  {fault}" for fault in found.faults), sep="\n")
    minutes = (time.monotonic() - started_s) / 60
    print(f"{len(kills)} kills, {len(found.faults)} faults; {found.unknown} calls of unknown fate, listed and charged")
    print(f"seed {options.seed}, {options.jobs} at once, {minutes:.1f} min")
    if found.faults:
        print(f"what they left: {base}")
        return 1
    shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
