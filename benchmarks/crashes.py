"""Kill the starter market at every boundary of its checklist, or at random moments, resume it, and audit it.

    python benchmarks/crashes.py --every              each failpoint at each of its hits
    python benchmarks/crashes.py --random 1000        so many kills at random moments; the seed is printed
    python benchmarks/crashes.py --twice 20 --zombies 20 --held 20 --pairs 20 --store postgres
    python benchmarks/crashes.py --every --part 2/4  the second quarter of the rounds, that several may share them

Real are the processes, SIGKILL, the ledger, the sandbox, the agents ruff-fix and search, the verifiers and the patches
that are written to a folder; scripted is only the language model. Every process is forked from this one before any
thread exists, so that a kill costs a run and not an interpreter. The exit code is 1 if anything was found.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from agora import failpoints
from agora.ambient import SeededChance
from agora.failpoints import Failpoint
from benchmarks.crash_duels import Duel, Kind, fought
from benchmarks.crash_forks import forked, processes, was_killed
from benchmarks.crash_market import Found, begin, go_on, inspect, made
from memory.places import PostgresPlaces

IN_A_COMMIT = "commit.written"
"""Reached inside each transaction of the ledger, between the inserts and COMMIT."""

LATE = (
    *("alembic.command", "alembic.config", "alembic.context", "jsonschema", "psutil"),
    *("anyio._backends._asyncio", "agora.agents.search_agent", "agora.verifiers.harness"),
)
"""Modules that a run imports late; imported here before the forks, for they cost more than the rest of a run."""


class Kill(NamedTuple):
    """Where a run is killed."""

    name: str
    """A failpoint, or "*" for the k-th hit of any; "time" for a moment."""
    hit: int = 1
    after_s: float = 0.0
    """Of a moment: so long after the beginning."""
    again: int = 0
    """At which hit of any failpoint the resume is killed as well; 0: it is not."""

    def __str__(self) -> str:
        first = f"{self.after_s * 1000:.0f} ms" if self.name == "time" else f"{self.name}:{self.hit}"
        return f"{first}, then *:{self.again}" if self.again else first


Round = Kill | Duel


def killed_and_resumed(kill: Kill, folder: Path, *, database: str = "", parallel: int = 1) -> Found:
    """One kill (or two): begin, die, resume, inspect."""
    place = made(folder, database=database, parallel=parallel)
    log, found = folder / "log", folder / "found.json"

    def die_on_the_way() -> None:
        if kill.name == "time":
            signal.signal(signal.SIGALRM, _die)
            signal.setitimer(signal.ITIMER_REAL, kill.after_s)
        else:
            failpoints.arm(Failpoint(kill.name, kill.hit))
        begin(place)

    def die_again() -> None:
        failpoints.arm(Failpoint("*", kill.again))
        go_on(place)

    status = forked(die_on_the_way, log)
    died = int(was_killed(status))
    if not died and status == 0 and kill.name == IN_A_COMMIT and kill.hit > 1 and parallel > 1 and not database:
        # tasks at once share commits, and this time there were fewer: the kill must land in an earlier one
        earlier = folder / "earlier"
        earlier.mkdir()
        return killed_and_resumed(kill._replace(hit=kill.hit // 2), earlier, parallel=parallel)
    if not died and not (kill.name == "time" and status == 0):
        return Found(faults=[f"the run was not killed (status {status}): {log.read_text()[-2000:]}"])
    if kill.again:
        status = forked(die_again, log)
        died += was_killed(status)
        if status and not was_killed(status):
            return Found(faults=[f"the first resume ended with status {status}: {log.read_text()[-3000:]}"])
    if status := forked(lambda: go_on(place), log):
        return Found(faults=[f"resume ended with status {status}: {log.read_text()[-3000:]}"])
    if status := forked(lambda: found.write_text(inspect(place).model_dump_json()), log):
        return Found(faults=[f"the auditor broke with status {status}: {log.read_text()[-2000:]}"])
    result = Found.model_validate_json(found.read_text())
    result.faults += [f"a process is left: {line}" for line in processes(folder)]
    return result.model_copy(update={"died": died})


def _die(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def reference(folder: Path, *, parallel: int) -> tuple[Found, Counter[str], float]:
    """The run that nobody disturbs: what it leaves, how often each failpoint is reached, how long it takes."""
    place = made(folder, parallel=parallel)
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
    """All failpoints at all their hits; the insides of commits, which are many and alike, are left to chance."""
    names = sorted(name for name in reached if name != IN_A_COMMIT)
    return [Kill(name, hit) for name in names for hit in range(1, reached[name] + 1)]


class Part(NamedTuple):
    """Which rounds are carried out, where several batteries share them."""

    number: int
    """From 1."""
    of: int

    def own(self, rounds: Sequence[Round]) -> Sequence[Round]:
        """Every fourth of four; all parts together are all rounds, for a run reaches the same points every time."""
        return rounds[self.number - 1 :: self.of]


def part(text: str) -> Part:
    """The second of four of "2/4"."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part: the second of four is 2/4")
    return Part(int(number), int(of))


def at_random(count: int, *, seed: int, within_s: float, commits: int) -> list[Kill]:
    """Moments, evenly spread over the time that a run takes; every third inside a transaction of the ledger."""
    chance = SeededChance(seed)
    kills: list[Kill] = []
    for number in range(count):
        if number % 3 == 2:
            kills.append(Kill(IN_A_COMMIT, 1 + chance.integer(f"kill {number}") % commits))
        else:
            kills.append(Kill("time", after_s=0.001 + within_s * chance.uniform(f"kill {number}")))
    return kills


def drawn(options: argparse.Namespace, reached: Counter[str]) -> list[Round]:
    """The double kills and the duels: each at a hit that follows from the seed."""
    chance, most = SeededChance(options.seed), reached.total() - reached[IN_A_COMMIT]
    commits = reached[IN_A_COMMIT]
    inside = [kill for kill in every(reached) if kill.name.startswith("appl")]
    rounds: list[Round] = []
    for number in range(options.twice):
        hits = [1 + chance.integer(f"twice {number} {which}") % (most // 2) for which in ("begin", "resume")]
        rounds.append(Kill("*", hits[0], again=hits[1]))
    duels: dict[Kind, int] = {"zombie": options.zombies, "held": options.held, "pair": options.pairs}
    for kind, count in duels.items():
        for number in range(count):
            # past its start: before that there is no run that two could want
            rounds.append(Duel(kind, 12 + chance.integer(f"{kind} {number}") % (most + commits - 20)))
    for number in range(options.writers):
        point = inside[chance.integer(f"writer {number}") % len(inside)]
        rounds.append(Duel("zombie", point.hit, point.name))
    return rounds


def played(move: Round, folder: Path, *, places: PostgresPlaces | None, parallel: int) -> Found:
    """One round, in a folder and a database of its own."""
    database = places.new() if places else ""
    try:
        if isinstance(move, Duel):
            return fought(move, folder, database=database)
        return killed_and_resumed(move, folder, database=database, parallel=parallel)
    finally:
        if places:
            places.forget()


def battery(
    rounds: Sequence[Round], expected: Found, base: Path, *, places: PostgresPlaces | None, parallel: int
) -> Found:
    """Carry out all rounds; the faults of all, how many processes died, how many calls were of unknown fate."""
    summary = Found()
    for number, move in enumerate(rounds):
        folder = base / f"round-{number}"
        folder.mkdir()
        found = played(move, folder, places=places, parallel=parallel)
        if not found.faults and found.verdicts != expected.verdicts:
            found.faults.append(f"other verdicts than in the undisturbed run: {found.verdicts}")
        if not found.faults and found.bought != expected.bought:
            found.faults.append(f"bought {found.bought}, and the undisturbed run {expected.bought}")
        if not found.faults and found.tree != expected.tree:
            found.faults.append("another folder than the undisturbed run leaves")
        summary.faults += [f"{move}: {fault}" for fault in found.faults]
        summary.unknown += found.unknown
        summary.died += found.died
        if not found.faults:
            shutil.rmtree(folder)
    return summary


def in_processes(
    rounds: Sequence[Round], expected: Found, base: Path, *, jobs: int, places: PostgresPlaces | None, parallel: int
) -> Found:
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
                part = battery(rounds[index::jobs], expected, own, places=places, parallel=parallel)
                report.write_text(part.model_dump_json())
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
        summary.died += part.died
    return summary


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", action="store_true", help="each failpoint at each of its hits")
    parser.add_argument("--random", type=int, default=0, help="kills at random moments, and inside transactions")
    parser.add_argument("--twice", type=int, default=0, help="rounds in which the resume is killed as well")
    parser.add_argument("--zombies", type=int, default=0, help="processes that are stopped past their lease and wake")
    parser.add_argument("--writers", type=int, default=0, help="the same, stopped around and in the writing of a patch")
    parser.add_argument("--held", type=int, default=0, help="resumes while another process is at it")
    parser.add_argument("--pairs", type=int, default=0, help="two markets that begin on one database")
    parser.add_argument("--parallel", type=int, default=1, help="tasks at once, in what is killed")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="a run waits half of its time")
    parser.add_argument("--part", type=part, default="1/1", help="which part of the rounds, such as 2/4")
    parser.add_argument("--only", default="", help="failpoints whose name contains this")
    return parser.parse_args()


def main() -> int:
    """Run the battery; print what was found."""
    options = _options()
    for module in LATE:
        import_module(module)
    gc.freeze()
    base = Path(tempfile.mkdtemp(prefix="crashes-"))
    base.chmod(0o755)
    (base / "reference").mkdir()
    places = PostgresPlaces() if options.store == "postgres" else None
    try:
        found = _all_rounds(options, base, places)
    finally:
        if places:
            places.close()
    print(*(f"  {fault}" for fault in found.faults), sep="\n")
    if found.faults:
        print(f"what they left: {base}")
        return 1
    shutil.rmtree(base)
    return 0


def _all_rounds(options: argparse.Namespace, base: Path, places: PostgresPlaces | None) -> Found:
    expected, reached, took_s = reference(base / "reference", parallel=options.parallel)
    rounds: list[Round] = [kill for kill in every(reached) if options.only in kill.name] if options.every else []
    rounds += at_random(options.random, seed=options.seed, within_s=took_s, commits=reached[IN_A_COMMIT])
    rounds += drawn(options, reached)
    shared: Part = options.part
    own = shared.own(rounds)
    print(f"a run takes {took_s:.1f} s and reaches {len(reached)} failpoints {reached.total()} times", flush=True)
    started_s = time.monotonic()
    found = Found(faults=[f"undisturbed: {fault}" for fault in expected.faults])
    if not found.faults:
        if places:
            places.new()  # makes the template, before there are several processes to want it
        found = in_processes(own, expected, base, jobs=options.jobs, places=places, parallel=options.parallel)
    minutes, used = (time.monotonic() - started_s) / 60, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"part {shared.number} of {shared.of} of {len(rounds)} rounds")
    print(f"{len(own)} rounds on {options.store}, {found.died} processes killed or stopped before their end")
    print(f"{len(found.faults)} faults; {found.unknown} calls of unknown fate, listed and charged")
    print(f"seed {options.seed}, {options.jobs} at once, {minutes:.1f} min", end="")
    print(f", {(used.ru_utime + used.ru_stime) / max(1, len(own)):.2f} s of CPU a round")
    return found


if __name__ == "__main__":
    sys.exit(main())
